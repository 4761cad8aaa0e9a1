//! `yado version`.

use clap::Args;
use yado_core::Result;

use crate::session::Session;

/// Show the version
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(session: &Session, _arguments: &Arguments) -> Result<u8> {
    let version = env!("CARGO_PKG_VERSION");
    session.ui.data(None, "version-installed", &[version]);
    session.ui.plain(&format!("Installed Version: {version}"));
    Ok(0)
}
