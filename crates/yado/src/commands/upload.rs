//! `yado upload`: a file or directory of this computer, copied into a machine.

use std::path::PathBuf;

use clap::Args;
use yado_core::{Error, ErrorKind, Exec, Result};

use crate::session::Session;
use crate::targets::{Target, Wanted};

/// Copy a file or directory into a machine
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// File or directory on this computer
    source: PathBuf,
    /// Where to in the machine (default: the same name in the home of the user that one enters as), or a machine's name
    destination: Option<String>,
    /// Machine name or id
    name: Option<String>,
    /// Put it into the machine's directory for temporary files
    #[arg(short, long)]
    temporary: bool,
    /// Compress on the way (taken as it is: what travels is packed by the way in)
    #[arg(short, long)]
    compress: bool,
    /// How to compress (taken as it is, likewise; `-C` is for the directory, as everywhere)
    #[arg(long, value_name = "TYPE", value_parser = ["tgz", "zip"])]
    compression_type: Option<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let source = session.directory.join(&arguments.source);
    if !source.exists() {
        let text = format!("The source to upload, '{}', does not exist.", arguments.source.display());
        return Err(Error::new(ErrorKind::Usage, text));
    }
    let (target, destination) = target_and_destination(session, arguments)?;
    let (context, communicator, _) = super::way_in(session, &target)?;
    crate::interrupt::watch(&session.context.cancel);
    let base = source.canonicalize().unwrap_or_else(|_| source.clone());
    let base = base.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut destination = destination.unwrap_or(base);
    if arguments.temporary {
        let base = destination.rsplit('/').next().unwrap_or_default();
        destination = format!("/tmp/{base}");
    }
    let destination = match destination.strip_prefix("~/") {
        Some(rest) => rest.to_owned(),
        None => destination,
    };
    session.ui.plain(&format!("Uploading {} to {destination}", arguments.source.display()));
    if let Some((folder, _)) = destination.trim_end_matches('/').rsplit_once('/')
        && !folder.is_empty()
    {
        let argv = ["mkdir", "-p", folder].map(str::to_owned).to_vec();
        let mut said = Vec::new();
        let command = Exec { argv, ..Exec::default() };
        let status = communicator.exec(&context, &command, &mut |_, piece| said.extend_from_slice(piece))?;
        if !status.success() {
            let said = String::from_utf8_lossy(&said);
            let text = format!("'{folder}' could not be made in the machine: {}", said.trim());
            return Err(Error::new(ErrorKind::GuestCommandFailed, text));
        }
    }
    communicator.upload(&context, &source, &destination)?;
    session.ui.plain(&format!(
        "Upload has completed successfully!\n\n  Source: {}\n  Destination: {destination}",
        arguments.source.display()
    ));
    Ok(0)
}

/// Of two words the second is a machine if there is one of that name, else the place.
fn target_and_destination(session: &Session, arguments: &Arguments) -> Result<(Target, Option<String>)> {
    let wanted = Wanted { recorded: true, ..Wanted::default() };
    if let (Some(word), None) = (&arguments.destination, &arguments.name) {
        match session.one_target(Some(word), wanted) {
            Ok(target) => return Ok((target, None)),
            Err(problem) if problem.kind() == ErrorKind::MachineNotFound => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok((session.one_target(arguments.name.as_ref(), wanted)?, arguments.destination.clone()))
}
