//! `yado box`: the boxes on this computer, a file per sub-command.

mod add;
mod list;
mod outdated;
mod prune;
mod remove;
mod repackage;
mod update;
mod verify;

use std::path::PathBuf;

pub(super) use outdated::newer;

use clap::{Args, Subcommand};
use yado_core::Result;
use yado_core::spec::DownloadSpec;

use crate::session::Session;

/// Manage boxes
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<BoxCommand>,
}

#[derive(Debug, Subcommand)]
enum BoxCommand {
    Add(add::Arguments),
    List(list::Arguments),
    Outdated(outdated::Arguments),
    Prune(prune::Arguments),
    Remove(remove::Arguments),
    Repackage(repackage::Arguments),
    Update(update::Arguments),
    Verify(verify::Arguments),
}

/// Whom to trust when something is downloaded.
#[derive(Debug, Clone, Args)]
struct DownloadArguments {
    /// Do not verify certificates
    #[arg(long)]
    insecure: bool,
    /// Trust the authorities in this file instead of the system's
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Trust the authorities in the files of this directory
    #[arg(long, value_name = "DIRECTORY")]
    capath: Option<PathBuf>,
    /// Show this certificate, with its key in the same file
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
}

impl DownloadArguments {
    /// As a Vagrantfile would say it; paths start where the command was called.
    fn spec(&self, session: &Session) -> DownloadSpec {
        let joined = |path: &Option<PathBuf>| path.as_ref().map(|path| session.directory.join(path));
        DownloadSpec {
            insecure: self.insecure,
            ca_certificate: joined(&self.cacert),
            ca_directory: joined(&self.capath),
            client_certificate: joined(&self.cert),
            ..DownloadSpec::default()
        }
    }

    /// The Vagrantfile's word, unless the command line has one.
    fn over(&self, session: &Session, configured: &DownloadSpec) -> DownloadSpec {
        let own = self.spec(session);
        if own == DownloadSpec::default() { configured.clone() } else { own }
    }
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
        Some(BoxCommand::Add(arguments)) => add::run(session, arguments),
        Some(BoxCommand::List(arguments)) => list::run(session, arguments),
        Some(BoxCommand::Outdated(arguments)) => outdated::run(session, arguments),
        Some(BoxCommand::Prune(arguments)) => prune::run(session, arguments),
        Some(BoxCommand::Repackage(arguments)) => repackage::run(session, arguments),
        Some(BoxCommand::Verify(arguments)) => verify::run(session, arguments),
        Some(BoxCommand::Remove(arguments)) => remove::run(session, arguments),
        Some(BoxCommand::Update(arguments)) => update::run(session, arguments),
    }
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
