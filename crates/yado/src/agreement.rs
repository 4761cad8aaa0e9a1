//! [`Agreement`]: the project's lock file at work. While machines are made it says which version of a box is meant,
//! compares what came, and takes down what is new.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use yado_boxes::{BoxStore, LockFile, LockedBox, LockedScript};
use yado_core::spec::{BoxSpec, ProvisionerSpec};
use yado_core::{Context, Error, ErrorKind, Image, Result};

/// What happens to what the lock file does not say, or says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What is new is taken down, what differs is told: `up`.
    Grow,
    /// Both are refused: `up --locked`.
    Strict,
}

/// The lock file of the project that a command works on; nothing is locked until it is opened.
#[derive(Debug, Default)]
pub(crate) struct Agreement(Mutex<Option<State>>);

#[derive(Debug)]
struct State {
    path: PathBuf,
    project: PathBuf,
    lock: LockFile,
    mode: Mode,
    has_changed: bool,
}

/// Where the lock file of a Vagrantfile is.
pub(crate) fn lock_path(vagrantfile: &Path) -> PathBuf {
    let mut name = vagrantfile.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    vagrantfile.with_file_name(name)
}

/// The URL that a provisioner's script is fetched from, unless the Vagrantfile itself says what it must be.
pub(crate) fn script_url(provisioner: &ProvisionerSpec) -> Option<&str> {
    let text = |key: &str| provisioner.settings.get(key).and_then(serde_json::Value::as_str);
    let url = text("path").filter(|path| path.starts_with("http://") || path.starts_with("https://"))?;
    let is_pinned = ["md5", "sha1", "sha256", "sha384", "sha512"].iter().any(|kind| text(kind).is_some());
    (!is_pinned).then_some(url)
}

impl Agreement {
    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the lock file beside a Vagrantfile.
    pub(crate) fn open(&self, vagrantfile: &Path, mode: Mode) -> Result<()> {
        let path = lock_path(vagrantfile);
        let found = LockFile::read(&path)?;
        if found.is_none() && mode == Mode::Strict {
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("There is no lock file '{}', which '--locked' would hold to.", path.display()),
            )
            .hinted("'yado up' without '--locked', or 'yado lock update', writes it."));
        }
        let project = vagrantfile.parent().unwrap_or(Path::new("/")).to_owned();
        let lock = found.unwrap_or_default();
        *self.state() = Some(State { path, project, lock, mode, has_changed: false });
        Ok(())
    }

    /// The box as it is asked for, and of the version that is agreed on. A suite of packages has a version of its own,
    /// which `store` either has or cannot make any more.
    pub(crate) fn pinned(&self, store: &BoxStore, spec: &BoxSpec, provider: &str) -> Result<BoxSpec> {
        let state = self.state();
        let (Some(state), Some(name)) = (&*state, &spec.name) else { return Ok(spec.clone()) };
        if name == "host" {
            return match state.mode {
                Mode::Strict => Err(Error::new(
                    ErrorKind::ConfigInvalid,
                    "The box 'host' is this computer's own programs: it differs from computer to computer and cannot be locked.",
                )
                .hinted("Use another box, or 'up' without '--locked'.")
                .at(spec.origin.clone())),
                Mode::Grow => Ok(spec.clone()),
            };
        }
        let constraints = spec.version.as_deref();
        let Some(locked) = state.lock.find(name, provider, yado_boxes::architecture(), constraints)? else {
            return match state.mode {
                Mode::Grow => Ok(spec.clone()),
                Mode::Strict => Err(state.lacks(name, provider, constraints).at(spec.origin.clone())),
            };
        };
        let exact = format!("= {}", locked.version);
        let is_suite = locked.source.starts_with("bootstrap:");
        if is_suite && store.find(name, Some(&exact), provider)?.is_none() {
            return Ok(spec.clone());
        }
        // A tag may lead elsewhere by now, a digest may not.
        let is_image = locked.source.starts_with("oci:") && locked.source.contains('@');
        let urls = if is_image { vec![locked.source.clone()] } else { spec.urls.clone() };
        Ok(BoxSpec { version: Some(exact), urls, ..spec.clone() })
    }

    /// Compares the box that a machine is made from, or was made from, with what is agreed on.
    pub(crate) fn meet(
        &self,
        context: &Context,
        store: &BoxStore,
        spec: &BoxSpec,
        image: &Image,
        provider: &str,
    ) -> Result<()> {
        let mut state = self.state();
        let Some(state) = state.as_mut().filter(|_| image.name != "host") else { return Ok(()) };
        let found = locked(store, image, provider, &state.project)?;
        let before = match state.lock.same_version(&found) {
            Some(locked) if locked.digest == found.digest => return Ok(()),
            Some(locked) => Some(locked),
            None => {
                let constraints = spec.version.as_deref();
                state.lock.find(&found.name, provider, &found.architecture, constraints)?
            }
        };
        let difference = before.map(|locked| difference(locked, &found));
        match (state.mode, difference) {
            (Mode::Grow, None) => {
                state.lock.put_box(found);
                state.has_changed = true;
                Ok(())
            }
            (Mode::Grow, Some(difference)) => {
                context.warn(format!(
                    "{difference} 'yado lock update {}' agrees to the present one.",
                    found.name
                ));
                Ok(())
            }
            (Mode::Strict, Some(difference)) => Err(Error::new(ErrorKind::ConfigInvalid, difference)
                .hinted(format!(
                    "'yado lock update {}' agrees to the present one; a machine that was made from another box is made anew by 'yado destroy' and 'yado up'.",
                    found.name
                ))),
            (Mode::Strict, None) => Err(state.lacks(&found.name, provider, spec.version.as_deref())),
        }
    }

    /// Lets provisioners run the scripts that are agreed on and no others; new ones are fetched to be agreed on.
    pub(crate) fn pin_scripts(
        &self,
        context: &Context,
        store: &BoxStore,
        provisioners: &mut [ProvisionerSpec],
    ) -> Result<()> {
        let mut state = self.state();
        let Some(state) = state.as_mut() else { return Ok(()) };
        for provisioner in provisioners {
            let Some(url) = script_url(provisioner).map(str::to_owned) else { continue };
            let digest = match state.lock.script(&url) {
                Some(locked) => locked.digest.clone(),
                None if state.mode == Mode::Strict => {
                    return Err(Error::new(
                        ErrorKind::ConfigInvalid,
                        format!("'{}' has no script '{url}'.", state.path.display()),
                    )
                    .hinted(format!("'yado lock update {url}' takes it down."))
                    .at(provisioner.origin.clone()));
                }
                None => match store.digest_of_url(context, &url) {
                    Ok(digest) => {
                        state.lock.put_script(LockedScript { url, digest: digest.clone() });
                        state.has_changed = true;
                        digest
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                    // The provisioner may never be asked to run; when it is, it says what is wrong.
                    Err(error) => {
                        tracing::debug!(%error, "not locked");
                        continue;
                    }
                },
            };
            let hex = digest.trim_start_matches("sha256:").to_owned();
            provisioner.settings.insert("sha256".to_owned(), hex.into());
        }
        Ok(())
    }

    /// Writes down what is new. A project that cannot be written to stays without.
    pub(crate) fn keep(&self, context: &Context) {
        let mut state = self.state();
        let Some(state) = state.as_mut().filter(|state| state.has_changed) else { return };
        state.has_changed = false;
        if let Err(error) = state.lock.write(&state.path) {
            context.warn(format!("What the machines are made of was not written down: {error}"));
        }
    }
}

