//! From what a Vagrantfile asks for to an image: what `up` calls.

use std::path::{Path, PathBuf};

use yado_core::spec::{BoxSpec, DownloadSpec};
use yado_core::{Context, Error, ErrorKind, Image, Result};

use super::add::{AddOptions, CONTAINER, Present, stamp};
use super::disk::KVM;
use super::{BoxStore, InstalledBox};
use crate::bootstrap::well_known;
use crate::host;
use crate::source::Source;

/// The providers whose machines are made from a file system, which packages can fill. Docker's and Podman's are handed
/// it as an image.
const MADE_FROM_PACKAGES: &[&str] = &[CONTAINER, KVM, "docker", "podman"];

impl BoxStore {
    /// The image that `spec` asks for: an installed box, or one that is made now from the first source that has
    /// it. Relative paths start at `project`.
    pub fn resolve(&self, cx: &Context, spec: &BoxSpec, project: &Path, provider: &str) -> Result<Image> {
        Ok(self.image(&self.resolve_installed(cx, spec, project, provider)?))
    }

    /// The same box as it is written down.
    pub(super) fn resolve_installed(
        &self,
        cx: &Context,
        spec: &BoxSpec,
        project: &Path,
        provider: &str,
    ) -> Result<InstalledBox> {
        let Some(name) = spec.name.as_deref().filter(|name| !name.is_empty()) else {
            return Err(Error::new(ErrorKind::ConfigInvalid, "The machine has no box.")
                .hinted("Set 'config.vm.box', for example to 'debian/bookworm64' or 'host'.")
                .at(spec.origin.clone()));
        };
        self.resolve_name(cx, name, spec, project, provider).map_err(|error| error.at(spec.origin.clone()))
    }

