//! Changes of the Vagrantfile for a machine that runs already: those that can count at once, and those that wait for
//! the next start.

use super::Machine;
use crate::context::Context;
use crate::error::{Doing, Result};
use crate::spec::MachineSpec;

impl Machine {
    /// Lets limits that were changed count, without a restart.
    pub(super) fn adjust(&mut self, context: &Context) -> Result<()> {
        let record = self.made()?.clone();
        let mut provider = self.provider(&record)?;
        let Some(limits) = provider.limits() else { return Ok(()) };
        let changes = limits.pending(context)?;
        if changes.is_empty() {
            return Ok(());
        }
        context.info("Applying changed limits to the running machine...");
        limits.apply(context)?;
        for change in changes {
            context.detail(change);
        }
        let on_record: Option<MachineSpec> =
            record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
        // Everything else counts from the next start on, and is not on record before.
        if let Some(mut known) = on_record {
            known.providers.clone_from(&self.spec()?.providers);
            let text = serde_json::to_string(&known).doing(|| "recording the limits")?;
            self.workshop.store.set_spec(&record.id, &text)?;
        }
        self.reread()
    }
}

/// What of a machine's configuration differs from what it was started with, and counts from its next start on.
pub fn waiting_for_restart(started: &MachineSpec, wanted: &MachineSpec) -> Vec<&'static str> {
    fn networks(spec: &MachineSpec) -> Vec<(&str, &serde_json::Map<String, serde_json::Value>)> {
        spec.networks.iter().map(|network| (network.kind.as_str(), &network.options)).collect()
    }
    let folders = |spec: &MachineSpec| -> Vec<_> {
        let list = spec.synced_folders.iter();
        list.map(|folder| (folder.host_path.clone(), folder.guest_path.clone(), folder.options.clone()))
            .collect()
    };
    let mut found = Vec::new();
    if started.hostname != wanted.hostname {
        found.push("host name");
    }
    if networks(started) != networks(wanted) {
        found.push("networks");
    }
    if folders(started) != folders(wanted) {
        found.push("synced folders");
    }
    if started.plugins != wanted.plugins {
        found.push("time zone or proxies");
    }
    found
}
