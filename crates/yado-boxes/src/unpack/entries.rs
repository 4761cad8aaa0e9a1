//! Reading tar entries and making them in a [`Tree`].

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use tar::EntryType;
use yado_core::{Cancel, Error, ErrorKind, Result};

use super::entry_path::EntryPath;
use super::sparse::{self, SparseRecords};
use super::tree::{Attributes, Tree, finish};
use super::{Limits, decompress};

/// How entries are made.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// A symbolic link to a directory survives a directory entry of the same name.
    pub(crate) through_links: bool,
    /// Bounds.
    pub(crate) limits: Limits,
}

/// What came out of an archive.
#[derive(Debug, Default, Clone)]
pub(crate) struct Unpacked {
    /// Entries seen.
    pub(crate) entries: u64,
    /// Entries left out: device nodes, FIFOs and other things that belong to a running system.
    pub(crate) skipped: u64,
    /// Bytes of file content.
    pub(crate) bytes: u64,
    /// Directories with their modification time, set when everything is in place.
    times: Vec<(EntryPath, i64)>,
    /// Bytes of names that reading the tree again has to keep in memory.
    names: u64,
}

fn bad(path: &[u8], why: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::BoxImport,
        format!("The archive is refused: its entry '{}' {why}.", String::from_utf8_lossy(path)),
    )
}

fn reading(error: io::Error, cancel: &Cancel) -> Error {
    match cancel.check() {
        Err(interrupted) => interrupted,
        Ok(()) => {
            Error::new(ErrorKind::BoxImport, format!("The archive cannot be read: {error}.")).caused_by(error)
        }
    }
}

/// Unpacks a tar stream, compressed or not, into `tree`.
pub(crate) fn unpack(
    tree: &mut Tree,
    source: impl Read,
    options: Options,
    cancel: &Cancel,
) -> Result<Unpacked> {
    let mut unpacked = Unpacked::default();
    entries(source, options, cancel, |entry| unpack_entry(tree, entry, options, cancel, &mut unpacked))?;
    unpacked.set_times(tree)?;
    Ok(unpacked)
}

/// Calls `each` for every entry of a tar stream, compressed or not.
pub(crate) fn entries<'a>(
    source: impl Read + 'a,
    options: Options,
    cancel: &Cancel,
    mut each: impl FnMut(&mut tar::Entry<'_, Box<dyn Read + 'a>>) -> Result<()>,
) -> Result<()> {
    let allowance = Rc::new(Cell::new(HEADERS));
    let source = decompress(source, options.limits.bytes, cancel)?;
    let source: Box<dyn Read + 'a> = Box::new(Allowed { inner: source, allowance: Rc::clone(&allowance) });
    let mut archive = tar::Archive::new(source);
    for entry in archive.entries().map_err(|error| reading(error, cancel))? {
        let mut entry = entry.map_err(|error| reading(error, cancel))?;
        cancel.check()?;
        allowance.set(u64::MAX);
        // Remarks about the archive as a whole (git writes its commit there) are about no file.
        if entry.header().entry_type() == EntryType::XGlobalHeader {
            io::copy(&mut entry, &mut io::sink()).map_err(|error| reading(error, cancel))?;
            allowance.set(HEADERS);
            continue;
        }
        if entry.size() > options.limits.bytes {
            return Err(bad(&entry.path_bytes(), "is larger than it may be"));
        }
        each(&mut entry)?;
        // What nobody wanted is passed over here, so that what follows is nothing but headers.
        io::copy(&mut entry, &mut io::sink()).map_err(|error| reading(error, cancel))?;
        allowance.set(HEADERS);
    }
    Ok(())
}

/// The most bytes that the headers of one entry may have: those that extend it are read into memory.
const HEADERS: u64 = 1 << 20;

/// Reads as far as it is allowed at the moment.
struct Allowed<R> {
    inner: R,
    allowance: Rc<Cell<u64>>,
}

impl<R: Read> Read for Allowed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.get();
        if left == 0 {
            return Err(io::Error::other("the headers of an entry are larger than they may be"));
        }
        let length = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..length])?;
        if left != u64::MAX {
            self.allowance.set(left - read as u64);
        }
        Ok(read)
    }
}

