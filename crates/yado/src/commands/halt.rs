//! `yado halt`: machines that are switched off.

use clap::Args;
use yado_core::Result;
use yado_core::lifecycle::Options;
use yado_core::plan::Goal;

use super::batch::Batch;
use crate::session::Session;

/// Switch machines off
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    /// Switch off at once instead of asking politely
    #[arg(short, long)]
    force: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let targets = super::existing_in_reverse(session, &arguments.names)?;
    let options = Options { force: arguments.force, ..Options::default() };
    Batch { goal: Goal::Stopped, action: "halt", options, parallel: true }.run(session, targets)?;
    Ok(0)
}
