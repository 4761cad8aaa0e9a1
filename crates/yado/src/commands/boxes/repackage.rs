//! `yado box repackage`: an installed box as a file again.

use clap::Args;
use yado_boxes::{Package, PackageFormat};
use yado_core::{Error, ErrorKind, Result};

use crate::session::Session;

/// Write an installed box as `package.box` into the current directory
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The box's name
    name: String,
    /// Its provider
    provider: String,
    /// Its version
    version: String,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let store = session.boxes()?;
    let Arguments { name, provider, version } = arguments;
    let found = store.matching(Some(name), Some(version), Some(provider)).map_err(|_| {
        Error::new(
            ErrorKind::BoxNotFound,
            format!("The box '{name}' with provider '{provider}' and version '{version}' is not installed."),
        )
        .hinted("'yado box list' shows the installed boxes.")
    })?;
    let image = store.image(&found[0]);
    let package = Package {
        layers: image.layers.clone(),
        box_vagrantfile: image.vagrantfile.clone(),
        image,
        archive: None,
        name: name.clone(),
        format: PackageFormat::Lxc,
        include: Vec::new(),
        vagrantfile: None,
        info: None,
    };
    package.write(&session.context.for_machine("box"), &session.directory.join("package.box"))?;
    Ok(0)
}
