//! `yado resume`: frozen machines go on.

use clap::Args;
use yado_core::lifecycle::Options;
use yado_core::plan::Goal;
use yado_core::{MachineState, Result};

use super::ProvisionArguments;
use super::batch::Batch;
use crate::session::Session;
use crate::targets::Wanted;

/// Let frozen machines go on
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    #[command(flatten)]
    provision: ProvisionArguments,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let wanted = Wanted { spec: true, ..Wanted::default() };
    let targets = session.targets(&arguments.names, wanted)?;
    let mut suspended = Vec::new();
    for target in targets {
        let context = session.context.for_machine(&target.name);
        let was_suspended =
            target.record.as_ref().is_some_and(|record| record.state == MachineState::Suspended.id());
        match super::status::state(session, &target)? {
            MachineState::Suspended => suspended.push(target),
            MachineState::NotCreated => context.info("VM not created. Moving on..."),
            MachineState::Stopped if was_suspended => context.warn(
                "VM was suspended, but has been switched off since, and its memory is lost. `yado up` starts it.",
            ),
            MachineState::Stopped | MachineState::Running => {
                context.info("VM is not suspended. Moving on...");
            }
        }
    }
    let options = Options { provision: arguments.provision.wish(), ..Options::default() };
    Batch { goal: Goal::Running, action: "resume", options, parallel: true }.run(session, suspended)?;
    Ok(0)
}
