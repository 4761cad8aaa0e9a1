//! The generated `/etc` of the `host` box.

use std::path::Path;

use yado_core::Result;
use yado_core::error::Doing;

use super::public;
use crate::accounts::{self, Accounts};
use crate::unpack::{Attributes, Tree};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Files that are written, with their permissions.
const FILES: &[(&str, u32, &str)] = &[
    ("etc/fstab", 0o644, "# The engine mounts what is needed.\n"),
    ("etc/hostname", 0o644, "host\n"),
    (
        "etc/hosts",
        0o644,
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n",
    ),
    ("etc/machine-id", 0o444, ""),
    (
        "etc/nsswitch.conf",
        0o644,
        "passwd: files\ngroup: files\nshadow: files\ngshadow: files\nhosts: files dns\nnetworks: files\n\
         protocols: files\nservices: files\nethers: files\nrpc: files\n",
    ),
    (
        "etc/profile",
        0o644,
        "# For every login shell.\n\
         PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nexport PATH\n\
         if [ \"${BASH-}\" ] && [ \"$BASH\" != /bin/sh ]; then\n  [ -f /etc/bash.bashrc ] && . /etc/bash.bashrc\n\
         else\n  [ \"$(id -u)\" -eq 0 ] && PS1='# ' || PS1='$ '\nfi\n\
         for script in /etc/profile.d/*.sh; do\n  [ -r \"$script\" ] && . \"$script\"\ndone\nunset script\n",
    ),
    (
        "etc/bash.bashrc",
        0o644,
        "# For every interactive shell.\n[ -z \"${PS1-}\" ] && return\nshopt -s checkwinsize\n\
         PS1='\\u@\\h:\\w\\$ '\n",
    ),
    (
        "etc/sudoers",
        0o440,
        "Defaults env_reset\nDefaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n\
         root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
    ),
];

/// Makes `/etc`: the host's public parts first, generated files over them.
pub(super) fn generate(tree: &mut Tree, host: &Path) -> Result<()> {
    public::copy(tree, host)?;
    let doing = || "writing '/etc' of the box 'host'";
    tree.directory(&"etc/profile.d".into(), &Attributes::root(0o755), true).doing(doing)?;
    for (name, mode, text) in FILES {
        tree.write(&(*name).into(), *mode, text).doing(doing)?;
    }
    tree.write(&"etc/environment".into(), 0o644, format!("PATH=\"{PATH}\"\n")).doing(doing)?;
    let link = Attributes::root(0o777);
    tree.symlink(&"etc/mtab".into(), b"/proc/self/mounts", &link).doing(doing)?;
    if host.join("usr/lib/os-release").is_file() {
        tree.symlink(&"etc/os-release".into(), b"../usr/lib/os-release", &link).doing(doing)?;
    }
    system_accounts(host).save(tree)
}

/// The host's system accounts (programs look for `www-data`, `_apt`, …) without passwords, members and people.
fn system_accounts(host: &Path) -> Accounts {
    let read = |name: &str| accounts::parse(&std::fs::read(host.join(name)).unwrap_or_default());
    let system = |fields: &Vec<String>, length: usize| {
        let id = fields.get(2).and_then(|id| id.parse::<u32>().ok());
        fields.len() == length
            && fields[0] != crate::prepare::USER
            && id.is_some_and(|id| id < 1000 || id == 65534)
    };
    let mut passwd = read("etc/passwd");
    passwd.retain(|fields| system(fields, 7));
    let mut group = read("etc/group");
    group.retain(|fields| system(fields, 4));
    for fields in passwd.iter_mut().chain(&mut group) {
        "x".clone_into(&mut fields[1]);
    }
    for fields in &mut group {
        fields[3].clear();
    }
    Accounts::locked(passwd, group)
}