    fn resolve_name(
        &self,
        cx: &Context,
        name: &str,
        spec: &BoxSpec,
        project: &Path,
        provider: &str,
    ) -> Result<InstalledBox> {
        if name == host::NAME {
            let options = AddOptions { provider: Some(provider.to_owned()), ..AddOptions::default() };
            return self.add(cx, &Source::Host, &options);
        }
        let path = Source::recognize(name, project);
        if let Some(installed) = self.usable(name, spec, provider, path.as_ref())? {
            return Ok(installed);
        }
        if provider == KVM
            && spec.urls.is_empty()
            && path.is_none()
            && let Some(installed) = self.usable(name, spec, CONTAINER, None)?
            && let Some(shared) = self.share_with_machines(&installed)?
        {
            return Ok(shared);
        }
        let mut tried = Vec::new();
        let options = AddOptions {
            name: Some(name.to_owned()),
            provider: Some(provider.to_owned()),
            checksum: spec.checksum.clone(),
            version: spec.version.clone(),
            architecture: spec.architecture.clone(),
            server: spec.server.clone(),
            download: relative_to(&spec.download, project),
            ..AddOptions::default()
        };
        // A constraint chooses from a catalogue; it is no version that a file could get.
        let plain = AddOptions { version: None, ..options.clone() };
        let mut only_failure = None;
        for url in &spec.urls {
            let Some(source) = Source::recognize(url, project) else {
                tried.push(format!("'{url}' (box_url): there is no such file"));
                continue;
            };
            if tried.is_empty() {
                cx.info(format!("Box '{name}' could not be found. Attempting to find and install..."));
                cx.detail(format!("Box Provider: {provider}"));
                cx.detail(format!("Box Version: {}", spec.version.as_deref().unwrap_or(">= 0")));
            }
            let options =
                if matches!(source, Source::Url(_) | Source::Catalogue(_)) { &options } else { &plain };
            match self.add_any(cx, &source, options, Present::Use) {
                Ok(installed) => return Ok(installed),
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => {
                    tried.push(format!("'{url}' (box_url): {error}"));
                    only_failure = Some(error);
                }
            }
        }
        if !spec.urls.is_empty() {
            // With a single address, its own failure says more than a list of one.
            return Err(match only_failure {
                Some(error) if spec.urls.len() == 1 => error,
                _ => self.not_found(name, spec, provider, &tried)?,
            });
        }
        if let Some(source) = path {
            // Whatever is installed under that name is outdated, or has gone.
            return self.add_any(cx, &source, &plain, Present::Replace);
        }
        let known = well_known::suite(name);
        // The public catalogue has nothing for containers under the well-known names; one that somebody runs may.
        let is_asked = known.is_none() || self.network.server_is_named || spec.server.is_some();
        if is_asked {
            match self.add_by_name(cx, name, &options, Present::Use) {
                Ok(Some(installed)) => return Ok(installed),
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) if known.is_none() => return Err(error),
                Err(error) => tracing::debug!(%error, "an equivalent will do"),
            }
        }
        match known {
            Some(known) if MADE_FROM_PACKAGES.contains(&provider) => {
                self.equivalent(cx, name, spec, known, plain)
            }
            Some(_) => {
                let whose = MADE_FROM_PACKAGES.join("', '");
                tried.push(format!("an equivalent from packages: only for the providers '{whose}'"));
                Err(self.not_found(name, spec, provider, &tried)?)
            }
            None => Err(self.not_found(name, spec, provider, &tried)?),
        }
    }

    /// The installed box to use, if it is still what the project means.
    fn usable(
        &self,
        name: &str,
        spec: &BoxSpec,
        provider: &str,
        path: Option<&Source>,
    ) -> Result<Option<InstalledBox>> {
        let found = match self.find(name, spec.version.as_deref(), provider)? {
            Some(found) => Some(found),
            // An equivalent has a version of its own; the constraint was answered when it was made.
            None => self.find(name, None, provider)?.filter(|found| found.source.starts_with("bootstrap:")),
        };
        let Some(Source::Archive(file)) = path else { return Ok(found) };
        Ok(found.filter(|found| found.stamp.is_some() && found.stamp == stamp(file)))
    }

    /// Makes from packages what the well-known box stands for.
    fn equivalent(
        &self,
        cx: &Context,
        name: &str,
        spec: &BoxSpec,
        known: well_known::Suite,
        options: AddOptions,
    ) -> Result<InstalledBox> {
        let title = known.distribution.title;
        let mut text = format!(
            "Box '{name}' has no image for '{}'; building an equivalent from {title}'s packages (suite {}).",
            options.provider.as_deref().unwrap_or(CONTAINER),
            known.suite
        );
        if let Some(version) = spec.version.as_deref().filter(|version| *version != ">= 0") {
            text.push_str(&format!(
                " The version constraint '{version}' is about the original and does not apply."
            ));
        }
        cx.info(text);
        let source =
            Source::Bootstrap { distribution: known.distribution.name.into(), suite: known.suite.into() };
        let options = AddOptions { checksum: None, ..options };
        self.add_unless(cx, &source, &options, Present::Use)
    }

    fn not_found(&self, name: &str, spec: &BoxSpec, provider: &str, tried: &[String]) -> Result<Error> {
        let mut text = match spec.version.as_deref().filter(|version| *version != ">= 0") {
            Some(version) => format!("The box '{name}' (version {version}) could not be found."),
            None => format!("The box '{name}' could not be found."),
        };
        text.push_str(&format!(
            "\n\nTried:\n  the installed boxes for the provider '{provider}': not among them"
        ));
        for attempt in tried {
            text.push_str(&format!("\n  {attempt}"));
        }
        if tried.is_empty() {
            text.push_str("\n  a file or directory of that name: there is none");
            if name.contains('/') {
                text.push_str(match (&self.network.server, self.network.offline) {
                    (_, true) => "\n  a catalogue server: not asked, since YADO_OFFLINE is set",
                    (None, _) => "\n  a catalogue server: none is named (VAGRANT_SERVER_URL)",
                    (Some(_), _) => "\n  the catalogue server: it has no such box",
                });
            }
            text.push_str("\n  boxes that yado can make from packages: not among them");
        }
        let mut error = Error::new(ErrorKind::BoxNotFound, text);
        let installed = self.list()?;
        let mut names: Vec<&str> = installed.iter().map(|known| known.name.as_str()).collect();
        names.extend(well_known::names().map(|name| -> &str { name }));
        names.push(host::NAME);
        if let Some(near) = nearest(name, names.into_iter()) {
            error = error.hinted(format!("Did you mean '{near}'?"));
        }
        Ok(error
            .hinted("'host' (this machine's own programs) and 'debian/bookworm64' work without a catalogue."))
    }
}

/// Paths of a project's settings start at the project.
fn relative_to(download: &DownloadSpec, project: &Path) -> DownloadSpec {
    let joined = |path: &Option<PathBuf>| path.as_ref().map(|path| project.join(path));
    DownloadSpec {
        ca_certificate: joined(&download.ca_certificate),
        ca_directory: joined(&download.ca_directory),
        client_certificate: joined(&download.client_certificate),
        ..download.clone()
    }
}

/// The known name that is nearest to a mistyped one, if any is near.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance > 0 && *distance <= name.len().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be changed, added or removed.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_box() {
        assert_eq!(nearest("debian/bokworm64", well_known::names()), Some("debian/bookworm64"));
        assert_eq!(nearest("hots", [host::NAME].into_iter()), Some("host"));
        assert_eq!(nearest("something/else", well_known::names()), None);
    }
}
