//! The figures as data: what `--json` writes and `--against` reads.

use serde::{Deserialize, Serialize};

/// Everything that was measured in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Where.
    pub system: System,
    /// The subjects, the bare machine first.
    pub subjects: Vec<String>,
    /// The values.
    pub samples: Vec<Sample>,
}

/// The machine that was measured on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// The kernel's release.
    pub kernel: String,
    /// The processor's model.
    pub processor: String,
    /// How many processors there are.
    pub processors: usize,
    /// When, in seconds since 1970.
    pub time: u64,
}

/// All values of one measure of one subject, in the order they were taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The measure's name.
    pub measure: String,
    /// The subject's name.
    pub subject: String,
    /// The values' unit.
    pub unit: String,
    /// Whether larger values are better.
    pub more_is_better: bool,
    /// The values.
    pub values: Vec<f64>,
}

impl System {
    /// This machine, now.
    pub(crate) fn here() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let model = text("/proc/cpuinfo");
        let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            processor: model.map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned()),
            processors: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            time: std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |time| time.as_secs()),
        }
    }
}

impl Report {
    /// The values of one measure of one subject.
    pub(crate) fn sample(&self, measure: &str, subject: &str) -> Option<&Sample> {
        self.samples.iter().find(|sample| sample.measure == measure && sample.subject == subject)
    }

    /// What others are held against: the bare machine, or the first subject where the bare machine has no value.
    pub(crate) fn reference(&self, measure: &str) -> Option<&Sample> {
        self.subjects.iter().find_map(|subject| self.sample(measure, subject))
    }
}
