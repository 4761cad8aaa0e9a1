//! `yado global-status`: all machines of this user, wherever their projects lie.

use clap::Args;
use yado_core::{MachineRecord, Result};

use crate::session::Session;

/// Show all machines of this user
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Forget machines that do not exist any more
    #[arg(long)]
    prune: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let workshop = session.workshop()?;
    let store = &workshop.store;
    yado_core::lifecycle::recover_interrupted(&session.context, workshop)?;
    if arguments.prune {
        for record in store.machines(None)? {
            let kind = yado_core::lifecycle::kind_of(&workshop.registry, &record)?;
            let place = yado_core::lifecycle::place(store, &record);
            let busy = store.unfinished(&record.id)?.is_some();
            if !busy
                && kind.open(&record, None, &place)?.state(&session.context)?
                    == yado_core::MachineState::NotCreated
            {
                store.remove_machine(&record.id)?;
            }
        }
    }
    let machines = store.machines(None)?;
    session.ui.data(None, "metadata", &["machine-count", &machines.len().to_string()]);
    for machine in &machines {
        let name = Some(machine.name.as_str());
        session.ui.data(name, "machine-id", &[&machine.id]);
        session.ui.data(name, "provider-name", &[&machine.provider]);
        session.ui.data(name, "machine-home", &[&machine.project.to_string_lossy()]);
        session.ui.data(name, "state", &[&machine.state]);
    }
    session.ui.plain(&table(&machines));
    Ok(0)
}

fn table(machines: &[MachineRecord]) -> String {
    if machines.is_empty() {
        return "There are no active Vagrant environments on this computer! Or,\n\
                you haven't destroyed and recreated Vagrant environments that were\n\
                started with an older version of Vagrant."
            .to_owned();
    }
    let width = |least: usize, text: &dyn Fn(&MachineRecord) -> usize| {
        machines.iter().map(text).max().unwrap_or(0).max(least)
    };
    let name = width(6, &|machine| machine.name.len());
    let provider = width(8, &|machine| machine.provider.len());
    let state = width(5, &|machine| machine.state.len());
    let mut text =
        format!("{:<8} {:<name$} {:<provider$} {:<state$} directory\n", "id", "name", "provider", "state");
    text.push_str(&format!("{}\n", "-".repeat(8 + name + provider + state + 40)));
    for machine in machines {
        text.push_str(&format!(
            "{:<8} {:<name$} {:<provider$} {:<state$} {}\n",
            &machine.id[..7],
            machine.name,
            machine.provider,
            machine.state,
            machine.project.display()
        ));
    }
    text.push_str(
        " \nThe above shows information about all known Vagrant environments\n\
         on this machine. The states are those seen last. To interact with any\n\
         of the machines, use the ID, for example: `yado destroy 1a2b3c4`.",
    );
    text
}
