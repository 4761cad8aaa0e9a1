//! `yado package`: a machine as a box or an image for others.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use yado_boxes::{ArchivePlace, Package, PackageFormat};
use yado_core::lifecycle::{Machine, Options};
use yado_core::plan::Goal;
use yado_core::{Error, ErrorKind, Image, MachineState, Result};

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
    /// What is written: a box of this provider, or `oci`, an image that `docker load` takes (default: `docker` for
    /// containers of Docker and Podman, which become nothing else but `oci`, and `lxc` for others). yado itself adds
    /// boxes of lxc, libvirt and virtualbox
    #[arg(long, value_parser = PossibleValuesParser::new(PackageFormat::ALL.map(|(name, _)| name)))]
    format: Option<String>,
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
    let mut package = package_of(session, &machine, &target, arguments)?;
    let output = session.directory.join(&arguments.output);
    package.check(&output)?;
    if machine.state(&session.context)? != MachineState::Stopped {
        machine.reach(&session.context, Goal::Stopped, &Options::default())?;
    }
    if !machine.is_engines()? {
        package.write(&context, &output)?;
        return Ok(0);
    }
    let archive = ArchivePlace::beside(&output)?;
    machine.save_image(&session.context, &archive.path())?;
    package.archive = Some(archive.path());
    package.write(&context, &output)?;
    Ok(0)
}

/// What is to be written; an engine's container as an image, and nothing else.
fn package_of(
    session: &Session,
    machine: &Machine,
    target: &Target,
    arguments: &Arguments,
) -> Result<Package> {
    let engines = machine.is_engines()?;
    let asked = arguments.format.as_ref().and_then(|asked| {
        PackageFormat::ALL.into_iter().find(|(name, _)| name == asked).map(|(_, format)| format)
    });
    let format = asked.unwrap_or(if engines { PackageFormat::Docker } else { PackageFormat::Lxc });
    if engines && !matches!(format, PackageFormat::Docker | PackageFormat::Oci) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("The machine '{}' is a container of Docker or Podman and becomes an image.", target.name),
        )
        .hinted("Leave '--format' out for a box of the provider 'docker', or say '--format oci'."));
    }
    let (image, layers) = if engines {
        (machine.image()?.unwrap_or_else(|| without_box(&target.name)), Vec::new())
    } else {
        machine.layers(&session.context)?
    };
    let here = |path: &PathBuf| session.directory.join(path);
    Ok(Package {
        image,
        layers,
        archive: None,
        name: target.name.clone(),
        format,
        include: arguments.include.iter().map(here).collect(),
        vagrantfile: arguments.vagrantfile.as_ref().map(here),
        info: arguments.info.as_ref().map(here),
        box_vagrantfile: None,
    })
}

/// What stands for the box of a machine that was made from an engine's image.
fn without_box(name: &str) -> Image {
    Image {
        name: name.to_owned(),
        version: "0".to_owned(),
        digest: String::new(),
        layers: Vec::new(),
        host_mounts: Vec::new(),
        vagrantfile: None,
        user: "vagrant".to_owned(),
        disk: None,
    }
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
