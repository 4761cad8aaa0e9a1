//! What a root file system needs to run as a machine of its own, beyond what it needs as a container.

use std::path::Path;

use yado_core::Result;
use yado_core::error::Doing;

use super::seed::KEYS;
use crate::unpack::{Attributes, Tree};

/// Services that bring up the network, with the links by which they are switched on.
const NETWORK: &[(&str, &str)] = &[
    ("etc/systemd/system/multi-user.target.wants/systemd-networkd.service", "systemd-networkd.service"),
    ("etc/systemd/system/sockets.target.wants/systemd-networkd.socket", "systemd-networkd.socket"),
    (
        "etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service",
        "systemd-networkd-wait-online.service",
    ),
    ("etc/systemd/system/dbus-org.freedesktop.network1.service", "systemd-networkd.service"),
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
    if tree.has(&"usr/lib/systemd/systemd-networkd".into()).doing(doing)? {
        for (link, unit) in NETWORK {
            if !tree.has(&(*link).into()).doing(doing)? {
                let target = format!("/lib/systemd/system/{unit}");
                tree.symlink(&(*link).into(), target.as_bytes(), &Attributes::root(0o777)).doing(doing)?;
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
    fn the_server_for_ssh_and_the_network_are_switched_on() {
        let root = tempfile::tempdir().unwrap();
        for name in ["etc/ssh/sshd_config.d", "usr/lib/systemd", "etc/systemd/system"] {
            std::fs::create_dir_all(root.path().join(name)).unwrap();
        }
        for name in ["etc/ssh/sshd_not_to_be_run", "usr/lib/systemd/systemd-networkd"] {
            std::fs::write(root.path().join(name), "").unwrap();
        }
        for _ in 0..2 {
            furnish(root.path(), 77).unwrap();
        }
        assert!(!root.path().join("etc/ssh/sshd_not_to_be_run").exists());
        let wanted = root.path().join("etc/systemd/system/multi-user.target.wants/systemd-networkd.service");
        assert_eq!(
            std::fs::read_link(wanted).unwrap(),
            Path::new("/lib/systemd/system/systemd-networkd.service")
        );
        let settings = std::fs::read_to_string(root.path().join("etc/ssh/sshd_config.d/yado.conf")).unwrap();
        assert!(settings.contains("/etc/ssh/yado/%u"), "{settings}");
        assert_eq!(std::fs::read_to_string(root.path().join("var/lib/yado/sectors")).unwrap(), "77\n");
    }
}
