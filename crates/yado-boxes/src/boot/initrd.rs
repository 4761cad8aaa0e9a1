//! The first file system of a virtual machine: a shell, the modules that lead to the disk, and a script that mounts it
//! and hands over. All of it is taken from the machine's own packages, so that it fits the kernel.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

use yado_core::error::Doing;
use yado_core::{Cancel, Error, ErrorKind, Result};

use crate::unpack::{EntryPath, Tree, decompress};

/// What the first program of a machine does.
const SCRIPT: &str = include_str!("init.sh");
/// What it reads, and what a machine runs whose state after the boot is kept: a name, and the content.
const PARTS: &[(&str, &str)] = &[
    ("identity.sh", include_str!("identity.sh")),
    ("wait.sh", include_str!("wait.sh")),
    ("journal.sh", include_str!("journal.sh")),
    ("yado-identity.service", include_str!("yado-identity.service")),
    ("yado-journal.service", include_str!("yado-journal.service")),
];
/// Modules that lead to the disk, to the volume with the seed, and to the network, in this order after what they need. What the kernel
/// has built in needs no module.
const MODULES: &[&str] = &[
    "virtio_pci",
    "virtio_mmio",
    "virtio_blk",
    "virtio_net",
    "crc32c_intel",
    "crc32c_generic",
    "ext4",
    "isofs",
];
/// Programs of the script, all of them the same file.
const PROGRAMS: &[&str] = &[
    "sh",
    "cat",
    "chroot",
    "cp",
    "dd",
    "grep",
    "hostname",
    "insmod",
    "ip",
    "ln",
    "mkdir",
    "mount",
    "mv",
    "poweroff",
    "rm",
    "sed",
    "sleep",
    "stty",
    "switch_root",
    "sync",
    "tar",
    "umount",
];
/// Where the shell and its programs lie in the machine.
const BUSYBOX: &str = "bin/busybox";
/// No module is larger.
const LARGEST_MODULE: u64 = 64 << 20;

/// A kernel in a root file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kernel {
    /// Such as `6.1.0-56-cloud-amd64`.
    pub(super) release: String,
    /// The kernel's file, from the root.
    pub(super) file: EntryPath,
    /// The folder with its modules, from the root.
    modules: String,
}

/// The kernel to boot: of those in `/boot` that have modules, the newest.
pub(super) fn find_kernel(root: &Path) -> Result<Option<Kernel>> {
    let tree = open(root)?;
    let boot = root.join("boot");
    let doing = || format!("reading '{}'", boot.display());
    let entries = match std::fs::read_dir(&boot) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.doing(doing)?,
    };
    let mut found: Vec<Kernel> = Vec::new();
    for entry in entries {
        let name = entry.doing(doing)?.file_name().to_string_lossy().into_owned();
        let Some(release) = name.strip_prefix("vmlinuz-") else { continue };
        let file = path(&format!("boot/{name}"))?;
        let modules = format!("usr/lib/modules/{release}");
        let modules = if root.join(&modules).is_dir() { modules } else { format!("lib/modules/{release}") };
        let has = |path: &EntryPath| tree.open_file(path).map(|file| file.is_some()).doing(doing);
        if has(&file)? && has(&path(&format!("{modules}/modules.dep"))?)? {
            found.push(Kernel { release: release.to_owned(), file, modules });
        }
    }
    Ok(found.into_iter().max_by(|a, b| crate::bootstrap::compare_versions(&a.release, &b.release)))
}

fn open(root: &Path) -> Result<Tree> {
    Tree::open(root).doing(|| format!("opening '{}'", root.display()))
}

fn path(text: &str) -> Result<EntryPath> {
    EntryPath::parse(text.as_bytes())
        .map_err(|_| Error::new(ErrorKind::BoxImport, format!("The box has no file that is named '{text}'.")))
}

/// The whole file, for the kernel in `root`.
pub(super) fn make(root: &Path, kernel: &Kernel, cancel: &Cancel) -> Result<Vec<u8>> {
    let tree = open(root)?;
    let busybox = tree.read(&BUSYBOX.into()).doing(|| "looking for busybox")?.ok_or_else(|| {
        Error::new(
            ErrorKind::BoxImport,
            "The box has a kernel, but no busybox for the first steps of a boot.",
        )
        .hinted("Install the package 'busybox-static' in it.")
    })?;
    let mut archive = Cpio::default();
    for name in ["bin", "dev", "modules", "proc", "root", "seed", "sys"] {
        archive.entry(name, 0o4_0755, &[]);
    }
    archive.entry("bin/busybox", 0o10_0755, &busybox);
    for name in PROGRAMS {
        archive.entry(&format!("bin/{name}"), 0o12_0777, b"busybox");
    }
    let dependencies = read(&tree, &format!("{}/modules.dep", kernel.modules), cancel)?;
    let mut order = String::new();
    for file in in_order(&String::from_utf8_lossy(&dependencies), MODULES) {
        let module = read(&tree, &format!("{}/{file}", kernel.modules), cancel)?;
        let name = name_of(&file);
        archive.entry(&format!("modules/{name}"), 0o10_0644, &module);
        order.push_str(&format!("{name}\n"));
    }
    archive.entry("modules/order", 0o10_0644, order.as_bytes());
    for (name, content) in PARTS {
        archive.entry(name, 0o10_0644, content.as_bytes());
    }
    archive.entry("init", 0o10_0755, SCRIPT.as_bytes());
    Ok(archive.finish())
}

