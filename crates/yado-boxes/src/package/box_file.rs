//! A `.box`: what Vagrant adds, and what yado adds again.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use serde_json::json;
use tar::Builder;
use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use super::image_archive::{self, append, image_name};
use super::{Package, PackageFormat, tree_archive, virtual_disk};
use crate::disk::DiskFormat;
use crate::platform;
use crate::scratch::Scratch;

/// The image in a box of the provider `docker`.
const IMAGE: &str = "image.tar";

/// Writes the box to `output`, an existing empty file.
pub(super) fn write(cx: &Context, package: &Package, output: &Path) -> Result<()> {
    let doing = || "writing the box";
    let folder = output.parent().unwrap_or(Path::new("."));
    let content = Scratch::file(folder)?;
    let plain = |provider: &str| json!({ "provider": provider, "version": "1.0.0", "architecture": platform::architecture() });
    let (metadata, name, description) = match package.format {
        PackageFormat::Docker => {
            image_archive::write(cx, package, content.path())?;
            (plain("docker"), IMAGE, None)
        }
        PackageFormat::Libvirt => {
            let size = virtual_disk::write(cx, package, content.path(), DiskFormat::Qcow2)?;
            (virtual_disk::libvirt_metadata(size), "box.img", None)
        }
        PackageFormat::Virtualbox => {
            let disk = "box-disk001.vmdk";
            let size = virtual_disk::write(cx, package, content.path(), DiskFormat::Vmdk)?;
            let file_size = content.path().metadata().doing(doing)?.len();
            let description = virtual_disk::description(&package.name, disk, file_size, size);
            (plain("virtualbox"), disk, Some(description))
        }
        PackageFormat::Lxc | PackageFormat::Oci => {
            let file = BufWriter::new(File::create(content.path()).doing(doing)?);
            let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            tree_archive::merged(cx, &package.layers, Path::new(""), &mut gzip)?;
            gzip.finish().and_then(|mut file| file.flush()).doing(doing)?;
            (plain("lxc"), "rootfs.tar.gz", None)
        }
    };
    // The content is compressed already; compressing the whole again would only cost time at both ends.
    let mut archive = Builder::new(BufWriter::new(File::create(output).doing(doing)?));
    let mut text = |name: &str, text: &[u8]| append(&mut archive, name, text.len() as u64, text).doing(doing);
    text("metadata.json", metadata.to_string().as_bytes())?;
    if let Some(description) = description {
        text("box.ovf", description.as_bytes())?;
    }
    match &package.box_vagrantfile {
        Some(own) => {
            text("Vagrantfile", &std::fs::read(own).doing(|| format!("reading '{}'", own.display()))?)?;
        }
        None => text("Vagrantfile", vagrantfile(package).as_bytes())?,
    }
    if let Some(info) = &package.info {
        text("info.json", &std::fs::read(info).doing(|| format!("reading '{}'", info.display()))?)?;
    }
    if let Some(own) = &package.vagrantfile {
        text("include/_Vagrantfile", &std::fs::read(own).doing(|| format!("reading '{}'", own.display()))?)?;
    }
    for path in &package.include {
        include(&mut archive, path)?;
    }
    let size = content.path().metadata().doing(doing)?.len();
    let file = BufReader::with_capacity(1 << 20, File::open(content.path()).doing(doing)?);
    append(&mut archive, name, size, file).doing(doing)?;
    archive.into_inner().and_then(|mut file| file.flush()).doing(doing)
}

/// A file or directory of the user's, below `include/` under its own name.
fn include(archive: &mut Builder<impl Write>, path: &Path) -> Result<()> {
    let Some(name) = path.file_name() else {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("'{}' has no name to be included as.", path.display()),
        ));
    };
    let target = Path::new("include").join(name);
    archive.follow_symlinks(false);
    let added: io::Result<()> = if path.is_dir() {
        archive.append_dir_all(&target, path)
    } else {
        archive.append_path_with_name(path, &target)
    };
    added.doing(|| format!("including '{}'", path.display()))
}

/// The settings that come with the box. Of Ruby it needs nothing but what every Vagrantfile has.
fn vagrantfile(package: &Package) -> String {
    let mut text =
        String::from("# Settings that come with this box; a project's own Vagrantfile overrides them.\n");
    text.push_str("Vagrant.configure(\"2\") do |config|\n");
    let user = &package.image.user;
    if user != "vagrant"
        && user.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
    {
        text.push_str(&format!("  config.ssh.username = \"{user}\"\n"));
    }
    if package.format == PackageFormat::Docker {
        let name = image_name(&package.name);
        text.push_str(&format!(
            "  config.trigger.before :up do |trigger|\n    \
             trigger.info = \"Loading this box's image into Docker...\"\n    \
             trigger.run = {{ inline: \"docker load --quiet --input #{{File.expand_path('../{IMAGE}', __FILE__)}}\" }}\n  \
             end\n  \
             config.vm.provider \"docker\" do |docker|\n    \
             docker.image = \"{name}:latest\"\n  \
             end\n"
        ));
    }
    text.push_str("end\n");
    text.push_str(
        "own = File.expand_path(\"../include/_Vagrantfile\", __FILE__)\nload own if File.exist?(own)\n",
    );
    text
}
