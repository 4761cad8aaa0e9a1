//! What is on disk of a file that is fetched in pieces: the list of those that are there, which is checked and not trusted.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use yado_core::Cancel;
use yado_core::error::Doing;

use super::Failure;
use crate::layer::hex;

/// Bytes of a piece.
pub(super) const PIECE: u64 = 4 << 20;
/// The first line of a list of pieces.
const HEAD: &str = "yado download 1";

/// What a server says about the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) length: u64,
    /// `ETag` or `Last-Modified`.
    pub(super) validator: Option<String>,
}

impl State {
    pub(super) fn pieces(&self) -> u64 {
        self.length.div_ceil(PIECE)
    }

    /// Where a piece begins, and where it ends.
    pub(super) fn bounds(&self, piece: u64) -> (u64, u64) {
        (piece * PIECE, ((piece + 1) * PIECE).min(self.length))
    }
}

/// The list of pieces on disk.
pub(super) struct List {
    path: PathBuf,
    file: Mutex<File>,
}

impl List {
    pub(super) fn begin(path: &Path, state: &State) -> Result<Self, Failure> {
        let doing = || format!("writing '{}'", path.display());
        let mut file = File::create(path).doing(doing).map_err(Failure::Local)?;
        let validator = state.validator.as_deref().unwrap_or_default();
        write!(file, "{HEAD}\nlength {}\nvalidator {validator}\n", state.length)
            .doing(doing)
            .map_err(Failure::Local)?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    pub(super) fn add(&self, piece: u64, digest: &str) -> Result<(), Failure> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("piece {piece} {digest}\n").as_bytes())
            .doing(|| format!("writing '{}'", self.path.display()))
            .map_err(Failure::Local)
    }

    /// What a list says, and the pieces that are really there.
    pub(super) fn read(
        path: &Path,
        part: &File,
        cancel: &Cancel,
    ) -> Result<Option<(State, BTreeSet<u64>)>, Failure> {
        let Ok(text) = std::fs::read_to_string(path) else { return Ok(None) };
        let mut lines = text.lines();
        let field = |line: Option<&str>, name: &str| -> Option<String> {
            Some(line?.strip_prefix(name)?.trim_start().to_owned())
        };
        if lines.next() != Some(HEAD) {
            return Ok(None);
        }
        let length = field(lines.next(), "length ").and_then(|number| number.parse().ok());
        let validator = field(lines.next(), "validator");
        let (Some(length), Some(validator)) = (length, validator) else { return Ok(None) };
        let state = State { length, validator: Some(validator).filter(|text| !text.is_empty()) };
        let mut there = BTreeSet::new();
        for line in lines {
            let mut words = line.split(' ');
            let (Some("piece"), Some(piece), Some(digest)) = (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let Ok(piece) = piece.parse::<u64>() else { continue };
            cancel.check().map_err(Failure::Local)?;
            if piece < state.pieces()
                && digest_of(part, state.bounds(piece)).is_some_and(|on_disk| on_disk == digest)
            {
                there.insert(piece);
            }
        }
        Ok(Some((state, there)))
    }
}

/// The digest of what is on disk; `None` when it is not all there.
pub(super) fn digest_of(part: &File, (start, end): (u64, u64)) -> Option<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut at = start;
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
        let read = part.read_at(&mut buffer[..wanted], at).ok().filter(|read| *read > 0)?;
        hash.update(&buffer[..read]);
        at += read as u64;
    }
    Some(hex(&hash.finalize()))
}
