//! Which parts of the host's `/etc` are copied into the `host` box: configuration of programs in `/usr` that
//! everybody on the host may read, and nothing else.

use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha2::{Digest, Sha256};
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
    visit(host, &mut |source, path, metadata| copy_entry(tree, source, path, metadata))
}

/// Feeds `hash` with what tells that the public parts have changed, without reading them.
pub(super) fn fingerprint(host: &Path, hash: &mut Sha256) -> Result<()> {
    visit(host, &mut |_, path, metadata| {
        hash.update(path.as_bytes());
        hash.update([0]);
        let numbers = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
        for number in numbers {
            hash.update(number.to_le_bytes());
        }
        hash.update(metadata.size().to_le_bytes());
        hash.update(metadata.mode().to_le_bytes());
        Ok(())
    })
}

type Visitor<'a> = &'a mut dyn FnMut(&Path, &EntryPath, &Metadata) -> Result<()>;

/// Calls `each` for every public entry, directories before what is in them. What cannot be read, or not by
/// everybody, is left out.
fn visit(host: &Path, each: Visitor<'_>) -> Result<()> {
    let etc = host.join("etc");
    for name in PUBLIC {
        visit_entry(&etc.join(name), &EntryPath::from("etc").join(name.as_ref()), each)?;
    }
    for name in names(&etc) {
        if PUBLIC_PREFIXES.iter().any(|prefix| name.as_bytes().starts_with(prefix.as_bytes())) {
            visit_entry(&etc.join(&name), &EntryPath::from("etc").join(&name), each)?;
        }
    }
    Ok(())
}

fn visit_entry(source: &Path, path: &EntryPath, each: Visitor<'_>) -> Result<()> {
    let Ok(metadata) = source.symlink_metadata() else { return Ok(()) };
    if metadata.is_symlink() {
        // Links to manual pages are half of the alternatives, and nobody's program needs them.
        let is_manual_page = path.as_bytes().ends_with(b".gz");
        return if is_manual_page { Ok(()) } else { each(source, path, &metadata) };
    }
    if metadata.is_file() && metadata.mode() & 0o004 != 0 && metadata.len() <= LARGEST {
        each(source, path, &metadata)?;
    } else if metadata.is_dir() && metadata.mode() & 0o005 == 0o005 {
        each(source, path, &metadata)?;
        for name in names(source) {
            visit_entry(&source.join(&name), &path.join(&name), each)?;
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

fn copy_entry(tree: &mut Tree, source: &Path, path: &EntryPath, metadata: &Metadata) -> Result<()> {
    let doing = || format!("copying '{}'", source.display());
    let attributes =
        Attributes { modified: Some(metadata.mtime()), ..Attributes::root(metadata.mode() & 0o755) };
    if metadata.is_dir() {
        tree.directory(path, &attributes, true).doing(doing)?;
    } else if metadata.is_symlink() {
        if let Ok(target) = std::fs::read_link(source) {
            tree.symlink(path, target.as_os_str().as_bytes(), &attributes).doing(doing)?;
        }
    } else if let Ok(mut file) = std::fs::File::open(source) {
        tree.file(path, &attributes, &mut file).doing(doing)?;
    }
    Ok(())
}
