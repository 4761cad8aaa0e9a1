//! [`Image`]: a box, made ready for one provider to build machines from.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::disk::MachineDisk;
use crate::error::{Error, ErrorKind, Result};
use crate::spec::BoxSpec;

/// A box as a provider sees it. Immutable; shared by all machines made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The box's name, such as `debian/bookworm64` or `host`.
    pub name: String,
    /// The box's version, such as `12.20261101.1` or `0`.
    pub version: String,
    /// Digest over the layers (`sha256:…`), the box's identity.
    pub digest: String,
    /// Read-only root file system layers, lowest first. Files carry the container's own ids (0 to 65535).
    pub layers: Vec<PathBuf>,
    /// Host directories that the machine sees read-only besides its layers: (host path, guest path). Used by the
    /// `host` box, whose `/usr` is this machine's own.
    pub host_mounts: Vec<(PathBuf, PathBuf)>,
    /// The box's own Vagrantfile, lowest level of the configuration merge.
    pub vagrantfile: Option<PathBuf>,
    /// Which user to enter as when the Vagrantfile says nothing; `vagrant` exists in every box that yado makes.
    pub user: String,
    /// The disk to boot from, for providers that [want one](crate::ProviderKind::wants_disk).
    #[serde(default)]
    pub disk: Option<MachineDisk>,
}

impl Image {
    /// Whether there is nothing in it: a box for Docker has a Vagrantfile alone, which names the engine's image.
    pub fn is_empty(&self) -> bool {
        let nothing_in =
            |layer: &PathBuf| std::fs::read_dir(layer).is_ok_and(|mut entries| entries.next().is_none());
        // A disk that somebody else made stands for itself; one of a box's layers has what they have.
        let has_own_disk =
            self.disk.as_ref().is_some_and(|disk| matches!(disk.boot, crate::disk::Boot::Firmware { .. }));
        !has_own_disk && self.host_mounts.is_empty() && self.layers.iter().all(nothing_in)
    }
}

/// Where images come from: the box store, or a stand-in in tests.
pub trait ImageSource: Sync {
    /// The image that a box description means for a provider; fetched or built when it is not at hand.
    fn resolve(&self, context: &Context, spec: &BoxSpec, project: &Path, provider: &str) -> Result<Image>;

    /// The same with a disk to boot from.
    fn resolve_disk(
        &self,
        context: &Context,
        spec: &BoxSpec,
        project: &Path,
        provider: &str,
    ) -> Result<Image> {
        let _ = (context, project, provider);
        let name = spec.name.as_deref().unwrap_or_default();
        Err(Error::new(ErrorKind::BoxNotFound, format!("The box '{name}' has no disk to boot from."))
            .at(spec.origin.clone()))
    }
}
