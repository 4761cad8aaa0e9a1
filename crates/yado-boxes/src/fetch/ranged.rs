//! Large files: fetched in pieces over several connections, and gone on with after whatever interrupted it.
//!
//! ```text
//! <downloads>/KEY.part     the file, its missing pieces being holes
//! <downloads>/KEY.pieces   what it is, and the digest of every piece that is there
//! <downloads>/KEY.lock     held by whoever works on it
//! ```
//!
//! A piece counts when its digest stands in the list and what is on disk still has it: a part is checked and not
//! trusted. The list is for one state of the file on the server (its `ETag` or time); another state begins anew.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use yado_core::Context;
use yado_core::error::Doing;

use super::pieces::{List, PIECE, State, digest_of};
use super::{Client, Failure, Response, pause_for, status_failure};
use crate::layer::{combine, hex};
use crate::lock::{self, Held};
use crate::progress::Progress;

/// Connections at once.
pub(crate) const CONNECTIONS: usize = 4;
/// Failures in a row, without a byte in between, after which a piece is given up.
const ATTEMPTS: u32 = 5;
/// The longest file: a server that says more would have us keep lists of pieces that fill the memory.
const LARGEST: u64 = 1 << 40;
/// After this time a part is not gone on with.
const KEPT: Duration = Duration::from_hours(24);

/// What is to be fetched.
pub(crate) struct Wanted<'a> {
    /// The URL.
    pub(crate) url: &'a str,
    /// Headers for it.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The caller compares the whole with a checksum afterwards, so that a part of a file without `ETag` and time
    /// may be gone on with.
    pub(crate) is_verified: bool,
    /// Forget what is there.
    pub(crate) clean: bool,
    /// The length that it has to have, where somebody else has said so: a server that sends more is not listened to.
    pub(crate) size: Option<u64>,
}

impl Wanted<'_> {
    /// Why a file of this length is not fetched.
    fn refuse(&self, length: u64) -> Result<(), Failure> {
        match self.size {
            Some(size) if size != length => {
                Err(Failure::Final(format!("'{}' has {length} bytes, and {size} were announced", self.url)))
            }
            None if length > LARGEST => Err(Failure::Final(format!(
                "'{}' is said to have {length} bytes, more than any box",
                self.url
            ))),
            _ => Ok(()),
        }
    }
}

/// A complete file. It stays for the next run until it is discarded, so that work on it may be interrupted.
#[derive(Debug)]
pub(crate) struct Fetched {
    part: PathBuf,
    pieces: PathBuf,
    _turn: Held,
}

impl Fetched {
    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.part
    }

    /// It was used, or is of no use.
    pub(crate) fn discard(self) {
        forget(&self.part, &self.pieces);
    }
}

fn forget(part: &Path, pieces: &Path) {
    // The list goes first: a part without one is begun anew.
    drop(std::fs::remove_file(pieces));
    drop(std::fs::remove_file(part));
}

/// Fetches a file into the directory `downloads`, going on with what an earlier attempt left there.
pub(crate) fn fetch(
    cx: &Context,
    client: &Client,
    wanted: &Wanted<'_>,
    downloads: &Path,
) -> Result<Fetched, Failure> {
    let key = combine([wanted.url]).replacen("sha256:", "", 1);
    let place = |extension: &str| downloads.join(format!("{key}.{extension}"));
    let turn =
        lock::exclusive(cx, &place("lock"), "it is downloading the same file.").map_err(Failure::Local)?;
    let (part, pieces) = (place("part"), place("pieces"));
    if wanted.clean || is_old(&pieces) {
        forget(&part, &pieces);
    }
    // A server may replace the file while it is fetched; one that always does is given up.
    for _ in 0..3 {
        match once(cx, client, wanted, &part, &pieces) {
            Ok(Outcome::Complete) => return Ok(Fetched { part, pieces, _turn: turn }),
            Ok(Outcome::Changed) => forget(&part, &pieces),
            Err(failure) => {
                // Without a list there is nothing to go on with.
                if !pieces.exists() {
                    forget(&part, &pieces);
                }
                return Err(failure);
            }
        }
    }
    Err(Failure::Final(format!("'{}' changes while it is being fetched", wanted.url)))
}

/// Whether a file was last written longer ago than parts are kept.
fn is_old(path: &Path) -> bool {
    let age = path.metadata().and_then(|data| data.modified()).map(|time| time.elapsed().unwrap_or_default());
    age.is_ok_and(|age| age > KEPT)
}

/// Removes parts that nobody goes on with.
pub(crate) fn collect(downloads: &Path) {
    for entry in std::fs::read_dir(downloads).into_iter().flatten().flatten() {
        let lock = entry.path();
        if lock.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        if is_old(&lock)
            && let Ok(Some(_held)) = lock::try_exclusive(&lock)
        {
            forget(&lock.with_extension("part"), &lock.with_extension("pieces"));
            drop(std::fs::remove_file(&lock));
        }
    }
}

