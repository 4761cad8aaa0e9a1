//! Synced folders: bind mounts whose owners are translated, so that a file made inside belongs to the user outside and
//! the other way round. The kernel does it (`mount_setattr(2)`, idmapped mounts), not a copy.
//!
//! Ids on disk and inside:
//!
//! ```text
//!   on disk                       inside
//!   the directory's owner   ◀──▶  the user that one enters as (or `owner:`)
//!   first + n (first: the   ◀──▶  n, for every other n; such files are given to the directory's owner
//!   machine's first host id)      afterwards by `adopt`, since a mapping cannot lead two ids to one
//! ```

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid};
use yado_container::spec::{Mount, folder_mappings};
use yado_core::error::Doing;
use yado_core::spec::{FolderSpec, Problem};
use yado_core::{Context, Error, ErrorKind, Result};

use super::accounts::Accounts;
use super::owners;

/// How many ids a machine has.
pub(super) const IDS: u32 = 65_536;

/// What is wrong with a machine's folders.
pub(super) fn problems(folders: &[FolderSpec]) -> Vec<Problem> {
    folders
        .iter()
        .filter(|folder| !folder.host_path.is_dir() && folder.options.get("create") != Some(&true.into()))
        .map(|folder| Problem {
            message: format!("The host path of the shared folder is missing: {}", folder.host_path.display()),
            origin: folder.origin.clone(),
            remedy: Some("'create: true' has it made.".to_owned()),
        })
        .collect()
}

/// The mounts for a machine's folders, parents before children.
pub(super) fn mounts(
    context: &Context,
    folders: &[FolderSpec],
    user: &str,
    accounts: &Accounts,
    first: u32,
) -> Result<Vec<Mount>> {
    let mut folders: Vec<&FolderSpec> = folders.iter().collect();
    folders.sort_by_key(|folder| folder.guest_path.len());
    folders.into_iter().map(|folder| mount(context, folder, user, accounts, first)).collect()
}

fn mount(
    context: &Context,
    folder: &FolderSpec,
    user: &str,
    accounts: &Accounts,
    first: u32,
) -> Result<Mount> {
    let path = &folder.host_path;
    if !path.is_dir() {
        std::fs::create_dir_all(path).doing(|| format!("creating the synced folder '{}'", path.display()))?;
    }
    notices(context, folder);
    let text = |key: &str| folder.options.get(key).and_then(|value| value.as_str());
    for (key, known) in [
        ("owner", text("owner").is_none_or(|name| accounts.user(name).is_some())),
        ("group", text("group").is_none_or(|name| accounts.group(name).is_some())),
    ] {
        if !known {
            context.warn(format!(
                "The machine has no '{}' for '{key}:' of the synced folder '{}'; its files belong to '{user}'.",
                text(key).unwrap_or_default(),
                folder.guest_path
            ));
        }
    }
    let inside = accounts.user(text("owner").unwrap_or(user)).or_else(|| accounts.user(user));
    let uid = inside.as_ref().map_or(1000, |account| account.uid);
    let gid = text("group")
        .and_then(|group| accounts.group(group))
        .unwrap_or_else(|| inside.as_ref().map_or(1000, |account| account.gid));
    let owner = std::fs::metadata(path).doing(|| format!("reading '{}'", path.display()))?;
    if !folder.guest_path.starts_with('/') {
        return Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!("The guest path of a synced folder must be absolute, not '{}'.", folder.guest_path),
        )
        .at(folder.origin.clone()));
    }
    let read_only = folder
        .options
        .get("mount_options")
        .and_then(|options| options.as_array())
        .is_some_and(|options| options.iter().any(|option| option == "ro"));
    let translated = owners::are_translated();
    if !translated && uid != 1000 && uid != 0 && owners::are_many() {
        context.warn(format!(
            "Without root's help owners cannot be translated freely: files of '{}' belong to the user 1000 inside, \
             not to {uid}.",
            folder.guest_path
        ));
    }
    Ok(Mount {
        destination: folder.guest_path.clone().into(),
        kind: Some("bind".to_owned()),
        source: Some(path.clone()),
        options: ["rbind", "nosuid", "nodev", if read_only { "ro" } else { "rw" }]
            .map(str::to_owned)
            .to_vec(),
        uid_mappings: if translated { folder_mappings(owner.uid(), uid, first) } else { Vec::new() },
        gid_mappings: if translated { folder_mappings(owner.gid(), gid, first) } else { Vec::new() },
    })
}

