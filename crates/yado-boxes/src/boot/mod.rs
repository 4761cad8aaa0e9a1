//! From a box's root file system to what a virtual machine boots: a disk, a kernel and a first file system.
//!
//! The kernel is handed over from outside, so the disk is a file system without partitions, firmware or boot loader.

mod furnish;
mod initrd;
mod iso;
mod seed;

use std::path::{Path, PathBuf};

pub use seed::{SEED_UNIT, write_seed};
use yado_core::disk::{Boot, Bus, DiskFormat as MachineFormat, MachineDisk};
use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use crate::bootstrap::distribution::Distribution;
use crate::bootstrap::{Plan, add_kernel};
use crate::disk::{self, DiskFormat};
use crate::package::merge_into;
use crate::scratch::Scratch;
use crate::unpack::Tree;

/// Changes when disks are made in another way, so that they are made anew.
pub(crate) const RECIPE: u32 = 3;
/// How large disks are, unless they have to be larger. Most of it is a hole.
const SIZE: u64 = 20 << 30;
const DISK: &str = "disk.raw";
const KERNEL: &str = "kernel";
const INITRD: &str = "initrd";
/// The disk is the first one. Names of network interfaces are the simple ones, as in containers.
const COMMAND_LINE: &str = "root=/dev/vda rw quiet net.ifnames=0";

/// What was made in the folder.
pub(crate) fn machine_disk(folder: &Path) -> MachineDisk {
    MachineDisk {
        image: folder.join(DISK),
        format: MachineFormat::Raw,
        bus: Bus::Virtio,
        boot: Boot::Kernel {
            kernel: folder.join(KERNEL),
            initrd: Some(folder.join(INITRD)),
            command_line: COMMAND_LINE.to_owned(),
        },
    }
}

/// Makes disk, kernel and first file system of these layers in the empty directory `folder`. `plan` says where a kernel
/// comes from when the layers have none; distribution and suite are found out when the latter is empty.
pub(crate) fn make(
    cx: &Context,
    name: &str,
    layers: &[PathBuf],
    plan: &Plan<'_>,
    folder: &Path,
) -> Result<()> {
    let root = Scratch::directory(folder)?;
    merge_into(cx, layers, root.path())?;
    let root = root.path();
    let kernel = match initrd::find_kernel(root)? {
        Some(kernel) => kernel,
        None => {
            let (distribution, suite) = match plan.suite {
                "" => suite_of(root, name)?,
                suite => (plan.distribution, suite.to_owned()),
            };
            add_kernel(cx, &Plan { distribution, suite: &suite, ..*plan }, root)?;
            initrd::find_kernel(root)?.ok_or_else(|| no_kernel(name))?
        }
    };
    furnish::furnish(root, SIZE / 512)?;
    let doing = || format!("writing what the box '{name}' boots");
    let mut file = Tree::open(root)
        .and_then(|tree| tree.open_file(&kernel.file))
        .doing(doing)?
        .ok_or_else(|| no_kernel(name))?;
    let mut copy = std::fs::File::create(folder.join(KERNEL)).doing(doing)?;
    std::io::copy(&mut file, &mut copy).doing(doing)?;
    std::fs::write(folder.join(INITRD), initrd::make(root, &kernel, &cx.cancel)?).doing(doing)?;
    cx.detail(format!("Writing the disk (kernel {})...", kernel.release));
    disk::make(cx, root, SIZE, &folder.join(DISK), DiskFormat::Raw).map(drop)
}

/// The distribution and the suite that a root file system is of.
fn suite_of(root: &Path, name: &str) -> Result<(&'static Distribution, String)> {
    let doing = || "finding out which distribution the box has";
    let text = Tree::open(root).and_then(|tree| tree.read(&"etc/os-release".into())).doing(doing)?;
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim_matches(['"', '\'']).to_owned())
    };
    match (value("ID").map(|id| Distribution::named(&id)), value("VERSION_CODENAME")) {
        (Some(Ok(distribution)), Some(suite)) => Ok((distribution, suite)),
        _ => Err(no_kernel(name)),
    }
}

fn no_kernel(name: &str) -> Error {
    Error::new(
        ErrorKind::BoxImport,
        format!(
            "The box '{name}' has no kernel, and yado can install one only in systems of Debian and Ubuntu."
        ),
    )
    .hinted("Use a box with a disk (libvirt, virtualbox), or run this machine as a container.")
}
