//! A tmpfs that starts with what it covers: the files beneath are copied into it before it is mounted on top.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid, chmodat, chownat, fchmod, fchown, fstat, mkdirat,
    mknodat, openat, readlinkat, statat, symlinkat,
};
use rustix::io::Result;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Copies everything in a directory into another one, with owners and permissions. Links are copied, never followed.
pub(super) fn copy_up(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    let status = fstat(from)?;
    let here = openat(to, c".", DIRECTORY, Mode::empty())?;
    copy_entries(from, &here)?;
    fchown(&here, Some(Uid::from_raw(status.st_uid)), Some(Gid::from_raw(status.st_gid)))?;
    fchmod(&here, permissions(&status))
}

fn permissions(status: &Stat) -> Mode {
    Mode::from_raw_mode(status.st_mode & 0o7777)
}

fn copy_entries(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    for entry in Dir::read_from(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            copy_one(from, to, name)?;
        }
    }
    Ok(())
}

fn copy_one(from: &OwnedFd, to: &OwnedFd, name: &CStr) -> Result<()> {
    let status = statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let kind = FileType::from_raw_mode(status.st_mode);
    match kind {
        FileType::Directory => {
            mkdirat(to, name, Mode::RWXU)?;
            let inner = openat(to, name, DIRECTORY, Mode::empty())?;
            copy_entries(&openat(from, name, DIRECTORY, Mode::empty())?, &inner)?;
        }
        FileType::Symlink => symlinkat(readlinkat(from, name, Vec::new())?.as_c_str(), to, name)?,
        FileType::RegularFile => copy_contents(from, to, name)?,
        _ => mknodat(to, name, kind, Mode::RUSR | Mode::WUSR, status.st_rdev)?,
    }
    let owner = (Some(Uid::from_raw(status.st_uid)), Some(Gid::from_raw(status.st_gid)));
    chownat(to, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?;
    if kind == FileType::Symlink {
        return Ok(());
    }
    // After the owner, whose change takes set-user-id bits away.
    chmodat(to, name, permissions(&status), AtFlags::empty())
}

fn copy_contents(from: &OwnedFd, to: &OwnedFd, name: &CStr) -> Result<()> {
    let source = openat(from, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = openat(to, name, flags, Mode::RUSR | Mode::WUSR)?;
    // What a first process allocates it does not give back.
    let mut buffer = [0; 1 << 13];
    loop {
        let count = rustix::io::retry_on_intr(|| rustix::io::read(&source, &mut buffer[..]))?;
        if count == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..count];
        while !rest.is_empty() {
            let written = rustix::io::retry_on_intr(|| rustix::io::write(target.as_fd(), rest))?;
            rest = &rest[written..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn files_links_and_permissions_come_along() {
        let folder = std::env::temp_dir().join(format!("yado-copy-up-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("from/deep")).unwrap();
        std::fs::create_dir(folder.join("to")).unwrap();
        std::fs::write(folder.join("from/deep/file"), vec![7; 100_000]).unwrap();
        std::fs::set_permissions(folder.join("from/deep/file"), std::fs::Permissions::from_mode(0o4711))
            .unwrap();
        symlink("/nowhere", folder.join("from/link")).unwrap();
        let open = |name: &str| rustix::fs::open(folder.join(name), DIRECTORY, Mode::empty()).unwrap();
        copy_up(&open("from"), &open("to")).unwrap();
        assert_eq!(std::fs::read(folder.join("to/deep/file")).unwrap().len(), 100_000);
        assert_eq!(std::fs::metadata(folder.join("to/deep/file")).unwrap().mode() & 0o7777, 0o4711);
        assert_eq!(std::fs::read_link(folder.join("to/link")).unwrap().to_str(), Some("/nowhere"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
