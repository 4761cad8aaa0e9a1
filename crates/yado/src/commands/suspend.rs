//! `yado suspend`: machines frozen with all their processes.

use clap::Args;
use yado_core::Result;
use yado_core::lifecycle::Options;
use yado_core::plan::Goal;

use super::batch::Batch;
use crate::session::Session;

/// Freeze machines with all their processes
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let targets = super::existing_in_reverse(session, &arguments.names)?;
    Batch { goal: Goal::Suspended, action: "suspend", options: Options::default(), parallel: true }
        .run(session, targets)?;
    Ok(0)
}