/// A file as the kernel takes it, compressed or not.
fn read(tree: &Tree, name: &str, cancel: &Cancel) -> Result<Vec<u8>> {
    let doing = || format!("reading '{name}'");
    let Some(file) = tree.open_file(&path(name)?).doing(doing)? else {
        return Err(Error::new(ErrorKind::BoxImport, format!("The box's kernel lacks the file '{name}'.")));
    };
    let mut content = Vec::new();
    decompress(file, LARGEST_MODULE, cancel)?.read_to_end(&mut content).doing(doing)?;
    Ok(content)
}

/// `kernel/fs/isofs/isofs.ko.xz` as `isofs`: dashes and underscores are the same to the kernel.
fn name_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file).replace('-', "_")
}

/// The files of the wanted modules and of those that they need, each after what it needs. `dependencies` is the
/// kernel's `modules.dep`: a file, a colon, and what it needs, the nearest first.
fn in_order(dependencies: &str, wanted: &[&str]) -> Vec<String> {
    let known: HashMap<String, (&str, &str)> = dependencies
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(file, needs)| (name_of(file), (file, needs)))
        .collect();
    let mut order: Vec<String> = Vec::new();
    for (file, needs) in wanted.iter().filter_map(|name| known.get(*name)) {
        for path in needs.split_whitespace().rev().chain([*file]) {
            if !order.iter().any(|there| there == path) {
                order.push(path.to_owned());
            }
        }
    }
    order
}

/// An archive in the form that kernels unpack.
#[derive(Default)]
struct Cpio {
    bytes: Vec<u8>,
    entries: u32,
}

impl Cpio {
    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let links = if mode & 0o17_0000 == 0o4_0000 { 2 } else { 1 };
        let fields =
            [self.entries, mode, 0, 0, links, 0, content.len() as u32, 0, 0, 0, 0, name.len() as u32 + 1, 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08X}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_after_what_they_need_and_once() {
        let dependencies = "kernel/a/virtio_ring.ko:\nkernel/a/virtio.ko: kernel/a/virtio_ring.ko\n\
            kernel/b/virtio-blk.ko.xz: kernel/a/virtio.ko kernel/a/virtio_ring.ko\nkernel/c/isofs.ko: kernel/c/cdrom.ko\n\
            kernel/c/cdrom.ko:\n";
        assert_eq!(
            in_order(dependencies, &["virtio_blk", "built_in", "virtio", "isofs"]),
            [
                "kernel/a/virtio_ring.ko",
                "kernel/a/virtio.ko",
                "kernel/b/virtio-blk.ko.xz",
                "kernel/c/cdrom.ko",
                "kernel/c/isofs.ko"
            ]
        );
        assert_eq!(name_of("kernel/b/virtio-blk.ko.xz"), "virtio_blk");
    }

    #[test]
    fn of_several_kernels_the_newest_that_has_modules_is_taken() {
        let root = tempfile::tempdir().unwrap();
        for (release, has_modules) in
            [("6.1.0-9-amd64", true), ("6.1.0-10-amd64", true), ("6.1.0-11-amd64", false)]
        {
            let modules = root.path().join("usr/lib/modules").join(release);
            std::fs::create_dir_all(&modules).unwrap();
            std::fs::create_dir_all(root.path().join("boot")).unwrap();
            std::fs::write(root.path().join("boot").join(format!("vmlinuz-{release}")), "").unwrap();
            if has_modules {
                std::fs::write(modules.join("modules.dep"), "").unwrap();
            }
        }
        assert_eq!(find_kernel(root.path()).unwrap().unwrap().release, "6.1.0-10-amd64");
        assert_eq!(find_kernel(tempfile::tempdir().unwrap().path()).unwrap(), None);
        let error =
            make(root.path(), &find_kernel(root.path()).unwrap().unwrap(), &Cancel::new()).unwrap_err();
        assert!(error.message().contains("busybox"), "{error}");
    }

    #[test]
    fn other_programs_read_the_archive() {
        let mut archive = Cpio::default();
        archive.entry("bin", 0o4_0755, &[]);
        archive.entry("bin/tool", 0o10_0755, b"content");
        archive.entry("bin/sh", 0o12_0777, b"tool");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("archive");
        std::fs::write(&file, archive.finish()).unwrap();
        let cpio = std::process::Command::new("busybox")
            .args(["cpio", "-i", "-F"])
            .arg(&file)
            .current_dir(folder.path())
            .output();
        let Ok(output) = cpio else {
            eprintln!("skipped: reading the archive needs busybox");
            return;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read_to_string(folder.path().join("bin/sh")).unwrap(), "content");
    }
}
