//! A part of the v2 tree in the container's own hands: its first process makes cgroups beneath it, as systemd does.

use std::path::{Path, PathBuf};

use crate::error::{Context, Result};

/// Files that the kernel means to be given away where it does not list them itself (before Linux 4.15).
const ALWAYS: &str = "cgroup.procs cgroup.threads cgroup.subtree_control";

/// Makes `uid` and `gid` (of the host) the owners of the folder and of what the kernel lists for giving away.
pub(in crate::cgroup) fn give(folder: &Path, uid: u32, gid: u32) -> Result<()> {
    let own = |path: &Path| std::os::unix::fs::chown(path, Some(uid), Some(gid)).path("give away", path);
    own(folder)?;
    let listed = std::fs::read_to_string("/sys/kernel/cgroup/delegate").unwrap_or_else(|_| ALWAYS.to_owned());
    for name in listed.split_whitespace() {
        let path = folder.join(name);
        // The list knows files of controllers that this cgroup does not have.
        if path.exists() {
            own(&path)?;
        }
    }
    Ok(())
}

/// The cgroup beneath `folder` that a process has moved to; `None` while it is in `folder` itself.
pub(in crate::cgroup) fn of_process(pid: i32, folder: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    beneath(text.lines().find_map(|line| line.strip_prefix("0::"))?, folder)
}

/// What follows the folder's own name in a path of the hierarchy, joined to the folder.
fn beneath(path: &str, folder: &Path) -> Option<PathBuf> {
    let name = folder.file_name()?;
    let mut parts = Path::new(path).components();
    parts.by_ref().find(|part| part.as_os_str() == name)?;
    let rest = parts.as_path();
    (!rest.as_os_str().is_empty()).then(|| folder.join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_process_has_moved_to_is_found_by_the_folders_name() {
        let folder = Path::new("/sys/fs/cgroup/unified/yado/abc");
        assert_eq!(beneath("/yado/abc/init.scope", folder), Some(folder.join("init.scope")));
        assert_eq!(beneath("/yado/abc", folder), None);
        assert_eq!(beneath("/user.slice/x", folder), None);
    }
}
