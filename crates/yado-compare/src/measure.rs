//! What is measured: a program and where its figure stands in what it prints. Programs are sysbench where it has a
//! test. All are short, so that there can be many rounds; where a figure is a rate, a slow machine simply does less.

use yado_core::{Context, Error, ErrorKind, Result};

use crate::density;
use crate::footprint;
use crate::made::Made;
use crate::subject::Subject;
use crate::sysbench::Sysbench;
use crate::wire::{self, Way};

/// One measure.
#[derive(Debug)]
pub struct Measure {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is about, for people: English, Japanese.
    pub title: [&'static str; 2],
    /// The unit of its values.
    pub unit: &'static str,
    /// Whether larger values are better.
    pub more_is_better: bool,
    how: How,
}

#[derive(Debug)]
enum How {
    /// From nothing to a machine that answers, with the box made ready before or in the same time; then it is removed.
    ColdStart,
    Start,
    /// From a machine that runs to one that is switched off.
    Stop,
    /// What it holds of this computer.
    Memory,
    Disk,
    /// How many more of it fit.
    Density,
    /// A shell script; the figure follows a label in what it prints.
    Script {
        script: &'static str,
        figure: Figure,
    },
    Wire(Way),
}

#[derive(Debug, Clone, Copy)]
enum Figure {
    /// The number after this label.
    After(&'static str),
    /// The number after one by the number after another.
    Rate(&'static str, &'static str),
}

const EVENTS: Figure = Figure::Rate("total number of events:", "total time:");

const fn special(
    name: &'static str,
    title: [&'static str; 2],
    unit: &'static str,
    more_is_better: bool,
    how: How,
) -> Measure {
    Measure { name, title, unit, more_is_better, how }
}

const fn script(
    name: &'static str,
    title: [&'static str; 2],
    unit: &'static str,
    script: &'static str,
    figure: Figure,
) -> Measure {
    Measure { name, title, unit, more_is_better: true, how: How::Script { script, figure } }
}

/// Works on files of the subject's own file system, made once in a machine's life. Writing in order empties its files,
/// so it has others than the rest. The bare machine's files live longer than those of machines, and who works on them
/// past the cache takes them out of it: so what is measured in the cache is read into it first.
macro_rules! file_script {
    ($mode:literal, $flags:literal) => {
        concat!(
            "set -e; d=$ROOM/yado-compare-files-$([ ",
            $mode,
            " = seqwr ] && echo w || echo r); o='--file-total-size=64M --file-num=4 --file-fsync-freq=0 ",
            "--file-fsync-end=off --time=1 --events=2000 ",
            $flags,
            "'; if [ ! -d $d ]; then mkdir $d; cd $d; sysbench fileio --file-total-size=64M --file-num=4 prepare >/dev/null; \
             sync -f .; fi; cd $d; case \"$o\" in *direct*) ;; *) cat test_file.* >/dev/null; esac; \
             sysbench fileio $o --file-test-mode=",
            $mode,
            " run"
        )
    };
}

const READ: Figure = Figure::After("read, MiB/s:");
const WRITTEN: Figure = Figure::After("written, MiB/s:");
const MOVED: Figure = Figure::After("MiB transferred (");

/// All measures, in the order of the report; what tells a new machine's size comes before what fills it.
pub static MEASURES: &[Measure] = &[
    special(
        "start-cold",
        ["Start-up, the box not prepared yet", "起動時間(ボックスの準備を含む初回)"],
        "ms",
        false,
        How::ColdStart,
    ),
    special(
        "start",
        ["Start-up: from nothing to a machine that answers", "起動時間(準備済みのボックスから応答まで)"],
        "ms",
        false,
        How::Start,
    ),
    special(
        "memory",
        ["Memory of an idle machine's processes", "待機中のマシン1台のプロセスが使うメモリ"],
        "MiB",
        false,
        How::Memory,
    ),
    special(
        "disk",
        ["Disk of a new machine, besides the box", "新しいマシン1台が使うディスク(ボックスを除く)"],
        "MiB",
        false,
        How::Disk,
    ),
    special(
        "density",
        ["Density: idle machines per GiB of memory", "集積度(メモリ1 GiBあたりの待機マシン数)"],
        "machines",
        true,
        How::Density,
    ),
    special("stop", ["Switching off", "停止時間"], "ms", false, How::Stop),
    script(
        "cpu",
        ["Processor, one thread: prime numbers", "CPU(1スレッド、素数計算)"],
        "events/s",
        "sysbench cpu --time=1 --events=1500 run",
        Figure::After("events per second:"),
    ),
    script(
        "cpu-all",
        ["Processor, all threads: prime numbers", "CPU(全スレッド、素数計算)"],
        "events/s",
        "sysbench cpu --time=1 --events=3000 --threads=$(nproc) run",
        Figure::After("events per second:"),
    ),
    script(
        "memory-write",
        ["Memory, written in order", "メモリ(順次書き込み)"],
        "MiB/s",
        "sysbench memory --time=1 --memory-block-size=1M --memory-total-size=4G --memory-oper=write run",
        MOVED,
    ),
    script(
        "memory-read",
        ["Memory, read in order", "メモリ(順次読み出し)"],
        "MiB/s",
        "sysbench memory --time=1 --memory-block-size=1M --memory-total-size=4G --memory-oper=read run",
        MOVED,
    ),
    script(
        "memory-random-write",
        ["Memory, written at random", "メモリ(ランダム書き込み)"],
        "MiB/s",
        "sysbench memory --time=1 --memory-block-size=1M --memory-total-size=256M --memory-oper=write \
         --memory-access-mode=rnd run",
        MOVED,
    ),
    script(
        "memory-random",
        ["Memory, read at random", "メモリ(ランダム読み出し)"],
        "MiB/s",
        "sysbench memory --time=1 --memory-block-size=1M --memory-total-size=256M --memory-oper=read \
         --memory-access-mode=rnd run",
        MOVED,
    ),
    script(
        "threads",
        ["Threads that contend for locks", "スレッド(ロックの競合)"],
        "events/s",
        "sysbench threads --time=1 --events=1000 run",
        EVENTS,
    ),
    script(
        "mutex",
        ["Mutexes, taken by four threads", "ミューテックス(4スレッド)"],
        "events/s",
        "sysbench mutex --threads=4 --mutex-num=64 --mutex-locks=20000 --mutex-loops=2000 run",
        EVENTS,
    ),
    script(
        "file-read",
        ["Files, read in order, cached", "ファイル順次読み出し(キャッシュあり)"],
        "MiB/s",
        file_script!("seqrd", ""),
        READ,
    ),
    script(
        "file-read-direct",
        ["Files, read in order, direct", "ファイル順次読み出し(ダイレクトI/O)"],
        "MiB/s",
        file_script!("seqrd", "--file-extra-flags=direct"),
        READ,
    ),
    script(
        "file-random",
        ["Files, read at random, cached", "ファイルランダム読み出し(キャッシュあり)"],
        "MiB/s",
        file_script!("rndrd", ""),
        READ,
    ),
    script(
        "file-random-direct",
        ["Files, read at random, direct", "ファイルランダム読み出し(ダイレクトI/O)"],
        "MiB/s",
        file_script!("rndrd", "--file-extra-flags=direct"),
        READ,
    ),
    script(
        "file-write",
        ["Files, written in order, cached", "ファイル順次書き込み(キャッシュあり)"],
        "MiB/s",
        file_script!("seqwr", ""),
        WRITTEN,
    ),
    script(
        "file-write-direct",
        ["Files, written in order, direct", "ファイル順次書き込み(ダイレクトI/O)"],
        "MiB/s",
        file_script!("seqwr", "--file-extra-flags=direct"),
        WRITTEN,
    ),
    script(
        "file-change",
        ["Files, written at random, cached", "ファイルランダム書き込み(キャッシュあり)"],
        "MiB/s",
        file_script!("rndwr", ""),
        WRITTEN,
    ),
    script(
        "file-change-direct",
        ["Files, written at random, direct", "ファイルランダム書き込み(ダイレクトI/O)"],
        "MiB/s",
        file_script!("rndwr", "--file-extra-flags=direct"),
        WRITTEN,
    ),
    special(
        "network-out",
        ["Network, from the machine to this computer", "ネットワーク(マシンからホストへ)"],
        "MiB/s",
        true,
        How::Wire(Way::Out),
    ),
    special(
        "network-in",
        ["Network, from this computer to the machine", "ネットワーク(ホストからマシンへ)"],
        "MiB/s",
        true,
        How::Wire(Way::In),
    ),
    special(
        "network-latency",
        ["Network, one byte to this computer and back", "ネットワーク(1バイトの往復遅延)"],
        "us",
        false,
        How::Wire(Way::Back),
    ),
    // Where a program is looked for, and the languages that it asks for, are the same for everybody.
    script(
        "processes",
        ["Processes started one after another", "プロセス生成"],
        "processes/s",
        "export PATH=/usr/bin:/bin LC_ALL=C; b=$(date +%s%N); i=0; while [ $i -lt 200 ]; do /usr/bin/env true; i=$((i+1)); done; e=$(date +%s%N); \
         echo \"rate: $((200000000000 / (e - b)))\"",
        Figure::After("rate:"),
    ),
];

/// What measures are taken with.
pub(crate) struct Tools<'a> {
    pub(crate) sysbench: Option<&'a Sysbench>,
    /// Makes a state of its own in a directory, where no box is prepared.
    pub(crate) elsewhere: &'a crate::Elsewhere<'a>,
}

impl Measure {
    pub(crate) fn needs_sysbench(&self) -> bool {
        matches!(self.how, How::Script { script, .. } if script.contains("sysbench"))
    }

    /// Measures once; `None` where it makes no sense, or not now.
    pub(crate) fn take(
        &self,
        context: &Context,
        tools: &Tools<'_>,
        subject: &mut Subject,
    ) -> Result<Option<f64>> {
        match self.how {
            How::ColdStart => machine(subject).map_or(Ok(None), |made| cold_start(context, tools, made)),
            How::Start => subject.start_time(context),
            How::Stop => subject.stop_time(context),
            How::Memory => Ok(idle(context, subject)?.and_then(|(_, processes)| processes.memory())),
            How::Disk => match idle(context, subject)? {
                Some((made, processes)) => footprint::disk(made, &processes),
                None => Ok(None),
            },
            How::Density => machine(subject).map_or(Ok(None), |made| density::measure(context, made)),
            How::Wire(way) => wire::measure(context, subject, way).map(Some),
            How::Script { script, figure } => {
                let sysbench = tools.sysbench.filter(|_| self.needs_sysbench());
                let said = subject.run(context, sysbench, script)?;
                let value = figure.find(&said).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Other,
                        format!("'{}' printed no figure that is known:\n{}", self.name, said.trim()),
                    )
                })?;
                Ok(Some(value))
            }
        }
    }
}

