//! The root file system, prepared on the host as a mount that is attached nowhere: an overlay of layers or a
//! plain directory, their owners translated so that files on disk keep the container's own ids.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};
use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};
use crate::sys::{clone, mount};

/// Layers of a root file system: read-only ones, topmost first, and where changes go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// Read-only directories, the topmost first.
    pub lower: Vec<PathBuf>,
    /// The directory that takes the changes.
    pub upper: PathBuf,
    /// An empty directory on the same file system as `upper`.
    pub work: PathBuf,
}

/// How owners are translated, and who container's root is on the host.
#[derive(Clone, Copy)]
pub(crate) struct Translation<'a> {
    /// The user namespace whose mappings are used.
    pub(crate) namespace: BorrowedFd<'a>,
    /// The host's ids of the container's root.
    pub(crate) root: (u32, u32),
}

/// Clones a mount, detached, with propagation cut.
pub(super) fn detach(path: &Path, recursive: bool) -> Result<OwnedFd> {
    let fd = copy(path, recursive)?;
    mount::set_propagation(fd.as_fd(), libc::MS_PRIVATE, recursive).path("detach the mount of", path)?;
    Ok(fd)
}

/// Clones a mount, detached, which still learns of what is mounted beneath the original.
pub(super) fn copy(path: &Path, recursive: bool) -> Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    open_tree(rustix::fs::CWD, path, flags).path("open", path)
}

/// Translates the owners of a detached mount.
pub(super) fn translate(fd: &OwnedFd, namespace: BorrowedFd<'_>, recursive: bool, path: &Path) -> Result<()> {
    mount::map_ids(fd.as_fd(), namespace, recursive).map_err(|error| match error.raw_os_error() {
        Some(libc::EINVAL) => Error::invalid(
            path.display().to_string(),
            "its file system cannot translate owners (an idmapped mount needs ext4, xfs, btrfs or a newer \
             kernel's tmpfs); move it to another file system or give the files to the container's ids",
        ),
        _ => Error::Path { operation: "translate the owners of", path: path.to_owned(), source: error },
    })
}

/// A directory as the root. With the propagation `shared` or `slave` it goes on to learn of what is mounted beneath
/// the directory on the host.
pub(crate) fn bind_root(
    path: &Path,
    translation: Option<Translation<'_>>,
    propagation: Option<&str>,
) -> Result<OwnedFd> {
    // With translated owners mounts beneath would have to be of a kind that can be translated too.
    let recursive = translation.is_none();
    let fd = match propagation {
        Some("shared" | "rshared" | "slave" | "rslave") => {
            let fd = copy(path, recursive)?;
            mount::set_propagation(fd.as_fd(), libc::MS_SLAVE, recursive).path("mount", path)?;
            fd
        }
        _ => detach(path, recursive)?,
    };
    if let Some(translation) = translation {
        translate(&fd, translation.namespace, false, path)?;
        mount::set_attributes(fd.as_fd(), mount::NODEV, 0, false).path("mount", path)?;
    }
    Ok(fd)
}

/// An overlay as the root.
pub(crate) fn overlay_root(overlay: &Overlay, translation: Option<Translation<'_>>) -> Result<OwnedFd> {
    if overlay.lower.is_empty() {
        return Err(Error::invalid("root_overlay.lower", "at least one layer is needed"));
    }
    // The overlay's own work is done as whoever created it: that must be the container's root, since nobody
    // else has an id on the translated upper directory. A thread can change its file ids alone.
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if let Some(translation) = translation {
                clone::make_files_as(translation.root.0, translation.root.1)
                    .doing("act as the container's root")?;
            }
            assemble(overlay, translation)
        });
        thread.join().unwrap_or_else(|_| Err(Error::invalid("root_overlay", "its thread failed")))
    })
}

/// The layers as descriptors of detached mounts.
struct Layers {
    lower: Vec<OwnedFd>,
    /// The mount that holds both upper and work, and their names in it.
    writable: OwnedFd,
    upper: PathBuf,
    work: PathBuf,
}

