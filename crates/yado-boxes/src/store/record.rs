//! [`InstalledBox`]: what is written down about a box, and where.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result};

use crate::scratch::Scratch;
use crate::version::Version;

/// The name of the file that describes a box.
pub(super) const FILE: &str = "box.json";
/// The name of a box's own Vagrantfile beside it.
pub(super) const VAGRANTFILE: &str = "Vagrantfile";

/// A box in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledBox {
    /// Its name, such as `debian/bookworm64`.
    pub name: String,
    /// The kind of provider that it serves, such as `container`.
    pub provider: String,
    /// Its version; `0` for boxes added from a file.
    pub version: String,
    /// Its architecture, such as `amd64`.
    pub architecture: String,
    /// Where it came from.
    pub source: String,
    /// Its identity: the digest over its layers and mounts.
    pub digest: String,
    /// Digests of its layers, lowest first.
    pub layers: Vec<String>,
    /// Host directories that its machines see read-only: (host path, guest path).
    #[serde(default)]
    pub host_mounts: Vec<(PathBuf, PathBuf)>,
    /// Bytes of file content in its layers.
    pub size: u64,
    /// The user to enter as.
    pub user: String,
    /// The address of the catalogue that it was chosen from.
    #[serde(default)]
    pub catalogue: Option<String>,
    /// Whether it brings its own Vagrantfile.
    #[serde(default)]
    pub vagrantfile: bool,
    /// Size and time of the file it was made from, to see that the file has changed.
    #[serde(default)]
    pub stamp: Option<(u64, i64)>,
    /// What the host looked like when its box was made, to see that it has changed.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// The disk of a box that has one instead of layers.
    #[serde(default)]
    pub disk: Option<InstalledDisk>,
}

/// A disk that machines boot from by its own boot loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledDisk {
    /// Whether it wants UEFI.
    pub efi: bool,
    /// What it is to be connected to.
    pub bus: yado_core::disk::Bus,
}

/// A name as a directory: boxes have names with slashes.
pub(super) fn escape(name: &str) -> String {
    let mut escaped = String::new();
    for character in name.chars() {
        match character {
            '/' => escaped.push_str("-VAGRANTSLASH-"),
            ':' => escaped.push_str("-VAGRANTCOLON-"),
            '\0' => escaped.push('_'),
            other => escaped.push(other),
        }
    }
    // No name may hide or lead elsewhere.
    if escaped.starts_with('.') || escaped.is_empty() {
        escaped.insert(0, '_');
    }
    escaped.truncate(escaped.floor_char_boundary(200));
    escaped
}

impl InstalledBox {
    /// The directory of its record, below that of all records.
    pub(super) fn directory(&self, boxes: &Path) -> PathBuf {
        boxes
            .join(escape(&self.name))
            .join(escape(&self.version))
            .join(escape(&self.architecture))
            .join(escape(&self.provider))
    }

    /// Its version, for comparing; what is no version sorts lowest.
    pub(super) fn parsed_version(&self) -> Option<Version> {
        Version::parse(&self.version)
    }

    /// Writes it down, at once or not at all.
    pub(super) fn write(&self, boxes: &Path, vagrantfile: Option<&[u8]>) -> Result<()> {
        let directory = self.directory(boxes);
        let doing = || format!("writing down the box '{}'", self.name);
        std::fs::create_dir_all(&directory).doing(doing)?;
        if let Some(text) = vagrantfile {
            write_file(&directory, VAGRANTFILE, text)?;
        }
        write_file(&directory, FILE, &serde_json::to_vec_pretty(self).doing(doing)?)
    }

    /// Reads the record in `directory`.
    pub(super) fn read(directory: &Path) -> Result<Self> {
        Self::read_file(&directory.join(FILE))
    }

    /// Reads a record.
    pub(super) fn read_file(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).doing(|| format!("reading '{}'", path.display()))?;
        serde_json::from_slice(&text).map_err(|error| {
            Error::new(ErrorKind::System, format!("'{}' is damaged: {error}.", path.display()))
                .caused_by(error)
                .hinted("Remove that file and add the box again.")
        })
    }
}

/// Writes a file so that readers see the old one or the new one.
pub(super) fn write_file(directory: &Path, name: &str, content: &[u8]) -> Result<()> {
    let scratch = Scratch::file(directory)?;
    std::fs::write(scratch.path(), content).doing(|| format!("writing '{name}'"))?;
    scratch.replace(&directory.join(name))
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn no_name_leads_out_of_the_store() {
        assert_eq!(escape("debian/bookworm64"), "debian-VAGRANTSLASH-bookworm64");
        assert_eq!(escape(".."), "_..");
        assert_eq!(escape("../../etc"), "_..-VAGRANTSLASH-..-VAGRANTSLASH-etc");
        assert!(escape(&"ü".repeat(300)).len() <= 200);
    }
}
