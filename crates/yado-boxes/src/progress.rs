//! Telling how far a long operation has come, without drowning anyone in events.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use yado_core::{Context, Event};

/// One progress line; ended when dropped.
pub(crate) struct Progress {
    cx: Context,
    what: String,
    done: u64,
    total: Option<u64>,
    told: Option<Instant>,
}

impl Progress {
    /// Begins a line.
    pub(crate) fn new(cx: &Context, what: impl Into<String>, total: Option<u64>) -> Self {
        Self { cx: cx.clone(), what: what.into(), done: 0, total, told: None }
    }

    /// Adds to what is done.
    pub(crate) fn add(&mut self, amount: u64) {
        self.done += amount;
        if self.told.is_none_or(|told| told.elapsed() > Duration::from_millis(100)) {
            self.told = Some(Instant::now());
            self.cx.events.emit(Event::Progress {
                machine: self.cx.machine.clone(),
                what: self.what.clone(),
                done: self.done,
                total: self.total,
            });
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.told.is_some() {
            self.cx.events.emit(Event::ProgressEnd { machine: self.cx.machine.clone() });
        }
    }
}

/// Counts what is read through it.
pub(crate) struct Counted<R> {
    pub(crate) inner: R,
    pub(crate) progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.add(read as u64);
        Ok(read)
    }
}