impl State {
    /// What is asked for is not in the lock file.
    fn lacks(&self, name: &str, provider: &str, constraints: Option<&str>) -> Error {
        let versions: Vec<&str> = self
            .lock
            .boxes
            .iter()
            .filter(|locked| locked.name == name && locked.provider == provider)
            .map(|locked| locked.version.as_str())
            .collect();
        let path = self.path.display();
        let text = if versions.is_empty() {
            format!("'{path}' has no box '{name}' for the provider '{provider}'.")
        } else {
            format!(
                "'{path}' has the box '{name}' in version {}, and the Vagrantfile asks for '{}'.",
                versions.join(", "),
                constraints.unwrap_or(">= 0")
            )
        };
        Error::new(ErrorKind::ConfigInvalid, text)
            .hinted(format!("'yado lock update {name}' takes down what there is now."))
    }
}

/// An image as a lock file names it.
pub(crate) fn locked(store: &BoxStore, image: &Image, provider: &str, project: &Path) -> Result<LockedBox> {
    let installed = store.find(&image.name, Some(&format!("= {}", image.version)), provider)?;
    let known = installed.map(|installed| LockedBox::of(&installed, project));
    Ok(LockedBox {
        name: image.name.clone(),
        provider: provider.to_owned(),
        architecture: yado_boxes::architecture().to_owned(),
        version: image.version.clone(),
        // The box may be gone, or may have been added again since.
        source: known.map_or_else(String::new, |known| known.source),
        digest: image.digest.clone(),
    })
}

/// How a box differs from what is agreed on.
pub(crate) fn difference(locked: &LockedBox, found: &LockedBox) -> String {
    let what = format!("The box '{}' for '{}' is not what the lock file has:", found.name, found.provider);
    if locked.version == found.version {
        format!(
            "{what} version {} has the digest {}, and {} is agreed on.",
            found.version, found.digest, locked.digest
        )
    } else {
        format!("{what} it is version {}, and {} is agreed on.", found.version, locked.version)
    }
}

/// Whether a script differs from what is agreed on, and how.
pub(crate) fn script_difference(locked: &LockedScript, digest: &str) -> Option<String> {
    (locked.digest != digest).then(|| {
        format!(
            "The script '{}' is not what the lock file has: its digest is {digest}, and {} is agreed on.",
            locked.url, locked.digest
        )
    })
}
