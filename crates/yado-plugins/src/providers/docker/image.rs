//! The image that a machine's container is made from: pulled, or built from a Dockerfile.

use std::path::PathBuf;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Image, Result};

use super::engine::Engine;
use super::settings::Settings;

/// An image, and whether it was built for this machine alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Source {
    /// A name or an id.
    pub(super) image: String,
    /// Built by us: it goes with the machine.
    pub(super) built: bool,
    /// What the box takes from this computer, as volumes: host path and path inside.
    #[serde(default)]
    pub(super) mounts: Vec<(PathBuf, PathBuf)>,
    /// From a box: it has no command of its own.
    #[serde(default)]
    pub(super) from_box: bool,
    /// What the last build came to, whatever the machine's content is now.
    #[serde(default)]
    pub(super) build: Option<String>,
    /// The container whose content is given up for this image: a snapshot was gone back to.
    #[serde(default)]
    pub(super) given_up: Option<String>,
}

/// Has the image at hand.
pub(super) fn obtain(engine: Engine, context: &Context, settings: &Settings) -> Result<Source> {
    if let Some(image) = &settings.image {
        let there = || Ok(engine.try_run(context, &["image", "inspect", image])?.status.success());
        if settings.pull || !there()? {
            let login = Login::new(engine, context, settings)?;
            context.info(format!("Pulling image '{image}'..."));
            engine.run_shown(context, &login.words("pull", &[image]), b"")?;
        }
        return Ok(Source { image: image.clone(), ..Source::default() });
    }
    let login = Login::new(engine, context, settings)?;
    context.info("Building the container from a Dockerfile...");
    let image = build(engine, context, settings, &login)?;
    Ok(Source { build: Some(image.clone()), image, built: true, ..Source::default() })
}

/// Hands a box to the engine, once for all machines that are made from it: the image carries the box's digest.
pub(super) fn from_box(engine: Engine, context: &Context, image: &Image) -> Result<Source> {
    if image.is_empty() {
        return Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!(
                "Neither the box '{}' nor the Vagrantfile names an image, and the box has no content.",
                image.name
            ),
        )
        .hinted("Set 'image' in the provider's block."));
    }
    let name = box_name(image);
    if !engine.try_run(context, &["image", "inspect", &name])?.status.success() {
        context.info(format!("Handing the box '{}' to the engine...", image.name));
        let folder = tempfile::tempdir().doing(|| "making a directory for the image")?;
        let archive = folder.path().join("image.tar");
        yado_boxes::write_image(context, image, &name, &archive)?;
        engine.run_patiently(context, &["load", "-i", &archive.display().to_string()])?;
    }
    Ok(Source {
        image: name,
        built: false,
        mounts: image.host_mounts.clone(),
        from_box: true,
        ..Source::default()
    })
}

/// What the engine calls the image of a box.
fn box_name(image: &Image) -> String {
    let digest: String = image.digest.trim_start_matches("sha256:").chars().take(16).collect();
    format!("yado-box-{digest}")
}

/// Takes the image of a box away from the engine.
pub(super) fn forget_box(engine: Engine, context: &Context, image: &Image) -> Result<()> {
    let name = box_name(image);
    if engine.try_run(context, &["image", "inspect", &name])?.status.success() {
        engine.run(context, &["image", "rm", &name])?;
    }
    Ok(())
}

/// Builds the image; its id.
fn build(engine: Engine, context: &Context, settings: &Settings, login: &Login) -> Result<String> {
    let folder = tempfile::tempdir().doing(|| "making a directory for the build")?;
    let id_file = folder.path().join("id");
    let id_path = id_file.display().to_string();
    let mut words = vec!["--iidfile", &id_path];
    let dockerfile = settings.dockerfile.as_ref().map(|name| match &settings.build_dir {
        Some(directory) => directory.join(name).display().to_string(),
        None => name.clone(),
    });
    if let Some(dockerfile) = &dockerfile {
        words.extend(["-f", dockerfile]);
    }
    words.extend(settings.build_args.iter().map(String::as_str));
    let place = match (&settings.build_dir, &settings.git_repo) {
        (Some(directory), _) => directory.display().to_string(),
        (None, Some(repository)) => repository.clone(),
        (None, None) => return Err(Error::new(ErrorKind::ConfigInvalid, "There is nothing to build.")),
    };
    words.push(&place);
    engine.run_shown(context, &login.words("build", &words), b"")?;
    let id = std::fs::read_to_string(&id_file).doing(|| "reading the built image's id")?;
    Ok(id.trim().to_owned())
}

/// A log-in that lasts as long as this value: what the engine notes of it lies in a directory of its own, so that no
/// password stays behind.
struct Login(Option<tempfile::TempDir>);

impl Login {
    fn new(engine: Engine, context: &Context, settings: &Settings) -> Result<Self> {
        let (Some(user), Some(password)) = (&settings.username, &settings.password) else {
            return Ok(Self(None));
        };
        let server = settings.auth_server.as_deref().unwrap_or_default();
        context.info(format!("Logging in to {}...", if server.is_empty() { "the registry" } else { server }));
        let folder = tempfile::tempdir().doing(|| "making a directory for the log-in")?;
        let login = Self(Some(folder));
        let mut words = vec!["--username", user, "--password-stdin"];
        if !server.is_empty() {
            words.push(server);
        }
        // The password goes by standard input: command lines can be read by everyone.
        engine.run_shown(context, &login.words("login", &words), password.as_bytes())?;
        Ok(login)
    }

    /// A command that makes use of the log-in.
    fn words<'a>(&'a self, command: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
        let mut words = Vec::new();
        if let Some(folder) = &self.0 {
            words.extend(["--config", folder.path().to_str().unwrap_or_default()]);
        }
        words.push(command);
        words.extend(rest);
        words
    }
}
