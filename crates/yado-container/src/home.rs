//! The home directory of a process whose environment names none: every runtime looks it up in the container's own list
//! of users.

use std::fs::File;
use std::io::Read;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};

/// Longer lists are a mistake or an attack.
const LONGEST: u64 = 1 << 20;

/// Where a user of this root is at home; the root directory when nobody says.
pub(crate) fn directory(root: BorrowedFd<'_>, user: u32) -> String {
    users(root).as_deref().and_then(|users| find(users, user)).unwrap_or("/").to_owned()
}

fn users(root: BorrowedFd<'_>) -> Option<String> {
    // Whatever an image has there instead of a file may neither lead out of the root nor make anybody wait.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let file = rustix::fs::openat2(root, "etc/passwd", flags, Mode::empty(), resolve).ok()?;
    let status = rustix::fs::fstat(&file).ok()?;
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut text = Vec::new();
    File::from(file).take(LONGEST).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The sixth field of the first line whose third one is this user.
fn find(users: &str, user: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let found = fields.get(2)?.parse() == Ok(user);
        fields.get(5).copied().filter(|home| found && !home.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn homes_stand_in_the_list_of_users() {
        let users =
            "# nobody\nroot:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/var/www:\nodd:x:7\nnone:x:8:8:::\n";
        assert_eq!(find(users, 0), Some("/root"));
        assert_eq!(find(users, 33), Some("/var/www"));
        assert_eq!([7, 8, 1000].map(|user| find(users, user)), [None; 3]);
    }

    #[test]
    fn what_is_no_file_of_the_roots_own_names_no_home() {
        let folder = std::env::temp_dir().join(format!("yado-home-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("etc")).unwrap();
        let root = File::open(&folder).unwrap();
        assert_eq!(directory(root.as_fd(), 0), "/");
        let list = folder.join("etc/passwd");
        std::os::unix::fs::symlink("/proc/self/root/etc/passwd", &list).unwrap();
        assert_eq!(directory(root.as_fd(), 0), "/");
        std::fs::remove_file(&list).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &list, FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(directory(root.as_fd(), 0), "/");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
