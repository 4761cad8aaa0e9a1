//! Disks of strangers: whatever the partition table and the file system say, nothing panics, nothing takes for ever,
//! and nothing is written beside the root. The input is laid over a good disk, so that it gets past the first checks:
//! three bytes of place, one of length, then what is to stand there, over and over.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

struct Ground {
    place: PathBuf,
    good: Vec<u8>,
}

/// A directory in memory with a precious neighbour, and a small disk that `mke2fs` made.
fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| {
        let base = if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
        let place = PathBuf::from(format!("{base}/yado-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(place.join("neighbour")).expect("a place to unpack to");
        let source = place.join("source");
        std::fs::create_dir_all(source.join("usr/deep")).expect("a sample");
        std::fs::write(source.join("usr/file"), "x".repeat(20_000)).expect("a sample");
        std::fs::hard_link(source.join("usr/file"), source.join("usr/again")).expect("a sample");
        std::os::unix::fs::symlink("y".repeat(100), source.join("usr/link")).expect("a sample");
        let disk = place.join("disk");
        std::fs::File::create(&disk).and_then(|file| file.set_len(512 << 10)).expect("a disk");
        let status = std::process::Command::new("mke2fs")
            .args(["-q", "-F", "-t", "ext4", "-b", "1024", "-N", "32", "-O", "^has_journal", "-d"])
            .args([&source, &disk])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "mke2fs is needed");
        let good = std::fs::read(&disk).expect("the disk");
        for name in ["source", "disk"] {
            let path = place.join(name);
            drop(std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path)));
        }
        Ground { place, good }
    })
}

fuzz_target!(|changes: &[u8]| {
    let Ground { place, good } = ground();
    let mut disk = good.clone();
    let mut rest = changes;
    while let [a, b, c, length, content @ ..] = rest {
        let at = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let at = at % disk.len();
        let length = usize::from(*length).min(content.len()).min(disk.len() - at);
        disk[at..at + length].copy_from_slice(&content[..length]);
        rest = &content[length..];
    }
    let root = place.join("root");
    std::fs::create_dir(&root).expect("an empty root");
    yado_boxes::fuzzing::read_disk(disk, &root);
    std::fs::remove_dir_all(&root).expect("the root goes again");
    let names: Vec<_> = std::fs::read_dir(place).expect("the place").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["neighbour"]);
});
