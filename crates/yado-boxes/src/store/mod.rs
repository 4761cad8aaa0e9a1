//! [`BoxStore`]: the boxes on this machine.
//!
//! ```text
//! <home>/boxes/NAME/VERSION/ARCHITECTURE/PROVIDER/box.json   what is installed
//! <home>/boxes/.retained/                                    replaced or removed, but machines may use them
//! <home>/boxes/.locks/                                       one file per box being added
//! <home>/layers/sha256-…/                                    root file systems, shared by boxes
//! <home>/disks/sha256-…/                                     what virtual machines boot, made of a box's layers
//! <home>/cache/                                              downloads, named by their digest
//! <home>/cache/chains/sha256-…                               what layers of images became, by those up to them
//! ```
//!
//! A box is first made completely, then its layers are renamed into place, then its record is written. Whatever
//! interrupts that leaves scratch names only, which the next opening removes.

mod add;
mod disk;
mod online;
mod record;
mod resolve;
#[cfg(test)]
mod tests;
mod usage;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use add::AddOptions;
pub use record::InstalledBox;
pub use usage::Usage;
pub use verify::Verified;
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Image, Result};

use crate::chain::Chains;
use crate::chroot::Chroot;
use crate::fetch::Network;
use crate::layer::Layers;
use crate::version::Constraints;
use crate::{lock, scratch};

/// The boxes on this machine.
#[derive(Clone)]
pub struct BoxStore {
    boxes: PathBuf,
    cache: PathBuf,
    layers: Layers,
    chains: Chains,
    disks: PathBuf,
    chroot: Option<Arc<dyn Chroot>>,
    network: Network,
    /// The host's root directory: whose `/usr` and whose apt configuration are used.
    host: PathBuf,
}

