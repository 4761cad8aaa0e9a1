//! Debian packages: an `ar` archive with the content as tar.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use yado_core::error::Doing;
use yado_core::{Cancel, Error, ErrorKind, Result};

use crate::unpack::{Limits, Options, Tree, decompress, unpack};

/// Copies a package to `plain` with its content not compressed any more, and unpacks that content into `tree`, if
/// given: what is decompressed here need not be decompressed by the package manager, which does one at a time.
pub(crate) fn expand(path: &Path, plain: &mut File, tree: Option<&mut Tree>, cancel: &Cancel) -> Result<()> {
    let damaged = |error: io::Error| {
        Error::new(ErrorKind::BoxImport, format!("The package '{}' is damaged: {error}.", path.display()))
    };
    let writing = || format!("expanding the package '{}'", path.display());
    let file = File::open(path).doing(|| format!("opening '{}'", path.display()))?;
    let mut file = io::BufReader::with_capacity(256 << 10, file);
    let mut magic = [0; 8];
    file.read_exact(&mut magic).map_err(damaged)?;
    if &magic != MAGIC {
        return Err(damaged(io::Error::other("it does not begin as one")));
    }
    plain.write_all(MAGIC).doing(writing)?;
    while let Some(member) = next_member(&mut file).map_err(damaged)? {
        let mut content = (&mut file).take(member.size);
        if member.name == "data.tar" || member.name.starts_with("data.tar.") {
            let content = decompress(content, Limits::default().bytes, cancel)?;
            return copy_content(content, plain, tree, cancel);
        }
        plain.write_all(&header(&member.name, member.size)).doing(writing)?;
        io::copy(&mut content, plain).map_err(damaged)?;
        if member.size % 2 == 1 {
            io::copy(&mut (&mut file).take(1), &mut io::sink()).map_err(damaged)?;
            plain.write_all(b"\n").doing(writing)?;
        }
    }
    Err(damaged(io::Error::other("it has no content")))
}

/// Writes the last member; its size stands before it and is known after it.
fn copy_content(
    content: impl Read,
    plain: &mut File,
    tree: Option<&mut Tree>,
    cancel: &Cancel,
) -> Result<()> {
    let doing = || "expanding a package";
    let at = plain.stream_position().doing(doing)?;
    plain.write_all(&header("data.tar", 0)).doing(doing)?;
    let begin = plain.stream_position().doing(doing)?;
    let mut both = Both { content, copy: plain };
    if let Some(tree) = tree {
        // `bin → usr/bin` must survive packages that still bring a directory `bin`.
        let options = Options { through_links: true, ..Options::default() };
        unpack(tree, &mut both, options, cancel)?;
    }
    let mut piece = vec![0; 128 << 10];
    while both.read(&mut piece).doing(doing)? > 0 {}
    let size = plain.stream_position().doing(doing)? - begin;
    if size % 2 == 1 {
        plain.write_all(b"\n").doing(doing)?;
    }
    plain.seek(SeekFrom::Start(at)).doing(doing)?;
    plain.write_all(&header("data.tar", size)).doing(doing)
}

/// Writes down what is read.
struct Both<'a, R> {
    content: R,
    copy: &'a mut File,
}

impl<R: Read> Read for Both<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.copy.write_all(&buffer[..read])?;
        Ok(read)
    }
}

const MAGIC: &[u8; 8] = b"!<arch>\n";

/// What stands before a member of this name and size.
fn header(name: &str, size: u64) -> Vec<u8> {
    format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100_644).into_bytes()
}

/// The header of an `ar` member.
#[derive(Debug, PartialEq, Eq)]
struct Member {
    name: String,
    size: u64,
}

/// Reads the next member's header; the content follows.
fn next_member(source: &mut impl Read) -> io::Result<Option<Member>> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "a member's header is not valid");
    let mut header = [0; 60];
    let mut filled = 0;
    while filled < header.len() {
        match source.read(&mut header[filled..])? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(invalid()),
            read => filled += read,
        }
    }
    if &header[58..] != b"`\n" {
        return Err(invalid());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().trim_end_matches('/').to_owned();
    let size = text(&header[48..58]).parse().map_err(|_| invalid())?;
    Ok(Some(Member { name: text(&header[..16]), size }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes =
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).into_bytes();
        bytes.extend_from_slice(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
        bytes
    }

    fn package(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, content) in members {
            bytes.extend(member(name, content));
        }
        bytes
    }

    fn data() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(2);
        builder.append_data(&mut header, "./etc/file", &b"hi"[..]).unwrap();
        builder.into_inner().unwrap()
    }

    /// Expands a package; the tree, and the package as it is then.
    fn expanded(package: &[u8]) -> (tempfile::TempDir, Result<Vec<u8>>) {
        let root = tempfile::tempdir().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), package).unwrap();
        let mut plain = tempfile::tempfile().unwrap();
        let mut tree = Tree::open(root.path()).unwrap();
        let outcome = expand(file.path(), &mut plain, Some(&mut tree), &Cancel::new()).map(|()| {
            let mut bytes = Vec::new();
            plain.rewind().unwrap();
            plain.read_to_end(&mut bytes).unwrap();
            bytes
        });
        (root, outcome)
    }

    #[test]
    fn the_content_is_unpacked_and_the_package_is_the_same_without_compression() {
        let compressed = zstd::stream::encode_all(&data()[..], 1).unwrap();
        for (name, content) in [("data.tar/", data()), ("data.tar.zst", compressed)] {
            let (root, outcome) = expanded(&package(&[
                ("debian-binary", b"2.0\n"),
                ("control.tar.gz", b"odd"),
                (name, &content),
            ]));
            assert_eq!(std::fs::read(root.path().join("etc/file")).unwrap(), b"hi");
            let plain =
                package(&[("debian-binary", b"2.0\n"), ("control.tar.gz", b"odd"), ("data.tar", &data())]);
            assert_eq!(outcome.unwrap(), plain);
        }
    }

    #[test]
    fn damaged_packages_are_refused() {
        let mut cut = package(&[("debian-binary", b"2.0\n"), ("data.tar", &data())]);
        cut.truncate(100);
        for damaged in
            [b"".to_vec(), b"not a package at all".to_vec(), package(&[("debian-binary", b"2.0\n")]), cut]
        {
            assert_eq!(expanded(&damaged).1.unwrap_err().kind(), ErrorKind::BoxImport);
        }
    }
}
