//! What is otherwise than in an older report, beyond what chance explains.
//!
//! Between two runs a whole machine may have become slower or faster. Where the bare machine was measured, too, what is
//! compared is each subject's ratio to it, and the bare machine's own change is told apart from that.

use std::fmt::Write;

use crate::report::{Report, Sample};
use crate::statistics::{ENOUGH, Ratio, median};
use crate::table::rounded;

/// What changed, a line each, and how much was looked at.
pub fn against(report: &Report, older: &Report) -> String {
    let mut text = String::new();
    let (system, before) = (&report.system, &older.system);
    if system.kernel != before.kernel || system.processor != before.processor {
        // Writing to a string does not fail.
        _ = writeln!(
            text,
            "The older figures are of another machine or kernel ({}, Linux {}).",
            before.processor, before.kernel
        );
    }
    if report.sysbench != older.sysbench && !older.sysbench.is_empty() {
        _ = writeln!(text, "The older figures are of {}, these of {}.", older.sysbench, report.sysbench);
    }
    let (mut looked_at, mut few, mut changed) = (0, Vec::new(), 0);
    for sample in &report.samples {
        let Some(old) = older.sample(&sample.measure, &sample.subject) else { continue };
        if sample.values.len().min(old.values.len()) < ENOUGH {
            few.push(format!("{} of {}", sample.measure, sample.subject));
            continue;
        }
        looked_at += 1;
        if let Some(line) = change(report, older, sample, old) {
            changed += 1;
            text.push_str(&line);
        }
    }
    if changed == 0 && looked_at > 0 {
        _ = writeln!(text, "Nothing has changed beyond what chance explains ({looked_at} figures).");
    } else if looked_at > 0 {
        _ = writeln!(
            text,
            "{changed} of {looked_at} figures have changed; of as many that did not, about one in 100 would seem to."
        );
    }
    if !few.is_empty() {
        _ = writeln!(
            text,
            "Too few values to tell (fewer than {ENOUGH} in one of the runs; '--rounds {ENOUGH}' takes enough): {}.",
            few.join(", ")
        );
    }
    if looked_at == 0 && few.is_empty() {
        text.push_str("The two have no figure in common.\n");
    }
    text
}

fn change(report: &Report, older: &Report, sample: &Sample, old: &Sample) -> Option<String> {
    let bare = report.sample(&sample.measure, "bare").filter(|bare| bare.values.len() >= ENOUGH);
    let bare_before = older.sample(&sample.measure, "bare").filter(|bare| bare.values.len() >= ENOUGH);
    let one: &[f64] = &[1.0];
    let (ratio, held_against) = match (bare, bare_before) {
        (Some(bare), Some(before)) if sample.subject != "bare" => {
            let ratio = Ratio::of_ratios([&sample.values, &bare.values], [&old.values, &before.values]);
            (ratio, " against the bare machine")
        }
        _ => (Ratio::of_ratios([&sample.values, one], [&old.values, one]), ""),
    };
    if !ratio.differs() {
        return None;
    }
    let better = (ratio.value > 1.0) == sample.more_is_better;
    Some(format!(
        "{} of {}: {} {}, was {}: {:.2} times{held_against} ({:.2} to {:.2}), {}\n",
        sample.measure,
        sample.subject,
        rounded(median(&sample.values)),
        sample.unit,
        rounded(median(&old.values)),
        ratio.value,
        ratio.low,
        ratio.high,
        if better { "better" } else { "worse" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn what_changed_is_told_and_whether_for_the_better() {
        let (slow, fast) = (report(&[50.0, 50.5, 49.5, 50.0, 50.2]), report(&[80.0, 81.0, 79.0, 80.0, 80.4]));
        let said = against(&fast, &slow);
        assert!(
            said.contains("cpu of container: 80.0 events/s, was 50.0: 1.60 times against the bare"),
            "{said}"
        );
        assert!(said.contains("better") && said.contains("1 of 2 figures have changed"), "{said}");
        assert!(against(&slow, &slow).starts_with("Nothing has changed"));
    }

    #[test]
    fn a_machine_that_is_busier_as_a_whole_blames_no_subject() {
        let quiet = report(&[50.0, 50.5, 49.5, 50.0, 50.2]);
        let mut busy = quiet.clone();
        for sample in &mut busy.samples {
            sample.values.iter_mut().for_each(|value| *value *= 0.7);
        }
        let said = against(&busy, &quiet);
        assert!(said.contains("cpu of bare") && !said.contains("cpu of container"), "{said}");
    }

    #[test]
    fn three_values_prove_nothing() {
        let (slow, fast) = (report(&[50.0, 50.5, 49.5]), report(&[80.0, 81.0, 79.0]));
        let said = against(&fast, &slow);
        assert!(said.contains("Too few values") && !said.contains("1.60"), "{said}");
    }
}