impl BoxStore {
    /// Opens the store below yado's own directory, making it if needed.
    pub fn open(home: &Path) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let store = Self::at(home);
        let directories = [
            store.boxes.join(".locks"),
            store.boxes.join(".retained"),
            store.layers.directory().to_owned(),
            store.disks.clone(),
            store.cache.join("debs"),
            store.cache.join("indexes"),
            store.cache.join("downloads"),
            store.cache.join("chains"),
        ];
        for directory in directories {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&directory)
                .doing(|| format!("creating '{}'", directory.display()))?;
        }
        Ok(store)
    }

    /// The store below a home, which may have none yet.
    fn at(home: &Path) -> Self {
        Self {
            boxes: home.join("boxes"),
            cache: home.join("cache"),
            layers: Layers::new(home.join("layers")),
            chains: Chains::new(home.join("cache/chains")),
            disks: home.join("disks"),
            chroot: None,
            network: Network::default(),
            host: PathBuf::from("/"),
        }
    }

    /// The same store, with a way to run programs of a box that is being made.
    pub fn with_chroot(mut self, chroot: Arc<dyn Chroot>) -> Self {
        self.chroot = Some(chroot);
        self
    }

    /// The same store, with what the user's environment says about the network.
    pub fn with_network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// The same store, as on a host with another root directory.
    #[cfg(test)]
    pub(crate) fn with_host(mut self, host: &Path) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Every installed box, sorted by name, provider and version. Records that cannot be read are left out.
    pub fn list(&self) -> Result<Vec<InstalledBox>> {
        let mut found = Vec::new();
        records(&self.boxes, 0, &mut found)?;
        found.sort_by(|a, b| {
            (&a.name, &a.provider, a.parsed_version(), &a.architecture).cmp(&(
                &b.name,
                &b.provider,
                b.parsed_version(),
                &b.architecture,
            ))
        });
        Ok(found)
    }

    /// The newest installed box of this name for `provider` that satisfies the constraints.
    pub fn find(
        &self,
        name: &str,
        version_constraints: Option<&str>,
        provider: &str,
    ) -> Result<Option<InstalledBox>> {
        let constraints = Constraints::parse(version_constraints.unwrap_or(""))?;
        let mut found = Vec::new();
        records(&self.boxes.join(record::escape(name)), 1, &mut found)?;
        found.retain(|installed| {
            installed.name == name
                && installed.provider == provider
                && installed.architecture == crate::platform::architecture()
                && installed.parsed_version().is_some_and(|version| constraints.allow(&version))
                && self.is_complete(installed)
        });
        Ok(found.into_iter().max_by_key(InstalledBox::parsed_version))
    }

    /// Whether all layers and its disk are there; a box that lost one is as good as not installed.
    fn is_complete(&self, installed: &InstalledBox) -> bool {
        installed.layers.iter().all(|digest| self.layers.path(digest).is_dir()) && self.has_disk(installed)
    }

    /// Removes an installed box (every version and provider that is not named) and the layers that no box and no
    /// machine uses any more. `images_in_use` are the digests ([`Image::digest`]) of what machines were made from.
    pub fn remove(
        &self,
        name: &str,
        version: Option<&str>,
        provider: Option<&str>,
        images_in_use: &[String],
    ) -> Result<Vec<InstalledBox>> {
        let mut removed = self.list()?;
        removed.retain(|installed| {
            installed.name == name
                && version.is_none_or(|version| installed.version == version)
                && provider.is_none_or(|provider| installed.provider == provider)
        });
        if removed.is_empty() {
            let what = match version {
                Some(version) => format!("The box '{name}' (version {version}) is not installed."),
                None => format!("The box '{name}' is not installed."),
            };
            return Err(
                Error::new(ErrorKind::BoxNotFound, what).hinted("'yado box list' shows the installed boxes.")
            );
        }
        for installed in &removed {
            self.retain(installed)?;
            let directory = installed.directory(&self.boxes);
            std::fs::remove_dir_all(&directory).doing(|| format!("removing '{}'", directory.display()))?;
            // The directories above go when they are empty; otherwise something else is in them.
            for above in directory.ancestors().skip(1).take(3) {
                if std::fs::remove_dir(above).is_err() {
                    break;
                }
            }
        }
        self.prune(images_in_use)?;
        Ok(removed)
    }

    /// Remembers the layers of a box whose record goes, since machines may still use them.
    fn retain(&self, installed: &InstalledBox) -> Result<()> {
        let name = format!("{}.json", installed.digest.replacen(':', "-", 1));
        let text = serde_json::to_vec(installed).doing(|| "writing down a box")?;
        record::write_file(&self.boxes.join(".retained"), &name, &text)
    }

    /// Removes what no installed box and no machine uses. Does nothing while a box is being added: its layers
    /// are not written down yet.
    pub fn prune(&self, images_in_use: &[String]) -> Result<u64> {
        scratch::collect(self.layers.directory());
        scratch::collect(&self.cache.join("downloads"));
        let Some(_alone) = lock::try_exclusive(&self.boxes.join(".locks/.layers"))? else { return Ok(0) };
        let list = self.list()?;
        self.collect_disks(&list, images_in_use);
        let mut used: Vec<String> = list.into_iter().flat_map(|installed| installed.layers).collect();
        let retained = self.boxes.join(".retained");
        let doing = || format!("reading '{}'", retained.display());
        for entry in std::fs::read_dir(&retained).doing(doing)? {
            let path = entry.doing(doing)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let installed = InstalledBox::read_file(&path)?;
            if images_in_use.contains(&installed.digest) {
                used.extend(installed.layers);
            } else {
                std::fs::remove_file(&path).doing(|| format!("removing '{}'", path.display()))?;
            }
        }
        let removed = self.layers.collect(&used)?;
        self.chains.collect(&self.layers);
        Ok(removed)
    }

    /// Removes layers that neither a box has nor a machine may use, unless a box is being added.
    fn collect_layers(&self) -> Result<()> {
        let Some(_alone) = lock::try_exclusive(&self.boxes.join(".locks/.layers"))? else { return Ok(()) };
        let mut used: Vec<String> = self.list()?.into_iter().flat_map(|installed| installed.layers).collect();
        for entry in std::fs::read_dir(self.boxes.join(".retained")).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "json") {
                used.extend(InstalledBox::read_file(&entry.path())?.layers);
            }
        }
        self.layers.collect(&used)?;
        self.chains.collect(&self.layers);
        Ok(())
    }

    /// An installed box as providers see it.
    pub fn image(&self, installed: &InstalledBox) -> Image {
        Image {
            name: installed.name.clone(),
            version: installed.version.clone(),
            digest: installed.digest.clone(),
            layers: installed.layers.iter().map(|digest| self.layers.path(digest)).collect(),
            host_mounts: installed.host_mounts.clone(),
            vagrantfile: installed
                .vagrantfile
                .then(|| installed.directory(&self.boxes).join(record::VAGRANTFILE)),
            user: installed.user.clone(),
            disk: self.whole_disk(installed),
        }
    }
}

/// The Vagrantfile inside the box that [`BoxStore::find`] finds; a store that is not there has none. Constraints that
/// are none are for others to complain of.
pub fn installed_vagrantfile(
    home: &Path,
    name: &str,
    version_constraints: Option<&str>,
    provider: &str,
) -> Option<PathBuf> {
    let store = BoxStore::at(home);
    let installed = store.find(name, version_constraints, provider).ok()??;
    store.image(&installed).vagrantfile
}

/// Reads the records below `directory`, which lies `depth` levels below that of all records.
fn records(directory: &Path, depth: usize, found: &mut Vec<InstalledBox>) -> Result<()> {
    let doing = || format!("reading '{}'", directory.display());
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        // Removed by somebody else meanwhile.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::system(doing(), error)),
    };
    for entry in entries {
        let entry = entry.doing(doing)?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if is_hidden || !entry.file_type().doing(doing)?.is_dir() {
            continue;
        }
        if depth < 3 {
            records(&entry.path(), depth + 1, found)?;
        } else if entry.path().join(record::FILE).exists() {
            match InstalledBox::read(&entry.path()) {
                Ok(installed) => found.push(installed),
                Err(error) => tracing::warn!(%error, "left out"),
            }
        }
    }
    Ok(())
}