fn assemble(overlay: &Overlay, translation: Option<Translation<'_>>) -> Result<OwnedFd> {
    let (parent, upper, work) = common_parent(&overlay.upper, &overlay.work)?;
    let open = |path: &Path| {
        let fd = detach(path, false)?;
        if let Some(translation) = translation {
            translate(&fd, translation.namespace, false, path)?;
        }
        Ok(fd)
    };
    let layers = Layers {
        lower: overlay.lower.iter().map(|path| open(path)).collect::<Result<_>>()?,
        writable: open(&parent)?,
        upper,
        work,
    };
    match make(&layers) {
        // Kernels before 6.15 take only layers that are mounted somewhere in this mount namespace.
        Err(Errno::INVAL) => {
            attach_privately(&layers)?;
            make(&layers)
        }
        other => other,
    }
    .path("mount an overlay over", &overlay.upper)
}

/// The deepest directory above both: upper and work must be reached through one mount.
fn common_parent(upper: &Path, work: &Path) -> Result<(PathBuf, PathBuf, PathBuf)> {
    let parent: PathBuf = upper
        .components()
        .zip(work.components())
        .take_while(|(left, right)| left == right)
        .map(|(left, _)| left)
        .collect();
    let rest = |path: &Path| path.strip_prefix(&parent).map(Path::to_owned).unwrap_or_default();
    let (upper_rest, work_rest) = (rest(upper), rest(work));
    if parent.as_os_str().is_empty() || upper_rest.as_os_str().is_empty() || work_rest.as_os_str().is_empty()
    {
        return Err(Error::invalid(
            "root_overlay",
            "upper and work must be two absolute paths, neither within the other",
        ));
    }
    Ok((parent, upper_rest, work_rest))
}

fn make(layers: &Layers) -> rustix::io::Result<OwnedFd> {
    let path = |fd: &OwnedFd| PathBuf::from(format!("/proc/thread-self/fd/{}", fd.as_raw_fd()));
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "source", "overlay")?;
    for lower in &layers.lower {
        fsconfig_set_string(&context, "lowerdir+", path(lower).as_path())?;
    }
    let writable = path(&layers.writable);
    fsconfig_set_string(&context, "upperdir", writable.join(&layers.upper).as_path())?;
    fsconfig_set_string(&context, "workdir", writable.join(&layers.work).as_path())?;
    if !rustix::process::geteuid().is_root() {
        fsconfig_set_flag(&context, "userxattr")?;
    }
    fsconfig_create(&context)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_NODEV)
}

/// Mounts the layers in a mount namespace that this thread alone sees and that ends with it.
fn attach_privately(layers: &Layers) -> Result<()> {
    clone::unshare(libc::CLONE_NEWNS).doing("make a mount namespace for the overlay's layers")?;
    rustix::mount::mount_change(
        "/",
        rustix::mount::MountPropagationFlags::PRIVATE | rustix::mount::MountPropagationFlags::REC,
    )
    .doing("make mounts private")?;
    // Nothing is looked up through the paths that this covers: the layers are reached by descriptor.
    for layer in layers.lower.iter().chain([&layers.writable]) {
        move_mount(layer, "", rustix::fs::CWD, "/tmp", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .doing("attach the overlay's layers")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_and_work_share_their_deepest_common_directory() {
        let (parent, upper, work) =
            common_parent(Path::new("/a/b/upper"), Path::new("/a/b/work/deep")).unwrap();
        assert_eq!(
            (parent.as_path(), upper.as_path(), work.as_path()),
            (Path::new("/a/b"), Path::new("upper"), Path::new("work/deep"))
        );
    }

    #[test]
    fn work_within_upper_is_refused() {
        assert!(common_parent(Path::new("/a/upper"), Path::new("/a/upper/work")).is_err());
        assert!(common_parent(Path::new("/a"), Path::new("b")).is_err());
    }

    /// The way of kernels before 6.15, which this kernel can go as well.
    #[test]
    fn layers_mounted_out_of_sight_make_an_overlay_too() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return;
        }
        let folder = std::env::temp_dir().join(format!("yado-layers-{}", std::process::id()));
        for name in ["lower", "upper", "work"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        std::fs::write(folder.join("lower/file"), "from below").unwrap();
        let made = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let layers = Layers {
                    lower: vec![detach(&folder.join("lower"), false).unwrap()],
                    writable: detach(&folder, false).unwrap(),
                    upper: "upper".into(),
                    work: "work".into(),
                };
                attach_privately(&layers).unwrap();
                make(&layers).unwrap()
            });
            thread.join().unwrap()
        });
        let file =
            rustix::fs::openat(&made, "file", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).unwrap();
        let mut text = [0; 10];
        rustix::io::read(&file, &mut text[..]).unwrap();
        assert_eq!(&text, b"from below");
        drop((file, made));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
