//! Making any root file system one that a Vagrant user finds their way in: the user, its home, its powers.

use yado_core::Result;
use yado_core::error::Doing;

use crate::accounts::Accounts;
use crate::unpack::{Attributes, EntryPath, Tree};

/// The user that exists in every box that yado makes.
pub(crate) const USER: &str = "vagrant";

/// Makes sure that the user exists, has a home with the usual files, and may become root without a password.
pub(crate) fn prepare(tree: &mut Tree) -> Result<()> {
    let has_bash = tree.attributes(&"bin/bash".into()).doing(|| "looking for a shell")?.is_some();
    prepare_with(tree, has_bash)
}

/// The same for a tree whose programs are mounted later; the caller knows whether bash will be among them.
pub(crate) fn prepare_with(tree: &mut Tree, has_bash: bool) -> Result<()> {
    let mut accounts = Accounts::load(tree)?;
    let user = accounts.ensure_user(USER, if has_bash { "/bin/bash" } else { "/bin/sh" });
    accounts.save(tree)?;
    let owned = |mode| Attributes::root(mode).owned_by(user.id, user.group);
    // A home that is no plain path, or the root itself, is somebody's own arrangement.
    if let Ok(home) = EntryPath::parse(user.home.trim_start_matches('/').as_bytes())
        && !home.is_root()
        && !tree.has(&home).doing(|| format!("looking for '{home}'"))?
    {
        let doing = || format!("making '{home}'");
        tree.directory(&home, &owned(0o755), true).doing(doing)?;
        for (skeleton, name) in [
            ("etc/skel/.bashrc", ".bashrc"),
            ("etc/skel/.profile", ".profile"),
            ("etc/skel/.bash_logout", ".bash_logout"),
        ] {
            if let Some(content) = tree.read(&skeleton.into()).doing(doing)? {
                tree.file(&home.join(name.as_ref()), &owned(0o644), &mut &content[..]).doing(doing)?;
            }
        }
    }
    let doing = || "writing '/etc/sudoers.d/vagrant'";
    if !tree.has(&"etc/sudoers.d".into()).doing(doing)? {
        tree.directory(&"etc/sudoers.d".into(), &Attributes::root(0o755), true).doing(doing)?;
    }
    tree.write(&"etc/sudoers.d/vagrant".into(), 0o440, format!("{USER} ALL=(ALL) NOPASSWD:ALL\n"))
        .doing(doing)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_bare_system_becomes_one_that_can_be_entered() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("etc/skel")).unwrap();
        std::fs::create_dir_all(root.path().join("usr/bin")).unwrap();
        std::os::unix::fs::symlink("/usr/bin", root.path().join("bin")).unwrap();
        std::fs::write(root.path().join("usr/bin/bash"), "").unwrap();
        std::fs::write(root.path().join("etc/skel/.profile"), "hello").unwrap();
        for _ in 0..2 {
            prepare(&mut Tree::open(root.path()).unwrap()).unwrap();
        }
        let passwd = std::fs::read_to_string(root.path().join("etc/passwd")).unwrap();
        assert!(passwd.contains("vagrant:x:1000:1000::/home/vagrant:/bin/bash\n"), "{passwd}");
        let profile = root.path().join("home/vagrant/.profile");
        assert_eq!(
            (profile.metadata().unwrap().uid(), std::fs::read_to_string(&profile).unwrap()),
            (1000, "hello".into())
        );
        let sudoers = root.path().join("etc/sudoers.d/vagrant").metadata().unwrap();
        assert_eq!((sudoers.mode() & 0o7777, sudoers.uid()), (0o440, 0));
    }
}
