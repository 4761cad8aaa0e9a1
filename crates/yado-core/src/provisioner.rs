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
    /// The machines of its environment that exist, itself among them, oldest first.
    pub neighbours: &'a [Neighbour],
}

/// A machine of an environment, as inventories list them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Its name in the Vagrantfile.
    pub name: String,
    /// Its id.
    pub id: String,
}

/// A kind of provisioner, such as `shell`.
pub trait ProvisionerKind: Kind {
    /// Makes one from its settings. Fails when they make no sense.
    fn open(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Box<dyn Provisioner>>;

    /// Whether it runs programs of the project's on this computer, which the user must have allowed (`yado trust`).
    fn runs_on_host(&self) -> bool {
        false
    }

    /// Whether it configures other machines, too: those that stand before this one in the Vagrantfile are then brought
    /// up first.
    fn reaches_others(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> bool {
        let _ = (spec, machine);
        false
    }
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