enum Outcome {
    Complete,
    Changed,
}

/// Everything that the threads of one download share.
struct Work<'a> {
    cx: &'a Context,
    client: &'a Client,
    wanted: &'a Wanted<'a>,
    state: State,
    part: &'a File,
    list: List,
    progress: Mutex<Progress>,
    stop: AtomicBool,
}

fn once(
    cx: &Context,
    client: &Client,
    wanted: &Wanted<'_>,
    part: &Path,
    pieces: &Path,
) -> Result<Outcome, Failure> {
    let doing = || format!("opening '{}'", part.display());
    let file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(part)
        .doing(doing)
        .map_err(Failure::Local)?;
    let known = List::read(pieces, &file, &cx.cancel)?
        .filter(|(state, there)| !there.is_empty() && (state.validator.is_some() || wanted.is_verified))
        .filter(|(state, _)| wanted.refuse(state.length).is_ok());
    let (state, there, first) = match known {
        Some((state, there)) => (state, there, None),
        None => match super::retrying(&cx.cancel, || begin(client, wanted))? {
            Begun::Ranges(state, response) => (state, BTreeSet::new(), Some(response)),
            Begun::Whole(response) => return whole(cx, client, wanted, &file, response),
        },
    };
    file.set_len(state.length).doing(doing).map_err(Failure::Local)?;
    let list = List::begin(pieces, &state)?;
    let mut progress = Progress::new(cx, "Progress", Some(state.length));
    for piece in &there {
        let bounds = state.bounds(*piece);
        if let Some(digest) = digest_of(&file, bounds) {
            list.add(*piece, &digest)?;
        }
        progress.add(bounds.1 - bounds.0);
    }
    if !there.is_empty() {
        cx.detail("Box download is resuming from prior download progress");
    }
    let missing: Vec<u64> = (0..state.pieces()).filter(|piece| !there.contains(piece)).collect();
    let work = Work {
        cx,
        client,
        wanted,
        state,
        part: &file,
        list,
        progress: Mutex::new(progress),
        stop: AtomicBool::new(false),
    };
    work.run(&missing, first)
}

enum Begun {
    /// The server sends pieces; this is the first one.
    Ranges(State, Response),
    /// The server sends the file from its beginning only.
    Whole(Response),
}

fn begin(client: &Client, wanted: &Wanted<'_>) -> Result<Begun, Failure> {
    let range = format!("bytes=0-{}", PIECE - 1);
    let mut headers = wanted.headers.to_vec();
    headers.push(("Range", &range));
    let response = client.send(wanted.url, &headers)?;
    if response.status == 416 {
        // An empty file has no first byte.
        return Ok(Begun::Whole(client.get_with(wanted.url, wanted.headers)?));
    }
    if let Some(failure) = status_failure(wanted.url, response.status) {
        return Err(failure);
    }
    match (response.status, total(&response)) {
        (206, Some(length)) => {
            wanted.refuse(length)?;
            let validator = validator(&response);
            Ok(Begun::Ranges(State { length, validator }, response))
        }
        (206, None) => Ok(Begun::Whole(client.get_with(wanted.url, wanted.headers)?)),
        _ => Ok(Begun::Whole(response)),
    }
}

/// The length of the whole that a piece says it is of.
pub(crate) fn total(response: &Response) -> Option<u64> {
    response.header("content-range")?.rsplit_once('/')?.1.parse().ok()
}

/// What tells this state of the file from others. Weak tags do not promise equal bytes.
fn validator(response: &Response) -> Option<String> {
    let tag = response.header("etag").filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| response.header("last-modified")).map(str::to_owned)
}

/// Receives a file from a server that knows no ranges; there is nothing to go on with then.
fn whole(
    cx: &Context,
    client: &Client,
    wanted: &Wanted<'_>,
    file: &File,
    response: Response,
) -> Result<Outcome, Failure> {
    let mut next = Some(response);
    super::retrying(&cx.cancel, || {
        let response = match next.take() {
            Some(response) => response,
            None => client.get_with(wanted.url, wanted.headers)?,
        };
        let mut progress = Progress::new(cx, "Progress", response.length);
        let length = response.length;
        file.set_len(0).doing(|| "emptying a download").map_err(Failure::Local)?;
        if let Some(length) = length {
            wanted.refuse(length)?;
        }
        // One more than it may have shows that there is more.
        let most = wanted.size.unwrap_or(LARGEST).saturating_add(1);
        let received = receive(cx, wanted.url, response, file, 0, most, None, &mut |read| progress.add(read));
        if received.0 == most {
            file.set_len(0).doing(|| "emptying a download").map_err(Failure::Local)?;
            return Err(Failure::Final(format!("'{}' has more than {} bytes", wanted.url, most - 1)));
        }
        match (received, length) {
            ((received, None), Some(length)) if received != length => Err(Failure::Temporary(format!(
                "'{}': the connection ended after {received} of {length} bytes",
                wanted.url
            ))),
            ((_, Some(failure)), _) => Err(failure),
            _ => Ok(Outcome::Complete),
        }
    })
}

