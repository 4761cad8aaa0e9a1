//! Disks: virtual ones into root file systems, and root file systems into virtual ones.
//!
//! A stranger's disk is opened by `qemu-img` alone, in the format that its first bytes say, after making sure that it
//! names no other file; its file system is read by our own code and never mounted.

mod ext4;
mod foreign;
mod image;
mod partition;
mod root;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

pub(crate) use foreign::{Bootable, bootable, keep};
pub use image::DiskFormat;
pub(crate) use image::{make, open};
pub(crate) use root::read_root;

/// Something that is read at a place.
pub(crate) trait ReadAt {
    /// Fills `buffer` with what lies at this byte.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        self.read_exact_at(buffer, at)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        let begin = usize::try_from(at).ok();
        let found = begin.and_then(|begin| self.get(begin..begin.checked_add(buffer.len())?));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
