//! Puts the container's tree together from within its namespaces and makes it the root.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount_change,
    move_mount, open_tree, unmount,
};

use super::cgroups::{CgroupView, mount_cgroups};
use super::copy_up::copy_up;
use super::options::{MountOptions, propagation};
use super::sources::is_bind;
use super::target::{Tree, is_directory};
use super::terminal::Terminal;
use super::{devices, masks};
use crate::error::{Context, Error, Result};
use crate::spec::{Linux, Mount, Spec};
use crate::sys::mount as attributes;

/// How a process gets from the host's tree into the container's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The container's tree takes the place of the host's, which is let go of.
    #[default]
    Pivot,
    /// The container's tree lies on top of the host's, where that cannot be let go of.
    OnTop,
    /// There is but one mount namespace, in which the container's tree lies at its own place already.
    InPlace,
}

/// Everything that the tree is made from.
pub(crate) struct Parts<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) root: OwnedFd,
    pub(crate) entry: Entry,
    /// One for each mount that shows a host path, in their order.
    pub(crate) sources: Vec<OwnedFd>,
    pub(crate) cgroups: &'a [CgroupView],
    /// To be called before cgroups are shown, and in any case: it returns when all of them are joined.
    pub(crate) join_cgroups: &'a mut dyn FnMut() -> Result<()>,
    /// Whether this happens in a user namespace, where device nodes cannot be made.
    pub(crate) user_namespace: bool,
    /// Whether the first process gets a terminal.
    pub(crate) terminal: bool,
}

/// Builds the tree and enters it; afterwards the host's tree is gone from this mount namespace.
pub(crate) fn build(parts: Parts<'_>) -> Result<Option<Terminal>> {
    let own_namespace = parts.entry != Entry::InPlace;
    if own_namespace {
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .doing("cut the mount namespace off from the host's")?;
        // The new root lies on top of the old one; old paths still resolve below it until the pivot.
        move_mount(&parts.root, "", rustix::fs::CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .doing("attach the root file system")?;
    }
    let tree = Tree::new(parts.root.as_fd());
    let mut sources = parts.sources.into_iter();
    let mut made_before = false;
    for mount in &parts.spec.mounts {
        let options = MountOptions::parse(&mount.options);
        let source = if is_bind(mount, &options) { sources.next() } else { None };
        let source = match source {
            Some(source) if made_before && own_namespace => Some(younger(source, mount, &options)?),
            other => other,
        };
        made_before |= source.is_none();
        if mount.kind.as_deref().is_some_and(|kind| kind.starts_with("cgroup")) {
            (parts.join_cgroups)()?;
        }
        mount_one(&tree, mount, &options, source, parts.cgroups).map_err(|error| {
            Error::invalid(format!("mount '{}'", mount.destination.display()), error.to_string())
        })?;
    }
    let none = Linux::default();
    let linux = parts.spec.linux.as_ref().unwrap_or(&none);
    devices::populate(&tree, &linux.devices, parts.user_namespace)?;
    let terminal = if parts.terminal { Some(Terminal::open(&tree)?) } else { None };
    // Where it cannot be made, entering it will fail and say why.
    if let Some(process) = &parts.spec.process {
        drop(tree.directory(&process.cwd));
    }
    masks::make_read_only(&tree, &linux.readonly_paths)?;
    masks::mask(&tree, &linux.masked_paths)?;
    set_sysctls(&linux.sysctl)?;
    (parts.join_cgroups)()?;
    enter(&parts.root, parts.entry)?;
    if parts.spec.root.as_ref().is_some_and(|root| root.readonly) {
        attributes::set_attributes(parts.root.as_fd(), attributes::RDONLY, 0, false)
            .doing("make the root file system read-only")?;
    }
    if let Some(word) = &linux.rootfs_propagation {
        let (value, recursive) = propagation(word)
            .ok_or_else(|| Error::invalid("linux.rootfsPropagation", format!("'{word}' is not known")))?;
        attributes::set_propagation(parts.root.as_fd(), value, recursive)
            .doing("set the root's propagation")?;
    }
    Ok(terminal)
}

/// The same mount, made now. The kernel lists mounts by their age, and whoever reads the list inside expects the order
/// of the document; but what lies on the host was taken hold of before any file system of the container's was made.
///
/// To be copied it must lie somewhere in this mount namespace. On the very file or folder that it shows, in the tree
/// that is let go of in the end, it covers nothing. Where that cannot be found from here, it stays as old as it is.
fn younger(source: OwnedFd, mount: &Mount, options: &MountOptions) -> Result<OwnedFd> {
    let Some(path) = mount.source.as_deref().filter(|path| path.is_absolute()) else { return Ok(source) };
    let Some(copy) = copy_in_place(&source, path, options.recursive) else { return Ok(source) };
    if options.propagation.is_some_and(|(value, _)| value != libc::MS_PRIVATE) {
        // Or letting go of the old tree would unmount on the host what lies beneath.
        attributes::set_propagation(source.as_fd(), libc::MS_PRIVATE, true)
            .path("detach the mount of", path)?;
    }
    Ok(copy)
}

/// `None` where this cannot be, or where the path leads somewhere else by now: it may be a container's to change.
fn copy_in_place(source: &OwnedFd, path: &Path, recursive: bool) -> Option<OwnedFd> {
    let place = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let (there, here) = (rustix::fs::fstat(&place).ok()?, rustix::fs::fstat(source).ok()?);
    if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino) {
        return None;
    }
    let onto = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(source, "", &place, "", onto).ok()?;
    let mut flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    open_tree(source, "", flags).ok()
}

