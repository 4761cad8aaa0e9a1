//! Boxes: where they come from, how they are unpacked, where they are kept.

mod lock;
mod scratch;
mod unpack;
