//! `yado reload`: machines switched off and on again with the present configuration.

use clap::Args;
use yado_core::Result;
use yado_core::lifecycle::Options;
use yado_core::plan::Goal;

use super::ProvisionArguments;
use super::batch::Batch;
use crate::session::Session;
use crate::targets::Wanted;

/// Switch machines off and on again with the present configuration
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    #[command(flatten)]
    provision: ProvisionArguments,
    /// Switch off at once instead of asking politely
    #[arg(short, long)]
    force: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let wanted = Wanted { spec: true, checked: true, ..Wanted::default() };
    let targets = session.targets(&arguments.names, wanted)?;
    let provision = arguments.provision.wish();
    super::check_provisioners(session, &provision, &targets)?;
    let options = Options { provision, force: arguments.force, ..Options::default() };
    Batch { goal: Goal::Restarted, action: "reload", options, parallel: true }.run(session, targets)?;
    Ok(0)
}