/// Makes one entry in `tree`.
pub(crate) fn unpack_entry<R: Read>(
    tree: &mut Tree,
    entry: &mut tar::Entry<'_, R>,
    options: Options,
    cancel: &Cancel,
    unpacked: &mut Unpacked,
) -> Result<()> {
    unpacked.entries += 1;
    if unpacked.entries > options.limits.entries {
        return Err(Error::new(ErrorKind::BoxImport, "The archive is refused: it has too many entries."));
    }
    let (attributes, records) = attributes(entry).map_err(|error| reading(error, cancel))?;
    let raw = records.name.clone().unwrap_or_else(|| entry.path_bytes().into_owned());
    let path = EntryPath::parse(&raw).map_err(|why| bad(&raw, why))?;
    unpacked.count_name(path.split().1.len(), options)?;
    let making = |tree: &Tree, error: io::Error| match cancel.check() {
        Err(interrupted) => interrupted,
        Ok(()) => Error::system(format!("unpacking '{}'", tree.unfilled().unwrap_or(&path)), error),
    };
    let link = |entry: &tar::Entry<'_, R>| entry.link_name_bytes().map(|name| name.into_owned());
    match entry.header().entry_type() {
        EntryType::Directory => {
            tree.directory(&path, &attributes, options.through_links).map_err(|error| making(tree, error))?;
            if let Some(modified) = attributes.modified {
                unpacked.count_name(path.as_bytes().len(), options)?;
                unpacked.times.push((path, modified));
            }
        }
        _ if path.is_root() => return Err(bad(&raw, "has no name")),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse if records.is_sparse() => {
            let size = records.size.unwrap_or(0);
            let mut file = tree.create(&path).map_err(|error| making(tree, error))?;
            let written = sparse::write(entry, size, options.limits.bytes, &mut file)
                .map_err(|error| making(tree, error))?;
            finish(&file, &attributes).map_err(|error| making(tree, error))?;
            unpacked.bytes += written;
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            unpacked.bytes += tree.file(&path, &attributes, entry).map_err(|error| making(tree, error))?;
        }
        EntryType::Symlink => {
            let target = link(entry).filter(|target| !target.is_empty() && !target.contains(&0));
            let target = target.ok_or_else(|| bad(&raw, "is a link to nothing"))?;
            tree.symlink(&path, &target, &attributes).map_err(|error| making(tree, error))?;
        }
        EntryType::Link => {
            let target = link(entry).ok_or_else(|| bad(&raw, "is a link to nothing"))?;
            let target = EntryPath::parse(&target).map_err(|why| {
                bad(&raw, format!("is a hard link to '{}', which {why}", String::from_utf8_lossy(&target)))
            })?;
            tree.hard_link(&path, &target).map_err(|error| making(tree, error))?;
        }
        _ => unpacked.skipped += 1,
    }
    // Holes of sparse files count as well, though they come from no stream.
    if unpacked.bytes > options.limits.bytes {
        return Err(bad(&raw, "makes it larger than it may be when unpacked"));
    }
    Ok(())
}

impl Unpacked {
    /// Counts a name that has to be kept in memory at some time, with what keeping it costs.
    fn count_name(&mut self, length: usize, options: Options) -> Result<()> {
        self.names += length as u64;
        if self.names > options.limits.names {
            return Err(Error::new(
                ErrorKind::BoxImport,
                "The archive is refused: the names in it take more memory than they may.",
            ));
        }
        Ok(())
    }

    /// Sets the times of directories, deepest first.
    pub(crate) fn set_times(&mut self, tree: &Tree) -> Result<()> {
        for (path, modified) in self.times.drain(..).rev() {
            tree.touch(&path, modified)
                .map_err(|error| Error::system(format!("setting the time of '{path}'"), error))?;
        }
        Ok(())
    }
}

/// The attributes of an entry, PAX records included.
fn attributes<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<(Attributes, SparseRecords)> {
    let header = entry.header();
    let id = |id: u64| {
        let possible = u32::try_from(id).ok().filter(|id| *id != u32::MAX);
        possible.ok_or_else(|| io::Error::other("an owner's number is out of range"))
    };
    let mut attributes = Attributes {
        mode: header.mode()?,
        user: id(header.uid()?)?,
        group: id(header.gid()?)?,
        modified: header.mtime().ok().and_then(|time| i64::try_from(time).ok()),
        capability: None,
    };
    let mut records = SparseRecords::default();
    if let Some(extensions) = entry.pax_extensions()? {
        for record in extensions {
            let record = record?;
            let value = record.value_bytes();
            let number =
                || std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).map(id).transpose();
            match record.key_bytes() {
                b"SCHILY.xattr.security.capability" => attributes.capability = Some(value.to_vec()),
                b"uid" => attributes.user = number()?.unwrap_or(attributes.user),
                b"gid" => attributes.group = number()?.unwrap_or(attributes.group),
                key => records.take(key, value),
            }
        }
    }
    Ok((attributes, records))
}
