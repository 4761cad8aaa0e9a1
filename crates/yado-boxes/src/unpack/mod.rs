//! Unpacking what strangers packed: root file system archives, `.box` files, package contents.
//!
//! [`EntryPath`] refuses paths that lead out, [`Tree`] resolves the rest beneath its root, [`Limits`] bounds what
//! an archive may ask for. The `tar` crate only reads headers here; it never touches a file system.

mod ahead;
mod compression;
mod copy;
mod digests;
mod entries;
mod entry_path;
mod filler;
#[cfg(test)]
mod hostile;
mod overlay;
mod removal;
mod sparse;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use ahead::read_ahead;
pub(crate) use compression::{decompress, is_plain};
pub(crate) use copy::copy_directory;
pub(crate) use digests::{Digests, copy};
pub(crate) use entries::{Options, Unpacked, entries, unpack, unpack_entry};
pub(crate) use entry_path::EntryPath;
pub(crate) use overlay::{is_opaque, is_possible as can_overlay, is_unchanged};
pub(crate) use tree::{Attributes, Tree, capability_of, finish, make_public};

/// How much one archive may ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes after decompression.
    pub(crate) bytes: u64,
    /// Files, directories and links.
    pub(crate) entries: u64,
    /// Bytes of all names together: they are sorted in memory when the tree is measured.
    pub(crate) names: u64,
}

impl Default for Limits {
    /// Several times the largest root file system seen in practice.
    fn default() -> Self {
        Self { bytes: 64 << 30, entries: 1_000_000, names: 32 << 20 }
    }
}

impl Limits {
    /// For an archive of this many bytes. Programs and documents shrink to a third or a tenth, empty disks to a
    /// hundredth; what shrinks to less than that was made to fill the disk of whoever unpacks it.
    pub(crate) fn of_archive(packed: u64) -> Self {
        let limits = Self::default();
        Self { bytes: limits.bytes.min((2 << 30) + packed.saturating_mul(250)), ..limits }
    }
}
