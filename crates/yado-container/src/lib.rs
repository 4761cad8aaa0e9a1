//! A small container engine: an OCI runtime specification in, an isolated process tree out.
//!
//! [`Engine::create`] makes a [`Container`], [`Container::exec`] runs commands in it, [`Container::stop`] and
//! [`Container::delete`] end it. There is no daemon: what a later process must know is in a record on disk.
//!
//! The program that uses this crate must call [`run_hidden_command_if_asked`] as the first thing in `main`,
//! while it has one thread: a container's first process is that same program, run again in new namespaces.

mod cgroup;
mod container;
mod create;
mod engine;
mod error;
mod exec;
mod hooks;
mod init;
mod leftovers;
pub mod network;
mod privileges;
mod record;
mod rootfs;
mod seccomp;
pub mod signal_names;
pub mod spec;
mod sys;
mod terminal;

pub use cgroup::Stats;
pub use container::{Container, ExitStatus, STOP_SIGNAL_ANNOTATION, Status};
pub use create::CreateOptions;
pub use engine::Engine;
pub use error::{Error, Result};
pub use exec::{ExecRequest, Identity, Running, Stdio};
pub use init::{Init, run_hidden_command_if_asked};
pub use leftovers::Leftovers;
pub use rootfs::Overlay;
