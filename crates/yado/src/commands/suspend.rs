//! `yado suspend`: machines frozen with all their processes.

use clap::Args;
use yado_core::Result;
use yado_core::lifecycle::Options;
use yado_core::plan::Goal;

use super::batch::Batch;
use crate::session::Session;
use crate::targets::Wanted;

/// Freeze machines with all their processes
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let mut targets = session.targets(&arguments.names, Wanted { recorded: true, ..Wanted::default() })?;
    targets.reverse();
    targets.retain(|target| {
        if target.record.is_none() {
            session.context.for_machine(&target.name).info("VM not created. Moving on...");
        }
        target.record.is_some()
    });
    let options = Options { ..Options::default() };
    Batch { goal: Goal::Suspended, action: "suspend", options, parallel: true }.run(session, targets)?;
    Ok(0)
}
