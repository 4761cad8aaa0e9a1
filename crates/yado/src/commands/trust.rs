//! `yado trust`: this project's Vagrantfile may run programs and write files while it is read.

use clap::Args;
use yado_core::Result;

use crate::session::{Session, no_environment};

/// Let this project's Vagrantfile run programs and write files while it is read
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Trust it no longer
    #[arg(long)]
    revoke: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let path = session.vagrantfile().ok_or_else(no_environment)?;
    let project = path.parent().unwrap_or(&path);
    session.store()?.set_trusted(project, !arguments.revoke)?;
    session.ui.plain(&if arguments.revoke {
        format!("'{}' is trusted no longer.", path.display())
    } else {
        format!("'{}' may now run programs and write files while it is read.", path.display())
    });
    Ok(0)
}
