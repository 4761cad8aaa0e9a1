//! A small container engine: an OCI runtime specification in, an isolated process tree out.
//!
//! [`Engine::create`] makes a [`Container`], [`Container::exec`] runs commands in it, [`Container::stop`] and
//! [`Container::delete`] end it. There is no daemon: what a later process must know is in a record on disk.
//!
//! ```no_run
//! use std::time::Duration;
//! use yado_container::{CreateOptions, Engine, ExecRequest, spec};
//!
//! # fn main() -> yado_container::Result<()> {
//! let engine = Engine::open("/var/lib/example/engine")?;
//! let mut spec = spec::default_spec("web", 1_000_000);
//! spec.root = Some(spec::Root { path: "/srv/web/rootfs".into(), readonly: false });
//! let options = CreateOptions { id_mapped_root: true, ..CreateOptions::default() };
//! let mut web = engine.create("web", &spec, &options)?;
//! let status = web.exec(&ExecRequest::new(["id"]))?.wait()?;
//! web.stop(Duration::from_secs(5))?;
//! web.delete(false)?;
//! # assert!(status.success());
//! # Ok(())
//! # }
//! ```
//!
//! A container's first process is at first a copy of the program that uses this crate, as `fork` makes it, and then a
//! small program that this crate carries. The program must call [`run_hidden_command_if_asked`] as the first thing in
//! `main`, while it has one thread: for ordinary users the engine runs it again as the keeper of their namespaces.

mod apparmor;
mod cgroup;
mod check;
mod console;
mod container;
mod create;
mod engine;
mod error;
mod exec;
mod held_root;
mod home;
mod hooks;
mod init;
mod kernel_text;
mod leftovers;
mod memory_policy;
mod namespaces;
pub mod network;
mod privileges;
mod record;
mod rootfs;
pub mod rootless;
mod seccomp;
pub mod signal_names;
pub mod spec;
mod sys;
mod terminal;

pub use cgroup::Stats;
pub use console::{
    connect_console, must_be_protected, receive_console, run_from_protected_program, send_console, send_pidfd,
};
pub use container::{Container, ExitStatus, HeldSignals, STOP_SIGNAL_ANNOTATION, Status};
pub use create::CreateOptions;
pub use engine::Engine;
pub use error::{Error, Result};
pub use exec::{ExecRequest, Identity, Running, Stdio};
pub use held_root::HeldRoot;
pub use init::Init;
pub use leftovers::Leftovers;
pub use memory_policy::memory_policy_words;
pub use privileges::capability_names;
pub use rootfs::{Overlay, mount_option_names};
pub use rootless::run_hidden_command_if_asked;

pub use sys::allocator::Allocator;
pub use sys::name_service::look_up_names_alone;
pub use terminal::attach_terminal;
