//! Adding boxes: making layers from a source, then writing the box down.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use yado_core::error::Doing;
use yado_core::spec::DownloadSpec;
use yado_core::{Context, Error, ErrorKind, Result};

use super::BoxStore;
use super::disk::KVM;
use super::record::{InstalledBox, InstalledDisk, escape};
use crate::archive::Disks;
use crate::bootstrap::distribution::Distribution;
use crate::catalogue::Wanted;
use crate::chain::Chain;
use crate::layer::{Layer, combine};
use crate::scratch;
use crate::source::Source;
use crate::unpack::{Digests, Tree, can_overlay, copy_directory, make_public};
use crate::version::Version;
use crate::{archive, bootstrap, checksum, host, lock, oci, platform, prepare};

/// The provider that boxes are made for when nothing else is said.
pub(super) const CONTAINER: &str = "container";

/// How a box is added.
#[derive(Debug, Clone, Default)]
pub struct AddOptions {
    /// The name to install it under; needed unless the source has one (`host`, a suite).
    pub name: Option<String>,
    /// For a file, the version to install it as (by default the source's own, or `0`); for a catalogue, constraints.
    pub version: Option<String>,
    /// The provider that it serves; `container` by default.
    pub provider: Option<String>,
    /// Replace an installed box of the same name and version.
    pub force: bool,
    /// Checksum that the archive must have, and its type (`sha256`, …).
    pub checksum: Option<(String, String)>,
    /// The architecture to choose from a catalogue: `auto` is the host's, `None` the catalogue's default one.
    pub architecture: Option<String>,
    /// Do not go on with an interrupted download.
    pub clean: bool,
    /// How it is downloaded.
    pub download: DownloadSpec,
    /// The catalogue server, when the environment names none.
    pub server: Option<String>,
    /// The catalogue that led to the source; the store finds it.
    pub catalogue: Option<String>,
    /// The architecture of what was chosen from a catalogue, where that is another than the host's; the store finds
    /// it.
    pub foreign: Option<String>,
}

impl AddOptions {
    /// What to choose from a catalogue.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            constraints: self.version.as_deref().unwrap_or(""),
            provider: self.provider.as_deref().unwrap_or(CONTAINER),
            architecture: self.architecture.as_deref(),
        }
    }
}

/// What machines are made of.
pub(super) enum Content {
    /// Lowest first.
    Layers(Vec<Layer>),
    /// A disk in its place, with its digest and its size in bytes.
    Disk { digest: String, size: u64, disk: InstalledDisk },
}

/// What to do when the box is installed already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Present {
    /// Take it as it is.
    Use,
    /// Make it again.
    Replace,
    /// Say so, as `box add` does.
    Refuse,
}

/// What a source was made into.
pub(super) struct Made {
    pub(super) content: Content,
    version: String,
    host_mounts: Vec<(PathBuf, PathBuf)>,
    vagrantfile: Option<Vec<u8>>,
    stamp: Option<(u64, i64)>,
    /// The source, made exact: an image by its digest.
    exact: Option<String>,
}

impl Made {
    /// This and nothing else.
    fn new(content: Content, version: &str) -> Self {
        Self {
            content,
            version: version.to_owned(),
            host_mounts: Vec::new(),
            vagrantfile: None,
            stamp: None,
            exact: None,
        }
    }
}

impl BoxStore {
    /// Makes a box from `source` and installs it. Several processes that add the same box at once do the work
    /// once. An interruption leaves the store as it was.
    pub fn add(&self, cx: &Context, source: &Source, options: &AddOptions) -> Result<InstalledBox> {
        let present = if options.force { Present::Replace } else { Present::Refuse };
        self.add_any(cx, source, options, present)
    }

    /// The same, with a word on what to do about a box that is there already. What is named may be a catalogue.
    pub(super) fn add_any(
        &self,
        cx: &Context,
        source: &Source,
        options: &AddOptions,
        present: Present,
    ) -> Result<InstalledBox> {
        match source {
            Source::Url(url) => self.add_from_url(cx, url, options, present),
            Source::Catalogue(path) => self.add_from_catalogue_file(cx, path, options, present),
            Source::Named(name) => self.add_by_name(cx, name, options, present)?.ok_or_else(|| {
                Error::new(ErrorKind::BoxNotFound, format!("The box '{name}' could not be found.")).hinted(
                    "Name a file, a URL or an OCI image, or a catalogue server in VAGRANT_SERVER_URL.",
                )
            }),
            other => self.add_unless(cx, other, options, present),
        }
    }

