//! What figures show, and what they do not, in words that are made from them.

use crate::evidence::Role;
use crate::measure::{MEASURES, Measure};
use crate::report::{Report, Sample};
use crate::schedule;
use crate::statistics::{Ratio, median};
use crate::table::rounded;
use crate::words::{Language, digits};

/// Measures that belong together, in the order of the page: title in English and Japanese, names.
pub(crate) const GROUPS: &[([&str; 2], &[&str])] = &[
    (["Starting and switching off", "起動と停止"], &["start-cold", "start", "stop"]),
    (["What a machine takes", "マシンが使う資源"], &["memory", "disk", "density"]),
    (
        ["Processor and memory", "CPUとメモリ"],
        &["cpu", "cpu-all", "memory-write", "memory-read", "memory-random-write", "memory-random"],
    ),
    (["Threads and processes", "スレッドとプロセス"], &["threads", "mutex", "processes"]),
    (
        ["Files", "ファイル"],
        &[
            "file-read",
            "file-read-direct",
            "file-random",
            "file-random-direct",
            "file-write",
            "file-write-direct",
            "file-change",
            "file-change-direct",
        ],
    ),
    (["Network", "ネットワーク"], &["network-out", "network-in", "network-latency"]),
];

/// How a subject stands to what it is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Better,
    Worse,
    Same,
    /// Too few values to say.
    Unknown,
}

/// A sample beside its reference.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    pub(crate) sample: &'a Sample,
    pub(crate) ratio: Ratio,
    pub(crate) verdict: Verdict,
}

impl<'a> Standing<'a> {
    pub(crate) fn of(sample: &'a Sample, reference: &Sample) -> Self {
        let ratio = Ratio::of(&sample.values, &reference.values);
        let verdict = if sample.values.len().min(reference.values.len()) < schedule::ENOUGH as usize {
            Verdict::Unknown
        } else if !ratio.differs() {
            Verdict::Same
        } else if (ratio.value > 1.0) == sample.more_is_better {
            Verdict::Better
        } else {
            Verdict::Worse
        };
        Self { sample, ratio, verdict }
    }

    /// How many times as good it is: more for what is better, whatever the measure counts.
    pub(crate) fn goodness(&self) -> f64 {
        if self.sample.more_is_better { self.ratio.value } else { 1.0 / self.ratio.value }
    }
}

/// The measures of a group that were taken, with their references.
pub(crate) fn taken<'a>(report: &'a Report, names: &[&str]) -> Vec<(&'static Measure, &'a Sample)> {
    let known = names.iter().filter_map(|name| MEASURES.iter().find(|measure| measure.name == *name));
    known.filter_map(|measure| Some((measure, report.reference(measure.name)?))).collect()
}

/// All measures that the bare machine has a value of, with how the others stand to it.
pub(crate) fn against_bare(report: &Report) -> Vec<(&'static Measure, Vec<Standing<'_>>)> {
    let names = GROUPS.iter().flat_map(|(_, names)| names.iter().copied());
    let measures = taken(report, &names.collect::<Vec<_>>());
    let bare = measures.into_iter().filter(|(_, reference)| reference.subject == "bare");
    bare.map(|(measure, reference)| (measure, standings(report, measure, reference))).collect()
}

fn standings<'a>(report: &'a Report, measure: &Measure, reference: &Sample) -> Vec<Standing<'a>> {
    let samples = report.subjects.iter().filter_map(|subject| report.sample(measure.name, subject));
    samples
        .filter(|sample| !std::ptr::eq(*sample, reference))
        .map(|sample| Standing::of(sample, reference))
        .collect()
}