/// Says which options do nothing here; nothing is ignored silently.
fn notices(context: &Context, folder: &FolderSpec) {
    if let Some(kind) = &folder.kind {
        context.detail(format!(
            "The folder type '{kind}' is not needed here: '{}' is mounted directly.",
            folder.guest_path
        ));
    }
    let unknown = folder
        .options
        .get("mount_options")
        .and_then(|options| options.as_array())
        .is_some_and(|options| options.iter().any(|option| option != "ro" && option != "rw"));
    if unknown {
        context.detail(format!(
            "The 'mount_options' of '{}' do not apply: files keep the modes that they have on the host.",
            folder.guest_path
        ));
    }
}

/// Gives files that other users of the machine (its root, above all) made in a folder to the folder's owner.
///
/// The machine may be running and swap names while this goes on. So everything is opened by its name in a directory
/// that is open already, without following a link, and what was looked at is what is changed.
pub(super) fn adopt(folder: &Path, first: u32) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(directory) = rustix::fs::open(folder, flags, Mode::empty()) else { return };
    let Ok(owner) = rustix::fs::fstat(&directory) else { return };
    let owner = Owner { uid: owner.st_uid, gid: owner.st_gid, machine: first..first.saturating_add(IDS) };
    adopt_below(&directory, &owner, 0);
}

/// Whom files are given to, and the host's ids of those who may have made them.
struct Owner {
    uid: u32,
    gid: u32,
    machine: std::ops::Range<u32>,
}

fn adopt_below(folder: &OwnedFd, owner: &Owner, depth: u32) {
    // What vanishes or cannot be read meanwhile is somebody's work in progress.
    let Ok(entries) = rustix::fs::Dir::read_from(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()) else { continue };
        let Ok(facts) = rustix::fs::fstat(&file) else { continue };
        adopt_one(&file, &facts, owner);
        if FileType::from_raw_mode(facts.st_mode) == FileType::Directory && depth < 64 {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            if let Ok(below) = rustix::fs::openat(&file, c".", flags, Mode::empty()) {
                adopt_below(&below, owner, depth + 1);
            }
        }
    }
}

fn adopt_one(file: &OwnedFd, facts: &rustix::fs::Stat, owner: &Owner) {
    let new_uid = owner.machine.contains(&facts.st_uid).then_some(Uid::from_raw(owner.uid));
    let new_gid = owner.machine.contains(&facts.st_gid).then_some(Gid::from_raw(owner.gid));
    if new_uid.is_some() || new_gid.is_some() {
        let _ = rustix::fs::chownat(file, c"", new_uid, new_gid, AtFlags::EMPTY_PATH);
    }
    // In a folder of root's, what the machine's user makes belongs to root outside: it must not run as root there.
    let special = facts.st_mode & 0o6000;
    let is_file = FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile;
    if owner.uid == 0 && is_file && facts.st_uid == 0 && special != 0 {
        // A descriptor of `O_PATH` cannot be changed itself, but names its file in /proc.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        drop(std::fs::set_permissions(path, std::fs::Permissions::from_mode(facts.st_mode & 0o1777)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_machines_ids_are_adopted_and_those_of_others_left_alone() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: giving files away needs root");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let first = 1_000_000_000;
        std::os::unix::fs::chown(folder.path(), Some(4321), Some(4321)).unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        for (name, id) in [("root", first), ("last", first + IDS - 1), ("above", first + IDS), ("user", 99)] {
            std::fs::write(inner.join(name), "").unwrap();
            std::os::unix::fs::chown(inner.join(name), Some(id), Some(id)).unwrap();
        }
        adopt(folder.path(), first);
        let owner = |name: &str| std::fs::metadata(inner.join(name)).unwrap().uid();
        assert_eq!(
            [owner("root"), owner("last"), owner("above"), owner("user")],
            [4321, 4321, first + IDS, 99]
        );
    }
}
