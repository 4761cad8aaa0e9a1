//! [`Provisioner`]: configures a running machine through its communicator.

use crate::communicator::Communicator;
use crate::context::Context;
use crate::error::Result;
use crate::kind::Kind;
use crate::spec::{MachineSpec, ProvisionerSpec};

/// A machine's inside: how to run things there, and what it is.
pub struct Guest<'a> {
    /// How to run things there.
    pub communicator: &'a dyn Communicator,
    /// The machine's description.
    pub spec: &'a MachineSpec,
    /// The user that one enters as.
    pub user: &'a str,
}

/// A kind of provisioner, such as `shell`.
pub trait ProvisionerKind: Kind {
    /// Makes one from its settings. Fails when they make no sense.
    fn open(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Box<dyn Provisioner>>;
}

/// What a provisioner asks for after it has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aftermath {
    /// Nothing.
    Nothing,
    /// A fresh connection, so that changed groups and environment count.
    Reconnect,
    /// The machine switched off and on again.
    Reboot,
}

/// One provisioner of one machine.
pub trait Provisioner: Send {
    /// Digest over everything that decides what [`Provisioner::run`] does (settings and file contents).
    fn fingerprint(&self) -> Result<String>;
    /// Configures the guest. May be repeated.
    fn run(&mut self, context: &Context, guest: &Guest<'_>) -> Result<Aftermath>;
    /// Called on destroy, before the machine is gone.
    fn cleanup(&mut self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }
}
