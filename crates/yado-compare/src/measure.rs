//! What is measured: a program and where its figure stands in what it prints. Programs are sysbench where it has a
//! test, which every subject takes from the same packages.

use yado_core::{Context, Error, ErrorKind, Result};

use crate::subject::Subject;

/// One measure.
#[derive(Debug)]
pub struct Measure {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is about, for people.
    pub title: &'static str,
    /// The unit of its values.
    pub unit: &'static str,
    /// Whether larger values are better.
    pub more_is_better: bool,
    how: How,
}

#[derive(Debug)]
enum How {
    /// From nothing to a machine that answers, in milliseconds; then it is removed.
    Start,
    /// From a machine that runs to nothing, in milliseconds.
    Stop,
    /// A shell script; the figure follows this label in what it prints.
    Script { script: &'static str, label: &'static str },
}

const fn script(
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    script: &'static str,
    label: &'static str,
) -> Measure {
    Measure { name, title, unit, more_is_better: true, how: How::Script { script, label } }
}

/// Works in a directory of its own on the subject's own file system; `$1` is the mode.
macro_rules! file_script {
    ($mode:literal) => {
        concat!(
            "set -e; d=$(mktemp -d \"$ROOM/yado-compare-XXXXXX\"); trap 'rm -rf \"$d\"' EXIT; cd \"$d\"; ",
            "o='--file-total-size=64M --file-num=4 --time=1'; sysbench fileio $o prepare >/dev/null; ",
            "sysbench fileio $o --file-test-mode=",
            $mode,
            " run"
        )
    };
}

/// All measures, in the order of the report.
pub static MEASURES: &[Measure] = &[
    Measure {
        name: "start",
        title: "Start-up: from nothing to a machine that answers",
        unit: "ms",
        more_is_better: false,
        how: How::Start,
    },
    Measure {
        name: "stop",
        title: "Removal: from a machine that runs to nothing",
        unit: "ms",
        more_is_better: false,
        how: How::Stop,
    },
    script(
        "cpu",
        "Processor, one thread: prime numbers",
        "events/s",
        "sysbench cpu --time=1 run",
        "events per second:",
    ),
    script(
        "cpu-all",
        "Processor, all threads: prime numbers",
        "events/s",
        "sysbench cpu --time=1 --threads=$(nproc) run",
        "events per second:",
    ),
    script(
        "memory-write",
        "Memory, written in order",
        "MiB/s",
        "sysbench memory --time=1 --memory-total-size=100T --memory-oper=write run",
        "MiB transferred (",
    ),
    script(
        "memory-random",
        "Memory, read at random",
        "MiB/s",
        "sysbench memory --time=1 --memory-total-size=100T --memory-oper=read --memory-access-mode=rnd run",
        "MiB transferred (",
    ),
    script(
        "threads",
        "Threads that contend for locks",
        "events",
        "sysbench threads --time=1 run",
        "total number of events:",
    ),
    script("file-write", "Files, written in order", "MiB/s", file_script!("seqwr"), "written, MiB/s:"),
    script("file-read", "Files, read at random", "MiB/s", file_script!("rndrd"), "read, MiB/s:"),
    script("file-change", "Files, written at random", "MiB/s", file_script!("rndwr"), "written, MiB/s:"),
    script(
        "processes",
        "Processes started one after another",
        "processes/s",
        "b=$(date +%s%N); i=0; while [ $i -lt 300 ]; do /usr/bin/env true; i=$((i+1)); done; e=$(date +%s%N); \
         echo \"rate: $((300000000000 / (e - b)))\"",
        "rate:",
    ),
];

impl Measure {
    pub(crate) fn needs_sysbench(&self) -> bool {
        matches!(self.how, How::Script { script, .. } if script.contains("sysbench"))
    }

    /// Measures once; `None` where it makes no sense.
    pub(crate) fn take(&self, context: &Context, subject: &mut Subject) -> Result<Option<f64>> {
        match self.how {
            How::Start => subject.start_time(context),
            How::Stop => Ok(subject.last_stop_time()),
            How::Script { script, label } => {
                let said = subject.run(context, script)?;
                let value = figure(&said, label).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Other,
                        format!("'{}' printed no figure after \"{label}\":\n{}", self.name, said.trim()),
                    )
                })?;
                Ok(Some(value))
            }
        }
    }
}

/// The number after a label.
fn figure(text: &str, label: &str) -> Option<f64> {
    let rest = text.split_once(label)?.1.trim_start();
    let end = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == '.')).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_after_their_labels() {
        assert_eq!(figure("    events per second:  2508.80\n", "events per second:"), Some(2508.8));
        let memory = "5756.83 MiB transferred (5747.36 MiB/sec)";
        assert_eq!(figure(memory, "MiB transferred ("), Some(5747.36));
        assert_eq!(figure("nothing", "rate:"), None);
        assert_eq!(figure("rate: soon", "rate:"), None);
    }
}
