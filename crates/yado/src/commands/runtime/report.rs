//! Messages of the runtime: for people on standard error, and for callers in the log that they named.

use std::fmt::{Debug, Write as _};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Where messages go.
pub(super) struct Report {
    log: Option<File>,
    json: bool,
}

impl Report {
    pub(super) fn new(log: Option<&Path>, json: bool) -> Self {
        // A log that cannot be written must not keep a container from being stopped.
        let log = log.and_then(|path| File::options().create(true).append(true).open(path).ok());
        Self { log, json }
    }

    /// Lets the engine warn, and tell what it does when that is asked for: to the log, or else to standard error.
    pub(super) fn trace(&self, debug: bool) {
        let log = self.log.as_ref().and_then(|file| file.try_clone().ok());
        let journal = Journal {
            report: Self { log, json: self.json },
            most: if debug { Level::DEBUG } else { Level::WARN },
        };
        // It can only be set once, and this is the only place that does when the program is a runtime.
        drop(tracing::subscriber::set_global_default(journal));
    }

    /// Says why the command failed.
    pub(super) fn failure(&self, text: &str) {
        // When there is nowhere to complain to, the exit code still tells.
        drop(writeln!(std::io::stderr(), "yado runtime: error: {text}"));
        self.write("error", text);
    }

    /// Writes a line to the log; whether there is one.
    fn write(&self, level: &str, text: &str) -> bool {
        let Some(mut log) = self.log.as_ref() else { return false };
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let time = timestamp(seconds);
        let line = if self.json {
            json!({ "level": level, "msg": text, "time": time }).to_string()
        } else {
            format!("time=\"{time}\" level={level} msg={}", json!(text))
        };
        drop(writeln!(log, "{line}"));
        true
    }
}

/// Takes what the engine has to say.
struct Journal {
    report: Report,
    most: Level,
}

impl Subscriber for Journal {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.most.into())
    }

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG | Level::TRACE => "debug",
        };
        if !self.report.write(level, &words.0) {
            drop(writeln!(std::io::stderr(), "yado runtime: {level}: {}", words.0));
        }
    }

    // Nothing here is told in spans.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// An event's message and what stands beside it.
#[derive(Default)]
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let written = if field.name() == "message" {
            write!(self.0, "{value:?}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
        // Only a value that cannot show itself fails; its words are then missing.
        if written.is_err() {}
    }
}

/// Seconds since 1970 as callers read times: RFC 3339, in UTC.
pub(super) fn timestamp(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years are counted from March, so that the day that is not always there is a year's last; 400 years are an era.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn times_are_written_as_callers_read_them() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(timestamp(1_735_689_599), "2024-12-31T23:59:59Z");
    }
}
