//! Boxes that come over the network: through a catalogue, or directly.

use std::path::{Path, PathBuf};

use yado_core::error::Doing;
use yado_core::spec::DownloadSpec;
use yado_core::{Context, Error, ErrorKind, Result};

use super::BoxStore;
use super::add::{AddOptions, Present};
use super::record::InstalledBox;
use crate::catalogue::{Catalogue, Choice, LARGEST, Wanted};
use crate::fetch::{Address, Client, Failure, Proxies, ranged, retrying};
use crate::platform;
use crate::source::{Source, is_box_name};
use crate::version::Version;

/// How much is asked for to see what is at an address: most catalogues are shorter, and of a box no more than this is
/// sent in vain.
const LOOK: u64 = 64 << 10;

/// What was found at an address.
pub(super) enum Found {
    /// A catalogue.
    Catalogue(Catalogue),
    /// A box itself.
    File,
}

impl BoxStore {
    /// A client for one box.
    pub(super) fn client(&self, download: &DownloadSpec) -> Result<Client> {
        Client::new(&Proxies::default(), download, &self.network)
    }

    /// The header that lets the catalogue server know the user, for URLs on that server only.
    fn authorization(&self, url: &str, server: Option<&str>) -> Option<String> {
        let token = self.network.token.as_ref()?;
        let host = |url: &str| Address::parse(url).ok().map(|address| address.host().to_owned());
        (host(url)? == host(server.or(self.network.server.as_deref())?)?).then(|| format!("Bearer {token}"))
    }

    /// Looks what is at `url` without fetching a box.
    pub(super) fn look(&self, url: &str, options: &AddOptions) -> Result<Found, Failure> {
        let client = self.client(&options.download).map_err(Failure::Local)?;
        let token = self.authorization(url, options.server.as_deref());
        let mut headers = vec![("Accept", "application/json")];
        headers.extend(token.as_deref().map(|token| ("Authorization", token)));
        let (response, is_part) = client.get_beginning(url, &headers, LOOK)?;
        let is_json =
            response.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let path = url.split(['?', '#']).next().unwrap_or(url);
        if !is_json && !path.to_ascii_lowercase().ends_with(".json") {
            return Ok(Found::File);
        }
        let mut text = response.read(url, LARGEST)?;
        if is_part {
            text = client.get_with(url, &headers)?.read(url, LARGEST)?;
        }
        Catalogue::parse(&text, url).map(Found::Catalogue).map_err(Failure::Local)
    }

    /// Adds what is at `url`: the box that a catalogue there offers, or the file itself.
    pub(super) fn add_from_url(
        &self,
        cx: &Context,
        url: &str,
        options: &AddOptions,
        present: Present,
    ) -> Result<InstalledBox> {
        match self.look(url, options).map_err(|failure| failure.into_error("The box"))? {
            Found::Catalogue(catalogue) => self.add_from_catalogue(cx, url, &catalogue, options, present),
            Found::File => {
                // A file has the version that it is given; a constraint gives none.
                let exact =
                    options.version.as_deref().map(|text| text.trim_start_matches(['=', ' ']).to_owned());
                let version = exact.filter(|text| Version::parse(text).is_some());
                let options = AddOptions { version, ..options.clone() };
                self.add_unless(cx, &Source::Url(url.to_owned()), &options, present)
            }
        }
    }

    /// Adds what a catalogue in a file offers.
    pub(super) fn add_from_catalogue_file(
        &self,
        cx: &Context,
        path: &Path,
        options: &AddOptions,
        present: Present,
    ) -> Result<InstalledBox> {
        let text = std::fs::read(path).doing(|| format!("reading '{}'", path.display()))?;
        let address = format!("file://{}", path.display());
        self.add_from_catalogue(cx, &address, &Catalogue::parse(&text, &address)?, options, present)
    }