    /// The same for a source that is a box itself.
    pub(super) fn add_unless(
        &self,
        cx: &Context,
        source: &Source,
        options: &AddOptions,
        present: Present,
    ) -> Result<InstalledBox> {
        let name = name(source, options)?;
        let provider = options.provider.as_deref().unwrap_or(CONTAINER);
        let locks = self.boxes.join(".locks");
        // A suite is made once, whatever names its box has.
        let work = match source {
            Source::Bootstrap { .. } => source.to_string(),
            _ => name.clone(),
        };
        let turn =
            lock::exclusive(cx, &locks.join(escape(&work)), &format!("it is adding the box '{name}'."))?;
        // Taken before the layer is made: a change in between is then seen the next time.
        let fingerprint = match source {
            Source::Host => Some(host::fingerprint(&self.host)?),
            _ => None,
        };
        if let Some(existing) = self.installed_already(source, &name, provider, options)? {
            match present {
                _ if fingerprint.is_some() && existing.fingerprint == fingerprint => return Ok(existing),
                // The host has changed.
                _ if fingerprint.is_some() => {}
                Present::Use => return Ok(existing),
                // Somebody made it while we waited for them.
                _ if turn.waited => return Ok(existing),
                Present::Refuse => return Err(exists_already(&existing)),
                Present::Replace => {}
            }
        }
        let not_collecting = lock::shared(cx, &locks.join(".layers"))?;
        scratch::collect(self.layers.directory());
        if present != Present::Replace
            && let Some(twin) = self.twin(source)?
        {
            let installed = InstalledBox { name, provider: provider.to_owned(), ..twin };
            self.install(&installed, None)?;
            return Ok(installed);
        }
        self.announce(cx, source, &name, provider, options);
        let _time = cx.time(&format!("make the box {name}"));
        let made = match self.make(cx, source, options) {
            Ok(made) => made,
            Err(error) => {
                // An image's lower layers are of no use without those that are refused. What the user interrupts is gone
                // on with.
                drop(not_collecting);
                if error.kind() != ErrorKind::Interrupted
                    && let Err(error) = self.collect_layers()
                {
                    tracing::debug!(%error, "layers are left");
                }
                return Err(explain(error, &name, self.layers.directory()));
            }
        };
        let mounts = made.host_mounts.iter().map(|(from, to)| format!("{}:{}", from.display(), to.display()));
        let mounts: Vec<String> = mounts.collect();
        let (digest, layers, size, disk) = match made.content {
            Content::Layers(layers) => {
                let digests: Vec<String> = layers.iter().map(|layer| layer.digest.clone()).collect();
                let parts = digests.iter().chain(&mounts).map(String::as_str);
                (combine(parts), digests, layers.iter().map(|layer| layer.size).sum(), None)
            }
            Content::Disk { digest, size, disk } => (digest, Vec::new(), size, Some(disk)),
        };
        let installed = InstalledBox {
            digest,
            layers,
            disk,
            name,
            provider: provider.to_owned(),
            version: options.version.clone().unwrap_or(made.version),
            architecture: options.foreign.clone().unwrap_or_else(|| platform::architecture().to_owned()),
            source: made.exact.unwrap_or_else(|| source.to_string()),
            host_mounts: made.host_mounts,
            size,
            user: prepare::USER.to_owned(),
            catalogue: options.catalogue.clone(),
            vagrantfile: made.vagrantfile.is_some(),
            stamp: made.stamp,
            fingerprint,
        };
        self.install(&installed, made.vagrantfile.as_deref())?;
        Ok(installed)
    }

    /// Says what is about to happen. The host box is too quick for words, and a suite tells its own steps.
    fn announce(&self, cx: &Context, source: &Source, name: &str, provider: &str, options: &AddOptions) {
        if matches!(source, Source::Host | Source::Bootstrap { .. }) {
            return;
        }
        let version = options.version.as_deref().unwrap_or("0");
        let architecture = platform::architecture();
        cx.info(format!("Adding box '{name}' (v{version}) for provider: {provider} ({architecture})"));
        if let Source::Archive(path) | Source::Directory(path) = source {
            cx.detail(format!("Unpacking necessary files from: file://{}", path.display()));
        }
    }

    /// The same suite, installed under another name or for another provider: its layer serves both.
    fn twin(&self, source: &Source) -> Result<Option<InstalledBox>> {
        if !matches!(source, Source::Bootstrap { .. }) {
            return Ok(None);
        }
        Ok(self.list()?.into_iter().find(|twin| {
            twin.source == source.to_string()
                && twin.architecture == platform::architecture()
                && self.is_complete(twin)
        }))
    }

    /// The installed box that this addition would make again.
    fn installed_already(
        &self,
        source: &Source,
        name: &str,
        provider: &str,
        options: &AddOptions,
    ) -> Result<Option<InstalledBox>> {
        let exact = |version: &str| self.find(name, Some(&format!("= {version}")), provider);
        match (&options.version, source) {
            (Some(version), _) => {
                if Version::parse(version).is_none() {
                    return Err(Error::new(ErrorKind::Usage, format!("'{version}' is not a box version."))
                        .hinted("A version looks like '1.2.3'."));
                }
                exact(version)
            }
            (None, Source::Bootstrap { .. }) => Ok(self
                .find(name, None, provider)?
                .filter(|installed| installed.source == source.to_string())),
            (None, _) => exact("0"),
        }
    }

