//! `yado box outdated`.

use clap::Args;
use yado_boxes::InstalledBox;
use yado_core::Result;

use super::DownloadArguments;
use crate::session::Session;
use crate::targets::Wanted;

/// Ask the catalogues whether there are newer boxes
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Of all installed boxes, not only of this project's
    #[arg(long)]
    global: bool,
    /// Ask also when somebody asked a moment ago (which yado always does)
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    download: DownloadArguments,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    crate::interrupt::watch(&session.context.cancel);
    tracing::debug!(arguments.force, "outdated");
    if arguments.global {
        return global(session, arguments);
    }
    let wanted = Wanted { spec: true, ..Wanted::default() };
    for target in session.targets(&[], wanted)? {
        let Some(spec) = &target.spec else { continue };
        let context = session.context.for_machine(&target.name);
        let installed = session.installed_box(&spec.image, &target)?;
        let Some(installed) = installed else {
            context.info(format!(
                "Box '{}' is not installed.",
                spec.image.name.as_deref().unwrap_or("without a name")
            ));
            continue;
        };
        context.info(format!(
            "Checking if box '{}' version '{}' is up to date...",
            installed.name, installed.version
        ));
        let constraints = spec.image.version.as_deref().unwrap_or("");
        let download = arguments.download.over(session, &spec.image.download);
        match session.boxes()?.newer(&installed, constraints, &download)? {
            Some(version) => context.warn(newer(&installed, &version)),
            None if installed.catalogue.is_none() => context.detail(format!(
                "Box '{}' wasn't added from a catalog, no version information",
                installed.name
            )),
            None => context.detail(format!(
                "Box '{}' (v{}) is running the latest version.",
                installed.name, installed.version
            )),
        }
    }
    Ok(0)
}

/// What is said about a newer version.
pub(in crate::commands) fn newer(installed: &InstalledBox, version: &str) -> String {
    format!(
        "A newer version of the box '{}' for provider '{}' is\navailable! You currently have version '{}'. The \
         latest is version\n'{version}'. Run `yado box update` to update.",
        installed.name, installed.provider, installed.version
    )
}

fn global(session: &Session, arguments: &Arguments) -> Result<u8> {
    if !session.settings.home.is_dir() {
        return Ok(0);
    }
    let store = session.boxes()?;
    for installed in newest_of_each(store.list()?) {
        let InstalledBox { name, provider, version, .. } = &installed;
        let text = match store.newer(&installed, "", &arguments.download.spec(session)) {
            Ok(Some(latest)) => {
                format!("* '{name}' for '{provider}' is outdated! Current: {version}. Latest: {latest}")
            }
            Ok(None) if installed.catalogue.is_none() => {
                format!("* '{name}' for '{provider}' wasn't added from a catalog, no version information")
            }
            Ok(None) => format!("* '{name}' for '{provider}' (v{version}) is up to date"),
            Err(error) => format!("* '{name}' for '{provider}' could not be checked: {}", error.message()),
        };
        session.ui.plain(&text);
    }
    Ok(0)
}

/// Of several versions of a box only the newest can be outdated; the list is sorted.
fn newest_of_each(boxes: Vec<InstalledBox>) -> Vec<InstalledBox> {
    let mut newest: Vec<InstalledBox> = Vec::new();
    for installed in boxes {
        match newest.last_mut() {
            Some(last) if last.name == installed.name && last.provider == installed.provider => {
                *last = installed;
            }
            _ => newest.push(installed),
        }
    }
    newest
}
