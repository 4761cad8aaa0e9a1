//! `reload`: switches the machine off and on again between two provisioners. In Vagrant a plugin does this; many
//! Vagrantfiles rely on it.

use yado_core::spec::{MachineSpec, ProvisionerSpec};
use yado_core::{Aftermath, Context, Guest, Kind, Provisioner, ProvisionerKind, Result, Schema};

/// The kind.
pub(super) static RELOAD: ReloadKind = ReloadKind;

pub(super) struct ReloadKind;

static SCHEMA: Schema = Schema { settings: &[] };

impl Kind for ReloadKind {
    fn name(&self) -> &'static str {
        "reload"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }
}

impl ProvisionerKind for ReloadKind {
    fn open(&self, _spec: &ProvisionerSpec, _machine: &MachineSpec) -> Result<Box<dyn Provisioner>> {
        Ok(Box::new(Reload))
    }
}

struct Reload;

impl Provisioner for Reload {
    fn fingerprint(&self) -> Result<String> {
        Ok("reload".to_owned())
    }

    fn run(&mut self, _context: &Context, _guest: &Guest<'_>) -> Result<Aftermath> {
        Ok(Aftermath::Reboot)
    }
}
