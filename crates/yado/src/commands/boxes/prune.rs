//! `yado box prune`: old versions of boxes go.

use clap::Args;
use yado_boxes::InstalledBox;
use yado_core::Result;

use super::images;
use crate::session::Session;

/// Remove old versions of installed boxes
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only boxes of this provider
    #[arg(short, long)]
    provider: Option<String>,
    /// Only say what would be removed
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Only boxes of this name
    #[arg(long)]
    name: Option<String>,
    /// Ask nothing
    #[arg(short, long)]
    force: bool,
    /// Keep boxes that machines use, also with `--force`
    #[arg(short, long)]
    keep_active_boxes: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let store = session.boxes()?;
    if store.list()?.is_empty() {
        session.ui.plain("There are no installed boxes! Use `yado box add` to add some.");
        return Ok(0);
    }
    let (kept, older) = store.newest_and_older(arguments.name.as_deref(), arguments.provider.as_deref())?;
    session.ui.plain("The following boxes will be kept...");
    for installed in &kept {
        session.ui.plain(&line(installed));
    }
    session.ui.plain("\nChecking for older boxes...");
    if older.is_empty() {
        session.ui.plain("No old versions of boxes to remove...");
    }
    for installed in older {
        let users = users(session, &installed)?;
        let InstalledBox { name, provider, version, .. } = &installed;
        if !users.is_empty() && arguments.keep_active_boxes {
            session.ui.plain(&format!("Box '{name}' (v{version}) is still used by: {}.", users.join(", ")));
            continue;
        }
        if arguments.dry_run {
            session.ui.plain(&format!("Would remove {name} {provider} {version}"));
            continue;
        }
        if !users.is_empty() && !arguments.force {
            let question = format!(
                "Box '{name}' (v{version}) is used by: {}.\nAre you sure you want to remove this box? [y/N] ",
                users.join(", ")
            );
            if session.ui.ask(&session.context.cancel, None, &question)?.to_lowercase() != "y" {
                continue;
            }
        }
        session.ui.plain(&format!("Removing box '{name}' (v{version}) with provider '{provider}'..."));
        let in_use: Vec<_> = images(session)?.into_iter().map(|(_, image)| image.digest).collect();
        store.remove(name, Some(version), Some(provider), &in_use)?;
    }
    if !arguments.dry_run {
        // Also what no box has any more, such as layers of boxes that were replaced.
        let in_use: Vec<_> = images(session)?.into_iter().map(|(_, image)| image.digest).collect();
        store.prune(&in_use)?;
    }
    Ok(0)
}

/// The machines that were made from this version; one of equal content is another box to whoever named it.
fn users(session: &Session, installed: &InstalledBox) -> Result<Vec<String>> {
    let users = images(session)?.into_iter().filter(|(_, image)| {
        image.digest == installed.digest && image.name == installed.name && image.version == installed.version
    });
    Ok(users.map(|(name, _)| name).collect())
}

fn line(installed: &InstalledBox) -> String {
    format!("{} ({}, {})", installed.name, installed.provider, installed.version)
}