    fn add_from_catalogue(
        &self,
        cx: &Context,
        address: &str,
        catalogue: &Catalogue,
        options: &AddOptions,
        present: Present,
    ) -> Result<InstalledBox> {
        cx.info(format!("Loading metadata for box '{}'", catalogue.name));
        cx.detail(format!("URL: {address}"));
        if let Some(name) = options.name.as_ref().filter(|name| **name != catalogue.name) {
            return Err(Error::new(
                ErrorKind::BoxImport,
                format!(
                    "The catalogue at '{address}' is of the box '{}', and '{name}' was asked for.",
                    catalogue.name
                ),
            )
            .hinted(format!("Set 'config.vm.box' to '{}'.", catalogue.name)));
        }
        if options.checksum.is_some() && options.name.is_none() {
            return Err(Error::new(
                ErrorKind::Usage,
                "A checksum was given for a box that has a catalogue, which has checksums of its own.",
            ));
        }
        let choice = catalogue.choose(&options.wanted(), address)?;
        let source = file_source(address, &choice.url)?;
        let options = AddOptions {
            name: Some(catalogue.name.clone()),
            version: Some(choice.version.clone()),
            checksum: choice.checksum.clone(),
            catalogue: Some(address.to_owned()),
            foreign: choice.architecture.filter(|name| name != platform::catalogue_architecture()),
            ..options.clone()
        };
        self.add_unless(cx, &source, &options, present)
    }

    /// Asks the catalogue server for a box by its name; `None` when there is no server or it has no such box.
    pub(super) fn add_by_name(
        &self,
        cx: &Context,
        name: &str,
        options: &AddOptions,
        present: Present,
    ) -> Result<Option<InstalledBox>> {
        let Some(server) = options.server.as_ref().or(self.network.server.as_ref()) else { return Ok(None) };
        if !is_box_name(name) {
            return Ok(None);
        }
        let server = server.trim_end_matches('/');
        for url in [format!("{server}/api/v2/vagrant/{name}"), format!("{server}/{name}")] {
            match self.look(&url, options) {
                Ok(Found::Catalogue(catalogue)) => {
                    return self.add_from_catalogue(cx, &url, &catalogue, options, present).map(Some);
                }
                Ok(Found::File) | Err(Failure::Missing(_)) => {}
                Err(failure) => return Err(failure.into_error(&format!("The catalogue of the box '{name}'"))),
            }
        }
        Ok(None)
    }

    /// The newest version that a box's catalogue has for the same provider, when it is newer than the installed one
    /// and satisfies the constraints.
    pub fn newer(
        &self,
        installed: &InstalledBox,
        constraints: &str,
        download: &DownloadSpec,
    ) -> Result<Option<String>> {
        Ok(self.newest(installed, constraints, download)?.and_then(|(_, choice)| {
            let found = Version::parse(&choice.version)?;
            (installed.parsed_version()? < found).then_some(choice.version)
        }))
    }

