//! The file system of busybox and nothing else, packed as engines import it.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packs it in `folder`, with these of its commands and this user list; the archive.
pub(crate) fn write(folder: &Path, name: &str, commands: &[&str], passwd: &str) -> PathBuf {
    let root = folder.join(format!("root-{name}"));
    for directory in ["bin", "etc", "proc", "sys", "dev", "tmp", "root", "home"] {
        std::fs::create_dir_all(root.join(directory)).unwrap();
    }
    std::fs::copy("/usr/bin/busybox", root.join("bin/busybox")).unwrap();
    for command in commands {
        symlink("busybox", root.join("bin").join(command)).unwrap();
    }
    std::fs::set_permissions(root.join("tmp"), std::fs::Permissions::from_mode(0o1777)).unwrap();
    if !passwd.is_empty() {
        std::fs::write(root.join("etc/passwd"), passwd).unwrap();
        std::fs::create_dir(root.join("home/vagrant")).unwrap();
        chown(root.join("home/vagrant"), Some(1000), Some(1000)).unwrap();
    }
    let archive = folder.join(format!("{name}.tar"));
    let mut packed = Command::new("tar");
    packed.arg("-C").arg(&root).arg("-cf").arg(&archive).arg(".");
    assert!(packed.status().unwrap().success());
    archive
}
