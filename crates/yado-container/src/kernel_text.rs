//! Reading the kernel's own files. They do not know their size, and the standard library, which asks for it, then reads
//! them in pieces that start at 32 bytes.

use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// More than most of these files have, and less than a page of memory costs to have.
const USUAL: usize = 4096;

/// The whole text of a file.
pub(crate) fn read(path: impl AsRef<Path>) -> io::Result<String> {
    let file = rustix::fs::open(path.as_ref(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = Vec::with_capacity(USUAL);
    loop {
        text.reserve(USUAL / 2);
        let read =
            rustix::io::retry_on_intr(|| rustix::io::read(&file, rustix::buffer::spare_capacity(&mut text)))?;
        if read == 0 {
            break;
        }
    }
    String::from_utf8(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    #[test]
    fn files_of_any_length_are_read_whole() {
        let path = std::env::temp_dir().join(format!("yado-kernel-text-{}", std::process::id()));
        for length in [0, 1, 4095, 4096, 4097, 100_000] {
            std::fs::write(&path, "x".repeat(length)).unwrap();
            assert_eq!(super::read(&path).unwrap().len(), length);
        }
        std::fs::remove_file(&path).unwrap();
        assert!(super::read(&path).is_err());
        assert!(super::read("/proc/self/stat").unwrap().starts_with(&std::process::id().to_string()));
    }
}
