//! Boxes: where they come from, how they are unpacked, where they are kept.
//!
//! [`BoxStore`] is the way in: [`BoxStore::resolve`] turns what a Vagrantfile asks for into an
//! [`Image`](yado_core::Image), from an installed box or from the first [`Source`] that has it.

mod accounts;
mod archive;
mod boot;
mod bootstrap;
mod catalogue;
mod chain;
mod checksum;
mod chroot;
mod disk;
mod fetch;
#[cfg(fuzzing)]
pub mod fuzzing;
mod host;
mod layer;
mod lock;
mod lockfile;
mod oci;
mod owners;
mod package;
mod platform;
mod prepare;
mod progress;
mod scratch;
mod source;
mod store;
#[cfg(test)]
mod testing;
mod unpack;
mod version;

pub use boot::{SEED_UNIT, write_seed};
pub use chroot::Chroot;
pub use disk::DiskFormat;
pub use fetch::Network;
pub use lockfile::{LockFile, LockedBox, LockedScript};
pub use owners::{Owners, translate_owners};
pub use package::{ArchivePlace, Package, PackageFormat, write_image};
pub use platform::architecture;
pub use source::Source;
pub use store::{AddOptions, BoxStore, InstalledBox, Usage, Verified, installed_vagrantfile};
pub use version::{Constraints, Version};