/// What the figures of each group show: its title, and sentences.
pub(crate) fn shown(report: &Report, language: Language) -> Vec<(&'static str, Vec<String>)> {
    let mut groups = Vec::new();
    for (titles, names) in GROUPS {
        let measures = taken(report, names);
        let mut sentences = Vec::new();
        for (measure, reference) in measures.iter().filter(|(_, reference)| reference.subject != "bare") {
            sentences.push(ranking(report, measure, reference, language));
        }
        for subject in report.subjects.iter().filter(|name| *name != "bare") {
            let found: Vec<(&Measure, Standing<'_>)> = measures
                .iter()
                .filter(|(_, reference)| reference.subject == "bare")
                .filter_map(|(measure, reference)| {
                    Some((*measure, Standing::of(report.sample(measure.name, subject)?, reference)))
                })
                .collect();
            if !found.is_empty() {
                sentences.push(standing_of(subject, &found, language));
            }
        }
        if !sentences.is_empty() {
            groups.push((language.title(*titles), sentences));
        }
    }
    groups
}

/// A measure that the bare machine has not: the best first, the others as multiples of it.
fn ranking(report: &Report, measure: &Measure, reference: &Sample, language: Language) -> String {
    let mut samples: Vec<&Sample> =
        report.subjects.iter().filter_map(|subject| report.sample(measure.name, subject)).collect();
    samples.sort_by(|one, other| {
        let order = median(&one.values).total_cmp(&median(&other.values));
        if measure.more_is_better { order.reverse() } else { order }
    });
    let best = samples.first().copied().unwrap_or(reference);
    let mut parts = Vec::new();
    for sample in &samples {
        let value = format!(
            "{} {} {}",
            language.subject(&sample.subject),
            rounded(median(&sample.values)),
            language.unit(measure.unit)
        );
        if std::ptr::eq(*sample, best) {
            parts.push(value);
            continue;
        }
        let standing = Standing::of(sample, best);
        let told = match standing.verdict {
            Verdict::Better | Verdict::Worse => {
                let times = times(standing.ratio.value);
                language.pick(format!("{times} times as much"), format!("{times}倍"))
            }
            Verdict::Same => language.pick("no difference", "差なし").to_owned(),
            Verdict::Unknown => {
                let times = times(standing.ratio.value);
                language
                    .pick(format!("{times} times as much; too few rounds"), format!("{times}倍、回数不足"))
            }
        };
        parts.push(language.pick(format!("{value} ({told})"), format!("{value}({told})")));
    }
    let title = language.title(measure.title);
    language.pick(format!("{title}: {}.", parts.join(", ")), format!("{title}: {}。", parts.join("、")))
}

fn times(ratio: f64) -> String {
    let digits = digits(ratio);
    format!("{ratio:.digits$}")
}

/// How many of a group's figures tell a subject from the bare machine, and which.
fn standing_of(subject: &str, found: &[(&Measure, Standing<'_>)], language: Language) -> String {
    let of = |verdict: Verdict| -> Vec<&(&Measure, Standing<'_>)> {
        let mut some: Vec<_> = found.iter().filter(|(_, standing)| standing.verdict == verdict).collect();
        // The furthest from one first.
        let distance = |standing: &Standing<'_>| -standing.goodness().ln().abs();
        some.sort_by(|one, other| distance(&one.1).total_cmp(&distance(&other.1)));
        some
    };
    let list = |some: &[&(&Measure, Standing<'_>)]| {
        let names = some.iter().map(|(measure, standing)| {
            format!("{} ×{}", language.title(measure.title), times(standing.ratio.value))
        });
        names.collect::<Vec<_>>().join(language.pick("; ", "、"))
    };
    let (all, same) = (found.len(), of(Verdict::Same).len());
    let name = language.subject(subject);
    let mut text = if of(Verdict::Unknown).len() == all {
        format!("{name}{}", language.pick(":", ": "))
    } else {
        language.pick(
            format!("{name}: {same} of {all} figures show no difference from the bare machine."),
            format!("{name}: {all}項目中{same}項目は実機と差がありません。"),
        )
    };
    for (verdict, titles) in [
        (Verdict::Worse, ["Worse", "悪い項目"]),
        (Verdict::Better, ["Better", "良い項目"]),
        (Verdict::Unknown, ["Too few rounds to tell", "回数不足で判断できない項目"]),
    ] {
        let some = of(verdict);
        if !some.is_empty() {
            let title = language.title(titles);
            let listed = list(&some);
            text.push_str(&language.pick(format!(" {title}: {listed}."), format!("{title}: {listed}。")));
        }
    }
    text
}

/// What the figures do not tell.
pub(crate) fn not_shown(report: &Report, language: Language) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    let mut say = |words: [&'static str; 2]| sentences.push(language.title(words).to_owned());
    let beneath = report.architectures.first().and_then(|bare| {
        bare.layers.iter().find(|layer| layer.role == Role::Beneath).map(|layer| layer.name.clone())
    });
    say([
        "Other machines, other kernels, and programs that do other things than these tests: a test that does one thing \
         over and over is no application.",
        "他のマシンやカーネル、これらのテストと異なる処理をするプログラムについては分かりません。同じ処理を繰り返すテストは実際のアプリケーションではありません。",
    ]);
    say([
        "Long work and neighbours: each test ran for a second or less, and one machine at a time.",
        "長時間の負荷や、隣で動く他のマシンの影響は分かりません。各テストは1秒以内で、マシンは1台ずつ計測しました。",
    ]);
    say([
        "How well machines are kept apart. A container shares this computer's kernel, a virtual machine does not; that \
         costs something and is worth something, and no figure here says what.",
        "隔離の強さは分かりません。コンテナはこのマシンのカーネルを共有し、仮想マシンは共有しません。その価値はここの数値には表れません。",
    ]);
    let has = |name: &str| report.samples.iter().any(|sample| sample.measure.starts_with(name));
    if has("file-") {
        say([
            "The speed of a disk, where files are cached: those figures are of memory. Direct access goes past the \
             cache of the kernel that the program runs on; below a virtual machine's disk this computer's kernel may \
             cache again.",
            "キャッシュありのファイルの値はディスクではなくメモリの速さです。ダイレクトI/Oはプログラムが動くカーネルのキャッシュを通りませんが、\
             仮想マシンのディスクの下ではホストのカーネルがキャッシュすることがあります。",
        ]);
    }
    if has("network-") {
        say([
            "A real network: the way ends at this computer and no cable is in it. For the bare machine it is the \
             loopback interface.",
            "実際のネットワークの速さは分かりません。通信はこのマシンの中で完結し、実機の値はループバックインターフェースのものです。",
        ]);
    }
    if report.reference("memory").or(report.reference("density")).is_some() {
        say([
            "What a machine holds when it works: memory and density are those of machines that idle. Memory that \
             several processes share is counted by parts.",
            "仕事をしているマシンの使用量は分かりません。メモリと集積度は待機中のマシンの値で、複数のプロセスが共有するメモリは按分しています。",
        ]);
    }
    let better = against_bare(report);
    if better.iter().flat_map(|(_, standings)| standings).any(|one| one.verdict == Verdict::Better) {
        say([
            "That virtualization makes anything faster. Where a machine stands better than the bare one, something else \
             is different: another file system, another cache, another way through the network.",
            "仮想化で速くなるわけではありません。実機より良い値は、ファイルシステム、キャッシュ、ネットワーク経路などの違いによるものです。",
        ]);
    }
    if let Some(beneath) = beneath {
        sentences.push(language.pick(
            format!(
                "A machine of iron: this computer is itself a virtual machine ({beneath}). 'Bare' means without a \
                 further layer, and disks and clocks are those that it is given."
            ),
            format!(
                "物理マシンの値ではありません。このコンピュータ自体が仮想マシンです({beneath})。「実機」はさらなる層がないという意味で、\
                 ディスクや時計も与えられたものです。"
            ),
        ));
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn every_measure_is_in_one_group() {
        for measure in MEASURES {
            let count = GROUPS.iter().filter(|(_, names)| names.contains(&measure.name)).count();
            assert_eq!(count, 1, "{}", measure.name);
        }
        let all: usize = GROUPS.iter().map(|(_, names)| names.len()).sum();
        assert_eq!(all, MEASURES.len());
    }

    #[test]
    fn what_is_worse_is_called_so_whatever_is_counted() {
        let report = report(&[50.0, 50.5, 49.5, 50.0, 50.1]);
        let said = &shown(&report, Language::English)[0].1[0];
        assert!(said.contains("0 of 1") && said.contains("Worse: Processor, one thread"), "{said}");
        let mut latency = report.clone();
        latency.samples.iter_mut().for_each(|sample| sample.more_is_better = false);
        let said = &shown(&latency, Language::English)[0].1[0];
        assert!(said.contains("Better: ") && said.contains("×0.50"), "{said}");
        assert!(not_shown(&latency, Language::English).iter().any(|line| line.starts_with("That virtual")));
    }

    #[test]
    fn three_values_of_which_one_differs_prove_nothing() {
        let said = &shown(&report(&[50.0, 50.5]), Language::Japanese)[0].1[0];
        assert!(said.contains("回数不足") && !said.contains("悪い") && !said.contains("差が"), "{said}");
    }

    #[test]
    fn machines_are_ranked_where_the_bare_one_has_no_value() {
        let mut report = report(&[40.0; 5]);
        for (sample, name) in report.samples.iter_mut().zip(["docker", "container"]) {
            sample.measure = "start".into();
            sample.unit = "ms".into();
            sample.more_is_better = false;
            sample.subject = name.into();
        }
        report.subjects = vec!["bare".into(), "docker".into(), "container".into()];
        let said = &shown(&report, Language::English)[0].1[0];
        assert!(said.contains("container 40.0 ms, docker 100.0 ms (2.50 times as much)"), "{said}");
    }
}
