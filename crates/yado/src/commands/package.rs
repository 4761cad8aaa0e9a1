//! `yado package`: a machine as a box or an image for others.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use yado_boxes::{Package, PackageFormat};
use yado_core::lifecycle::{Machine, Options};
use yado_core::plan::Goal;
use yado_core::{Error, ErrorKind, MachineState, Result};

use crate::session::Session;
use crate::targets::{Target, Wanted};

/// Make a box of a machine
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The machine's name or id
    name: Option<String>,
    /// A machine of any project, by its id or by a name that only one machine has, instead of one of this project
    #[arg(long, value_name = "MACHINE", conflicts_with = "name")]
    base: Option<String>,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "package.box")]
    output: PathBuf,
    /// Files and directories to bring along, comma separated
    #[arg(long, value_name = "X,Y", value_delimiter = ',')]
    include: Vec<PathBuf>,
    /// A JSON file that describes the box
    #[arg(long, value_name = "FILE")]
    info: Option<PathBuf>,
    /// A Vagrantfile to come with the box
    #[arg(long, value_name = "FILE")]
    vagrantfile: Option<PathBuf>,
    /// What is written: a box of this provider, or `oci`, an image that `docker load` takes. yado itself adds boxes of
    /// lxc, libvirt and virtualbox
    #[arg(long, default_value = "lxc", value_parser = PossibleValuesParser::new(PackageFormat::ALL.map(|(name, _)| name)))]
    format: String,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let target = match &arguments.base {
        Some(base) => base_target(session, base)?,
        None => {
            let wanted = Wanted { recorded: true, ..Wanted::default() };
            session.one_target(arguments.name.as_ref(), wanted)?
        }
    };
    if target.record.is_none() {
        return Err(Error::new(
            ErrorKind::MachineNotFound,
            format!("The machine '{}' to be packaged has not been created yet.", target.name),
        )
        .hinted("Run `yado up` to create it."));
    }
    let workshop = session.workshop()?;
    let mut machine =
        Machine::open(&session.context, workshop, &target.environment, &target.name, None, "package")?;
    let context = session.context.for_machine(&target.name);
    let (image, layers) = machine.layers(&session.context)?;
    let here = |path: &PathBuf| session.directory.join(path);
    let format = PackageFormat::ALL.into_iter().find(|(name, _)| *name == arguments.format);
    let package = Package {
        image,
        layers,
        name: target.name.clone(),
        format: format.map_or(PackageFormat::Lxc, |(_, format)| format),
        include: arguments.include.iter().map(here).collect(),
        vagrantfile: arguments.vagrantfile.as_ref().map(here),
        info: arguments.info.as_ref().map(here),
        box_vagrantfile: None,
    };
    let output = session.directory.join(&arguments.output);
    package.check(&output)?;
    if machine.state(&session.context)? != MachineState::Stopped {
        machine.reach(&session.context, Goal::Stopped, &Options::default())?;
    }
    package.write(&context, &output)?;
    Ok(0)
}

/// A machine of any project.
fn base_target(session: &Session, base: &str) -> Result<Target> {
    let mut found = session.store()?.machines(None)?;
    found.retain(|record| record.name == base || (base.len() >= 4 && record.id.starts_with(base)));
    match found.as_slice() {
        [only] => session.one_target(Some(&only.id), Wanted { recorded: true, ..Wanted::default() }),
        [] => Err(Error::new(
            ErrorKind::MachineNotFound,
            format!("No machine of any project has the name or id '{base}'."),
        )
        .hinted("`yado global-status` shows the machines.")),
        _ => Err(Error::new(ErrorKind::Usage, format!("Several machines are called '{base}'."))
            .hinted("Give the id that `yado global-status` shows.")),
    }
}
