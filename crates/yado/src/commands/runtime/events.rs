//! `events`: what a container uses, again and again, and whether it ran out of memory. A line of JSON for each.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use yado_container::{Stats, Status};

use super::{Failure, Outcome, Place, print};

/// Print what a container uses until it ends
#[derive(Debug, Args)]
pub(super) struct Events {
    /// Print it once
    #[arg(long)]
    stats: bool,
    /// Time between two prints, as in 5s or 500ms
    #[arg(long, default_value = "5s", value_parser = duration)]
    interval: Duration,
    id: String,
}

/// How often it is looked whether the container has ended or something in it was killed.
const LOOK: Duration = Duration::from_millis(50);

impl Events {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let container = place.container(&self.id)?;
        if container.state() == Status::Stopped {
            return Err(Failure(format!("container with id {} is not running", self.id)));
        }
        if self.stats {
            self.print("stats", Some(data(container.stats())))?;
            return Ok(0);
        }
        if self.interval.is_zero() {
            return Err(Failure::new("the interval must be greater than zero"));
        }
        let mut due = Instant::now();
        let mut kills = container.stats().out_of_memory_kills;
        while container.state() != Status::Stopped {
            let stats = container.stats();
            if stats.out_of_memory_kills > kills {
                self.print("oom", None)?;
            }
            kills = kills.max(stats.out_of_memory_kills);
            if Instant::now() >= due {
                self.print("stats", Some(data(stats)))?;
                due += self.interval;
            }
            std::thread::sleep(LOOK.min(self.interval));
        }
        Ok(0)
    }

    fn print(&self, kind: &str, data: Option<Value>) -> Result<(), Failure> {
        // The order in which callers look for them.
        let rest = data.map_or_else(String::new, |data| format!(",\"data\":{data}"));
        print(&format!("{{\"type\":\"{kind}\",\"id\":\"{}\"{rest}}}\n", self.id))
    }
}

/// What it uses, by the names under which callers read it.
fn data(stats: Stats) -> Value {
    json!({
        "cpu": { "usage": { "total": stats.cpu } },
        "memory": {
            "usage": { "usage": stats.memory, "limit": stats.memory_limit.unwrap_or(u64::MAX) },
            "raw": { "oom_kill": stats.out_of_memory_kills },
        },
        "pids": { "current": stats.pids, "limit": stats.pids_limit.unwrap_or(0) },
    })
}

/// Numbers with units, one after the other: `1m30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a time such as 5s or 500ms");
    let units =
        [("ms", 0.001), ("us", 0.000_001), ("ns", 0.000_000_001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() || text.is_empty() {
        let end = rest.find(|sign: char| !sign.is_ascii_digit() && sign != '.').ok_or_else(wrong)?;
        let number: f64 = rest[..end].parse().map_err(|_| wrong())?;
        let (unit, size) = units.iter().find(|(unit, _)| rest[end..].starts_with(unit)).ok_or_else(wrong)?;
        seconds += number * size;
        rest = &rest[end + unit.len()..];
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0.5h"), Ok(Duration::from_secs(1800)));
        for wrong in ["", "5", "s", "5x", "-1s", "1e400s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
