//! Debian packages: an `ar` archive with the content as tar.

use std::io::{self, Read};
use std::path::Path;

use yado_core::error::Doing;
use yado_core::{Cancel, Error, ErrorKind, Result};

use crate::unpack::{Options, Tree, unpack};

/// Unpacks a package's content into `tree`.
pub(crate) fn unpack_content(path: &Path, tree: &mut Tree, cancel: &Cancel) -> Result<()> {
    let damaged = |why: String| {
        Error::new(ErrorKind::BoxImport, format!("The package '{}' is damaged: {why}.", path.display()))
    };
    let file = std::fs::File::open(path).doing(|| format!("opening '{}'", path.display()))?;
    let mut file = io::BufReader::with_capacity(256 << 10, file);
    let mut magic = [0; 8];
    file.read_exact(&mut magic).map_err(|error| damaged(error.to_string()))?;
    if &magic != b"!<arch>\n" {
        return Err(damaged("it does not begin as one".into()));
    }
    while let Some(member) = next_member(&mut file).map_err(|error| damaged(error.to_string()))? {
        let mut content = (&mut file).take(member.size);
        if member.name == "data.tar" || member.name.starts_with("data.tar.") {
            // `bin → usr/bin` must survive packages that still bring a directory `bin`.
            let options = Options { through_links: true, ..Options::default() };
            unpack(tree, content, options, cancel)?;
            return Ok(());
        }
        io::copy(&mut content, &mut io::sink()).map_err(|error| damaged(error.to_string()))?;
        if member.size % 2 == 1 {
            io::copy(&mut (&mut file).take(1), &mut io::sink())
                .map_err(|error| damaged(error.to_string()))?;
        }
    }
    Err(damaged("it has no content".into()))
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

    fn unpacked(package: &[u8]) -> (tempfile::TempDir, Result<()>) {
        let root = tempfile::tempdir().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), package).unwrap();
        let outcome = unpack_content(file.path(), &mut Tree::open(root.path()).unwrap(), &Cancel::new());
        (root, outcome)
    }

    #[test]
    fn the_content_is_found_behind_members_of_odd_size() {
        let compressed = zstd::stream::encode_all(&data()[..], 1).unwrap();
        for (name, content) in [("data.tar/", data()), ("data.tar.zst", compressed)] {
            let (root, outcome) = unpacked(&package(&[
                ("debian-binary", b"2.0\n"),
                ("control.tar.gz", b"odd"),
                (name, &content),
            ]));
            outcome.unwrap();
            assert_eq!(std::fs::read(root.path().join("etc/file")).unwrap(), b"hi");
        }
    }

    #[test]
    fn damaged_packages_are_refused() {
        let mut cut = package(&[("debian-binary", b"2.0\n"), ("data.tar", &data())]);
        cut.truncate(100);
        for damaged in
            [b"".to_vec(), b"not a package at all".to_vec(), package(&[("debian-binary", b"2.0\n")]), cut]
        {
            assert_eq!(unpacked(&damaged).1.unwrap_err().kind(), ErrorKind::BoxImport);
        }
    }
}
