//! `yado box update`.

use clap::Args;
use yado_boxes::{AddOptions, InstalledBox};
use yado_core::{Error, ErrorKind, Result};

use super::DownloadArguments;
use crate::session::Session;
use crate::targets::Wanted;

/// Install the newest versions of boxes; machines stay as they are
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// This box, instead of those of this project
    #[arg(long = "box", value_name = "BOX")]
    name: Option<String>,
    /// Of this provider
    #[arg(long)]
    provider: Option<String>,
    /// Of this architecture
    #[arg(short, long)]
    architecture: Option<String>,
    /// Install it again even when it is the newest
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    download: DownloadArguments,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    if let Some(name) = &arguments.name {
        let found = session.boxes()?.list()?.into_iter().rfind(|installed| {
            installed.name == *name
                && arguments.provider.as_ref().is_none_or(|provider| *provider == installed.provider)
                && arguments.architecture.as_ref().is_none_or(|wanted| *wanted == installed.architecture)
        });
        let Some(installed) = found else {
            return Err(Error::new(
                ErrorKind::BoxNotFound,
                format!("The box '{name}' is not installed; there is nothing to update."),
            )
            .hinted("See `yado box list`."));
        };
        if installed.catalogue.is_none() {
            return Err(Error::new(
                ErrorKind::BoxNotFound,
                format!("The box '{name}' was not added from a catalogue; nothing tells of newer versions."),
            )
            .hinted("Add it again with `yado box add --force`."));
        }
        let options = AddOptions { download: arguments.download.spec(session), ..options(arguments) };
        return one(session, "box", &installed, "", &options);
    }
    let mut seen = Vec::new();
    for target in session.targets(&[], Wanted { spec: true, ..Wanted::default() })? {
        let Some(spec) = &target.spec else { continue };
        let context = session.context.for_machine(&target.name);
        let Some(installed) = session.installed_box(&spec.image, &target)? else {
            context.info("Box is not installed, can't check for updates.");
            continue;
        };
        if seen.contains(&installed.digest) {
            continue;
        }
        seen.push(installed.digest.clone());
        let download = arguments.download.over(session, &spec.image.download);
        let options = AddOptions { download, server: spec.image.server.clone(), ..options(arguments) };
        one(session, &target.name, &installed, spec.image.version.as_deref().unwrap_or(""), &options)?;
    }
    Ok(0)
}

fn options(arguments: &Arguments) -> AddOptions {
    AddOptions { force: arguments.force, ..AddOptions::default() }
}

fn one(
    session: &Session,
    machine: &str,
    installed: &InstalledBox,
    constraints: &str,
    options: &AddOptions,
) -> Result<u8> {
    let context = session.context.for_machine(machine);
    context.info(format!("Checking for updates to '{}'", installed.name));
    context.detail(format!("Latest installed version: {}", installed.version));
    context.detail(format!("Version constraints: {constraints}"));
    context.detail(format!("Provider: {}", installed.provider));
    context.detail(format!("Architecture: \"{}\"", installed.architecture));
    if installed.catalogue.is_none() {
        context.info(format!("Box '{}' not updated: it was not added from a catalogue.", installed.name));
        return Ok(0);
    }
    match session.boxes()?.update(&context, installed, constraints, options)? {
        Some(updated) => context.say(
            yado_core::MessageKind::Success,
            format!(
                "Successfully added box '{}' (v{}) for '{}'!",
                updated.name, updated.version, updated.provider
            ),
        ),
        None => context.info(format!(
            "Box '{}' (v{}) is running the latest version.",
            installed.name, installed.version
        )),
    }
    Ok(0)
}
