//! Which cgroup hierarchies this machine has, and where in them this process is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::error::{Context, Result};
use crate::kernel_text;

/// A v1 hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Legacy {
    /// `cpu`, `cpuacct`, …; a named hierarchy as `name=systemd`.
    pub(crate) controllers: Vec<String>,
    /// Where it is mounted.
    pub(crate) mount: PathBuf,
    /// The folder of this process.
    pub(crate) own: PathBuf,
}

/// The v2 tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unified {
    /// Where it is mounted.
    pub(crate) mount: PathBuf,
    /// Under which folder containers' cgroups are made.
    pub(crate) base: PathBuf,
    /// Controllers that work in it.
    pub(crate) controllers: Vec<String>,
    /// Whether there are v1 hierarchies for the others.
    pub(crate) beside_legacy: bool,
}

/// All hierarchies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) legacy: Vec<Legacy>,
    pub(crate) unified: Option<Unified>,
}

/// This machine's hierarchies, looked at when somebody needs them first: the list of all mounts, which has them, is among
/// the dearest things to read that the kernel has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hierarchies(Arc<OnceLock<Layout>>);

impl Hierarchies {
    /// What there is.
    pub(crate) fn layout(&self) -> Result<&Layout> {
        if let Some(layout) = self.0.get() {
            return Ok(layout);
        }
        let layout = Layout::detect()?;
        Ok(self.0.get_or_init(|| layout))
    }
}

/// Where the v2 tree is mounted nearly everywhere: alone, where the second is any cgroup of this name, or beside v1
/// hierarchies.
const USUAL: [(&str, bool); 2] = [("/sys/fs/cgroup", false), ("/sys/fs/cgroup/unified", true)];
/// What `statfs` says of it (`linux/magic.h`).
const CGROUP2_SUPER_MAGIC: i64 = 0x6367_7270;

impl Layout {
    /// All that a container needs for which nobody asks for a limit or a place: the v2 tree. `None` where it must be
    /// searched for.
    pub(crate) fn without_limits() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let is_tree =
            |place: &str| rustix::fs::statfs(place).is_ok_and(|status| status.f_type == CGROUP2_SUPER_MAGIC);
        let (place, beside_legacy) = USUAL.into_iter().find(|(place, _)| is_tree(place))?;
        let mount = PathBuf::from(place);
        let unified = Some(Unified { base: mount.clone(), mount, controllers: Vec::new(), beside_legacy });
        Some(Self { legacy: Vec::new(), unified })
    }

    /// Looks at this machine.
    pub(crate) fn detect() -> Result<Self> {
        let read = |path: &str| kernel_text::read(path).path("read", path);
        let privileged = rustix::process::geteuid().is_root();
        let mut layout = Self::parse(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?, privileged);
        if let Some(tree) = &mut layout.unified {
            let controllers = kernel_text::read(tree.mount.join("cgroup.controllers")).unwrap_or_default();
            tree.controllers = controllers.split_whitespace().map(str::to_owned).collect();
        }
        if !privileged {
            layout.keep_what_is_delegated();
        }
        Ok(layout)
    }

    /// Forgets the hierarchies in which this user may make nothing. In the v2 tree the base is the topmost folder that
    /// was given to the user: those below hold processes, and controllers cannot pass through them.
    fn keep_what_is_delegated(&mut self) {
        let ours = |folder: &Path| {
            [folder.to_owned(), folder.join("cgroup.procs")]
                .iter()
                .all(|path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok())
        };
        self.legacy.retain(|hierarchy| ours(&hierarchy.own));
        self.unified = self.unified.take().and_then(|mut tree| {
            let above =
                tree.base.ancestors().take_while(|folder| folder.starts_with(&tree.mount) && ours(folder));
            let base = above.last()?.to_owned();
            let read = |name: &str| std::fs::read_to_string(base.join(name)).unwrap_or_default();
            // A folder that holds processes itself passes on only what it passes on already.
            let busy = !read("cgroup.procs").is_empty();
            let controllers = read(if busy { "cgroup.subtree_control" } else { "cgroup.controllers" });
            tree.controllers = controllers.split_whitespace().map(str::to_owned).collect();
            tree.base.clone_from(&base);
            tree.mount = base;
            Some(tree)
        });
    }

    /// Whether a limit of this kind (a v1 controller's name and a v2 controller's) can be held.
    pub(crate) fn can_limit(&self, legacy: &str, unified: &str) -> bool {
        self.legacy_for(legacy).is_some()
            || self.unified.as_ref().is_some_and(|tree| tree.controllers.iter().any(|name| name == unified))
    }

    /// Reads `/proc/self/mountinfo` and `/proc/self/cgroup`.
    pub(super) fn parse(mounts: &str, own: &str, privileged: bool) -> Self {
        let mut layout = Self::default();
        for line in mounts.lines() {
            let Some((left, right)) = line.split_once(" - ") else { continue };
            let left: Vec<&str> = left.split(' ').collect();
            let right: Vec<&str> = right.split(' ').collect();
            let ([_, _, _, root, mount, ..], [kind, _, options, ..]) = (left.as_slice(), right.as_slice())
            else {
                continue;
            };
            let mount = PathBuf::from(mount);
            match *kind {
                "cgroup" => {
                    let Some((controllers, path)) = own_legacy(own, options) else { continue };
                    if layout.legacy.iter().any(|known| known.controllers == controllers) {
                        continue;
                    }
                    let own = mount.join(beneath(path, root));
                    layout.legacy.push(Legacy { controllers, mount, own });
                }
                "cgroup2" if layout.unified.is_none() => {
                    let path = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
                    // A folder that holds processes cannot pass its controllers on, so the administrator's
                    // containers live beside the sessions; others may use only what was delegated to them.
                    let base = if privileged { mount.clone() } else { mount.join(beneath(path, root)) };
                    layout.unified =
                        Some(Unified { mount, base, controllers: Vec::new(), beside_legacy: false });
                }
                _ => {}
            }
        }
        if let Some(tree) = &mut layout.unified {
            tree.beside_legacy = !layout.legacy.is_empty();
        }
        layout
    }

    /// The v1 hierarchy that has a controller.
    pub(crate) fn legacy_for(&self, controller: &str) -> Option<&Legacy> {
        self.legacy.iter().find(|hierarchy| hierarchy.controllers.iter().any(|name| name == controller))
    }
}

/// The controllers and path of the hierarchy that is mounted with these options.
fn own_legacy<'a>(own: &'a str, options: &str) -> Option<(Vec<String>, &'a str)> {
    own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (names, path) = (parts.next()?, parts.next()?);
        let all =
            !names.is_empty() && names.split(',').all(|name| options.split(',').any(|option| option == name));
        all.then(|| (names.split(',').map(str::to_owned).collect(), path))
    })
}

/// A path of the hierarchy as seen from a mount that shows the hierarchy from `root` on.
fn beneath(path: &str, root: &str) -> PathBuf {
    let path = Path::new(path);
    let inner = path.strip_prefix(root).unwrap_or(path.strip_prefix("/").unwrap_or(path));
    inner.to_owned()
}
