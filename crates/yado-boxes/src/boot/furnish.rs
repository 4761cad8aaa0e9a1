//! What a root file system needs to run as a machine of its own, beyond what it needs as a container.

use std::path::Path;

use yado_core::Result;
use yado_core::error::Doing;

use super::seed::KEYS;
use crate::unpack::{Attributes, Tree};

/// Services that do nothing for a machine on one disk without a screen, and whose start takes time all the same: the
/// first of them as long as everything else where the processor is emulated.
const IDLE: &[&str] = &[
    "etc/systemd/system/e2scrub_reap.service",
    "etc/systemd/system/getty@tty1.service",
    "etc/systemd/system/modprobe@drm.service",
    "etc/systemd/system/modprobe@efi_pstore.service",
    "etc/systemd/system/systemd-pstore.service",
];

/// Makes the changes in `root`, whose disk will have `sectors` sectors.
pub(super) fn furnish(root: &Path, sectors: u64) -> Result<()> {
    let mut tree = Tree::open(root).doing(|| format!("opening '{}'", root.display()))?;
    let doing = || "preparing the root file system for a virtual machine";
    // In a container it must not run; here it is the way in.
    tree.remove(&"etc/ssh/sshd_not_to_be_run".into()).doing(doing)?;
    if tree.has(&"etc/ssh/sshd_config.d".into()).doing(doing)? {
        let text = format!("AuthorizedKeysFile .ssh/authorized_keys /{KEYS}/%u\nUseDNS no\n");
        tree.write(&"etc/ssh/sshd_config.d/yado.conf".into(), 0o644, text).doing(doing)?;
    }
    if tree.has(&"usr/lib/systemd/systemd".into()).doing(doing)? {
        for link in IDLE {
            if !tree.has(&(*link).into()).doing(doing)? {
                tree.symlink(&(*link).into(), b"/dev/null", &Attributes::root(0o777)).doing(doing)?;
            }
        }
    }
    // How large the file system is: a larger disk makes it grow.
    tree.write(&"var/lib/yado/sectors".into(), 0o644, format!("{sectors}\n")).doing(doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_for_ssh_is_switched_on_and_idle_services_are_off() {
        let root = tempfile::tempdir().unwrap();
        for name in ["etc/ssh/sshd_config.d", "usr/lib/systemd", "etc/systemd/system"] {
            std::fs::create_dir_all(root.path().join(name)).unwrap();
        }
        for name in ["etc/ssh/sshd_not_to_be_run", "usr/lib/systemd/systemd"] {
            std::fs::write(root.path().join(name), "").unwrap();
        }
        for _ in 0..2 {
            furnish(root.path(), 77).unwrap();
        }
        assert!(!root.path().join("etc/ssh/sshd_not_to_be_run").exists());
        let masked = root.path().join("etc/systemd/system/e2scrub_reap.service");
        assert_eq!(std::fs::read_link(masked).unwrap(), Path::new("/dev/null"));
        let settings = std::fs::read_to_string(root.path().join("etc/ssh/sshd_config.d/yado.conf")).unwrap();
        assert!(settings.contains("/etc/ssh/yado/%u"), "{settings}");
        assert_eq!(std::fs::read_to_string(root.path().join("var/lib/yado/sectors")).unwrap(), "77\n");
    }
}
