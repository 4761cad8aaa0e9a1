//! A digest over everything that decides what a provisioner does.

use std::path::Path;

use sha2::{Digest, Sha256};
use yado_core::Result;
use yado_core::error::Doing;

/// A digest in the making. Each part is set apart by its length.
pub(super) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(super) fn add(&mut self, part: &str) {
        self.add_bytes(part.as_bytes());
    }

    fn add_bytes(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// Adds a file's content, or a directory's names and contents in order.
    pub(super) fn add_path(&mut self, path: &Path) -> Result<()> {
        let doing = || format!("reading '{}'", path.display());
        let kind = std::fs::symlink_metadata(path).doing(doing)?;
        if kind.is_symlink() {
            self.add(&std::fs::read_link(path).doing(doing)?.to_string_lossy());
        } else if kind.is_dir() {
            let mut names: Vec<_> =
                std::fs::read_dir(path).doing(doing)?.collect::<std::io::Result<Vec<_>>>().doing(doing)?;
            names.sort_by_key(std::fs::DirEntry::file_name);
            for entry in names {
                self.add(&entry.file_name().to_string_lossy());
                self.add_path(&entry.path())?;
            }
        } else if kind.is_file() {
            self.add_bytes(&std::fs::read(path).doing(doing)?);
        }
        Ok(())
    }

    pub(super) fn finish(self) -> String {
        self.0.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }
}
