//! Disks that virtual machines boot from: made once per box, kept below `disks/`.

use std::path::{Path, PathBuf};

use yado_core::disk::{Boot, Bus, MachineDisk};
use yado_core::error::Doing;
use yado_core::spec::BoxSpec;
use yado_core::{Context, Error, ErrorKind, Image, Result};

use super::add::Content;
use super::record::InstalledDisk;
use super::{BoxStore, InstalledBox};
use crate::archive::KeptDisk;
use crate::bootstrap::distribution::{DEBIAN, Distribution};
use crate::disk::DiskFormat;
use crate::layer::combine;
use crate::{boot, bootstrap, checksum, disk, host, lock, owners, scratch};

/// The provider of virtual machines.
pub(super) const KVM: &str = "kvm";
/// The file of a disk that is kept as somebody else made it.
const FOREIGN: &str = "disk.qcow2";

impl BoxStore {
    /// The image that `spec` asks for, with the disk that machines of it boot from.
    pub fn resolve_disk(
        &self,
        cx: &Context,
        spec: &BoxSpec,
        project: &Path,
        provider: &str,
    ) -> Result<Image> {
        if spec.name.as_deref() == Some(host::NAME) {
            return Err(takes_from_host(host::NAME, Path::new("/usr")).at(spec.origin.clone()));
        }
        let installed = self.resolve_installed(cx, spec, project, provider)?;
        let disk = self.disk_of(cx, &installed).map_err(|error| error.at(spec.origin.clone()))?;
        Ok(Image { disk: Some(disk), ..self.image(&installed) })
    }

    /// The folder of the disk that a box has, or that is made of its layers.
    pub(super) fn disk_folder(&self, installed: &InstalledBox) -> PathBuf {
        let digest = installed.digest.replacen(':', "-", 1);
        self.disks.join(match installed.disk {
            Some(_) => format!("{digest}-whole"),
            None => format!("{digest}-{}", boot::RECIPE),
        })
    }

    /// The disk that somebody else made, when the box has one.
    pub(super) fn whole_disk(&self, installed: &InstalledBox) -> Option<MachineDisk> {
        installed.disk.as_ref().map(|disk| MachineDisk {
            image: self.disk_folder(installed).join(FOREIGN),
            format: yado_core::disk::DiskFormat::Qcow2,
            bus: disk.bus,
            boot: Boot::Firmware { efi: disk.efi },
        })
    }

    /// Takes a disk over as it is, but for its format; one that is there already stays.
    pub(super) fn keep_disk(&self, cx: &Context, found: &KeptDisk) -> Result<Content> {
        let from = found.bootable.format;
        cx.detail(format!("Keeping the disk (format {}) for machines to boot from...", from.name()));
        scratch::collect(&self.disks);
        let scratch = scratch::Scratch::directory(&self.disks)?;
        let file = scratch.path().join(FOREIGN);
        disk::keep(cx, &found.path, from, &file)?;
        let size = file.metadata().doing(|| "reading a box's disk")?.len();
        // What was installed on VirtualBox's hardware need not know that of virtual machines.
        let bus = match from {
            DiskFormat::Vmdk | DiskFormat::Vdi | DiskFormat::Vhdx => Bus::Sata,
            DiskFormat::Raw | DiskFormat::Qcow2 => Bus::Virtio,
        };
        let disk = InstalledDisk { efi: found.bootable.efi, bus };
        let digest = digest_of(cx, &file)?;
        let made = scratch.path().to_owned();
        scratch.keep(&made, &self.disks.join(format!("{}-whole", digest.replacen(':', "-", 1))))?;
        Ok(Content::Disk { digest, size, disk })
    }

    /// Whether a box's own disk is there, when it has one.
    pub(super) fn has_disk(&self, installed: &InstalledBox) -> bool {
        installed.disk.is_none() || self.disk_folder(installed).is_dir()
    }

    /// Whether a box's own disk is what it was when the box was made.
    pub(super) fn is_disk_intact(&self, cx: &Context, installed: &InstalledBox) -> Result<bool> {
        let file = self.disk_folder(installed).join(FOREIGN);
        if installed.disk.is_none() {
            return Ok(true);
        }
        if !file.is_file() {
            return Ok(false);
        }
        Ok(digest_of(cx, &file)? == installed.digest)
    }

