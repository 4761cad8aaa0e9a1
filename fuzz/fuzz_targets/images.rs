//! Images of strangers: whatever manifests and layers say, nothing panics, and nothing is written beside the root.
//!
//! The input is texts and layers, one after another, each with its length before it. The first byte chooses between a
//! registry's answer, a folder in OCI's layout and an archive of Docker's; `@1` in a text becomes the digest of the
//! second part, and `#1` its length, so that what is described can be had.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

/// A directory in memory, with a precious neighbour.
fn place() -> &'static PathBuf {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let base = if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
        let place = PathBuf::from(format!("{base}/yado-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(place.join("neighbour")).expect("a place to unpack to");
        std::fs::write(place.join("neighbour/precious"), "precious").expect("a file to look after");
        place
    })
}

/// The parts of an input: two bytes of length, then so many bytes. Later parts are finished first, so that earlier ones
/// can name them.
fn parts(mut input: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut raw = Vec::new();
    while let [high, low, rest @ ..] = input {
        let length = (usize::from(*high) << 8 | usize::from(*low)).min(rest.len());
        raw.push(&rest[..length]);
        input = &rest[length..];
        if raw.len() == 10 {
            break;
        }
    }
    let mut made: Vec<(String, Vec<u8>)> = vec![Default::default(); raw.len()];
    for number in (0..raw.len()).rev() {
        let mut content = Vec::new();
        let mut rest = raw[number].iter().peekable();
        while let Some(byte) = rest.next() {
            let named = match (byte, rest.peek()) {
                (b'@' | b'#', Some(digit)) if digit.is_ascii_digit() => made.get(usize::from(**digit - b'0')),
                _ => None,
            };
            match named {
                Some((digest, _)) if *byte == b'@' => content.extend_from_slice(digest.as_bytes()),
                Some((_, part)) => content.extend_from_slice(part.len().to_string().as_bytes()),
                None => {
                    content.push(*byte);
                    continue;
                }
            }
            rest.next();
        }
        let digest: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        made[number] = (format!("sha256:{digest}"), content);
    }
    made
}

fuzz_target!(|input: &[u8]| {
    let [kind, rest @ ..] = input else { return };
    if kind % 4 == 0 {
        yado_boxes::fuzzing::read_image_description(rest);
        return;
    }
    let place = place();
    let (image, root) = (place.join("image"), place.join("root"));
    std::fs::create_dir(&root).expect("an empty root");
    let parts = parts(rest);
    let mut names: Vec<(String, &[u8])> = Vec::new();
    for (number, (digest, content)) in parts.iter().enumerate() {
        let name = match number {
            0 if kind % 4 == 3 => "manifest.json".to_owned(),
            0 => "index.json".to_owned(),
            _ if kind % 4 == 3 => number.to_string(),
            _ => format!("blobs/{}", digest.replacen(':', "/", 1)),
        };
        names.push((name, content));
    }
    if kind % 4 == 1 {
        std::fs::create_dir_all(image.join("blobs/sha256")).expect("a folder for an image");
        for (name, content) in &names {
            std::fs::write(image.join(name), content).expect("a part of an image");
        }
    } else {
        let mut archive = tar::Builder::new(std::fs::File::create(&image).expect("an archive"));
        for (name, content) in &names {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, *content).expect("a part of an archive");
        }
        archive.finish().expect("an archive");
    }
    yado_boxes::fuzzing::read_image(&image, place, &root);
    std::fs::remove_dir_all(&root).expect("the root goes again");
    drop(std::fs::remove_dir_all(&image).or_else(|_| std::fs::remove_file(&image)));
    let names: Vec<_> = std::fs::read_dir(place).expect("the place").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["neighbour"]);
    let precious = std::fs::read(place.join("neighbour/precious")).expect("the neighbour's file");
    assert_eq!(precious, b"precious");
});
