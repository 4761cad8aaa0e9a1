//! Reading ext2, ext3 and ext4 without the kernel: a file system from a stranger's disk is never mounted.
//!
//! Every number is checked before it is used; whatever is damaged or made to confuse ends in an error, not in a
//! wrong place on this disk: files are made through [`Tree`](crate::unpack::Tree) alone.

use std::io::{self, Read};

use super::ReadAt;

/// What may be set in `s_feature_incompat`: file types, extents, 64 bit, flexible groups, multiple mount protection,
/// checksum seed, large directories.
const UNDERSTOOD: u32 = 0x2 | 0x40 | 0x80 | 0x100 | 0x200 | 0x2000 | 0x4000;
/// The journal has something that is not in its place yet.
const NEEDS_RECOVERY: u32 = 0x4;
/// More pieces than any sensible file has.
const MOST_PIECES: usize = 1 << 20;
/// The largest directory that is read.
const LARGEST_DIRECTORY: u64 = 32 << 20;

pub(super) const ROOT: u32 = 2;

/// A file system on a disk.
pub(super) struct FileSystem<'a> {
    disk: &'a dyn ReadAt,
    start: u64,
    block: u64,
    blocks: u64,
    first_data_block: u64,
    inodes: u32,
    inodes_per_group: u32,
    inode_size: u64,
    descriptor_size: u64,
}

/// A file, directory or link, as far as it is needed.
#[derive(Debug, Clone)]
pub(super) struct Inode {
    pub(super) mode: u32,
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) size: u64,
    pub(super) modified: i64,
    pub(super) links: u16,
    flags: u32,
    block: [u8; 60],
    attributes_block: u64,
    /// What follows the fixed part: attributes in the inode itself.
    rest: Vec<u8>,
}

/// A stretch of a file: logical block, physical block (zero for a hole), number of blocks.
type Piece = (u64, u64, u64);

pub(super) fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the file system is damaged: {what}"))
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |pair| u16::from_le_bytes([pair[0], pair[1]]))
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from(short(bytes, at)) | (u32::from(short(bytes, at + 2)) << 16)
}

impl<'a> FileSystem<'a> {
    /// The file system that begins at this byte; `None` when there is none of this kind.
    pub(super) fn open(disk: &'a dyn ReadAt, start: u64) -> io::Result<Option<Self>> {
        let mut sb = [0; 1024];
        let Some(at) = start.checked_add(1024) else { return Ok(None) };
        if disk.read_at(&mut sb, at).is_err() || short(&sb, 0x38) != 0xef53 {
            return Ok(None);
        }
        let features = number(&sb, 0x60);
        if features & NEEDS_RECOVERY != 0 {
            return Err(io::Error::other("it was not unmounted cleanly; start and stop its machine once"));
        }
        if features & !UNDERSTOOD != 0 {
            return Err(io::Error::other(format!(
                "it has features that yado does not read ({:#x})",
                features & !UNDERSTOOD
            )));
        }
        let is_wide = features & 0x80 != 0;
        let revision = number(&sb, 0x4c);
        let log = number(&sb, 0x18);
        let file_system = Self {
            disk,
            start,
            block: if log <= 6 { 1024 << log } else { 0 },
            blocks: u64::from(number(&sb, 4)) | if is_wide { u64::from(number(&sb, 0x150)) << 32 } else { 0 },
            first_data_block: number(&sb, 0x14).into(),
            inodes: number(&sb, 0),
            inodes_per_group: number(&sb, 0x28),
            inode_size: if revision == 0 { 128 } else { short(&sb, 0x58).into() },
            descriptor_size: if is_wide { short(&sb, 0xfe).into() } else { 32 },
        };
        let is_sane = file_system.block != 0
            && file_system.inodes_per_group != 0
            && (128..=file_system.block).contains(&file_system.inode_size)
            && (32..=1024).contains(&file_system.descriptor_size);
        if is_sane { Ok(Some(file_system)) } else { Err(damaged("its numbers make no sense")) }
    }

    fn read_block(&self, block: u64, buffer: &mut [u8]) -> io::Result<()> {
        if block >= self.blocks {
            return Err(damaged("a block lies past its end"));
        }
        self.read(block * self.block, buffer)
    }

    fn read(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let at = self.start.checked_add(at).ok_or_else(|| damaged("a place lies past its end"))?;
        self.disk.read_at(buffer, at)
    }

