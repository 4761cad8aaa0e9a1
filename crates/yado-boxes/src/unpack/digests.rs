//! [`Digests`]: what is known of files' contents from writing them, so that measuring a new layer need not read
//! everything again.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};

/// Above this many files, the rest is read again: memory is bounded whatever the archive holds.
const MOST: usize = 400_000;

/// SHA-256 of files' contents by inode number, all on one file system and in one half-made tree.
#[derive(Debug, Default)]
pub(crate) struct Digests(HashMap<u64, Known>);

/// What is known of a file.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its content's digest.
    pub(crate) content: [u8; 32],
    /// Its `security.capability` attribute.
    pub(crate) capability: Option<Box<[u8]>>,
}

impl Digests {
    /// What is known of the file with this inode number, if it was written by the tree and not replaced since.
    pub(crate) fn get(&self, inode: u64) -> Option<&Known> {
        self.0.get(&inode)
    }

    /// Takes note of a file that was written completely.
    pub(super) fn insert(&mut self, inode: u64, content: [u8; 32], capability: Option<&[u8]>) {
        if self.0.len() < MOST {
            self.0.insert(inode, Known { content, capability: capability.map(Box::from) });
        } else {
            // The number may have been another file's.
            self.0.remove(&inode);
        }
    }

    /// Forgets a file: its number belongs to a new one now, about which nothing is known yet.
    pub(super) fn forget(&mut self, inode: u64) {
        self.0.remove(&inode);
    }
}

/// Pieces of this length that are nothing but zeros become holes.
pub(super) const PIECE: usize = 64 << 10;

/// A file that is being filled, in pieces of which only the last one is shorter than [`PIECE`].
#[derive(Debug, Default)]
pub(super) struct Filled {
    size: u64,
    ends_in_hole: bool,
}

impl Filled {
    /// Writes the next piece, calculating the digest when `hash` is given.
    pub(super) fn add(&mut self, to: &mut File, piece: &[u8], hash: Option<&mut Sha256>) -> io::Result<()> {
        if let Some(hash) = hash {
            hash.update(piece);
        }
        self.size += piece.len() as u64;
        if piece.len() == PIECE && is_zero(piece) {
            self.ends_in_hole = true;
            return to.seek(SeekFrom::Current(PIECE as i64)).map(drop);
        }
        if piece.is_empty() {
            return Ok(());
        }
        self.ends_in_hole = false;
        to.write_all(piece)
    }

    /// Ends the file; its size.
    pub(super) fn end(self, to: &File) -> io::Result<u64> {
        if self.ends_in_hole {
            to.set_len(self.size)?;
        }
        Ok(self.size)
    }
}

/// Copies until the end, calculating the digest when `hash` is given; returns the size.
pub(crate) fn copy(from: &mut dyn Read, to: &mut File, mut hash: Option<&mut Sha256>) -> io::Result<u64> {
    let mut buffer = vec![0_u8; PIECE];
    let mut filled = Filled::default();
    loop {
        let length = fill(from, &mut buffer)?;
        filled.add(to, &buffer[..length], hash.as_deref_mut())?;
        if length < PIECE {
            return filled.end(to);
        }
    }
}

/// Reads until the buffer is full or the source ends.
pub(super) fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn is_zero(piece: &[u8]) -> bool {
    // Most content is told from zeros by its first bytes.
    piece.first() == Some(&0) && piece.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn zeros_become_holes_and_the_content_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let zeros = vec![0_u8; 4 << 20];
        for (number, content) in [
            [&b"head"[..], &zeros, b"tail"].concat(),
            [&zeros[..], &vec![1_u8; PIECE]].concat(),
            zeros.clone(),
            [&vec![1_u8; PIECE][..], &zeros].concat(),
            Vec::new(),
            vec![7; PIECE],
        ]
        .iter()
        .enumerate()
        {
            let path = folder.path().join(number.to_string());
            let mut hash = Sha256::new();
            let size = copy(&mut &content[..], &mut File::create(&path).unwrap(), Some(&mut hash)).unwrap();
            assert_eq!(size, content.len() as u64);
            assert!(std::fs::read(&path).unwrap() == *content, "case {number}");
            assert_eq!(hash.finalize(), Sha256::digest(content));
            assert!(path.metadata().unwrap().blocks() * 512 < 1 << 20, "case {number}");
        }
    }
}
