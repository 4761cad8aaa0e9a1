//! The file tree of a container: layers and sources prepared on the host, everything else put together
//! inside, in the container's own mount namespace, so that the host's mount table never shows any of it.

mod devices;
mod inside;
mod layers;
mod masks;
mod options;
mod sources;
mod target;

pub(crate) use inside::{CgroupView, Parts, build};
pub use layers::Overlay;
pub(crate) use layers::{Translation, bind_root, overlay_root};
pub(crate) use sources::{map_text, open_sources};
