//! `yado box`: the boxes on this computer.

mod prune;
mod repackage;
mod verify;

use clap::{Args, Subcommand};
use yado_boxes::{AddOptions, BoxStore, Source, Usage};
use yado_core::spec::BoxSpec;
use yado_core::{Error, ErrorKind, Result};

use crate::session::Session;
use crate::wiring;

/// Manage boxes
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<BoxCommand>,
}

#[derive(Debug, Subcommand)]
enum BoxCommand {
    Add(AddArguments),
    List(ListArguments),
    Prune(prune::Arguments),
    Remove(RemoveArguments),
    Repackage(repackage::Arguments),
    Verify(verify::Arguments),
}

/// Add a box: by a well-known name, from a directory, an archive or a URL
#[derive(Debug, Args)]
struct AddArguments {
    /// A box name, a directory or archive with a root file system, or a URL
    source: String,
    /// The name that it gets (for directories, archives and URLs)
    #[arg(long)]
    name: Option<String>,
    /// The version that it gets, or that is wanted
    #[arg(long, value_name = "VERSION")]
    box_version: Option<String>,
    /// For this provider
    #[arg(long)]
    provider: Option<String>,
    /// The expected digest of the archive
    #[arg(long)]
    checksum: Option<String>,
    /// The digest's type: md5, sha1, sha256, sha384, sha512
    #[arg(long, requires = "checksum")]
    checksum_type: Option<String>,
    /// Replace a box of the same name and version
    #[arg(short, long)]
    force: bool,
}

/// Show the boxes on this computer
#[derive(Debug, Args)]
struct ListArguments {
    /// Also where each came from, its digest and size
    #[arg(short = 'i', long)]
    box_info: bool,
}

/// Remove a box
#[derive(Debug, Args)]
struct RemoveArguments {
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

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    use clap::CommandFactory;
    match &arguments.command {
        None => {
            let mut program = crate::cli::Cli::command();
            program.build();
            if let Some(command) = program.find_subcommand_mut("box") {
                session.ui.raw(&format!("{}\n", command.render_help()));
            }
            Ok(0)
        }
        Some(BoxCommand::Add(arguments)) => add(session, arguments),
        Some(BoxCommand::List(arguments)) => list(session, arguments),
        Some(BoxCommand::Prune(arguments)) => prune::run(session, arguments),
        Some(BoxCommand::Remove(arguments)) => remove(session, arguments),
        Some(BoxCommand::Repackage(arguments)) => repackage::run(session, arguments),
        Some(BoxCommand::Verify(arguments)) => verify::run(session, arguments),
    }
}

fn add(session: &Session, arguments: &AddArguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let store = wiring::open(&session.settings.home)?;
    let context = session.context.for_machine("box");
    let provider = arguments.provider.clone().unwrap_or_else(|| "container".to_owned());
    let checksum = arguments
        .checksum
        .clone()
        .map(|sum| (sum, arguments.checksum_type.clone().unwrap_or_else(|| "sha256".to_owned())));
    let Some(source) = Source::find(&arguments.source, &session.directory) else {
        // The same words as when `up` does not find it.
        let spec = BoxSpec { name: Some(arguments.source.clone()), ..BoxSpec::default() };
        store.resolve(&context, &spec, &session.directory, &provider)?;
        return Ok(0);
    };
    let named = matches!(source, Source::Host | Source::Bootstrap { .. });
    let Some(name) = arguments.name.clone().or_else(|| named.then(|| arguments.source.clone())) else {
        return Err(Error::new(
            ErrorKind::Usage,
            "A box from a directory, an archive or a URL needs a name.",
        )
        .hinted(format!("yado box add {} --name mine/box", arguments.source)));
    };
    let options = AddOptions {
        name: Some(name),
        version: arguments.box_version.clone(),
        provider: Some(provider),
        force: arguments.force,
        checksum,
        ..AddOptions::default()
    };
    let added = store.add(&context, &source, &options)?;
    context.say(
        yado_core::MessageKind::Success,
        format!("Successfully added box '{}' (v{}) for '{}'!", added.name, added.version, added.provider),
    );
    Ok(0)
}

fn list(session: &Session, arguments: &ListArguments) -> Result<u8> {
    let store = session.settings.home.is_dir().then(|| wiring::open(&session.settings.home)).transpose()?;
    let boxes = store.as_ref().map_or_else(|| Ok(Vec::new()), BoxStore::list)?;
    if boxes.is_empty() {
        session.ui.plain("There are no installed boxes! Use `yado box add` to add some.");
        return Ok(0);
    }
    let width = boxes.iter().map(|installed| installed.name.len()).max().unwrap_or(0);
    // Only asked for sizes, since every file has to be looked at for them.
    let usages = match &store {
        Some(store) if arguments.box_info => store.usage(&boxes)?,
        _ => vec![Usage::default(); boxes.len()],
    };
    let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    for (installed, usage) in boxes.iter().zip(usages) {
        session.ui.data(None, "box-name", &[&installed.name]);
        session.ui.data(None, "box-provider", &[&installed.provider]);
        session.ui.data(None, "box-version", &[&installed.version]);
        session
            .ui
            .plain(&format!("{:<width$} ({}, {})", installed.name, installed.provider, installed.version));
        if arguments.box_info {
            let facts = [
                ("source", installed.source.clone()),
                ("digest", installed.digest.clone()),
                ("size", mebibytes(installed.size)),
                ("on disk, own", mebibytes(usage.own)),
                ("on disk, shared with other boxes", mebibytes(usage.shared)),
            ];
            for (key, value) in facts {
                session.ui.data(None, "box-info", &[key, &value]);
                session.ui.plain(&format!("  - {key}: {value}"));
            }
        }
    }
    Ok(0)
}

fn remove(session: &Session, arguments: &RemoveArguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let store = wiring::open(&session.settings.home)?;
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

/// The images of all machines.
fn images(session: &Session) -> Result<Vec<(String, yado_core::Image)>> {
    let machines = session.store()?.machines(None)?;
    Ok(machines
        .into_iter()
        .filter_map(|machine| {
            Some((machine.name.clone(), serde_json::from_str(machine.image.as_deref()?).ok()?))
        })
        .collect())
}

fn users(session: &Session, digest: &str) -> Result<Vec<String>> {
    Ok(images(session)?
        .into_iter()
        .filter(|(_, image)| image.digest == digest)
        .map(|(name, _)| name)
        .collect())
}
