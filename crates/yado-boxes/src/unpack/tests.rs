//! Hostile and unusual archives against the real extraction.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use tar::{Builder, EntryType, Header};
use yado_core::{Cancel, ErrorKind};

use super::*;

/// Writes headers that a decent packer refuses to write.
pub(super) struct Archive(pub(super) Builder<Vec<u8>>);

impl Archive {
    pub(super) fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    pub(super) fn entry(mut self, kind: EntryType, path: &str, link: &str, content: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000);
        header.set_size(content.len() as u64);
        let raw = header.as_mut_bytes();
        raw[..path.len()].copy_from_slice(path.as_bytes());
        raw[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    pub(super) fn file(self, path: &str, content: &str) -> Self {
        self.entry(EntryType::Regular, path, "", content.as_bytes())
    }

    pub(super) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, path, target, b"")
    }

    pub(super) fn pax(mut self, records: &[(&str, &[u8])]) -> Self {
        self.0.append_pax_extensions(records.iter().copied()).unwrap();
        self
    }

    pub(super) fn unpack_with(self, root: &Path, options: Options) -> yado_core::Result<Unpacked> {
        let bytes = self.0.into_inner().unwrap();
        unpack(&mut Tree::open(root).unwrap(), &bytes[..], options, &Cancel::new())
    }

    pub(super) fn unpack(self, root: &Path) -> yado_core::Result<Unpacked> {
        self.unpack_with(root, Options::default())
    }
}

/// A directory with a sibling that nobody may touch.
pub(super) fn place() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let (root, outside) = (outer.path().join("root"), outer.path().join("outside"));
    std::fs::create_dir(&root).unwrap();
    std::fs::create_dir(&outside).unwrap();
    (outer, root, outside)
}

#[test]
fn absolute_and_upward_paths_are_refused() {
    let (_outer, root, outside) = place();
    for path in ["/etc/evil", "../outside/evil", "a/../../outside/evil"] {
        let error = Archive::new().file(path, "x").unpack(&root).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BoxImport);
        assert!(error.message().contains(path), "{error}");
    }
    assert_eq!(std::fs::read_dir(outside).unwrap().count(), 0);
    assert!(!Path::new("/etc/evil").exists());
}

#[test]
fn writing_through_a_link_stays_inside() {
    let (_outer, root, outside) = place();
    let up = "../".repeat(20) + outside.to_str().unwrap().trim_start_matches('/');
    for (name, target) in [("absolute", outside.to_str().unwrap()), ("upward", up.as_str())] {
        // The target does not exist beneath the root, so there is nothing to write into.
        let outcome = Archive::new().symlink(name, target).file(&format!("{name}/evil"), "x").unpack(&root);
        assert!(outcome.is_err());
    }
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    // A target that does exist beneath the root is reached, as in a machine with this root.
    Archive::new()
        .file("usr/bin/first", "1")
        .symlink("bin", "/usr/bin")
        .file("bin/second", "2")
        .unpack(&root)
        .unwrap();
    assert_eq!(std::fs::read_to_string(root.join("usr/bin/second")).unwrap(), "2");
}

#[test]
fn a_file_over_a_link_replaces_the_link_and_not_its_target() {
    let (_outer, root, outside) = place();
    let target = outside.join("precious");
    std::fs::write(&target, "precious").unwrap();
    Archive::new().symlink("file", target.to_str().unwrap()).file("file", "new").unpack(&root).unwrap();
    assert_eq!(std::fs::read_to_string(target).unwrap(), "precious");
    assert_eq!(std::fs::read_to_string(root.join("file")).unwrap(), "new");
}

#[test]
fn hard_links_reach_only_what_is_inside() {
    let (_outer, root, outside) = place();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    for target in ["../outside/secret", "/etc/passwd"] {
        assert!(Archive::new().entry(EntryType::Link, "stolen", target, b"").unpack(&root).is_err());
    }
    // Through a link of the archive's own: resolved inside, where there is no such file.
    let sly = Archive::new().symlink("way", outside.to_str().unwrap()).entry(
        EntryType::Link,
        "stolen",
        "way/secret",
        b"",
    );
    assert!(sly.unpack(&root).is_err());
    // A hard link to a symbolic link is one to the link, not to its target; writing there replaces the link.
    Archive::new()
        .symlink("link", outside.join("secret").to_str().unwrap())
        .entry(EntryType::Link, "alias", "link", b"")
        .file("alias", "mine")
        .unpack(&root)
        .unwrap();
    assert!(!root.join("stolen").exists());
    assert_eq!(std::fs::read_to_string(outside.join("secret")).unwrap(), "secret");
}

#[test]
fn a_hard_link_shares_its_file() {
    let (_outer, root, _) = place();
    Archive::new().file("a/one", "x").entry(EntryType::Link, "b/two", "./a/one", b"").unpack(&root).unwrap();
    let inode = |path: &str| root.join(path).metadata().unwrap().ino();
    assert_eq!(inode("a/one"), inode("b/two"));
}

