//! Archives made to do harm: what they ask for is refused in words, and takes neither disk nor memory.

use std::io::{self, Read, Write};
use std::path::Path;

use tar::{EntryType, Header};
use yado_core::{Cancel, ErrorKind};

use super::tests::{Archive, place};
use super::*;

/// Everything may take this much memory together, in a process of its own.
const MEMORY: u64 = 128 << 20;

fn refused(root: &Path, source: impl Read, limits: Limits) -> String {
    let options = Options { limits, ..Options::default() };
    let outcome = unpack(&mut Tree::open(root).unwrap(), source, options, &Cancel::new());
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BoxImport, "{error}");
    error.to_string()
}

fn header(kind: EntryType, name: &str, size: u64) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_path(name).unwrap();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn extended_headers_cannot_say_what_plain_ones_may_not() {
    let (_outer, root, outside) = place();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    let refusals: [(Archive, &str); 5] = [
        (Archive::new().pax(&[("path", b"../outside/evil")]).file("innocent", "x"), "contains '..'"),
        (Archive::new().pax(&[("path", b"/etc/evil")]).file("innocent", "x"), "is absolute"),
        (
            Archive::new().pax(&[("linkpath", b"../outside/secret")]).entry(
                EntryType::Link,
                "stolen",
                "innocent",
                b"",
            ),
            "contains '..'",
        ),
        (Archive::new().pax(&[("path", b"a\0b")]).file("innocent", "x"), "is not a possible path"),
        (Archive::new().pax(&[("path", b"")]).file("innocent", "x"), "has no name"),
    ];
    for (archive, expected) in refusals {
        let error = archive.unpack(&root).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BoxImport);
        assert!(error.message().contains(expected), "{error}");
    }
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
}

#[test]
fn a_size_from_an_extended_header_hides_no_entry() {
    let (_outer, root, _) = place();
    // The plain header says 1,024 bytes, the extended one none: both readings must not differ in what is unpacked.
    let inner = Archive::new().file("hidden", "").0.into_inner().unwrap();
    let outcome =
        Archive::new().pax(&[("size", b"0")]).file("outer", std::str::from_utf8(&inner[..1024]).unwrap());
    // By the standard the extended header counts; what follows are then entries of the archive itself.
    outcome.unpack(&root).unwrap();
    assert_eq!(root.join("outer").metadata().unwrap().len(), 0);
    assert!(root.join("hidden").exists());
}

#[test]
fn owners_that_no_file_can_have_are_refused() {
    let (_outer, root, _) = place();
    for number in ["4294967295", "4294967296", "18446744073709551615"] {
        for key in ["uid", "gid"] {
            let archive = Archive::new().pax(&[(key, number.as_bytes())]).file("x", "");
            let error = archive.unpack(&root).unwrap_err();
            assert!(error.message().contains("an owner's number is out of range"), "{error}");
        }
    }
    let mut header = Header::new_gnu();
    header.set_path("x").unwrap();
    header.set_mode(0o644);
    header.set_uid(u32::MAX.into());
    header.set_gid(0);
    header.set_size(0);
    header.set_cksum();
    let text = refused(&root, &header.as_bytes()[..], Limits::default());
    assert!(text.contains("an owner's number is out of range"), "{text}");
}

#[test]
fn links_that_lead_in_circles_end() {
    let (_outer, root, _) = place();
    let outcome = Archive::new().symlink("a", "b").symlink("b", "a").file("a/file", "x").unpack(&root);
    assert!(outcome.is_err());
    let outcome = Archive::new().symlink("self", "self").file("self/file", "x").unpack(&root);
    assert!(outcome.is_err());
    assert!(Archive::new().entry(EntryType::Link, "x", "x", b"").unpack(&root).is_err());
}

#[test]
fn depth_has_a_limit() {
    let (_outer, root, _) = place();
    let deep = "d/".repeat(2100);
    let error = Archive::new().pax(&[("path", deep.as_bytes())]).file("x", "").unpack(&root).unwrap_err();
    assert!(error.message().contains("not a possible path"), "{error}");
}

