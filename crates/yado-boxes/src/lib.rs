//! Boxes: where they come from, how they are unpacked, where they are kept.

mod accounts;
mod chroot;
mod host;
mod layer;
mod lock;
mod prepare;
mod scratch;
mod unpack;

pub use chroot::Chroot;
