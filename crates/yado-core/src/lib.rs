//! The nouns of yado and the contracts between its rooms.
//!
//! What should be ([`spec`]), what is ([`store`]), the traits that providers, communicators, provisioners and
//! synced folders fulfil, and the [`lifecycle`] that walks from one to the other. Nothing here prints, prompts
//! or reads the user's environment: library code emits [`event::Event`]s and returns [`Error`]s.

pub mod communicator;
pub mod context;
pub mod copying;
pub mod disk;
pub mod environment;
pub mod error;
pub mod event;
pub mod folder;
pub mod guest_settings;
pub mod host;
pub mod image;
pub mod kind;
pub mod lifecycle;
pub mod lock;
pub mod plan;
pub mod ports;
pub mod provider;
pub mod provisioner;
pub mod provisioning;
pub mod registry;
pub mod spec;
pub mod ssh;
pub mod store;
pub mod timing;

pub use communicator::{Communicator, Exec, ExitStatus, Stream};
pub use context::{Cancel, Context};
pub use environment::Environment;
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, EventSink, MessageKind};
pub use folder::SyncedFolder;
pub use host::{Host, Program};
pub use image::{Image, ImageSource};
pub use kind::{Kind, Schema, Setting, SettingType, Usable};
pub use ports::Forward;
pub use provider::{MachineState, Provider, ProviderKind, StopMode};
pub use provisioner::{Aftermath, Guest, Neighbour, Provisioner, ProvisionerKind};
pub use registry::Registry;
pub use spec::{MachineSpec, Origin};
pub use store::{MachineRecord, Store};
