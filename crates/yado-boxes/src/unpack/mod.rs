//! Unpacking what strangers packed: root file system archives, `.box` files, package contents.
//!
//! [`EntryPath`] refuses paths that lead out, [`Tree`] resolves the rest beneath its root, [`Limits`] bounds what
//! an archive may ask for. The `tar` crate only reads headers here; it never touches a file system.

mod compression;
mod copy;
mod entries;
mod entry_path;
mod sparse;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use compression::decompress;
pub(crate) use copy::copy_directory;
pub(crate) use entries::{Options, Unpacked, entries, unpack, unpack_entry};
pub(crate) use entry_path::EntryPath;
pub(crate) use tree::{Attributes, Tree, capability_of};

/// How much one archive may ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes after decompression.
    pub(crate) bytes: u64,
    /// Files, directories and links.
    pub(crate) entries: u64,
}

impl Default for Limits {
    /// Several times the largest root file system seen in practice.
    fn default() -> Self {
        Self { bytes: 64 << 30, entries: 4_000_000 }
    }
}