    fn disk_of(&self, cx: &Context, installed: &InstalledBox) -> Result<MachineDisk> {
        let name = &installed.name;
        if let Some((_, mounted)) = installed.host_mounts.first() {
            return Err(takes_from_host(name, mounted));
        }
        if let Some(disk) = self.whole_disk(installed) {
            return Ok(disk);
        }
        let folder = self.disk_folder(installed);
        if folder.is_dir() {
            return Ok(boot::machine_disk(&folder));
        }
        let locks = self.boxes.join(".locks");
        let lock_name = format!(".disk-{}", installed.digest.replacen(':', "-", 1));
        let _turn = lock::exclusive(
            cx,
            &locks.join(lock_name),
            &format!("it is making a disk of the box '{name}'."),
        )?;
        if folder.is_dir() {
            return Ok(boot::machine_disk(&folder));
        }
        if owners::are_translated() {
            return Err(Error::new(
                ErrorKind::BoxImport,
                format!("Making a disk of the box '{name}' needs root: its files belong to several users."),
            )
            .hinted("Use a box that has a disk (libvirt, virtualbox), or make the machine as root."));
        }
        let _not_collecting = lock::shared(cx, &locks.join(".layers"))?;
        scratch::collect(&self.disks);
        cx.info(format!("Making a disk of the box '{name}', which is kept..."));
        let scratch = scratch::Scratch::directory(&self.disks)?;
        let layers: Vec<PathBuf> = installed.layers.iter().map(|digest| self.layers.path(digest)).collect();
        let of_packages = installed.source.strip_prefix("bootstrap:").and_then(|rest| rest.split_once('/'));
        let (distribution, suite) = of_packages.unwrap_or((DEBIAN.name, ""));
        let plan = bootstrap::Plan {
            distribution: Distribution::named(distribution)?,
            suite,
            cache: &self.cache,
            host: &self.host,
            chroot: self.chroot.as_deref(),
            network: &self.network,
        };
        boot::make(cx, name, &layers, &plan, scratch.path())?;
        let made = scratch.path().to_owned();
        scratch.keep(&made, &folder)?;
        Ok(boot::machine_disk(&folder))
    }

    /// Writes a box for containers down for virtual machines, too: the layers of both are the same. One that was chosen
    /// from a catalogue is not taken, as there may be a better one for machines.
    pub(super) fn share_with_machines(&self, installed: &InstalledBox) -> Result<Option<InstalledBox>> {
        if installed.catalogue.is_some() || !installed.host_mounts.is_empty() {
            return Ok(None);
        }
        let vagrantfile = match self.image(installed).vagrantfile {
            Some(path) => Some(std::fs::read(&path).doing(|| format!("reading '{}'", path.display()))?),
            None => None,
        };
        let shared = InstalledBox { provider: KVM.to_owned(), ..installed.clone() };
        self.install(&shared, vagrantfile.as_deref())?;
        Ok(Some(shared))
    }

    /// Removes the disks that no installed box has and no machine uses; of the latter the digests are given.
    pub(super) fn collect_disks(&self, installed: &[InstalledBox], images_in_use: &[String]) {
        scratch::collect(&self.disks);
        let Ok(entries) = std::fs::read_dir(&self.disks) else { return };
        let current: Vec<PathBuf> = installed.iter().map(|known| self.disk_folder(known)).collect();
        let in_use: Vec<String> =
            images_in_use.iter().map(|digest| digest.replacen(':', "-", 1) + "-").collect();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_used =
                current.contains(&entry.path()) || in_use.iter().any(|digest| name.starts_with(digest));
            if is_used || !name.starts_with("sha256-") {
                continue;
            }
            // Renamed first: half a disk must not be found under its name.
            if let Ok(grave) = scratch::Scratch::directory(&self.disks)
                && let Err(error) = std::fs::rename(entry.path(), grave.path().join("disk"))
            {
                tracing::debug!(name, %error, "not removed");
            }
        }
    }
}

/// A box's identity by its disk.
fn digest_of(cx: &Context, file: &Path) -> Result<String> {
    let mut opened = std::fs::File::open(file).doing(|| format!("opening '{}'", file.display()))?;
    let content = checksum::calculate("sha256", &mut opened, &cx.cancel)?.unwrap_or_default();
    Ok(combine(["disk", content.as_str()]))
}

fn takes_from_host(name: &str, mounted: &Path) -> Error {
    let text = format!(
        "The box '{name}' takes '{}' from this computer, which a virtual machine cannot.",
        mounted.display()
    );
    Error::new(ErrorKind::BoxImport, text).hinted("Use another box, such as 'debian/bookworm64'.")
}