    /// The inode of this number.
    pub(super) fn inode(&self, index: u32) -> io::Result<Inode> {
        if index == 0 || index > self.inodes {
            return Err(damaged("there is no such inode"));
        }
        let group = u64::from((index - 1) / self.inodes_per_group);
        let mut descriptor = vec![0; usize::try_from(self.descriptor_size).unwrap_or(32)];
        self.read((self.first_data_block + 1) * self.block + group * self.descriptor_size, &mut descriptor)?;
        let table = u64::from(number(&descriptor, 8))
            | if self.descriptor_size >= 64 { u64::from(number(&descriptor, 0x28)) << 32 } else { 0 };
        if table >= self.blocks {
            return Err(damaged("a table of inodes lies past its end"));
        }
        let mut raw = vec![0; usize::try_from(self.inode_size).unwrap_or(128)];
        let within = u64::from((index - 1) % self.inodes_per_group) * self.inode_size;
        self.read(table * self.block + within, &mut raw)?;
        let mut block = [0; 60];
        block.copy_from_slice(&raw[0x28..0x64]);
        let extra = 128 + usize::from(if raw.len() > 130 { short(&raw, 128) } else { 0 });
        Ok(Inode {
            mode: short(&raw, 0).into(),
            user: u32::from(short(&raw, 2)) | (u32::from(short(&raw, 0x78)) << 16),
            group: u32::from(short(&raw, 0x18)) | (u32::from(short(&raw, 0x7a)) << 16),
            size: u64::from(number(&raw, 4)) | (u64::from(number(&raw, 0x6c)) << 32),
            modified: i64::from(number(&raw, 0x10).cast_signed()),
            links: short(&raw, 0x1a),
            flags: number(&raw, 0x20),
            block,
            attributes_block: u64::from(number(&raw, 0x68)) | (u64::from(short(&raw, 0x76)) << 32),
            rest: raw.get(extra..).unwrap_or_default().to_vec(),
        })
    }

    /// The names in a directory with their inodes, in the order on the disk.
    pub(super) fn names(&self, directory: &Inode) -> io::Result<Vec<(Vec<u8>, u32)>> {
        if directory.size > LARGEST_DIRECTORY {
            return Err(damaged("a directory is too large"));
        }
        let mut content = Vec::new();
        self.content(directory)?.read_to_end(&mut content)?;
        let mut names = Vec::new();
        for block in content.chunks(usize::try_from(self.block).unwrap_or(1024)) {
            let mut at = 0;
            while at + 8 <= block.len() {
                let (inode, length, name) =
                    (number(block, at), short(block, at + 4), usize::from(block[at + 6]));
                if length < 8 || at + 8 + name > block.len() {
                    return Err(damaged("a directory's entries overlap"));
                }
                let name = &block[at + 8..at + 8 + name];
                if inode != 0 && name != b"." && name != b".." && !name.is_empty() {
                    names.push((name.to_vec(), inode));
                }
                at += usize::from(length);
            }
        }
        Ok(names)
    }

    /// Where a symbolic link leads.
    pub(super) fn target(&self, link: &Inode) -> io::Result<Vec<u8>> {
        if link.size == 0 || link.size > 4096 {
            return Err(damaged("a link's length makes no sense"));
        }
        let size = usize::try_from(link.size).unwrap_or(0);
        // Short ones lie in the inode itself.
        if size < link.block.len() && link.flags & 0x8_0000 == 0 {
            return Ok(link.block[..size].to_vec());
        }
        let mut target = Vec::new();
        self.content(link)?.read_to_end(&mut target)?;
        Ok(target)
    }

