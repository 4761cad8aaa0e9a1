//! Vagrant's configuration language on `yado-ruby`: a Vagrantfile in, finished configuration out, as canonical
//! JSON for tools and as [`yado_core::spec::MachineSpec`] for the rest of yado.
//!
//! [`load`] reads the file in a sandbox. What can be configured is described by the tables in [`schema`]; what is
//! more than a value (networks, folders, provisioners, machines) lives in [`vm`]. [`loader`] decides which blocks
//! count for a machine, [`validate`] what is wrong with the result.

mod config;
mod dummy;
mod dump;
mod explain;
mod failure;
mod hash;
mod host;
mod json;
mod loaded;
mod loader;
mod object;
mod push;
mod root;
mod schema;
mod session;
mod sources;
mod spec;
mod template;
mod trigger;
mod trust;
mod v1;
mod vagrant;
mod validate;
mod vm;

pub use explain::Setting;
pub use failure::{LoadError, Place};
pub use host::Sink;
pub use loaded::{LoadOptions, Loaded, MachineName, failure_json, find, load};
pub use loader::{BoxVagrantfiles, WantedBox};
pub use push::Push;
pub use sources::Sources;
pub use template::render;
pub use trust::Trust;
pub use yado_ruby::{Stream, on_big_stack};
