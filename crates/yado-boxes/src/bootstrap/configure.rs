//! The second stage: the packages' own scripts, run by the new system's package manager inside of it.

use std::path::Path;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use super::open;
use super::stage::ARCHIVES;
use crate::chroot::Chroot;
use crate::unpack::{Attributes, EntryPath};

/// First those on whose files the scripts of all others rely: users, `/etc` and `/var`, the linker, `awk`; for Ubuntu's
/// usrmerge the list of shells, too.
///
/// dpkg notes every change of a package's state in a file that it waits for the disk to have. None of that is
/// needed for a tree that is thrown away when anything fails, so the notes are kept in memory meanwhile.
const SCRIPT: &str = r#"
set -e
notes=/var/lib/dpkg/updates
if mkdir -p /dev/shm/dpkg-updates 2>/dev/null; then
    rm -rf $notes
    ln -s /dev/shm/dpkg-updates $notes
fi
cd /var/cache/apt/archives
install_now() { for name; do [ ! -e "$name.deb" ] || dpkg --force-depends --force-unsafe-io --install "$name.deb"; done; }
install_now base-passwd base-files libc6 mawk perl-base debconf
[ ! -e usrmerge.deb ] || install_now debianutils
dpkg --force-depends --force-unsafe-io --refuse-downgrade --skip-same-version --unpack ./*.deb
dpkg --force-unsafe-io --configure --pending
if [ -L $notes ]; then
    rm $notes
    mkdir -m 755 $notes
    cp -a /dev/shm/dpkg-updates/. $notes
    rm -rf /dev/shm/dpkg-updates
fi
"#;

/// How many lines of output are shown when it fails.
const TAIL: usize = 25;

/// Installs the packages that were brought into the system at `root`, whose core has been unpacked already.
pub(crate) fn configure(cx: &Context, chroot: &dyn Chroot, root: &Path, epoch: i64) -> Result<()> {
    make_ready(root)?;
    let epoch = epoch.to_string();
    let environment = [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/root"),
        ("LC_ALL", "C.UTF-8"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("SOURCE_DATE_EPOCH", epoch.as_str()),
        // Kernels are booted with a small first file system of yado's own.
        ("INITRD", "No"),
    ];
    let mut text = Vec::new();
    let code = chroot.run(cx, root, &["/bin/sh", "-c", SCRIPT], &environment, &mut |piece| {
        text.extend_from_slice(piece);
        // Only the end is ever shown.
        if text.len() > 1 << 20 {
            text.drain(..1 << 19);
        }
    });
    let outcome = match code {
        Ok(0) => Ok(()),
        Ok(code) => {
            cx.cancel.check()?;
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
            Err(Error::new(
                ErrorKind::BoxImport,
                format!(
                    "Configuring the new system's packages ended with code {code}. It said last:\n\n{tail}"
                ),
            ))
        }
        Err(error) => Err(error),
    };
    tracing::debug!(output = %String::from_utf8_lossy(&text), "configured");
    outcome?;
    take_out(root)
}

/// What the packages' scripts need to find.
fn make_ready(root: &Path) -> Result<()> {
    let mut tree = open(root)?;
    let doing = || "preparing the new system";
    // Services must not start while their packages are configured.
    tree.file(&"usr/sbin/policy-rc.d".into(), &Attributes::root(0o755), &mut &b"#!/bin/sh\nexit 101\n"[..])
        .doing(doing)?;
    if !tree.has(&"usr/bin/awk".into()).doing(doing)? {
        tree.symlink(&"usr/bin/awk".into(), b"mawk", &Attributes::root(0o777)).doing(doing)?;
    }
    for (name, content) in [("var/lib/dpkg/status", ""), ("var/lib/dpkg/available", "")] {
        if !tree.has(&name.into()).doing(doing)? {
            tree.write(&name.into(), 0o644, content).doing(doing)?;
        }
    }
    // Keys that exist are not made, which takes seconds; these are taken out again in any case.
    tree.directory(&"etc/ssh".into(), &Attributes::root(0o755), true).doing(doing)?;
    for name in ["etc/ssh/ssh_host_ecdsa_key", "etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_rsa_key"] {
        tree.write(&name.into(), 0o600, "").doing(doing)?;
    }
    Ok(())
}

/// Removes what belongs to the making and not to what was made.
fn take_out(root: &Path) -> Result<()> {
    const FILES: &[&str] = &[
        "usr/sbin/policy-rc.d",
        "etc/resolv.conf",
        "etc/hostname",
        "etc/passwd-",
        "etc/group-",
        "etc/shadow-",
        "etc/gshadow-",
        "etc/subuid-",
        "etc/subgid-",
        "var/cache/ldconfig/aux-cache",
        "var/lib/dbus/machine-id",
        // A key that every machine of the box had would be nobody's secret.
        "etc/ssh/ssh_host_ecdsa_key",
        "etc/ssh/ssh_host_ecdsa_key.pub",
        "etc/ssh/ssh_host_ed25519_key",
        "etc/ssh/ssh_host_ed25519_key.pub",
        "etc/ssh/ssh_host_rsa_key",
        "etc/ssh/ssh_host_rsa_key.pub",
        "var/cache/debconf/config.dat-old",
        "var/cache/debconf/templates.dat-old",
        "var/lib/dpkg/status-old",
        "var/lib/dpkg/available-old",
        "var/lib/dpkg/diversions-old",
        "var/lib/dpkg/statoverride-old",
        "var/log/alternatives.log",
        "var/log/bootstrap.log",
        "var/log/dpkg.log",
        "var/log/apt/history.log",
        "var/log/apt/term.log",
    ];
    let mut tree = open(root)?;
    for name in FILES {
        tree.remove(&(*name).into()).doing(|| format!("removing '{name}'"))?;
    }
    for name in directory_names(&root.join(ARCHIVES))? {
        if name.as_encoded_bytes().ends_with(b".deb") {
            tree.remove(&EntryPath::from(ARCHIVES).join(&name)).doing(|| "removing packages")?;
        }
    }
    // yado runs the server for each connection; one that listens would need keys of the machine's own.
    if tree.has(&"etc/ssh/sshd_config".into()).doing(|| "looking for sshd")? {
        let name = "etc/ssh/sshd_not_to_be_run".into();
        tree.write(&name, 0o644, "").doing(|| "keeping sshd from listening")?;
    }
    // Empty, so that every machine gets its own; without the file, systemd would take each start for the very first and
    // switch on services that the packages left off.
    if tree.has(&"etc/machine-id".into()).doing(|| "looking for '/etc/machine-id'")? {
        tree.write(&"etc/machine-id".into(), 0o444, "").doing(|| "emptying '/etc/machine-id'")?;
    }
    if !tree.has(&"etc/hosts".into()).doing(|| "looking for '/etc/hosts'")? {
        let hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
        tree.write(&"etc/hosts".into(), 0o644, hosts).doing(|| "writing '/etc/hosts'")?;
    }
    // Empty: the machine gets its own when it starts.
    tree.write(&"etc/machine-id".into(), 0o444, "").doing(|| "writing '/etc/machine-id'")
}

fn directory_names(path: &Path) -> Result<Vec<std::ffi::OsString>> {
    let doing = || format!("reading '{}'", path.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).doing(doing)? {
        names.push(entry.doing(doing)?.file_name());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use yado_core::event::Silent;
    use yado_core::{Cancel, Host};

    use super::*;

    /// Says a lot, then ends with this code.
    struct Talker(i32);

    impl Chroot for Talker {
        fn run(
            &self,
            _cx: &Context,
            root: &Path,
            argv: &[&str],
            env: &[(&str, &str)],
            output: &mut dyn FnMut(&[u8]),
        ) -> Result<i32> {
            assert_eq!(argv[..2], ["/bin/sh", "-c"]);
            assert!(env.contains(&("SOURCE_DATE_EPOCH", "77")));
            assert!(root.join("usr/sbin/policy-rc.d").is_file());
            for line in 0..100 {
                output(format!("line {line}\n").as_bytes());
            }
            Ok(self.0)
        }
    }

    fn run(code: i32) -> (tempfile::TempDir, Result<()>) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join(ARCHIVES)).unwrap();
        std::fs::write(root.path().join(ARCHIVES).join("one.deb"), "package").unwrap();
        let cx = Context {
            machine: None,
            host: Arc::new(Host::new("/nowhere")),
            events: Arc::new(Silent),
            cancel: Cancel::new(),
        };
        let outcome = configure(&cx, &Talker(code), root.path(), 77);
        (root, outcome)
    }

    #[test]
    fn a_failure_shows_the_last_lines() {
        let error = run(3).1.unwrap_err();
        assert!(error.message().contains("code 3") && error.message().ends_with("line 99"), "{error}");
        assert!(!error.message().contains("line 50"), "{error}");
    }

    #[test]
    fn what_was_brought_in_is_taken_out_again() {
        let (root, outcome) = run(0);
        outcome.unwrap();
        assert!(!root.path().join("var/cache/apt/archives/one.deb").exists());
        assert!(!root.path().join("usr/sbin/policy-rc.d").exists());
        assert_eq!(std::fs::read_dir(root.path().join("etc/ssh")).unwrap().count(), 0);
        assert_eq!(std::fs::read_to_string(root.path().join("etc/machine-id")).unwrap(), "");
        assert!(root.path().join("etc/hosts").is_file());
    }
}
