//! Host paths that appear inside: opened on the host, where the caller's rights to reach them count, and
//! handed to the container's init as detached mounts.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::layers::{copy, detach, translate};
use super::options::MountOptions;
use crate::error::{Context, Error, Result};
use crate::spec::{IdMapping, Mount};
use crate::sys::{clone, mount as attributes};

/// Whether a mount shows a host path.
pub(super) fn is_bind(mount: &Mount, options: &MountOptions) -> bool {
    !options.again && (options.bind || mount.kind.as_deref() == Some("bind"))
}

/// Opens the sources of all bind mounts, in their order.
///
/// `own` is the container's user namespace, for the mounts that ask to be translated by it.
pub(crate) fn open_sources(
    mounts: &[Mount],
    base: Option<&Path>,
    own: Option<BorrowedFd<'_>>,
) -> Result<Vec<OwnedFd>> {
    mounts
        .iter()
        .map(|mount| (mount, MountOptions::parse(&mount.options)))
        .filter(|(mount, options)| is_bind(mount, options))
        .map(|(mount, options)| {
            let source = mount.source.as_deref().ok_or_else(|| {
                Error::invalid(
                    format!("mounts[{}].source", mount.destination.display()),
                    "a bind mount needs a host path",
                )
            })?;
            let source = match base {
                Some(base) if source.is_relative() => base.join(source),
                _ => source.to_owned(),
            };
            open_source(mount, &options, &source, own)
        })
        .collect()
}

fn open_source(
    mount: &Mount,
    options: &MountOptions,
    source: &Path,
    own: Option<BorrowedFd<'_>>,
) -> Result<OwnedFd> {
    let fd = match options.propagation {
        Some((value, _)) if value != libc::MS_PRIVATE => copy(source, options.recursive)?,
        _ => detach(source, options.recursive)?,
    };
    if !mount.uid_mappings.is_empty() || !mount.gid_mappings.is_empty() {
        let namespace = clone::user_namespace(&map_text(&mount.uid_mappings), &map_text(&mount.gid_mappings))
            .path("make the id mapping for", source)?;
        translate(&fd, namespace.as_fd(), options.recursive, source)?;
    } else if options.map_ids {
        let own = own.ok_or_else(|| {
            Error::invalid(
                format!("mounts[{}].options", mount.destination.display()),
                "'idmap' needs uidMappings and gidMappings, or a user namespace whose mappings are used",
            )
        })?;
        translate(&fd, own, options.recursive, source)?;
    }
    attributes::set_attributes(fd.as_fd(), options.set, options.clear, false)
        .path("set the options of", source)?;
    attributes::set_attributes(fd.as_fd(), options.set_recursively, options.clear_recursively, true)
        .path("set the options of", source)?;
    Ok(fd)
}

/// Mappings as the kernel reads them.
pub(crate) fn map_text(mappings: &[IdMapping]) -> String {
    let lines: Vec<String> = mappings
        .iter()
        .map(|mapping| format!("{} {} {}\n", mapping.container_id, mapping.host_id, mapping.size))
        .collect();
    lines.concat()
}
