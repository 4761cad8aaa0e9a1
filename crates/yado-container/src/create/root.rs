//! The root of a container that is being made: what it consists of, and how it comes to be the root.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use super::Attempt;
use crate::error::Result;
use crate::record::boot_id;
use crate::rootfs::{self, Entry, InPlace, Translation};

impl Attempt<'_> {
    pub(super) fn root(&self) -> Result<OwnedFd> {
        let translation = self
            .user
            .as_ref()
            .filter(|_| self.options.id_mapped_root)
            .map(|namespace| Translation { namespace: namespace.as_fd(), root: self.host_root() });
        if let Some(overlay) = &self.options.root_overlay {
            return rootfs::overlay_root(overlay, translation);
        }
        let path = self.spec.root.as_ref().map(|root| self.in_bundle(&root.path)).unwrap_or_default();
        crate::check::root_directory(&path)?;
        rootfs::bind_root(&path, translation, self.linux.rootfs_propagation.as_deref())
    }

    pub(super) fn entry(&self) -> Entry {
        if self.namespaces.own & libc::CLONE_NEWNS == 0 {
            Entry::InPlace
        } else if self.options.no_pivot {
            Entry::OnTop
        } else {
            Entry::Pivot
        }
    }

    /// On record before it exists, so that it is found again whatever happens.
    pub(super) fn lay_in_place(&mut self, root: &OwnedFd) -> Result<()> {
        let path = self.spec.root.as_ref().map(|root| self.in_bundle(&root.path)).unwrap_or_default();
        let place = InPlace::of(root, &path)?;
        self.record.in_place = Some(place.clone());
        self.record.boot = boot_id();
        self.engine.records.announce(self.lock, self.record)?;
        place.attach(root)
    }

    /// The ids on the host of the container's root: user and group.
    pub(super) fn host_root(&self) -> (u32, u32) {
        let host = |mappings: &[crate::spec::IdMapping]| {
            mappings.iter().find(|mapping| mapping.container_id == 0).map_or(0, |mapping| mapping.host_id)
        };
        (host(&self.linux.uid_mappings), host(&self.linux.gid_mappings))
    }

    pub(super) fn in_bundle(&self, path: &Path) -> PathBuf {
        self.options.bundle.as_ref().map_or_else(|| path.to_owned(), |bundle| bundle.join(path))
    }

    pub(super) fn sources(&self) -> Result<Vec<OwnedFd>> {
        let own = self.user.as_ref().map(AsFd::as_fd);
        rootfs::open_sources(&self.spec.mounts, self.options.bundle.as_deref(), own)
    }
}
