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
        }
    }

    /// Forgets a file: its number belongs to a new one now, about which nothing is known yet.
    pub(super) fn forget(&mut self, inode: u64) {
        self.0.remove(&inode);
    }
}

/// Pieces of this length that are nothing but zeros become holes.
const PIECE: usize = 64 << 10;

/// Copies until the end, calculating the digest when `hash` is given; returns the size.
pub(crate) fn copy(from: &mut dyn Read, to: &mut File, mut hash: Option<&mut Sha256>) -> io::Result<u64> {
    let mut buffer = vec![0_u8; PIECE];
    let (mut size, mut ends_in_hole) = (0, false);
    loop {
        let filled = fill(from, &mut buffer)?;
        let piece = &buffer[..filled];
        if let Some(hash) = hash.as_deref_mut() {
            hash.update(piece);
        }
        ends_in_hole = if filled == PIECE && is_zero(piece) {
            to.seek(SeekFrom::Current(PIECE as i64))?;
            true
        } else {
            to.write_all(piece)?;
            ends_in_hole && filled == 0
        };
        size += filled as u64;
        if filled < PIECE {
            break;
        }
    }
    if ends_in_hole {
        to.set_len(size)?;
    }
    Ok(size)
}

/// Reads until the buffer is full or the source ends.
fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
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
