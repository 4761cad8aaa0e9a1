//! Device nodes and the links that every program expects under `/dev`.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Gid, Mode, Uid, chownat, makedev, mknodat, statat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};

use super::target::Tree;
use crate::error::{Context, Error, Result};
use crate::spec::Device;
use crate::sys::mount as attributes;

const DEFAULT: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Makes the default devices, those asked for, and the links.
pub(super) fn populate(tree: &Tree<'_>, more: &[Device], user_namespace: bool) -> Result<()> {
    let folder = tree.directory(Path::new("/dev"))?;
    // What stands in the document is what the devices get.
    let before = rustix::process::umask(Mode::empty());
    let made = populate_in(tree, &folder, more, user_namespace);
    rustix::process::umask(before);
    made?;
    for (name, to) in LINKS {
        match symlinkat(to, &folder, name) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).path("make the link", Path::new("/dev").join(name)),
        }
    }
    Ok(())
}

fn populate_in(tree: &Tree<'_>, folder: &OwnedFd, more: &[Device], user_namespace: bool) -> Result<()> {
    for (name, major, minor) in DEFAULT {
        let path = Path::new("/dev").join(name);
        if more.iter().any(|device| device.path == path) {
            continue;
        }
        if user_namespace {
            show_hosts(tree, &path, &path)?;
        } else {
            let place = (folder.as_fd(), OsStr::new(name), path.as_path());
            make(place, FileType::CharacterDevice, (major, minor), 0o666, (0, 0))?;
        }
    }
    more.iter().try_for_each(|device| add(tree, device, user_namespace))
}

fn add(tree: &Tree<'_>, device: &Device, user_namespace: bool) -> Result<()> {
    let kind = match device.kind.as_str() {
        "c" | "u" => FileType::CharacterDevice,
        "b" => FileType::BlockDevice,
        "p" => FileType::Fifo,
        other => {
            return Err(Error::invalid(
                format!("linux.devices[{}].type", device.path.display()),
                format!("'{other}' is not one of c, u, b, p"),
            ));
        }
    };
    // It is there in any case: a link to that of the container's own terminals.
    if device.path == Path::new("/dev/ptmx")
        && (device.kind.as_str(), device.major, device.minor) == ("c", 5, 2)
    {
        return Ok(());
    }
    if user_namespace && kind != FileType::Fifo {
        let host = host_path(device)?;
        return show_hosts(tree, &device.path, &host);
    }
    let number = (device.major.max(0) as u32, device.minor.max(0) as u32);
    let owner = (device.uid.unwrap_or(0), device.gid.unwrap_or(0));
    let (parent, name) = tree.parent(&device.path)?;
    let place = (parent.as_fd(), name, device.path.as_path());
    make(place, kind, number, device.file_mode.unwrap_or(0o666), owner)?;
    require_same(tree, &device.path, kind, number)
}

/// Where the host has this device: at the same path, or under its number.
fn host_path(device: &Device) -> Result<std::path::PathBuf> {
    let same = rustix::fs::stat(&device.path).is_ok_and(|status| {
        status.st_rdev == makedev(device.major.max(0) as u32, device.minor.max(0) as u32)
    });
    if same {
        return Ok(device.path.clone());
    }
    let folder = if device.kind == "b" { "block" } else { "char" };
    let link = Path::new("/dev").join(folder).join(format!("{}:{}", device.major, device.minor));
    link.canonicalize().path("find the device", &device.path)
}

/// Shows a device of the host: where nodes cannot be made, they can be borrowed. Read-only, which a device does not care
/// about: it keeps a container whose root is the host's from changing the owner or mode that the host's programs see.
fn show_hosts(tree: &Tree<'_>, path: &Path, host: &Path) -> Result<()> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount: OwnedFd = open_tree(rustix::fs::CWD, host, flags).path("open the device", host)?;
    attributes::set_attributes(
        mount.as_fd(),
        attributes::RDONLY | attributes::NOSUID | attributes::NOEXEC,
        0,
        false,
    )
    .path("restrict the device", host)?;
    Tree::attach(&mount, &tree.file(path)?, path)
}

/// What an image has at a device's place must be that device.
fn require_same(tree: &Tree<'_>, path: &Path, kind: FileType, (major, minor): (u32, u32)) -> Result<()> {
    let (parent, name) = tree.parent(path)?;
    let there =
        statat(parent, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).path("examine the device", path)?;
    let same_number = kind == FileType::Fifo || there.st_rdev == makedev(major, minor);
    if FileType::from_raw_mode(there.st_mode) == kind && same_number {
        return Ok(());
    }
    Err(Error::invalid(
        format!("linux.devices[{}]", path.display()),
        "the file that is there already is not this device",
    ))
}

/// Makes a node in a directory, under a name; the path is for messages. To be called without a mask of modes.
fn make(
    (parent, name, path): (BorrowedFd<'_>, &OsStr, &Path),
    kind: FileType,
    (major, minor): (u32, u32),
    mode: u32,
    (uid, gid): (u32, u32),
) -> Result<()> {
    match mknodat(parent, name, kind, Mode::from_raw_mode(mode), makedev(major, minor)) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(()),
        Err(error) => return Err(error).path("make the device", path),
    }
    chownat(
        parent,
        name,
        Some(Uid::from_raw(uid)),
        Some(Gid::from_raw(gid)),
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .path("give away the device", path)
}
