//! The figures as data: what `--json` writes and `--against` reads.

use serde::{Deserialize, Serialize};

use crate::evidence::Architecture;

/// Everything that was measured in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Where.
    pub system: System,
    /// The subjects, the bare machine first.
    pub subjects: Vec<String>,
    /// The values.
    pub samples: Vec<Sample>,
    /// What could not be measured, and why.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// What each subject was seen to be, the bare machine first.
    #[serde(default)]
    pub architectures: Vec<Architecture>,
    /// The box that machines were made from.
    #[serde(default)]
    pub image: String,
    /// The version of sysbench, the same everywhere; empty when it was not needed.
    #[serde(default)]
    pub sysbench: String,
    /// What measuring itself took.
    #[serde(default)]
    pub own: Option<Own>,
}

/// One measure of one subject that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The measure's name.
    pub measure: String,
    /// The subject's name.
    pub subject: String,
    /// Why not: full sentences.
    pub why: String,
}

/// What measuring itself took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Own {
    /// How long, in seconds.
    pub seconds: f64,
    /// The most memory of this program at a time, in MiB; machines and measured programs are not in it.
    pub memory: f64,
}

/// The machine that was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// The kernel's release.
    pub kernel: String,
    /// The processor's model.
    pub processor: String,
    /// How many processors there are.
    pub processors: usize,
    /// When, in seconds since 1970.
    pub time: u64,
    /// How many programs ran or waited to run, on average over the minute before: what others did.
    #[serde(default)]
    pub load: f64,
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
            load: text("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
        }
    }
}

impl Own {
    pub(crate) fn now(took: std::time::Duration) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let most = most.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        Self { seconds: took.as_secs_f64(), memory: most.unwrap_or(0.0) / 1024.0 }
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report of one measure with these values of a container.
    pub(crate) fn report(container: &[f64]) -> Report {
        let sample = |subject: &str, values: &[f64]| Sample {
            measure: "cpu".into(),
            subject: subject.into(),
            unit: "events/s".into(),
            more_is_better: true,
            values: values.to_vec(),
        };
        let bare = [100.0, 101.0, 99.0, 100.0, 100.5];
        Report {
            system: System { kernel: "6".into(), processor: "p".into(), processors: 2, time: 0, load: 0.0 },
            subjects: vec!["bare".into(), "container".into()],
            samples: vec![sample("bare", &bare), sample("container", container)],
            gaps: Vec::new(),
            architectures: Vec::new(),
            image: "host".into(),
            sysbench: String::new(),
            own: None,
        }
    }

    #[test]
    fn reports_of_the_first_version_can_still_be_read() {
        let old = r#"{"system":{"kernel":"6","processor":"p","processors":2,"time":0},"subjects":["bare"],
            "samples":[{"measure":"cpu","subject":"bare","unit":"events/s","more_is_better":true,"values":[1.0]}]}"#;
        let report: Report = serde_json::from_str(old).unwrap();
        assert_eq!(report.sample("cpu", "bare").unwrap().values, [1.0]);
    }
}
