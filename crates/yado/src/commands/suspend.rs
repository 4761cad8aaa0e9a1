//! `yado suspend`: machines frozen with all their processes.

use clap::Args;
use yado_core::lifecycle::Options;
use yado_core::plan::Goal;
use yado_core::{MachineState, Result};

use super::batch::Batch;
use crate::session::Session;

/// Freeze machines with all their processes
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    /// The running machines of all projects
    #[arg(short = 'a', long, conflicts_with = "names")]
    all_global: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let names = if arguments.all_global { running_everywhere(session)? } else { arguments.names.clone() };
    if arguments.all_global && names.is_empty() {
        session.ui.plain("No machine is running.");
        return Ok(0);
    }
    let targets = super::existing_in_reverse(session, &names)?;
    Batch { goal: Goal::Suspended, action: "suspend", options: Options::default(), parallel: true }
        .run(session, targets)?;
    Ok(0)
}

/// The ids of the machines that were running when last looked at, in any project.
fn running_everywhere(session: &Session) -> Result<Vec<String>> {
    let machines = session.store()?.machines(None)?;
    let running = machines.into_iter().filter(|record| record.state == MachineState::Running.id());
    Ok(running.map(|record| record.id).collect())
}