fn mount_one(
    tree: &Tree<'_>,
    mount: &Mount,
    options: &MountOptions,
    source: Option<OwnedFd>,
    cgroups: &[CgroupView],
) -> Result<()> {
    let path = &mount.destination;
    if let Some(source) = source {
        let target = if is_directory(&source)? { tree.directory(path)? } else { tree.file(path)? };
        Tree::attach(&source, &target, path)?;
        tree.remember(path, &source)?;
        return spread(&source, options, path);
    }
    if options.again {
        return mount_again(tree, path, options);
    }
    let kind = mount.kind.as_deref().unwrap_or("none");
    if kind == "cgroup" || kind == "cgroup2" {
        return mount_cgroups(tree, path, options, cgroups, kind == "cgroup2");
    }
    if matches!(kind, "proc" | "sysfs") {
        // An image whose /proc is a link wants what is hidden in it to be in sight; no other one does that.
        tree.refuse_links(path)?;
    }
    let with_mode = if kind == "tmpfs" { as_before(tree, path, options)? } else { None };
    let options = with_mode.as_ref().unwrap_or(options);
    let writable = MountOptions { set: options.set & !attributes::RDONLY, ..options.clone() };
    let made =
        new_file_system(kind, mount.source.as_deref(), if options.copy_up { &writable } else { options })?;
    let target = tree.directory(path)?;
    if options.copy_up && kind == "tmpfs" {
        let from = tree
            .open_for(path, OFlags::RDONLY | OFlags::DIRECTORY)?
            .ok_or(Errno::NOENT)
            .path("open in the container", path)?;
        copy_up(&from, &made).path("copy up", path)?;
    }
    if options.copy_up {
        attributes::set_attributes(made.as_fd(), options.set & attributes::RDONLY, 0, false)
            .path("make read-only", path)?;
    }
    Tree::attach(&made, &target, path)?;
    tree.remember(path, &made)?;
    spread(&made, options, path)
}

/// The options with the mode of the directory that a file system in memory covers, when they name none.
fn as_before(tree: &Tree<'_>, path: &Path, options: &MountOptions) -> Result<Option<MountOptions>> {
    if options.data.iter().any(|(key, _)| key == "mode") {
        return Ok(None);
    }
    let Some(covered) = tree.open(path)? else { return Ok(None) };
    let mode = rustix::fs::fstat(&covered).path("examine", path)?.st_mode & 0o7777;
    let mut options = options.clone();
    options.data.push(("mode".to_owned(), Some(format!("{mode:o}"))));
    Ok(Some(options))
}

