//! What a container sees under `/sys/fs/cgroup`: its own part of each hierarchy.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::mount::{OpenTreeFlags, open_tree};
use serde::{Deserialize, Serialize};

use super::inside::new_file_system;
use super::options::MountOptions;
use super::target::Tree;
use crate::error::{Context, Result};
use crate::sys::mount as attributes;

/// One cgroup hierarchy that the container sees its own part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CgroupView {
    /// The folder's name; empty for the only one of a unified layout.
    pub(crate) name: String,
    /// The mount option that selects a v1 hierarchy; `None` for v2.
    pub(crate) controllers: Option<String>,
    /// The host's folder, shown as it is where there is no cgroup namespace to hide what is above.
    pub(crate) folder: Option<PathBuf>,
}

/// The container's own part of each hierarchy that it is limited by; of the v2 tree alone where that was asked for.
pub(super) fn mount_cgroups(
    tree: &Tree<'_>,
    path: &Path,
    options: &MountOptions,
    cgroups: &[CgroupView],
    only_unified: bool,
) -> Result<()> {
    let plain = MountOptions { data: Vec::new(), ..options.clone() };
    if only_unified && let Some(unified) = cgroups.iter().find(|view| view.controllers.is_none()) {
        return mount_view(tree, path, &plain, unified);
    }
    if let [only] = cgroups
        && only.name.is_empty()
    {
        return mount_view(tree, path, &plain, only);
    }
    let mut folder = plain.clone();
    folder.set &= !attributes::RDONLY;
    folder.data =
        vec![("mode".to_owned(), Some("755".to_owned())), ("size".to_owned(), Some("64k".to_owned()))];
    let made = new_file_system("tmpfs", None, &folder)?;
    Tree::attach(&made, &tree.directory(path)?, path)?;
    for view in cgroups {
        mount_view(tree, &path.join(&view.name), &plain, view)?;
    }
    attributes::set_attributes(made.as_fd(), plain.set & attributes::RDONLY, 0, false)
        .path("make read-only", path)
}

fn mount_view(tree: &Tree<'_>, path: &Path, options: &MountOptions, view: &CgroupView) -> Result<()> {
    let made = match &view.folder {
        Some(folder) => {
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            let shown = open_tree(rustix::fs::CWD, folder, flags).path("open", folder)?;
            attributes::set_attributes(shown.as_fd(), options.set, options.clear, false)
                .path("set the options of", folder)?;
            shown
        }
        None => {
            let mut with = options.clone();
            with.data.extend(view.controllers.iter().flat_map(|names| names.split(',')).map(selector));
            let kind = if view.controllers.is_some() { "cgroup" } else { "cgroup2" };
            new_file_system(kind, None, &with)?
        }
    };
    Tree::attach(&made, &tree.directory(path)?, path)
}

/// The mount option that stands for a controller, or for a hierarchy that has but a name.
fn selector(name: &str) -> (String, Option<String>) {
    match name.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (name.to_owned(), None),
    }
}