fn machine(subject: &mut Subject) -> Option<&mut Made> {
    match subject {
        Subject::Bare { .. } => None,
        Subject::Machine(made) => Some(made),
    }
}

/// A machine in which nothing was done since it was started, and its processes.
fn idle<'a>(context: &Context, subject: &'a mut Subject) -> Result<Option<(&'a Made, footprint::Processes)>> {
    let Some(made) = machine(subject) else { return Ok(None) };
    made.must_run(context)?;
    if !made.fresh {
        made.remove(context)?;
        made.must_run(context)?;
    }
    let processes = footprint::Processes::of(context, made)?;
    Ok(Some((made, processes)))
}

/// The time from nothing to an answer, in a state in which nothing was ever prepared.
fn cold_start(context: &Context, tools: &Tools<'_>, made: &mut Made) -> Result<Option<f64>> {
    made.remove(context)?;
    made.forget_box(context)?;
    (tools.elsewhere)(context, &mut |context, workshop| {
        let mut first = made.another(context, workshop)?;
        let took = first.must_run(context);
        // Whatever became of it.
        let removed = first.remove(context);
        let took = took?;
        removed?;
        Ok(took)
    })
}

impl Figure {
    fn find(self, text: &str) -> Option<f64> {
        match self {
            Self::After(label) => figure(text, label),
            Self::Rate(count, time) => Some(figure(text, count)? / figure(text, time)?),
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
        assert_eq!(MOVED.find(memory), Some(5747.36));
        assert_eq!(figure("nothing", "rate:"), None);
        assert_eq!(figure("rate: soon", "rate:"), None);
        let threads =
            "    total time:                          0.5000s\n    total number of events:              4\n";
        assert_eq!(EVENTS.find(threads), Some(8.0));
    }
}