    /// The content of a file, holes as zeros.
    pub(super) fn content(&self, inode: &Inode) -> io::Result<Content<'_>> {
        let mut pieces = Vec::new();
        if inode.flags & 0x1000_0000 != 0 {
            return Err(damaged("a file lies in its inode, which yado does not read"));
        } else if inode.flags & 0x8_0000 != 0 {
            self.extents(&inode.block, 5, &mut pieces)?;
        } else {
            self.mapped(inode, &mut pieces)?;
        }
        Ok(Content { file_system: self, pieces, size: inode.size, at: 0, piece: 0 })
    }

    fn extents(&self, node: &[u8], depth_left: u16, pieces: &mut Vec<Piece>) -> io::Result<()> {
        let (entries, depth) = (usize::from(short(node, 2)), short(node, 6));
        if short(node, 0) != 0xf30a || depth > depth_left || 12 + entries * 12 > node.len() {
            return Err(damaged("a map of blocks makes no sense"));
        }
        for entry in node[12..12 + entries * 12].chunks_exact(12) {
            if depth == 0 {
                let length = u64::from(short(entry, 4));
                let place = u64::from(number(entry, 8)) | (u64::from(short(entry, 6)) << 32);
                // Longer than this says: reserved, and not written yet.
                let (length, place) = if length > 32768 { (length - 32768, 0) } else { (length, place) };
                push(pieces, (number(entry, 0).into(), place, length))?;
            } else {
                if depth_left == 0 {
                    return Err(damaged("a map of blocks is too deep"));
                }
                let place = u64::from(number(entry, 4)) | (u64::from(short(entry, 8)) << 32);
                let mut below = vec![0; usize::try_from(self.block).unwrap_or(1024)];
                self.read_block(place, &mut below)?;
                if short(&below, 6) >= depth {
                    return Err(damaged("a map of blocks leads in a circle"));
                }
                self.extents(&below, depth - 1, pieces)?;
            }
        }
        Ok(())
    }

    /// The older map: twelve blocks, then blocks of blocks, up to three deep.
    fn mapped(&self, inode: &Inode, pieces: &mut Vec<Piece>) -> io::Result<()> {
        let needed = inode.size.div_ceil(self.block);
        let mut logical = 0;
        for index in 0..15 {
            let place = u64::from(number(&inode.block, index * 4));
            let depth = index.saturating_sub(11) as u32;
            self.indirect(place, depth, needed, &mut logical, pieces)?;
        }
        Ok(())
    }

    fn indirect(
        &self,
        place: u64,
        depth: u32,
        needed: u64,
        logical: &mut u64,
        pieces: &mut Vec<Piece>,
    ) -> io::Result<()> {
        if *logical >= needed {
            return Ok(());
        }
        let per_block = self.block / 4;
        if place == 0 {
            *logical = logical.saturating_add(per_block.pow(depth));
            return Ok(());
        }
        if depth == 0 {
            push(pieces, (*logical, place, 1))?;
            *logical += 1;
            return Ok(());
        }
        let mut below = vec![0; usize::try_from(self.block).unwrap_or(1024)];
        self.read_block(place, &mut below)?;
        for entry in below.chunks_exact(4) {
            self.indirect(number(entry, 0).into(), depth - 1, needed, logical, pieces)?;
        }
        Ok(())
    }

    /// The `security.capability` attribute of a file.
    pub(super) fn capability(&self, inode: &Inode) -> io::Result<Option<Vec<u8>>> {
        if number(&inode.rest, 0) == 0xea02_0000
            && let Some(found) = attribute(&inode.rest[4..], &inode.rest[4..])
        {
            return Ok(Some(found));
        }
        if inode.attributes_block == 0 {
            return Ok(None);
        }
        let mut block = vec![0; usize::try_from(self.block).unwrap_or(1024)];
        self.read_block(inode.attributes_block, &mut block)?;
        if number(&block, 0) != 0xea02_0000 {
            return Ok(None);
        }
        Ok(attribute(&block[32..], &block))
    }
}

/// Looks for `security.capability` (6 stands for `security.`); values lie at offsets from the beginning of `values`.
fn attribute(entries: &[u8], values: &[u8]) -> Option<Vec<u8>> {
    let mut at = 0;
    while at + 16 <= entries.len() && number(entries, at) != 0 {
        let length = usize::from(entries[at]);
        let name = entries.get(at + 16..at + 16 + length)?;
        if entries[at + 1] == 6 && name == b"capability" {
            let (place, size) = (usize::from(short(entries, at + 2)), number(entries, at + 8) as usize);
            return values.get(place..place.checked_add(size.min(256))?).map(<[u8]>::to_vec);
        }
        at += (16 + length).next_multiple_of(4);
    }
    None
}

/// Adds a piece, to the one before if it goes on there.
fn push(pieces: &mut Vec<Piece>, piece: Piece) -> io::Result<()> {
    if let Some(last) = pieces.last_mut() {
        if piece.0 < last.0 + last.2 {
            return Err(damaged("pieces of a file overlap"));
        }
        if last.0 + last.2 == piece.0 && last.1 != 0 && piece.1 != 0 && last.1 + last.2 == piece.1 {
            last.2 += piece.2;
            return Ok(());
        }
    }
    if pieces.len() >= MOST_PIECES {
        return Err(damaged("a file has too many pieces"));
    }
    pieces.push(piece);
    Ok(())
}

/// A file's content being read.
pub(super) struct Content<'a> {
    file_system: &'a FileSystem<'a>,
    pieces: Vec<Piece>,
    size: u64,
    at: u64,
    piece: usize,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let block = self.file_system.block;
        let left = self.size - self.at;
        let mut length = (buffer.len() as u64).min(left);
        if length == 0 {
            return Ok(0);
        }
        while self.pieces.get(self.piece).is_some_and(|piece| (piece.0 + piece.2) * block <= self.at) {
            self.piece += 1;
        }
        let place = match self.pieces.get(self.piece) {
            Some(piece) if piece.0 * block <= self.at => {
                length = length.min((piece.0 + piece.2) * block - self.at);
                let is_inside =
                    piece.1.checked_add(piece.2).is_some_and(|end| end <= self.file_system.blocks);
                if piece.1 != 0 && !is_inside {
                    return Err(damaged("a block lies past its end"));
                }
                (piece.1 != 0).then(|| piece.1 * block + (self.at - piece.0 * block))
            }
            Some(piece) => {
                length = length.min(piece.0 * block - self.at);
                None
            }
            None => None,
        };
        let buffer = &mut buffer[..usize::try_from(length).unwrap_or(0)];
        match place {
            Some(place) => self.file_system.read(place, buffer)?,
            None => buffer.fill(0),
        }
        self.at += length;
        Ok(buffer.len())
    }
}
