//! Which parts of the host's `/etc` are copied into the `host` box: configuration of programs in `/usr` that
//! everybody on the host may read, and nothing else.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use yado_core::Result;
use yado_core::error::Doing;

use crate::unpack::{Attributes, EntryPath, Tree};

/// Files, links and directories in `/etc`.
const PUBLIC: &[&str] = &[
    "adduser.conf",
    "alternatives",
    "bindresvport.blacklist",
    "bash_completion",
    "bash_completion.d",
    "ca-certificates.conf",
    "crypto-policies",
    "debconf.conf",
    "debian_version",
    "deluser.conf",
    "ethertypes",
    "fonts",
    "gai.conf",
    "groff",
    "host.conf",
    "inputrc",
    "iproute2",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "libaudit.conf",
    "locale.alias",
    "localtime",
    "login.defs",
    "lsb-release",
    "magic",
    "magic.mime",
    "manpath.config",
    "mime.types",
    "mke2fs.conf",
    "netconfig",
    "networks",
    "pam.conf",
    "pam.d",
    "perl",
    "pki/ca-trust/extracted",
    "pki/tls/certs",
    "pki/tls/openssl.cnf",
    "protocols",
    "python3",
    "rpc",
    "security",
    "services",
    "shells",
    "skel",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
    "ucf.conf",
    "vim",
    "xattr.conf",
    "xml",
];

/// Beginnings of names in `/etc` that carry a version: `python3.11`, `java-17-openjdk`.
const PUBLIC_PREFIXES: &[&str] = &["python3.", "java-"];

/// Larger files are no configuration.
const LARGEST: u64 = 4 << 20;

/// Copies the public parts of `host`'s `/etc`.
pub(super) fn copy(tree: &mut Tree, host: &Path) -> Result<()> {
    for name in PUBLIC {
        copy_entry(tree, &host.join("etc").join(name), &EntryPath::from("etc").join(name.as_ref()))?;
    }
    for name in names(&host.join("etc")) {
        if PUBLIC_PREFIXES.iter().any(|prefix| name.as_bytes().starts_with(prefix.as_bytes())) {
            copy_entry(tree, &host.join("etc").join(&name), &EntryPath::from("etc").join(&name))?;
        }
    }
    Ok(())
}

fn names(directory: &Path) -> Vec<std::ffi::OsString> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    names
}

/// What cannot be read, or not by everybody, is left out.
fn copy_entry(tree: &mut Tree, source: &Path, path: &EntryPath) -> Result<()> {
    let Ok(metadata) = source.symlink_metadata() else { return Ok(()) };
    let doing = || format!("copying '{}'", source.display());
    let attributes =
        Attributes { modified: Some(metadata.mtime()), ..Attributes::root(metadata.mode() & 0o755) };
    if metadata.is_symlink() {
        if let Ok(target) = std::fs::read_link(source) {
            tree.symlink(path, target.as_os_str().as_bytes(), &attributes).doing(doing)?;
        }
    } else if metadata.is_dir() && metadata.mode() & 0o005 == 0o005 {
        tree.directory(path, &attributes, true).doing(doing)?;
        for name in names(source) {
            copy_entry(tree, &source.join(&name), &path.join(&name))?;
        }
    } else if metadata.is_file()
        && metadata.mode() & 0o004 != 0
        && metadata.len() <= LARGEST
        && let Ok(mut file) = std::fs::File::open(source)
    {
        tree.file(path, &attributes, &mut file).doing(doing)?;
    }
    Ok(())
}