#[test]
fn a_sparse_bomb_is_refused_before_it_is_written() {
    let (_outer, root, _) = place();
    let size = (1_u64 << 50).to_string();
    let sparse = Archive::new()
        .pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.name", b"bomb"),
            ("GNU.sparse.realsize", size.as_bytes()),
        ])
        .entry(EntryType::Regular, "x", "", b"0\n");
    assert!(sparse.unpack(&root).unwrap_err().to_string().contains("larger than it may be"));
    // The old GNU kind, whose real size is in the header.
    let mut old = Header::new_gnu();
    old.set_entry_type(EntryType::GNUSparse);
    old.set_path("bomb").unwrap();
    old.set_mode(0o644);
    old.set_uid(0);
    old.set_gid(0);
    old.set_size(0);
    let gnu = old.as_gnu_mut().unwrap();
    gnu.realsize.copy_from_slice(b"77777777777\0");
    gnu.sparse[0].offset.copy_from_slice(b"77777777777\0");
    gnu.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
    old.set_cksum();
    let bytes = [old.as_bytes().to_vec(), vec![0; 1024]].concat();
    let text = refused(&root, &bytes[..], Limits { bytes: 1 << 30, ..Limits::default() });
    assert!(text.contains("larger than it may be"), "{text}");
    assert!(!root.join("bomb").exists() || root.join("bomb").metadata().unwrap().len() == 0);
}

#[test]
fn what_shrinks_beyond_belief_is_refused() {
    let limits = Limits::of_archive(10 << 20);
    assert_eq!(limits.bytes, (2 << 30) + (2500 << 20));
    assert_eq!(Limits::of_archive(100 << 30).bytes, Limits::default().bytes);
    let (_outer, root, _) = place();
    let small = Limits { bytes: 16 << 20, ..limits };
    for packed in bombs() {
        let text = refused(&root, &packed[..], small);
        assert!(text.contains("larger than it may be"), "{text}");
    }
}

/// One large entry of zeros, in every compression.
fn bombs() -> [Vec<u8>; 3] {
    let size = 64 << 20;
    let content = || header(EntryType::Regular, "bomb", 0o7_000_000_000).chain_zeros(size);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::copy(&mut content(), &mut gzip).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 0);
    io::copy(&mut content(), &mut xz).unwrap();
    [gzip.finish().unwrap(), xz.finish().unwrap(), zstd::stream::encode_all(content(), 1).unwrap()]
}

trait ChainZeros {
    fn chain_zeros(self, length: u64) -> impl Read;
}

impl ChainZeros for Vec<u8> {
    fn chain_zeros(self, length: u64) -> impl Read {
        io::Cursor::new(self).chain(io::repeat(0).take(length))
    }
}

/// The same header over and over.
struct Endless {
    header: Vec<u8>,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.header[self.at..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at = (self.at + length) % self.header.len();
        Ok(length)
    }
}

/// Not a test of its own: runs in a process whose memory is measured by the next test.
#[test]
fn helper_that_is_measured() {
    if std::env::var_os("YADO_TEST_MEMORY").is_none() {
        return;
    }
    let (_outer, root, _) = place();
    let limits = Limits::default();
    // Ten million entries, of which none is real.
    let endless = Endless { header: header(EntryType::Char, "dev/null", 0), at: 0 };
    let text = refused(&root, endless.take(512 * 10_000_000), limits);
    assert!(text.contains("too many entries"), "{text}");
    // Extended headers of eight gigabytes.
    for kind in [EntryType::XHeader, EntryType::GNULongName, EntryType::GNULongLink] {
        let source = io::Cursor::new(header(kind, "x", 8 << 30)).chain(io::repeat(b'a'));
        let text = refused(&root, source, limits);
        assert!(text.contains("larger than they may be"), "{kind:?}: {text}");
    }
    // One about the whole archive is passed over, within the bounds that everything has.
    let source = io::Cursor::new(header(EntryType::XGlobalHeader, "x", 8 << 30)).chain(io::repeat(b'a'));
    let text = refused(&root, source, Limits { bytes: 200 << 20, ..limits });
    assert!(text.contains("larger than it may be"), "{text}");
    // Long names of directories, each of which has to be kept until everything is in place.
    let mut packer = tar::Builder::new(Vec::new());
    for number in 0..3000 {
        let mut entry = Header::new_gnu();
        entry.set_entry_type(EntryType::Directory);
        entry.set_mode(0o755);
        entry.set_uid(0);
        entry.set_gid(0);
        entry.set_size(0);
        packer.append_data(&mut entry, format!("{}{number}", "d".repeat(200)), io::empty()).unwrap();
    }
    let names = packer.into_inner().unwrap();
    let text = refused(&root, &names[..], Limits { names: 1 << 20, ..limits });
    assert!(text.contains("take more memory"), "{text}");
    for packed in bombs() {
        refused(&root, &packed[..], Limits { bytes: 32 << 20, ..limits });
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    writeln!(io::stderr(), "peak memory: {} MiB", peak >> 10).unwrap();
    assert!(peak << 10 < MEMORY, "{peak} KiB");
}

#[test]
fn nothing_of_this_takes_much_memory() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "unpack::hostile::helper_that_is_measured", "--nocapture"])
        .env("YADO_TEST_MEMORY", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && text.contains("peak memory"), "{text}");
}
