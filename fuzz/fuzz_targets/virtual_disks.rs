//! Virtual disks of strangers: changes laid over good ones of every format, opened as `box add` opens them. Whatever they
//! say, no byte of a neighbour's file comes out, nothing is left, nothing takes for ever. (`qemu-img` reads them; what
//! is tested is whether our way of calling it lets a disk reach further than itself.)
//!
//! A byte chooses the disk; then three bytes of place, one of length, then what is to stand there, over and over.
#![no_main]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

const SECRET: &[u8] = b"a secret of the neighbour's ";

struct Ground {
    place: PathBuf,
    good: Vec<Vec<u8>>,
}

fn qemu_img(place: &Path, words: &[&str]) {
    let status = Command::new("qemu-img").args(words).current_dir(place).stdout(std::process::Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "qemu-img is needed");
}

/// A directory in memory with a neighbour who has a secret, and small disks.
fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| {
        // The name has one length, so that disks can name the neighbour's file.
        let place = PathBuf::from("/dev/shm/yado-fuzz-virtual-disks");
        drop(std::fs::remove_dir_all(&place));
        std::fs::create_dir_all(&place).expect("a place");
        std::fs::write(place.join("raw"), "x".repeat(64 << 10)).expect("a disk");
        let mut good = Vec::new();
        for words in [
            &["-O", "qcow2"][..],
            &["-O", "vmdk"],
            &["-O", "vmdk", "-o", "subformat=streamOptimized"],
            &["-O", "vdi"],
            &["-O", "vhdx"],
            &["-O", "qcow2", "-o", "compat=0.10,cluster_size=512"],
        ] {
            qemu_img(&place, &[&["convert", "-f", "raw"], words, &["raw", "disk"]].concat());
            good.push(std::fs::read(place.join("disk")).expect("the disk"));
        }
        for name in ["raw", "disk"] {
            std::fs::remove_file(place.join(name)).expect("it was made");
        }
        std::fs::write(place.join("s"), SECRET.repeat(1000)).expect("a secret");
        Ground { place, good }
    })
}

fuzz_target!(|input: &[u8]| {
    let [which, changes @ ..] = input else { return };
    let Ground { place, good } = ground();
    let mut disk = good[usize::from(*which) % good.len()].clone();
    let mut rest = changes;
    while let [a, b, c, length, content @ ..] = rest {
        let at = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let at = at % disk.len();
        let length = usize::from(*length).min(content.len()).min(disk.len() - at);
        disk[at..at + length].copy_from_slice(&content[..length]);
        rest = &content[length..];
    }
    let path = place.join("d");
    std::fs::write(&path, &disk).expect("the disk");
    let read = yado_boxes::fuzzing::read_virtual_disk(&path, place).unwrap_or_default();
    let own = disk.windows(SECRET.len()).any(|window| window == SECRET);
    assert!(own || !read.windows(SECRET.len()).any(|window| window == SECRET), "the secret came out");
    std::fs::remove_file(&path).expect("the disk goes again");
    let names: Vec<_> = std::fs::read_dir(place).expect("the place").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["s"]);
});
