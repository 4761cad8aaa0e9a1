//! [`Language`]: which language a report speaks, and the sentences that table and page have in common.

use crate::density::BESIDE;
use crate::report::{Report, Sample};
use crate::schedule;
use crate::statistics::{ENOUGH, Ratio, spread};

/// Spread of the reference's own values above which differences of a few percent mean nothing.
const NOISY: f64 = 0.05;

/// The language of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// The language of a locale's name such as `ja_JP.UTF-8`.
    pub fn of_locale(locale: &str) -> Self {
        let name = locale.split(['_', '.', '@']).next().unwrap_or_default();
        if name == "ja" { Self::Japanese } else { Self::English }
    }

    /// Its code, as pages name it.
    pub(crate) fn code(self) -> &'static str {
        self.pick("en", "ja")
    }

    /// Of two texts the one in this language.
    pub(crate) fn pick<T>(self, english: T, japanese: T) -> T {
        match self {
            Self::English => english,
            Self::Japanese => japanese,
        }
    }

    pub(crate) fn title(self, titles: [&'static str; 2]) -> &'static str {
        self.pick(titles[0], titles[1])
    }

    /// Which direction of a measure is good.
    pub(crate) fn better(self, more: bool) -> &'static str {
        match (self, more) {
            (Self::English, true) => "more is better",
            (Self::English, false) => "less is better",
            (Self::Japanese, true) => "大きいほど良い",
            (Self::Japanese, false) => "小さいほど良い",
        }
    }

    /// A unit, as this language writes it.
    pub(crate) fn unit(self, unit: &str) -> &str {
        match (self, unit) {
            (_, "us") => "µs",
            (Self::Japanese, "events/s") => "回/秒",
            (Self::Japanese, "processes/s") => "プロセス/秒",
            (Self::Japanese, "machines") => "台",
            _ => unit,
        }
    }

    /// A subject's name; the bare machine's in this language.
    pub(crate) fn subject(self, name: &str) -> &str {
        if name == "bare" { self.pick("bare", "実機") } else { name }
    }

    /// What a subject's values are to the reference's.
    pub(crate) fn told(self, sample: &Sample, reference: &Sample) -> String {
        if std::ptr::eq(sample, reference) {
            return self.pick("reference", "基準").to_owned();
        }
        let ratio = Ratio::of(&sample.values, &reference.values);
        // Of small ratios, too, two digits count.
        let digits = digits(ratio.value);
        let [value, low, high] =
            [ratio.value, ratio.low, ratio.high].map(|value| format!("{value:.digits$}"));
        let few = sample.values.len().min(reference.values.len());
        if few < schedule::ENOUGH as usize {
            return format!("{value} {}", self.pick("(too few rounds)", "(回数不足)"));
        }
        if !ratio.differs() {
            return format!("{value} {}", self.pick("(no difference)", "(差なし)"));
        }
        let few = if few < ENOUGH { self.pick(", few rounds", "、少数回") } else { "" };
        match self {
            Self::English => format!("{value} ({low} to {high}{few})"),
            Self::Japanese => format!("{value} ({low}〜{high}{few})"),
        }
    }

    /// Whether this machine is too restless to tell small differences.
    pub(crate) fn noise(self, report: &Report) -> Vec<String> {
        let mut found = Vec::new();
        let system = &report.system;
        if system.load > system.processors as f64 / 2.0 {
            let (load, processors) = (system.load, system.processors);
            found.push(self.pick(
                format!(
                    "Other programs were at work when this began (load {load:.1} on {processors} processors), and the \
                     figures are those of a busy machine. Repeat it when nothing else runs."
                ),
                format!(
                    "計測開始時に他のプログラムが動いていました(CPU {processors}個に対しロードアベレージ{load:.1})。\
                     これは負荷のかかったマシンでの値です。ほかに何も動いていないときに測り直してください。"
                ),
            ));
        }
        let restless: Vec<&str> = report
            .samples
            .iter()
            .filter(|sample| {
                report.reference(&sample.measure).is_some_and(|reference| std::ptr::eq(reference, *sample))
                    && sample.values.len() >= 3
                    && spread(&sample.values) > NOISY
            })
            .map(|sample| sample.measure.as_str())
            .collect();
        if !restless.is_empty() {
            let names = restless.join(", ");
            found.push(self.pick(
                format!(
                    "This machine was too restless to tell differences of a few percent in: {names}. Repeat it when \
                     nothing else runs, or with a longer '--time'."
                ),
                format!(
                    "ばらつきが大きく、次の項目では数パーセントの差を判別できません: {names}。\
                     ほかに何も動いていないときに測り直すか、'--time'を長くしてください。"
                ),
            ));
        }
        found
    }

    /// Which subjects are no virtualization but emulation, if any.
    pub(crate) fn emulation(self, report: &Report) -> Option<String> {
        let emulated: Vec<&str> = report
            .architectures
            .iter()
            .filter(|architecture| architecture.emulated)
            .map(|architecture| architecture.subject.as_str())
            .collect();
        (!emulated.is_empty()).then(|| {
            let names = emulated.join(", ");
            self.pick(
                format!(
                    "{names}: this is emulation, not KVM. A program translates every instruction of the machine, because \
                     the kernel's virtualization (/dev/kvm) could not be used here. The figures say what emulation costs, \
                     and nothing about virtual machines that run on KVM."
                ),
                format!(
                    "{names}: これはKVMではなくエミュレーションです。カーネルの仮想化機能(/dev/kvm)がここでは使えないため、\
                     マシンの命令をすべてプログラムが翻訳して実行しています。この数値が示すのはエミュレーションのコストであり、\
                     KVM上の仮想マシンの性能ではありません。"
                ),
            )
        })
    }

    /// What density does not tell.
    pub(crate) fn density_note(self) -> String {
        self.pick(
            format!(
                "Density is extrapolated from {BESIDE} idle machines that ran side by side, and from memory alone (their \
                 processes' and what the kernel's own grew by): processors, processes or addresses may end it earlier, \
                 and machines that work hold more."
            ),
            format!(
                "集積度は、同時に動かした待機中のマシン{BESIDE}台のメモリ使用量(プロセスの分とカーネル自身の増加分)からの外挿です。CPU、プロセス数、\
                 アドレスなどが先に限界となることがあり、仕事をしているマシンはより多くのメモリを使います。"
            ),
        )
    }
}

/// How many digits after the point a ratio is told with.
pub(crate) fn digits(ratio: f64) -> usize {
    match ratio {
        ratio if ratio < 0.1 => 4,
        ratio if ratio < 20.0 => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn locales_choose_the_language() {
        for (locale, language) in [
            ("ja_JP.UTF-8", Language::Japanese),
            ("ja", Language::Japanese),
            ("C", Language::English),
            ("jam_JM", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of_locale(locale), language, "{locale}");
        }
    }

    #[test]
    fn a_restless_or_busy_machine_is_told() {
        let mut noisy = report(&[100.0; 5]);
        assert!(Language::English.noise(&noisy).is_empty());
        noisy.samples[0].values = vec![100.0, 60.0, 140.0, 90.0];
        noisy.system.load = 7.0;
        let said = Language::English.noise(&noisy);
        assert!(said[0].contains("load 7.0") && said[1].contains("cpu"), "{said:?}");
    }
}