/// Writes a body to its place, as far as it comes: how many bytes, and why it ended early.
fn receive(
    cx: &Context,
    url: &str,
    mut response: Response,
    file: &File,
    at: u64,
    most: u64,
    mut hash: Option<&mut Sha256>,
    told: &mut dyn FnMut(u64),
) -> (u64, Option<Failure>) {
    let mut buffer = vec![0; 128 << 10];
    let mut received = 0;
    while received < most {
        if let Err(interrupted) = cx.cancel.check() {
            return (received, Some(Failure::Local(interrupted)));
        }
        let wanted = usize::try_from(most - received).unwrap_or(usize::MAX).min(buffer.len());
        let read = match response.reader.read(&mut buffer[..wanted]) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => return (received, Some(Failure::Temporary(format!("'{url}': {error}")))),
        };
        if let Err(error) = file.write_all_at(&buffer[..read], at + received).doing(|| "writing a download") {
            return (received, Some(Failure::Local(error)));
        }
        if let Some(hash) = &mut hash {
            hash.update(&buffer[..read]);
        }
        received += read as u64;
        told(read as u64);
    }
    (received, None)
}

impl Work<'_> {
    fn run(&self, missing: &[u64], mut first: Option<Response>) -> Result<Outcome, Failure> {
        let next = AtomicUsize::new(0);
        let failure: Mutex<Option<Failure>> = Mutex::new(None);
        let is_changed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS.min(missing.len()) {
                let mut response = first.take();
                let (next, failure, is_changed) = (&next, &failure, &is_changed);
                scope.spawn(move || {
                    while !self.stop.load(Ordering::Relaxed)
                        && let Some(piece) = missing.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        // The response that told the length holds the first piece.
                        let at_hand = if *piece == 0 { response.take() } else { None };
                        match self.piece(*piece, at_hand) {
                            Ok(true) => {}
                            Ok(false) => {
                                is_changed.store(true, Ordering::Relaxed);
                                self.stop.store(true, Ordering::Relaxed);
                            }
                            Err(why) => {
                                self.stop.store(true, Ordering::Relaxed);
                                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
                            }
                        }
                    }
                });
            }
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            _ if is_changed.into_inner() => Ok(Outcome::Changed),
            Some(failure) => Err(failure),
            None => Ok(Outcome::Complete),
        }
    }

    /// Fetches one piece; `false` when the server has another file now.
    fn piece(&self, piece: u64, mut at_hand: Option<Response>) -> Result<bool, Failure> {
        let (start, end) = self.state.bounds(piece);
        let mut at = start;
        let mut hash = Sha256::new();
        let mut failures = 0;
        while at < end {
            let outcome = match at_hand.take() {
                Some(response) => Ok(Some(response)),
                None => self.ask(at, end),
            };
            let why = match outcome {
                Ok(None) => return Ok(false),
                Ok(Some(response)) => {
                    let mut told =
                        |read| self.progress.lock().unwrap_or_else(PoisonError::into_inner).add(read);
                    let (received, failure) = receive(
                        self.cx,
                        self.wanted.url,
                        response,
                        self.part,
                        at,
                        end - at,
                        Some(&mut hash),
                        &mut told,
                    );
                    at += received;
                    if received > 0 {
                        failures = 0;
                    }
                    if at == end {
                        break;
                    }
                    failure.unwrap_or_else(|| {
                        Failure::Temporary(format!("'{}': the connection ended early", self.wanted.url))
                    })
                }
                Err(why) => why,
            };
            failures += 1;
            match why {
                Failure::Temporary(why) if failures < ATTEMPTS && !self.stop.load(Ordering::Relaxed) => {
                    tracing::debug!(why, piece, "trying again");
                    pause_for(100 << (2 * failures).min(5), &self.cx.cancel)?;
                }
                other => return Err(other),
            }
        }
        self.list.add(piece, &hex(&hash.finalize()))?;
        Ok(true)
    }

    /// Asks for the bytes from `at` to before `end`; `None` when they would be another file's.
    fn ask(&self, at: u64, end: u64) -> Result<Option<Response>, Failure> {
        let range = format!("bytes={at}-{}", end - 1);
        let mut headers = self.wanted.headers.to_vec();
        headers.push(("Range", &range));
        if let Some(validator) = &self.state.validator {
            headers.push(("If-Range", validator));
        }
        let response = self.client.send(self.wanted.url, &headers)?;
        if response.status == 416 {
            return Ok(None);
        }
        if let Some(failure) = status_failure(self.wanted.url, response.status) {
            return Err(failure);
        }
        let is_same = response.status == 206
            && total(&response) == Some(self.state.length)
            && (self.state.validator.is_none() || validator(&response) == self.state.validator);
        Ok(is_same.then_some(response))
    }
}