#[test]
fn device_nodes_are_left_out() {
    let (_outer, root, _) = place();
    let unpacked = Archive::new()
        .entry(EntryType::Block, "dev/sda", "", b"")
        .entry(EntryType::Char, "dev/mem", "", b"")
        .entry(EntryType::Fifo, "run/fifo", "", b"")
        .file("after", "x")
        .unpack(&root)
        .unwrap();
    assert_eq!(unpacked.skipped, 3);
    assert!(!root.join("dev/sda").exists() && root.join("after").exists());
}

#[test]
fn too_many_entries_and_too_many_bytes_are_refused() {
    let (_outer, root, _) = place();
    let mut many = Archive::new();
    for number in 0..50 {
        many = many.file(&format!("file{number}"), "x");
    }
    let few = Options { limits: Limits { entries: 20, ..Limits::default() }, ..Options::default() };
    assert!(many.unpack_with(&root, few).unwrap_err().message().contains("too many entries"));
    let small = Options { limits: Limits { bytes: 5000, ..Limits::default() }, ..Options::default() };
    let large = Archive::new().file("large", &"x".repeat(100_000)).unpack_with(&root, small);
    assert!(large.unwrap_err().message().contains("larger than it may be"));
}

#[test]
fn of_duplicate_entries_the_last_counts_whatever_its_type() {
    let (_outer, root, _) = place();
    Archive::new()
        .file("a", "first")
        .file("a", "second")
        .symlink("b", "a")
        .entry(EntryType::Directory, "b", "", b"")
        .file("b/inside", "x")
        .file("c", "x")
        .symlink("c", "a")
        .unpack(&root)
        .unwrap();
    assert_eq!(std::fs::read_to_string(root.join("a")).unwrap(), "second");
    assert!(root.join("b/inside").is_file() && root.join("b").symlink_metadata().unwrap().is_dir());
    assert_eq!(root.join("c").read_link().unwrap(), Path::new("a"));
    // A file cannot take the place of a directory that holds something.
    assert!(Archive::new().file("b", "x").unpack(&root).is_err());
}

#[test]
fn a_merged_usr_survives_packages_that_know_nothing_of_it() {
    let (_outer, root, _) = place();
    let options = Options { through_links: true, ..Options::default() };
    Archive::new()
        .entry(EntryType::Directory, "usr/lib", "", b"")
        .symlink("lib", "usr/lib")
        .entry(EntryType::Directory, "./lib/", "", b"")
        .file("./lib/library.so", "x")
        .unpack_with(&root, options)
        .unwrap();
    assert!(root.join("usr/lib/library.so").is_file());
    assert!(root.join("lib").is_symlink());
}

#[test]
fn setuid_bits_owners_times_and_capabilities_are_kept() {
    let (_outer, root, _) = place();
    // cap_net_raw=ep, in the form the kernel keeps on disk.
    let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut archive =
        Archive::new().pax(&[("SCHILY.xattr.security.capability", &capability)]).file("ping", "x");
    let mut header = Header::new_ustar();
    header.set_path("su").unwrap();
    header.set_mode(0o4755);
    header.set_uid(12);
    header.set_gid(34);
    header.set_mtime(1_234_567);
    header.set_size(0);
    header.set_cksum();
    archive.0.append(&header, &b""[..]).unwrap();
    archive.unpack(&root).unwrap();
    let found = capability_of(std::fs::File::open(root.join("ping")).unwrap()).unwrap();
    assert_eq!(found.as_deref(), Some(&capability[..]));
    let su = root.join("su").metadata().unwrap();
    assert_eq!(
        (su.permissions().mode() & 0o7777, su.uid(), su.gid(), su.mtime()),
        (0o4755, 12, 34, 1_234_567)
    );
}

#[test]
fn a_sparse_file_of_the_pax_kind_gets_its_real_name_and_holes() {
    let (_outer, root, _) = place();
    let mut data = b"1\n4096\n3\n".to_vec();
    data.resize(512, 0);
    data.extend_from_slice(b"abc");
    Archive::new()
        .pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"real"),
            ("GNU.sparse.realsize", b"10000"),
        ])
        .entry(EntryType::Regular, "GNUSparseFile.0/real", "", &data)
        .unpack(&root)
        .unwrap();
    let content = std::fs::read(root.join("real")).unwrap();
    assert_eq!((content.len(), &content[4096..4099]), (10_000, &b"abc"[..]));
    let hostile = Archive::new()
        .pax(&[("GNU.sparse.major", b"1"), ("GNU.sparse.name", b"../evil"), ("GNU.sparse.realsize", b"0")])
        .entry(EntryType::Regular, "innocent", "", b"0\n");
    assert!(hostile.unpack(&root).is_err());
}

#[test]
fn a_truncated_archive_is_an_error() {
    let (_outer, root, _) = place();
    let mut bytes = Archive::new().file("large", &"x".repeat(10_000)).0.into_inner().unwrap();
    bytes.truncate(6000);
    assert!(unpack(&mut Tree::open(&root).unwrap(), &bytes[..], Options::default(), &Cancel::new()).is_err());
}

#[test]
fn an_interruption_ends_the_unpacking_as_one() {
    let (_outer, root, _) = place();
    let bytes = Archive::new().file("file", "x").0.into_inner().unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let outcome = unpack(&mut Tree::open(&root).unwrap(), &bytes[..], Options::default(), &cancel);
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Interrupted);
}
