//! The file tree of a container: layers and sources prepared on the host, everything else put together
//! inside, in the container's own mount namespace, so that the host's mount table never shows any of it.

mod cgroups;
mod copy_up;
mod devices;
mod in_place;
mod inside;
mod layers;
mod masks;
mod options;
mod sources;
mod target;
mod terminal;

pub(crate) use cgroups::CgroupView;
pub(crate) use in_place::InPlace;
pub(crate) use inside::{Entry, Parts, build};
pub use layers::Overlay;
pub(crate) use layers::{Translation, bind_root, overlay_root};
pub use options::mount_option_names;
pub(crate) use sources::{map_text, open_sources};
pub(crate) use terminal::Terminal;