/// Gives a mount that is there already other options.
fn mount_again(tree: &Tree<'_>, path: &Path, options: &MountOptions) -> Result<()> {
    let there = tree.open(path)?.ok_or(Errno::NOENT).path("open in the container", path)?;
    if let Some((key, _)) = options.data.first() {
        return Err(Error::invalid(
            format!("option '{key}'"),
            "remount changes a mount's own options only, not those of its file system",
        ));
    }
    attributes::set_attributes(there.as_fd(), options.set, options.clear, false).path("remount", path)?;
    attributes::set_attributes(there.as_fd(), options.set_recursively, options.clear_recursively, true)
        .path("remount", path)?;
    spread(&there, options, path)
}

fn spread(mount: &OwnedFd, options: &MountOptions, path: &Path) -> Result<()> {
    match options.propagation {
        Some((value, recursive)) if value != libc::MS_PRIVATE => {
            attributes::set_propagation(mount.as_fd(), value, recursive).path("set the propagation of", path)
        }
        _ => Ok(()),
    }
}

/// Makes a file system that is attached nowhere yet.
pub(super) fn new_file_system(kind: &str, source: Option<&Path>, options: &MountOptions) -> Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).doing(format!("use the file system '{kind}'"))?;
    let source = source.unwrap_or(Path::new(kind));
    // Some kernel file systems have no source and say so.
    if let Err(error) = fsconfig_set_string(&context, "source", source)
        && error != Errno::INVAL
    {
        return Err(error).doing(format!("name the source of {kind}"));
    }
    for (key, value) in &options.data {
        let set = match value {
            Some(value) => fsconfig_set_string(&context, key.as_str(), value.as_str()),
            None => fsconfig_set_flag(&context, key.as_str()),
        };
        // devpts is always an instance of its own nowadays, and says so by not knowing the word.
        if let Err(error) = set
            && key != "newinstance"
        {
            return Err(error).doing(format!("set the option '{key}' of {kind}"));
        }
    }
    fsconfig_create(&context).doing(format!("make a {kind} file system"))?;
    // There is nothing on a new mount that could be cleared.
    let set = MountAttrFlags::from_bits_retain((options.set | options.set_recursively) as u32);
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, set).doing(format!("mount a {kind} file system"))
}

/// Kernel parameters, written through the host's proc, which shows the values of our own namespaces.
fn set_sysctls(parameters: &std::collections::BTreeMap<String, String>) -> Result<()> {
    for (name, value) in parameters {
        let path = PathBuf::from("/proc/sys").join(name.replace('.', "/"));
        if name.contains("..") || name.starts_with('/') {
            return Err(Error::invalid(format!("linux.sysctl.{name}"), "this is not a parameter's name"));
        }
        std::fs::write(&path, value).path("set the kernel parameter", &path)?;
    }
    Ok(())
}

/// Makes the tree the root and lets go of the host's, if that can be.
fn enter(root: &OwnedFd, entry: Entry) -> Result<()> {
    rustix::process::fchdir(root).doing("enter the new root")?;
    if entry == Entry::Pivot {
        match rustix::process::pivot_root(".", ".") {
            Err(Errno::INVAL) => {
                let reason = "the host's root cannot be moved away, as in its first memory file system: the option \
                              --no-pivot lays the container's on top";
                return Err(Error::invalid("root", reason));
            }
            other => other.doing("change the root")?,
        }
        unmount(".", UnmountFlags::DETACH).doing("let go of the host's root")?;
    } else {
        if entry == Entry::OnTop {
            // While the host's are there, whoever makes a user namespace inside may mount such ones in full. In a user
            // namespace of the container's they are locked, and nothing can be done.
            for place in ["/proc", "/sys"] {
                while unmount(place, UnmountFlags::DETACH).is_ok() {}
            }
        }
        rustix::process::chroot(".").doing("change the root")?;
    }
    rustix::process::chdir("/").doing("enter the new root")
}