    /// Writes a box down; what it replaces is kept for the machines made from it.
    pub(super) fn install(&self, installed: &InstalledBox, vagrantfile: Option<&[u8]>) -> Result<()> {
        let directory = installed.directory(&self.boxes);
        if let Ok(before) = InstalledBox::read(&directory) {
            if before == *installed {
                return Ok(());
            }
            if before.digest != installed.digest {
                self.retain(&before)?;
            }
        }
        installed.write(&self.boxes, vagrantfile)
    }

    fn make(&self, cx: &Context, source: &Source, options: &AddOptions) -> Result<Made> {
        let made = |layer, version: &str| Made::new(Content::Layers(vec![layer]), version);
        match source {
            Source::Host => {
                let layer = self.import(cx, |tree, _| host::generate(tree, &self.host))?;
                Ok(Made { host_mounts: host::mounts(), ..made(layer, "0") })
            }
            Source::Directory(path) => {
                let layer = self.import(cx, |tree, root| {
                    copy_directory(path, tree, &cx.cancel)?;
                    if !root.join("usr").exists() && !root.join("bin").exists() {
                        return Err(Error::new(
                            ErrorKind::BoxImport,
                            format!(
                                "'{}' is no root file system: '/usr' and '/bin' are missing.",
                                path.display()
                            ),
                        ));
                    }
                    prepare::prepare(tree)
                })?;
                Ok(made(layer, "0"))
            }
            Source::Archive(path) => {
                if let Some((expected, kind)) = &options.checksum {
                    cx.info("Calculating and comparing box checksum...");
                    checksum::verify(path, expected, kind, &cx.cancel)?;
                }
                if oci::is_archive(cx, path) {
                    let image = oci::open(cx, path, self.layers.directory())?;
                    let content = self.import_image(cx, &image, self.can_stack()?)?;
                    return Ok(Made { stamp: stamp(path), ..Made::new(content, "0") });
                }
                let scratch = self.layers.begin()?;
                let target = scratch.path().join("root");
                std::fs::create_dir(&target).doing(|| format!("creating '{}'", target.display()))?;
                make_public(&target)?;
                let disks =
                    if options.provider.as_deref() == Some(KVM) { Disks::Keep } else { Disks::Unpack };
                let contents = archive::import(cx, path, &target, disks)?;
                if let Some(disk) = &contents.disk {
                    let content = self.keep_disk(cx, disk)?;
                    let vagrantfile = contents.vagrantfile;
                    return Ok(Made { vagrantfile, stamp: stamp(path), ..Made::new(content, "0") });
                }
                let mut tree = open(&contents.root)?.with_digests(contents.digests);
                if !contents.names_an_image {
                    prepare::prepare(&mut tree)?;
                }
                let known = tree.into_digests().doing(|| "preparing the box")?;
                let layer = self.layers.finish(scratch, &contents.root, &known, &cx.cancel)?;
                Ok(Made { vagrantfile: contents.vagrantfile, stamp: stamp(path), ..made(layer, "0") })
            }
            Source::OciLayout(path) => {
                let image = oci::open(cx, path, self.layers.directory())?;
                Ok(Made::new(self.import_image(cx, &image, self.can_stack()?)?, "0"))
            }
            Source::Oci(text) => self.make_from_registry(cx, text, options),
            Source::Url(url) => {
                let file = self.download(cx, url, options)?;
                let made = self.make(cx, &Source::Archive(file.path().to_owned()), options);
                // What was fetched stays when the work on it was interrupted, and goes when it is of no use.
                if !made.as_ref().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {
                    file.discard();
                }
                Ok(Made { stamp: None, ..made? })
            }
            Source::Catalogue(_) | Source::Named(_) => {
                Err(Error::new(ErrorKind::Other, "A catalogue is no box by itself."))
            }
            Source::Bootstrap { distribution, suite } => {
                let mut version = String::new();
                let layer = self.import(cx, |_, root| {
                    let plan = bootstrap::Plan {
                        distribution: Distribution::named(distribution)?,
                        suite,
                        cache: &self.cache,
                        host: &self.host,
                        chroot: self.chroot.as_deref(),
                        network: &self.network,
                    };
                    version = bootstrap::bootstrap(cx, &plan, root)?;
                    prepare::prepare(&mut open(root)?)
                })?;
                Ok(made(layer, &version))
            }
        }
    }

