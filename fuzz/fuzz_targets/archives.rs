//! Archives of strangers: whatever the bytes are, nothing panics, and nothing is written beside the root.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

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

fuzz_target!(|archive: &[u8]| {
    let place = place();
    let root = place.join("root");
    std::fs::create_dir(&root).expect("an empty root");
    yado_boxes::fuzzing::unpack_archive(archive, &root);
    std::fs::remove_dir_all(&root).expect("the root goes again");
    let names: Vec<_> = std::fs::read_dir(place).expect("the place").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["neighbour"]);
    let precious = std::fs::read(place.join("neighbour/precious")).expect("the neighbour's file");
    assert_eq!(precious, b"precious");
});
