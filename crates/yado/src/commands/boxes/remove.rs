//! `yado box remove`.

use clap::Args;
use yado_core::{Error, ErrorKind, Result};

use super::{images, users};
use crate::session::Session;

/// Remove a box
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The box's name
    name: String,
    /// This version
    #[arg(long, value_name = "VERSION")]
    box_version: Option<String>,
    /// Of this provider
    #[arg(long)]
    provider: Option<String>,
    /// All versions
    #[arg(long)]
    all: bool,
    /// Also when machines use it
    #[arg(short, long)]
    force: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let store = session.boxes()?;
    let matching: Vec<_> = store
        .list()?
        .into_iter()
        .filter(|installed| installed.name == arguments.name)
        .filter(|installed| {
            arguments.box_version.as_ref().is_none_or(|version| *version == installed.version)
        })
        .filter(|installed| {
            arguments.provider.as_ref().is_none_or(|provider| *provider == installed.provider)
        })
        .collect();
    if matching.is_empty() {
        return Err(Error::new(
            ErrorKind::BoxNotFound,
            format!("The box you requested to be removed could not be found: '{}'.", arguments.name),
        )
        .hinted("See `yado box list`."));
    }
    if matching.len() > 1 && !arguments.all {
        let versions: Vec<_> = matching.iter().map(|installed| installed.version.as_str()).collect();
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "You requested to remove the box '{}', which has several versions: {}.",
                arguments.name,
                versions.join(", ")
            ),
        )
        .hinted("Name one with `--box-version`, or use `--all`."));
    }
    for installed in matching {
        let users = users(session, &installed.digest)?;
        if !users.is_empty() && !arguments.force {
            let question = format!(
                "Box '{}' (v{}) is used by: {}.\nAre you sure you want to remove this box? [y/N] ",
                installed.name,
                installed.version,
                users.join(", ")
            );
            if session.ui.ask(&session.context.cancel, None, &question)?.to_lowercase() != "y" {
                continue;
            }
        }
        session.ui.plain(&format!(
            "Removing box '{}' (v{}) with provider '{}'...",
            installed.name, installed.version, installed.provider
        ));
        let in_use = images(session)?.into_iter().map(|(_, image)| image.digest).collect::<Vec<_>>();
        store.remove(&installed.name, Some(&installed.version), Some(&installed.provider), &in_use)?;
    }
    Ok(0)
}
