//! `yado config`: the configuration as it was understood.

use clap::Args;
use yado_core::{Error, Result};

use crate::session::Session;

/// Show the configuration as it was understood, defaults filled in
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// As one JSON document (the default)
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    // There is one form so far; the option is accepted so that scripts can say what they mean.
    let _ = arguments.json;
    let document = session.canonical_configuration()?;
    let text = serde_json::to_string_pretty(&document)
        .map_err(|problem| Error::system("writing the configuration as JSON", problem))?;
    session.ui.raw(&format!("{text}\n"));
    Ok(0)
}
