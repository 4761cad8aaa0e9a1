//! The `host` box: this machine's own `/usr`, read-only, below a generated layer that has everything else.
//!
//! Nothing of the user's is in it: no home, no keys, no password, no configuration that not everybody on the
//! machine may read. What programs in `/usr` need to work (the linker's cache, alternatives, certificates) is
//! copied from an explicit list.

mod etc;
mod public;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result};

use crate::unpack::{Attributes, EntryPath, Tree};

/// The name of the box.
pub(crate) const NAME: &str = "host";
/// What the machine sees besides the layer: (host path, guest path).
pub(crate) fn mounts() -> Vec<(PathBuf, PathBuf)> {
    vec![("/usr".into(), "/usr".into())]
}

/// Changes whenever the generated layer would: the inputs' names, sizes and times, and yado's own version.
pub(crate) fn fingerprint(host: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    for name in MERGED {
        let target = std::fs::read_link(host.join(name)).unwrap_or_default();
        hash.update(target.as_os_str().as_encoded_bytes());
        hash.update([0]);
    }
    for name in ["etc/passwd", "etc/group"] {
        hash.update(Sha256::digest(std::fs::read(host.join(name)).unwrap_or_default()));
    }
    for name in ["usr/bin/bash", "usr/lib/os-release"] {
        hash.update([u8::from(host.join(name).exists())]);
    }
    public::fingerprint(host, &mut hash)?;
    Ok(crate::layer::hex(&hash.finalize()))
}

/// What a merged `/usr` has made links of.
const MERGED: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// Directories that every system has, with their permissions.
const DIRECTORIES: &[(&str, u32)] = &[
    ("boot", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("var", 0o755),
    ("var/backups", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/local", 0o755),
    ("var/log", 0o755),
    ("var/mail", 0o755),
    ("var/opt", 0o755),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
];

/// Makes the generated layer in `tree`, from the host whose root directory is `host`.
pub(crate) fn generate(tree: &mut Tree, host: &Path) -> Result<()> {
    let doing = || "making the root file system of the box 'host'";
    tree.directory(&EntryPath::default(), &Attributes::root(0o755), false).doing(doing)?;
    for (name, mode) in DIRECTORIES {
        tree.directory(&EntryPath::from(*name), &Attributes::root(*mode), false).doing(doing)?;
    }
    for (name, target) in [("var/run", "/run"), ("var/lock", "/run/lock")] {
        tree.symlink(&name.into(), target.as_bytes(), &Attributes::root(0o777)).doing(doing)?;
    }
    merge_usr(tree, host)?;
    etc::generate(tree, host)?;
    crate::prepare::prepare_with(tree, host.join("usr/bin/bash").exists())
}

/// `bin → usr/bin` and its like, as the host has them.
fn merge_usr(tree: &mut Tree, host: &Path) -> Result<()> {
    for name in MERGED {
        let there = host.join(name);
        let Ok(metadata) = there.symlink_metadata() else { continue };
        let target = metadata.is_symlink().then(|| std::fs::read_link(&there).ok()).flatten();
        let target = target.filter(|target| target.strip_prefix("/").unwrap_or(target).starts_with("usr"));
        let Some(target) = target else {
            return Err(Error::new(
                ErrorKind::BoxImport,
                format!(
                    "The box 'host' needs a host whose programs all lie in '/usr', and '{}' does not.",
                    there.display()
                ),
            )
            .hinted("Use another box, such as 'debian/bookworm64'."));
        };
        tree.symlink(&name.into(), target.as_os_str().as_encoded_bytes(), &Attributes::root(0o777))
            .doing(|| format!("linking '{name}'"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_keeps_programs_elsewhere_is_told_so() {
        let (host, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(host.path().join("bin")).unwrap();
        let error = generate(&mut Tree::open(root.path()).unwrap(), host.path()).unwrap_err();
        assert!(error.message().contains("all lie in '/usr'"), "{error}");
        assert_eq!(error.hints().len(), 1);
    }

    #[test]
    fn nothing_of_the_users_is_in_the_box() {
        let (host, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let etc = host.path().join("etc");
        for directory in ["ssl/certs", "ssl/private", "alternatives", "pam.d", "ssh", "security"] {
            std::fs::create_dir_all(etc.join(directory)).unwrap();
        }
        std::os::unix::fs::symlink("usr/bin", host.path().join("bin")).unwrap();
        let write = |name: &str, text: &str, mode: u32| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::write(etc.join(name), text).unwrap();
            std::fs::set_permissions(etc.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write(
            "passwd",
            "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\nalice:x:1000:1000:Alice:/home/alice:/bin/bash\nold:HASH:99:99::/:/bin/sh\n",
            0o644,
        );
        write("group", "root:x:0:\nsudo:x:27:alice\nwww-data:x:33:alice\nalice:x:1000:\n", 0o644);
        write("shadow", "root:HASH:1::::::\nalice:HASH:1::::::\n", 0o640);
        write("ssl/private/key.pem", "SECRET", 0o600);
        write("ssl/certs/ca-certificates.crt", "PUBLIC", 0o644);
        write("security/opasswd", "SECRET", 0o600);
        write("ssh/ssh_host_ed25519_key", "SECRET", 0o600);
        write("environment", "TOKEN=SECRET\n", 0o644);
        generate(&mut Tree::open(root.path()).unwrap(), host.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(root.path().join(name)).unwrap();
        assert_eq!(
            read("etc/passwd"),
            "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\nold:x:99:99::/:/bin/sh\n\
             vagrant:x:1000:1000::/home/vagrant:/bin/bash\n"
                .replace("/home/vagrant:/bin/bash", "/home/vagrant:/bin/sh")
        );
        assert_eq!(read("etc/group"), "root:x:0:\nsudo:x:27:vagrant\nwww-data:x:33:\nvagrant:x:1000:\n");
        assert_eq!(read("etc/ssl/certs/ca-certificates.crt"), "PUBLIC");
        assert!(!read("etc/shadow").contains("HASH"));
        for secret in ["etc/ssl/private/key.pem", "etc/security/opasswd", "etc/ssh"] {
            assert!(!root.path().join(secret).exists(), "{secret}");
        }
        assert!(!read("etc/environment").contains("SECRET"));
    }
}
