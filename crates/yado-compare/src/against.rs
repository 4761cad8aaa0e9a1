//! What is otherwise than in an older report, beyond what chance explains.
//!
//! Between two runs a whole machine may have become slower or faster. Where the bare machine was measured, too, what is
//! compared is each subject's ratio to it, and the bare machine's own change is told apart from that.

use crate::report::{Report, Sample};
use crate::statistics::{ENOUGH, Ratio, median};
use crate::table::rounded;
use crate::words::Language;

/// What changed, a line each, and how much was looked at.
pub fn against(report: &Report, older: &Report, language: Language) -> String {
    let mut text = String::new();
    let (system, before) = (&report.system, &older.system);
    let mut say = |english: String, japanese: String| {
        text.push_str(&language.pick(english, japanese));
        text.push('\n');
    };
    if system.kernel != before.kernel || system.processor != before.processor {
        let (processor, kernel) = (&before.processor, &before.kernel);
        say(
            format!("The older figures are of another machine or kernel ({processor}, Linux {kernel})."),
            format!("以前の数値は別のマシンまたはカーネルのものです({processor}、Linux {kernel})。"),
        );
    }
    if report.sysbench != older.sysbench && !older.sysbench.is_empty() {
        let (new, old) = (&report.sysbench, &older.sysbench);
        say(
            format!("The older figures are of {old}, these of {new}."),
            format!("以前の数値は{old}、今回は{new}によるものです。"),
        );
    }
    let (mut looked_at, mut few, mut changed) = (0, Vec::new(), 0);
    for sample in &report.samples {
        let Some(old) = older.sample(&sample.measure, &sample.subject) else { continue };
        if sample.values.len().min(old.values.len()) < ENOUGH {
            few.push(of(sample, language));
            continue;
        }
        looked_at += 1;
        if let Some([english, japanese]) = change(report, older, sample, old) {
            changed += 1;
            say(english, japanese);
        }
    }
    if changed == 0 && looked_at > 0 {
        say(
            format!("Nothing has changed beyond what chance explains ({looked_at} figures)."),
            format!("偶然で説明できる範囲を超える変化はありません({looked_at}項目)。"),
        );
    } else if looked_at > 0 {
        say(
            format!(
                "{changed} of {looked_at} figures have changed; of as many that did not, about one in 100 would seem to."
            ),
            format!(
                "{looked_at}項目中{changed}項目が変化しました。変化がなくても100項目に1つほどは変化したように見えます。"
            ),
        );
    }
    if !few.is_empty() {
        say(
            format!(
                "Too few values to tell (fewer than {ENOUGH} in one of the runs; '--rounds {ENOUGH}' takes enough): {}.",
                few.join(", ")
            ),
            format!(
                "回数不足で判断できない項目(どちらかが{ENOUGH}回未満。'--rounds {ENOUGH}'で足ります): {}。",
                few.join("、")
            ),
        );
    }
    if looked_at == 0 && few.is_empty() {
        say("The two have no figure in common.".to_owned(), "共通する項目がありません。".to_owned());
    }
    text
}

fn of(sample: &Sample, language: Language) -> String {
    let (measure, subject) = (&sample.measure, language.subject(&sample.subject));
    language.pick(format!("{measure} of {subject}"), format!("{subject}の{measure}"))
}

/// What changed of one figure, in English and Japanese.
fn change(report: &Report, older: &Report, sample: &Sample, old: &Sample) -> Option<[String; 2]> {
    let bare = report.sample(&sample.measure, "bare").filter(|bare| bare.values.len() >= ENOUGH);
    let bare_before = older.sample(&sample.measure, "bare").filter(|bare| bare.values.len() >= ENOUGH);
    let one: &[f64] = &[1.0];
    let (ratio, held_against) = match (bare, bare_before) {
        (Some(bare), Some(before)) if sample.subject != "bare" => {
            let ratio = Ratio::of_ratios([&sample.values, &bare.values], [&old.values, &before.values]);
            (ratio, [" against the bare machine", "実機との比で"])
        }
        _ => (Ratio::of_ratios([&sample.values, one], [&old.values, one]), ["", ""]),
    };
    if !ratio.differs() {
        return None;
    }
    let better = (ratio.value > 1.0) == sample.more_is_better;
    let (new, before) = (rounded(median(&sample.values)), rounded(median(&old.values)));
    let Ratio { value, low, high } = ratio;
    Some([
        format!(
            "{}: {new} {}, was {before}: {value:.2} times{} ({low:.2} to {high:.2}), {}",
            of(sample, Language::English),
            sample.unit,
            held_against[0],
            if better { "better" } else { "worse" }
        ),
        format!(
            "{}: {before}から{new} {}へ。{}{value:.2}倍({low:.2}〜{high:.2})、{}",
            of(sample, Language::Japanese),
            Language::Japanese.unit(&sample.unit),
            held_against[1],
            if better { "改善" } else { "悪化" }
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn what_changed_is_told_and_whether_for_the_better() {
        let (slow, fast) = (report(&[50.0, 50.5, 49.5, 50.0, 50.2]), report(&[80.0, 81.0, 79.0, 80.0, 80.4]));
        let said = against(&fast, &slow, Language::English);
        assert!(
            said.contains("cpu of container: 80.0 events/s, was 50.0: 1.60 times against the bare"),
            "{said}"
        );
        assert!(said.contains("better") && said.contains("1 of 2 figures have changed"), "{said}");
        let japanese = against(&fast, &slow, Language::Japanese);
        assert!(japanese.contains("containerのcpu") && japanese.contains("改善"), "{japanese}");
        assert!(against(&slow, &slow, Language::English).starts_with("Nothing has changed"));
    }

    #[test]
    fn a_machine_that_is_busier_as_a_whole_blames_no_subject() {
        let quiet = report(&[50.0, 50.5, 49.5, 50.0, 50.2]);
        let mut busy = quiet.clone();
        for sample in &mut busy.samples {
            sample.values.iter_mut().for_each(|value| *value *= 0.7);
        }
        let said = against(&busy, &quiet, Language::English);
        assert!(said.contains("cpu of bare") && !said.contains("cpu of container"), "{said}");
    }

    #[test]
    fn three_values_prove_nothing() {
        let (slow, fast) = (report(&[50.0, 50.5, 49.5]), report(&[80.0, 81.0, 79.0]));
        let said = against(&fast, &slow, Language::English);
        assert!(said.contains("Too few values") && !said.contains("1.60"), "{said}");
    }
}