    fn make_from_registry(&self, cx: &Context, text: &str, options: &AddOptions) -> Result<Made> {
        let reference = oci::Reference::parse(text)?;
        if options.checksum.is_some() {
            return Err(Error::new(
                ErrorKind::Usage,
                "A checksum was given for an image in a registry, which is named by its digest instead.",
            )
            .hinted(format!("Write '{reference}@sha256:DIGEST'.")));
        }
        let downloads = self.downloads();
        let client = self.client(&options.download)?;
        let stacks = self.can_stack()?;
        let is_known = |chain: &Chain| stacks && self.chains.find(chain, &self.layers).is_some();
        let image = oci::pull(cx, &client, &self.network, &reference, &downloads, &is_known)?;
        let content = self.import_image(cx, &image, stacks)?;
        let exact = oci::Reference { digest: image.digest.clone(), ..reference }.to_string();
        image.discard();
        Ok(Made { exact: Some(exact), ..Made::new(content, "0") })
    }

    /// Whether layers can be made on top of others.
    fn can_stack(&self) -> Result<bool> {
        Ok(can_overlay(self.layers.begin()?.path()))
    }

    /// Makes an image's layers those of a box, with the user on top.
    fn import_image(&self, cx: &Context, image: &oci::Pulled, stacks: bool) -> Result<Content> {
        if stacks {
            let mut stack = oci::Stack::new(cx, &self.layers, &self.chains);
            stack.image(image)?;
            stack.top(prepare::prepare)?;
            return Ok(Content::Layers(stack.into_layers()));
        }
        cx.warn(format!(
            "The file system of '{}' takes no overlays, so that the image's layers become one. It shares nothing with \
             other images, and its digest is another one than elsewhere.",
            self.layers.directory().display()
        ));
        let scratch = self.layers.begin()?;
        let root = scratch.path().to_owned();
        make_public(&root)?;
        let digests = oci::flatten(cx, image, &root)?;
        let mut tree = open(&root)?.with_digests(digests);
        prepare::prepare(&mut tree)?;
        let known = tree.into_digests().doing(|| "preparing the box")?;
        Ok(Content::Layers(vec![self.layers.finish(scratch, &root, &known, &cx.cancel)?]))
    }

    /// Makes a layer: `fill` is given the empty tree and its path.
    fn import(&self, cx: &Context, fill: impl FnOnce(&mut Tree, &Path) -> Result<()>) -> Result<Layer> {
        let scratch = self.layers.begin()?;
        let root = scratch.path().to_owned();
        make_public(&root)?;
        fill(&mut open(&root)?, &root)?;
        self.layers.finish(scratch, &root, &Digests::default(), &cx.cancel)
    }
}

fn name(source: &Source, options: &AddOptions) -> Result<String> {
    match (&options.name, source) {
        (Some(name), _) if !name.is_empty() => Ok(name.clone()),
        (_, Source::Host) => Ok(host::NAME.to_owned()),
        (_, Source::Bootstrap { distribution, suite }) => Ok(format!("{distribution}/{suite}")),
        (_, Source::Oci(_)) => Ok(source.to_string()),
        _ => Err(Error::new(ErrorKind::Usage, "A name is required when adding a box file directly.")
            .hinted("Give it with '--name NAME'.")),
    }
}

fn exists_already(existing: &InstalledBox) -> Error {
    let InstalledBox { name, provider, version, .. } = existing;
    Error::new(
        ErrorKind::BoxImport,
        format!(
            "The box you're attempting to add already exists.\n\nName: {name}\nProvider: {provider}\nVersion: {version}"
        ),
    )
    .hinted("Remove it first, or add it with '--force'.")
}

fn open(root: &Path) -> Result<Tree> {
    Tree::open(root).doing(|| format!("opening '{}'", root.display()))
}

/// Size and time of a file, to see later that it has changed.
pub(super) fn stamp(path: &Path) -> Option<(u64, i64)> {
    let metadata = path.metadata().ok()?;
    Some((metadata.len(), metadata.mtime()))
}

/// A full disk, or not being root, is something that people can do something about.
fn explain(error: Error, name: &str, directory: &Path) -> Error {
    use rustix::io::Errno;
    let errno = std::error::Error::source(&error).and_then(|source| {
        let raw = source.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error);
        raw.map(Errno::from_raw_os_error).or_else(|| source.downcast_ref::<Errno>().copied())
    });
    match errno {
        Some(Errno::NOSPC | Errno::DQUOT) => Error::new(
            ErrorKind::BoxImport,
            format!("There is not enough space in '{}' for the box '{name}'.", directory.display()),
        )
        .hinted("Free some space, or set YADO_HOME to a directory on a larger file system. Nothing was left half-made.")
        .caused_by(error),
        Some(Errno::PERM) if !rustix::process::geteuid().is_root() => {
            error.hinted("A box's files belong to several users; adding boxes needs root.")
        }
        _ => error,
    }
}
