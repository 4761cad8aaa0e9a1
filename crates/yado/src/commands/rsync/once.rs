//! `yado rsync`: copies now.

use clap::Args;
use yado_core::Result;

use crate::session::Session;

/// Copy the folders of virtual machines again
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    for mut machine in super::copied(session, &arguments.names)? {
        machine.copy()?;
    }
    Ok(0)
}
