//! [`Context`]: what every operation on a machine is handed: the host, where events go, whether to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventSink, MessageKind};
use crate::host::Host;
use crate::timing::Running;

/// The user's wish to stop, shared by all threads. Long operations look at it between steps.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    /// Work that is not worth waiting for longer stops by itself.
    end: Option<Instant>,
}

impl Cancel {
    /// Not cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everyone to stop at the next safe point. Safe to call from a signal-handling thread.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::SeqCst);
    }

    /// The same wish for work that also stops by itself after this time.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self { flag: Arc::clone(&self.flag), end: Some(Instant::now() + limit) }
    }

    /// Whether somebody asked to stop, or the time is over.
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::SeqCst) || self.end.is_some_and(|end| Instant::now() > end)
    }

    /// An [`ErrorKind::Interrupted`] error when somebody asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::new(ErrorKind::Interrupted, "The operation was interrupted."));
        }
        Ok(())
    }

    /// The flag itself, for signal handlers that can only store to an atomic.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }
}

/// What every operation is handed; nothing else is global. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The machine this happens for; `None` for the command as a whole. Box downloads outside a machine use `box`.
    pub machine: Option<String>,
    /// The host system: programs run through it.
    pub host: Arc<Host>,
    /// Where events go.
    pub events: Arc<dyn EventSink>,
    /// The user's wish to stop.
    pub cancel: Cancel,
}

impl Context {
    /// The same context, speaking for `machine`.
    pub fn for_machine(&self, machine: &str) -> Self {
        Self { machine: Some(machine.to_owned()), ..self.clone() }
    }

    /// Times a piece of work, which ends when the answer is dropped, where the command keeps times.
    pub fn time(&self, what: &str) -> Option<Running<'_>> {
        self.host.timings().map(|timings| timings.begin(what))
    }

    /// Emits a message in the given manner.
    pub fn say(&self, kind: MessageKind, text: impl Into<String>) {
        self.events.emit(Event::Message { machine: self.machine.clone(), kind, text: text.into() });
    }

    /// A headline: `==> web: text`.
    pub fn info(&self, text: impl Into<String>) {
        self.say(MessageKind::Info, text);
    }

    /// A line below a headline: `    web: text`.
    pub fn detail(&self, text: impl Into<String>) {
        self.say(MessageKind::Detail, text);
    }

    /// A warning; says what was done instead.
    pub fn warn(&self, text: impl Into<String>) {
        self.say(MessageKind::Warn, text);
    }

    /// A fact for machine-readable output.
    pub fn data(&self, name: &str, data: &[&str]) {
        self.events.emit(Event::Data {
            machine: self.machine.clone(),
            name: name.to_owned(),
            data: data.iter().map(|field| (*field).to_owned()).collect(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limited_work_stops_when_its_time_is_over_and_when_the_user_wants_it() {
        let wish = Cancel::new();
        let (short, long) = (wish.within(Duration::ZERO), wish.within(Duration::from_secs(600)));
        std::thread::sleep(Duration::from_millis(2));
        assert!(short.is_cancelled() && !long.is_cancelled() && !wish.is_cancelled());
        wish.cancel();
        assert!(long.is_cancelled());
    }
}
