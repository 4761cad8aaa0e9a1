//! Filling files on a thread of its own: while one processor writes and hashes what is in a file, another one reads on
//! in the archive. Files are made in the archive's order, by whoever reads it; what is in them, and whose they are, comes
//! later, and does not depend on what became of their names meanwhile.

use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use super::digests::{Digests, Filled, PIECE, fill};
use super::entry_path::EntryPath;
use super::tree::{Attributes, give};
use crate::owners;

/// How many pieces may wait: four megabytes.
const WAITING: usize = 64;

/// An empty file that is to be filled.
pub(super) struct Made {
    pub(super) file: File,
    pub(super) path: EntryPath,
    pub(super) attributes: Attributes,
}

/// The file that could not be filled, and why.
pub(super) struct Failed {
    pub(super) path: EntryPath,
    pub(super) error: io::Error,
}

/// Part of a file; the buffer may be longer.
struct Piece {
    buffer: Vec<u8>,
    length: usize,
}

enum Job {
    /// Most files: all that is in them is one piece.
    Whole(Box<Made>, Piece),
    Begin(Box<Made>),
    More(Piece),
    End,
    /// The file of this number was made by others.
    Forget(u64),
}

/// What the thread leaves.
type Outcome = (Option<Digests>, Result<(), Failed>);

/// The thread, and the way to it. It ends with this value.
pub(super) struct Filler {
    jobs: Option<SyncSender<Job>>,
    /// Buffers that are empty again.
    spare: Receiver<Vec<u8>>,
    worker: Option<JoinHandle<Outcome>>,
}

impl Filler {
    /// Starts the thread, which takes note of contents in `digests`, if they are given.
    pub(super) fn start(digests: Option<Digests>) -> io::Result<Self> {
        let (jobs, todo) = sync_channel(WAITING);
        let (empty, spare) = channel();
        let worker = std::thread::Builder::new().name("filler".to_owned());
        let worker = worker.spawn(move || {
            let mut work = Work { digests, current: None, empty };
            let outcome = work.all(&todo);
            (work.digests, outcome)
        })?;
        Ok(Self { jobs: Some(jobs), spare, worker: Some(worker) })
    }

    /// Lets a file be filled with what `content` has, and returns its size. An error may be about an earlier file;
    /// [`Filler::end`] tells.
    pub(super) fn file(&self, made: Made, content: &mut dyn Read) -> io::Result<u64> {
        let mut size = 0;
        let mut begun = Some(Box::new(made));
        loop {
            let mut buffer = self.spare.try_recv().unwrap_or_else(|_| vec![0; PIECE]);
            let length = fill(content, &mut buffer)?;
            size += length as u64;
            let (is_last, piece) = (length < PIECE, Piece { buffer, length });
            match begun.take() {
                Some(made) if is_last => return self.send(Job::Whole(made, piece)).map(|()| size),
                Some(made) => self.send(Job::Begin(made))?,
                None => {}
            }
            self.send(Job::More(piece))?;
            if is_last {
                return self.send(Job::End).map(|()| size);
            }
        }
    }

    /// What was known of the file of this number is no longer so.
    pub(super) fn forget(&self, inode: u64) -> io::Result<()> {
        self.send(Job::Forget(inode))
    }

    fn send(&self, job: Job) -> io::Result<()> {
        let ended = || io::Error::other("the thread that fills files has ended");
        self.jobs.as_ref().ok_or_else(ended)?.send(job).map_err(|_| ended())
    }

    /// Waits until everything is in place; what is known of contents now.
    pub(super) fn end(mut self) -> Outcome {
        self.join().unwrap_or_else(|| {
            let error = io::Error::other("the thread that fills files failed; the message above says why");
            (None, Err(Failed { path: EntryPath::default(), error }))
        })
    }

    fn join(&mut self) -> Option<Outcome> {
        self.jobs = None;
        self.worker.take()?.join().ok()
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        // Nobody asks any more what became of it.
        drop(self.join());
    }
}

struct Work {
    digests: Option<Digests>,
    current: Option<Box<Current>>,
    empty: Sender<Vec<u8>>,
}

/// A file that is filled in several pieces.
struct Current {
    made: Made,
    filled: Filled,
    hash: Option<Sha256>,
}

impl Work {
    fn all(&mut self, todo: &Receiver<Job>) -> Result<(), Failed> {
        for job in todo {
            match job {
                Job::Whole(made, piece) => {
                    let mut current = self.begin(*made);
                    self.more(&mut current, piece)?;
                    self.complete(*current)?;
                }
                Job::Begin(made) => self.current = Some(self.begin(*made)),
                Job::More(piece) => {
                    if let Some(mut current) = self.current.take() {
                        self.more(&mut current, piece)?;
                        self.current = Some(current);
                    }
                }
                Job::End => {
                    if let Some(current) = self.current.take() {
                        self.complete(*current)?;
                    }
                }
                Job::Forget(inode) => {
                    if let Some(digests) = &mut self.digests {
                        digests.forget(inode);
                    }
                }
            }
        }
        Ok(())
    }

    fn begin(&self, made: Made) -> Box<Current> {
        let hash = self.digests.is_some().then(Sha256::new);
        Box::new(Current { made, filled: Filled::default(), hash })
    }

    fn more(&self, current: &mut Current, piece: Piece) -> Result<(), Failed> {
        let Current { made, filled, hash } = current;
        let outcome = filled.add(&mut made.file, &piece.buffer[..piece.length], hash.as_mut());
        // Whoever reads may have ended.
        drop(self.empty.send(piece.buffer));
        outcome.map_err(|error| Failed { path: made.path.clone(), error })
    }

    fn complete(&mut self, current: Current) -> Result<(), Failed> {
        let Current { made, filled, hash } = current;
        let finished = filled.end(&made.file).and_then(|_| give(&made.file, &made.attributes));
        let inode = finished.map_err(|error| Failed { path: made.path.clone(), error })?;
        if let (Some(digests), Some(hash)) = (&mut self.digests, hash) {
            // The file is open until it is noted: its number cannot be another's yet. What is not written of a
            // capability is not known either.
            let capability = made.attributes.capability.as_deref().filter(|_| !owners::are_translated());
            digests.insert(inode, hash.finalize().into(), capability);
        }
        Ok(())
    }
}
