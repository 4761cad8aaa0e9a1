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
    let mut targets = session.targets(&arguments.names, wanted)?;
    targets.retain(|target| {
        let frozen =
            target.record.as_ref().is_some_and(|record| record.state == MachineState::Suspended.id());
        if !frozen {
            session.context.for_machine(&target.name).info("VM is not suspended. Moving on...");
        }
        frozen
    });
    let options = Options { provision: arguments.provision.wish(), ..Options::default() };
    Batch { goal: Goal::Running, action: "resume", options, parallel: true }.run(session, targets)?;
    Ok(0)
}
