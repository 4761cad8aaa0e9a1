//! [`Timings`]: how long pieces of work took, and within which others. Nothing is kept unless a command asks for it.

use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// A piece of work. Those of one thread lie within each other or follow each other.
#[derive(Debug, Clone)]
pub struct Span {
    /// What was done.
    pub what: String,
    /// Who did it.
    pub thread: ThreadId,
    /// When it began, since the beginning of all.
    pub start: Duration,
    /// How long it took; not set while it goes on.
    pub took: Option<Duration>,
}

/// Pieces of work in the order in which they began.
#[derive(Debug)]
pub struct Timings {
    begin: Instant,
    spans: Mutex<Vec<Span>>,
}

impl Default for Timings {
    fn default() -> Self {
        Self { begin: Instant::now(), spans: Mutex::default() }
    }
}

impl Timings {
    /// Begins a piece of work, which ends when the answer is dropped.
    pub fn begin(&self, what: &str) -> Running<'_> {
        let thread = std::thread::current().id();
        let span = Span { what: what.to_owned(), thread, start: self.begin.elapsed(), took: None };
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.push(span);
        Running { timings: self, place: spans.len() - 1 }
    }

    /// All so far; what goes on still has taken until now.
    pub fn spans(&self) -> Vec<Span> {
        let now = self.begin.elapsed();
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for span in &mut spans {
            span.took.get_or_insert(now.saturating_sub(span.start));
        }
        spans
    }

    /// The time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }
}

/// A piece of work that goes on as long as this exists.
#[derive(Debug)]
#[must_use = "the work is over when this is dropped"]
pub struct Running<'a> {
    timings: &'a Timings,
    place: usize,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let now = self.timings.begin.elapsed();
        let mut spans = self.timings.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(span) = spans.get_mut(self.place) {
            span.took = Some(now.saturating_sub(span.start));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_lies_within_work_and_what_goes_on_has_taken_until_now() {
        let timings = Timings::default();
        let outer = timings.begin("outer");
        drop(timings.begin("inner"));
        let [outside, inside] = &timings.spans()[..] else { panic!("two") };
        assert_eq!((outside.what.as_str(), inside.what.as_str()), ("outer", "inner"));
        assert!(outside.start <= inside.start);
        assert!(outside.start + outside.took.unwrap() >= inside.start + inside.took.unwrap());
        drop(outer);
        let ended = timings.spans()[0].took;
        assert_eq!(ended, timings.spans()[0].took, "what has ended takes no longer");
    }
}