    /// Whether the catalogue of a box was not asked within the last hour; it counts as asked from now on.
    pub fn is_check_due(&self, installed: &InstalledBox) -> Result<bool> {
        let mark = installed.directory(&self.boxes).join("box_update_check");
        let is_fresh = mark
            .metadata()
            .and_then(|data| data.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age < std::time::Duration::from_hours(1)));
        if !is_fresh {
            std::fs::write(&mark, "").doing(|| format!("writing '{}'", mark.display()))?;
        }
        Ok(!is_fresh)
    }

    fn newest(
        &self,
        installed: &InstalledBox,
        constraints: &str,
        download: &DownloadSpec,
    ) -> Result<Option<(Catalogue, Choice)>> {
        let Some(address) = &installed.catalogue else { return Ok(None) };
        let options = AddOptions { download: download.clone(), ..AddOptions::default() };
        let catalogue = match address.strip_prefix("file://") {
            Some(path) => {
                let text = std::fs::read(path).doing(|| format!("reading '{path}'"))?;
                Catalogue::parse(&text, address)?
            }
            None => match self.look(address, &options) {
                Ok(Found::Catalogue(catalogue)) => catalogue,
                Ok(Found::File) => return Ok(None),
                Err(failure) => {
                    return Err(failure.into_error(&format!("The catalogue of the box '{}'", installed.name)));
                }
            },
        };
        let wanted = Wanted { constraints, provider: &installed.provider, architecture: Some("auto") };
        let choice = catalogue.choose(&wanted, address)?;
        Ok(Some((catalogue, choice)))
    }

    /// Installs the newest version that a box's catalogue has; `None` when that is installed already, unless it is to
    /// be installed again by force.
    pub fn update(
        &self,
        cx: &Context,
        installed: &InstalledBox,
        constraints: &str,
        options: &AddOptions,
    ) -> Result<Option<InstalledBox>> {
        let version = match self.newer(installed, constraints, &options.download)? {
            Some(version) => version,
            None if options.force && installed.catalogue.is_some() => installed.version.clone(),
            None => return Ok(None),
        };
        let present = if options.force { Present::Replace } else { Present::Use };
        let address = installed.catalogue.as_deref().unwrap_or_default();
        cx.info(format!(
            "Updating '{}' with provider '{}' from version '{}' to '{version}'...",
            installed.name, installed.provider, installed.version
        ));
        let options = AddOptions {
            name: Some(installed.name.clone()),
            provider: Some(installed.provider.clone()),
            version: Some(format!("= {version}")),
            architecture: Some("auto".to_owned()),
            ..options.clone()
        };
        match address.strip_prefix("file://") {
            Some(path) => self.add_from_catalogue_file(cx, Path::new(path), &options, present),
            None => self.add_from_url(cx, address, &options, present),
        }
        .map(Some)
    }

    /// The digest (`sha256:…`) of what is at a URL: of a script of a provisioner, which is small.
    pub fn digest_of_url(&self, cx: &Context, url: &str) -> Result<String> {
        use sha2::Digest;
        const LARGEST_SCRIPT: u64 = 64 << 20;
        let client = self.client(&DownloadSpec::default())?;
        let text = retrying(&cx.cancel, || client.get(url)?.read(url, LARGEST_SCRIPT))
            .map_err(|failure| failure.into_error("The script"))?;
        Ok(format!("sha256:{}", crate::layer::hex(&sha2::Sha256::digest(&text))))
    }

    /// Where downloads lie; what was given up there is removed.
    pub(super) fn downloads(&self) -> PathBuf {
        let downloads = self.cache.join("downloads");
        ranged::collect(&downloads);
        crate::scratch::collect(&downloads);
        downloads
    }

    /// Fetches a box file, going on with what an interrupted run has of it.
    pub(super) fn download(&self, cx: &Context, url: &str, options: &AddOptions) -> Result<ranged::Fetched> {
        let downloads = self.downloads();
        cx.detail(format!("Downloading: {url}"));
        let client = self.client(&options.download)?;
        let token = self.authorization(url, options.server.as_deref());
        let headers: Vec<_> = token.as_deref().map(|token| ("Authorization", token)).into_iter().collect();
        let wanted = ranged::Wanted {
            url,
            headers: &headers,
            is_verified: options.checksum.is_some(),
            clean: options.clean,
            size: None,
        };
        let _time = cx.time("download the box");
        ranged::fetch(cx, &client, &wanted, &downloads).map_err(|failure| failure.into_error("The box"))
    }
}

/// Where a file that a catalogue names is: addresses may be relative to the catalogue's own.
fn file_source(catalogue: &str, url: &str) -> Result<Source> {
    if let Some(path) = catalogue.strip_prefix("file://") {
        let folder = Path::new(path).parent().unwrap_or(Path::new("/"));
        return Source::recognize(url, folder).ok_or_else(|| {
            Error::new(
                ErrorKind::BoxImport,
                format!("The catalogue '{catalogue}' names the file '{url}', which does not exist."),
            )
        });
    }
    if let Some(path) = url.strip_prefix("file://") {
        // A server has no business with the files of this machine, but Vagrant's own catalogues on a share do that.
        return Ok(Source::Archive(PathBuf::from(crate::fetch::decode(path))));
    }
    let joined = Address::parse(catalogue).and_then(|from| from.join(url));
    // The text as given keeps a user and password in it.
    let full =
        if url.contains("://") { Ok(url.to_owned()) } else { joined.map(|address| address.to_string()) };
    full.map(Source::Url).map_err(|why| Error::new(ErrorKind::BoxImport, format!("{why}.")))
}
