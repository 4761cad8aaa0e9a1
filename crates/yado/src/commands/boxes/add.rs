//! `yado box add`.

use clap::Args;
use yado_boxes::{AddOptions, Source};
use yado_core::spec::{BoxSpec, DownloadSpec};
use yado_core::{Error, ErrorKind, MessageKind, Result};

use super::DownloadArguments;
use crate::session::Session;

/// Add a box: by name, from a catalogue, a URL, an OCI image, an archive or a directory
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A box name, a URL, or a path
    source: String,
    /// The name that it gets (for files, directories and URLs without a catalogue)
    #[arg(long)]
    name: Option<String>,
    /// Constraints on the version in a catalogue; the version that a file gets
    #[arg(long, value_name = "VERSION")]
    box_version: Option<String>,
    /// For this provider
    #[arg(long)]
    provider: Option<String>,
    /// For this architecture (this computer's by default)
    #[arg(short, long)]
    architecture: Option<String>,
    /// The expected digest of the archive
    #[arg(long)]
    checksum: Option<String>,
    /// The digest's type: md5, sha1, sha256, sha384, sha512
    #[arg(long, requires = "checksum")]
    checksum_type: Option<String>,
    /// Replace a box of the same name and version
    #[arg(short, long)]
    force: bool,
    /// Begin anew where an earlier download was interrupted
    #[arg(short, long)]
    clean: bool,
    /// Send credentials to other hosts, too, when the server redirects there
    #[arg(long)]
    location_trusted: bool,
    #[command(flatten)]
    download: DownloadArguments,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let store = session.boxes()?;
    let context = session.context.for_machine("box");
    // `libvirt` is another name of a provider of yado's; a name that is none is kept for those who know what it is.
    let asked = arguments.provider.as_deref().unwrap_or("container");
    let known = yado_plugins::registry().provider_called(asked);
    let provider = known.map_or(asked, |kind| kind.name()).to_owned();
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
    let name = match &source {
        Source::Host | Source::Bootstrap { .. } => {
            arguments.name.clone().or_else(|| Some(arguments.source.clone()))
        }
        Source::Directory(_) | Source::Archive(_) if arguments.name.is_none() => {
            return Err(Error::new(ErrorKind::Usage, "A box from a directory or an archive needs a name.")
                .hinted(format!("yado box add {} --name mine/box", arguments.source)));
        }
        _ => arguments.name.clone(),
    };
    let options = AddOptions {
        name,
        version: arguments.box_version.clone(),
        provider: Some(provider),
        force: arguments.force,
        clean: arguments.clean,
        checksum,
        architecture: Some(arguments.architecture.clone().unwrap_or_else(|| "auto".to_owned())),
        download: DownloadSpec {
            location_trusted: arguments.location_trusted,
            ..arguments.download.spec(session)
        },
        ..AddOptions::default()
    };
    let added = store.add(&context, &source, &options)?;
    context.say(
        MessageKind::Success,
        format!("Successfully added box '{}' (v{}) for '{}'!", added.name, added.version, added.provider),
    );
    Ok(0)
}
