//! Packaging: a machine's file system as a `.box` that Vagrant adds, or as an image that Docker loads.
//!
//! Whatever is written is made under a scratch name beside its place and renamed at the end: who is killed meanwhile
//! leaves nothing that looks like a package.

mod box_file;
mod engine_archive;
mod image_archive;
mod tree_archive;
mod virtual_disk;

use std::path::{Path, PathBuf};

pub(crate) use tree_archive::merge_into;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Image, Result};

use crate::scratch::{self, Scratch};

/// What kind of file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageFormat {
    /// A `.box` of the provider `lxc`: a root file system. What yado itself adds again.
    Lxc,
    /// A `.box` of the provider `docker`, which brings its image along.
    Docker,
    /// A `.box` of the provider `libvirt`: a disk of the format qcow2.
    Libvirt,
    /// A `.box` of the provider `virtualbox`: a disk of the format vmdk and a description of a machine.
    Virtualbox,
    /// An image archive of the OCI's layout that `docker load` takes, too.
    Oci,
}

impl PackageFormat {
    /// Every format with the word that asks for it.
    pub const ALL: [(&'static str, Self); 5] = [
        ("lxc", Self::Lxc),
        ("docker", Self::Docker),
        ("libvirt", Self::Libvirt),
        ("virtualbox", Self::Virtualbox),
        ("oci", Self::Oci),
    ];
}

/// Writes a box's root file system to `output`, which must not exist, as an image archive that `docker load` takes
/// under the name `name`. What the box takes from this computer ([`Image::host_mounts`]) is not in it.
pub fn write_image(cx: &Context, image: &Image, name: &str, output: &Path) -> Result<()> {
    let package = Package {
        image: image.clone(),
        layers: image.layers.clone(),
        archive: None,
        name: name.to_owned(),
        format: PackageFormat::Oci,
        include: Vec::new(),
        vagrantfile: None,
        box_vagrantfile: None,
        info: None,
    };
    std::fs::File::create_new(output).doing(|| format!("creating '{}'", output.display()))?;
    image_archive::write(cx, &package, output)
}

/// A machine's file system and what goes with it.
#[derive(Debug, Clone)]
pub struct Package {
    /// What the machine was made from.
    pub image: Image,
    /// The file system's layers, lowest first.
    pub layers: Vec<PathBuf>,
    /// The image archive that an engine made of the machine, for formats that bring an image; layers do not count then.
    /// Its image needs no name, and gets this package's.
    pub archive: Option<PathBuf>,
    /// The name that an image gets, such as `web`.
    pub name: String,
    /// What is written.
    pub format: PackageFormat,
    /// Files and directories that are brought along in `include/`.
    pub include: Vec<PathBuf>,
    /// A Vagrantfile that comes with the box, besides the box's own.
    pub vagrantfile: Option<PathBuf>,
    /// The box's own Vagrantfile; one is written when there is none.
    pub box_vagrantfile: Option<PathBuf>,
    /// A JSON file that describes the box.
    pub info: Option<PathBuf>,
}

impl Package {
    /// Finds what would stop the packaging, before anything is switched off for it.
    pub fn check(&self, output: &Path) -> Result<()> {
        let usage = |text: String| Error::new(ErrorKind::Usage, text);
        if output.symlink_metadata().is_ok() {
            return Err(usage(format!(
                "The specified file '{}' to save the package as already exists.",
                output.display()
            ))
            .hinted("Remove this file, or name another one with '--output'."));
        }
        if let Some((_, mounted)) = self.image.host_mounts.first() {
            return Err(usage(format!(
                "The box '{}' takes '{}' from this computer; a package of it would be empty there.",
                self.image.name,
                mounted.display()
            ))
            .hinted("Package a machine that was made from a box with a root file system of its own."));
        }
        let files =
            self.include.iter().chain(&self.vagrantfile).chain(&self.box_vagrantfile).chain(&self.info);
        if let Some(missing) = files.into_iter().find(|path| !path.exists()) {
            return Err(usage(format!("'{}' to be packaged does not exist.", missing.display())));
        }
        if let Some(info) = &self.info {
            let text = std::fs::read(info).doing(|| format!("reading '{}'", info.display()))?;
            let parsed: std::result::Result<serde_json::Value, _> = serde_json::from_slice(&text);
            if !parsed.is_ok_and(|value| value.is_object()) {
                return Err(usage(format!("'{}' is not a JSON object.", info.display())));
            }
        }
        Ok(())
    }

    /// Writes the package to `output`, which must not exist.
    pub fn write(&self, cx: &Context, output: &Path) -> Result<()> {
        self.check(output)?;
        let parent = folder_for(output)?;
        cx.info(format!("Compressing package to: {}", output.display()));
        let package = Scratch::file(parent)?;
        match self.format {
            PackageFormat::Oci => image_archive::write(cx, self, package.path())?,
            _ => box_file::write(cx, self, package.path())?,
        }
        let path = package.path().to_owned();
        package.keep(&path, output)
    }
}

/// A place beside a package for an image archive that an engine writes. It goes when this is dropped, or with the next
/// package there when its maker was killed.
#[derive(Debug)]
pub struct ArchivePlace(Scratch);

impl ArchivePlace {
    /// A place for the archive that becomes part of the package `output`.
    pub fn beside(output: &Path) -> Result<Self> {
        Ok(Self(Scratch::directory(folder_for(output)?)?))
    }

    /// Where the archive is to be. Engines write beside a file and rename, so there is nothing yet.
    pub fn path(&self) -> PathBuf {
        self.0.path().join("image.tar")
    }
}

/// The folder of a package, made if need be and without what killed processes left there.
fn folder_for(output: &Path) -> Result<&Path> {
    let parent = match output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).doing(|| format!("creating '{}'", parent.display()))?;
    scratch::collect(parent);
    Ok(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_for_an_archive_survives_its_renaming_and_a_dead_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("new/folder/package.box");
        let place = ArchivePlace::beside(&output).unwrap();
        // As `docker save` does it.
        std::fs::write(place.path().with_extension("part"), "image").unwrap();
        std::fs::rename(place.path().with_extension("part"), place.path()).unwrap();
        let dead = output.parent().unwrap().join(".scratch-1-77");
        std::fs::create_dir(&dead).unwrap();
        folder_for(&output).unwrap();
        assert_eq!(std::fs::read_to_string(place.path()).unwrap(), "image");
        assert!(!dead.exists());
        drop(place);
        assert_eq!(std::fs::read_dir(output.parent().unwrap()).unwrap().count(), 0);
    }
}
