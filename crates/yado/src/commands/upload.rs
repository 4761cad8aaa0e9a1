//! `yado upload`: a file or directory of this computer, copied into a machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use yado_core::error::Doing;
use yado_core::{Communicator, Context, Error, ErrorKind, Exec, Result};

use crate::session::Session;
use crate::targets::{Target, Wanted};

/// How long compressing may take.
const PACKING: Duration = Duration::from_secs(3600);

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
    /// Compress on the way
    #[arg(short, long)]
    compress: bool,
    /// How to compress (`-C` is for the directory, as everywhere)
    #[arg(long, value_name = "TYPE", value_parser = ["tgz", "zip"], default_value = "tgz")]
    compression_type: String,
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
    if arguments.compress {
        let way = if arguments.compression_type == "zip" { &ZIP } else { &TGZ };
        way.upload(&context, &*communicator, &source, &destination)?;
    } else {
        communicator.upload(&context, &source, &destination)?;
    }
    session.ui.plain(&format!(
        "Upload has completed successfully!\n\n  Source: {}\n  Destination: {destination}",
        arguments.source.display()
    ));
    Ok(0)
}

/// How something is packed here and unpacked there.
struct Packing {
    /// What packs here: writes to standard output, the name comes last.
    pack: &'static [&'static str],
    /// What must be there in the machine, and reads standard input into the directory `$d`.
    unpacker: &'static str,
    unpack: &'static str,
}

const TGZ: Packing =
    Packing { pack: &["tar", "-czf", "-", "--"], unpacker: "tar", unpack: "tar -xz -o -f - -C \"$d\"" };
const ZIP: Packing = Packing {
    pack: &["zip", "-q", "-r", "-"],
    unpacker: "unzip",
    unpack: "cat > \"$d/.zip\"; unzip -q \"$d/.zip\" -d \"$d\"",
};

/// What the script in the machine ends with where there is no program that unpacks.
const NO_UNPACKER: i32 = 97;

impl Packing {
    fn upload(&self, context: &Context, inside: &dyn Communicator, source: &Path, to: &str) -> Result<()> {
        let source = source.canonicalize().doing(|| format!("reading '{}'", source.display()))?;
        let (Some(folder), Some(name)) = (source.parent(), source.file_name()) else {
            return Err(Error::new(ErrorKind::Usage, "The root directory cannot be uploaded."));
        };
        let name = name.to_string_lossy().into_owned();
        let program = self.pack[0];
        if context.host.which(program).is_none() {
            return Err(Error::new(
                ErrorKind::Other,
                format!("There is no '{program}' on the PATH to compress with."),
            )
            .hinted(format!("On Debian, `apt-get install {program}` brings it.")));
        }
        let packed = context.host.run_in(
            &context.cancel,
            folder,
            self.pack.iter().copied().chain([if name.starts_with('-') {
                format!("./{name}")
            } else {
                name.clone()
            }
            .as_str()]),
            PACKING,
        )?;
        if !packed.status.success() {
            let said = String::from_utf8_lossy(&packed.stderr).into_owned();
            return Err(Error::new(ErrorKind::Other, format!("'{program}' failed: {}", said.trim())));
        }
        let script = format!(
            "set -e; command -v {} >/dev/null || exit {NO_UNPACKER}; d=$(mktemp -d); trap 'rm -rf \"$d\"' EXIT; {}; \
             if [ -d \"$d/$2\" ]; then mkdir -p \"$1\"; cp -R -p \"$d/$2/.\" \"$1\"; else \
             if [ -d \"$1\" ]; then f=\"$1/$2\"; else f=$1; fi; cp -p \"$d/$2\" \"$f\"; fi",
            self.unpacker, self.unpack
        );
        let argv = ["sh", "-c", &script, "upload", to, &name].map(str::to_owned).to_vec();
        let command = Exec { argv, input: Some(packed.stdout), ..Exec::default() };
        let mut said = Vec::new();
        let status = inside.exec(context, &command, &mut |_, piece| said.extend_from_slice(piece))?;
        match status.code() {
            0 => Ok(()),
            NO_UNPACKER => Err(Error::new(
                ErrorKind::GuestCommandFailed,
                format!("The machine has no '{}' to unpack with.", self.unpacker),
            )
            .hinted("Install it there, or upload without '--compress'.")),
            _ => {
                let said = String::from_utf8_lossy(&said);
                let text = format!("'{name}' could not be unpacked in the machine: {}", said.trim());
                Err(Error::new(ErrorKind::GuestCommandFailed, text))
            }
        }
    }
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
