//! The figures as text: a table with bars for people, lines for spreadsheets, and what changed since another run.

use crate::measure::MEASURES;
use crate::report::{Report, Sample};
use crate::statistics::{Ratio, median, spread};

/// How wide a bar of the reference is.
const WIDTH: f64 = 24.0;

/// Spread of the bare machine's own values above which differences of a few percent mean nothing.
const NOISY: f64 = 0.05;

/// The figures with bars, readable without colour.
pub fn table(report: &Report) -> String {
    let mut text = format!(
        "{} processors ({}), Linux {}\n",
        report.system.processors, report.system.processor, report.system.kernel
    );
    let width = report.subjects.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for measure in MEASURES {
        let Some(reference) = report.reference(measure.name) else { continue };
        let better = if measure.more_is_better { "more is better" } else { "less is better" };
        text.push_str(&format!("\n{} ({}, {better})\n", measure.title, measure.unit));
        let most = report
            .subjects
            .iter()
            .filter_map(|subject| report.sample(measure.name, subject))
            .map(|sample| median(&sample.values))
            .fold(f64::MIN, f64::max);
        for subject in &report.subjects {
            let Some(sample) = report.sample(measure.name, subject) else { continue };
            let middle = median(&sample.values);
            let bar = "#".repeat((middle / most * WIDTH).round() as usize);
            text.push_str(&format!(
                "  {subject:<width$}  {:>11}  +-{:>4.1} %  {:<25}  {bar}\n",
                rounded(middle),
                spread(&sample.values) * 100.0,
                told(sample, reference),
            ));
        }
    }
    if let Some(warning) = noise(report) {
        text.push_str(&format!("\n{warning}\n"));
    }
    text
}

/// What a subject's values are to the reference's, in words.
pub(crate) fn told(sample: &Sample, reference: &Sample) -> String {
    if std::ptr::eq(sample, reference) {
        return "reference".to_owned();
    }
    let ratio = Ratio::of(&sample.values, &reference.values);
    if sample.values.len() < 3 {
        return format!("{:.2} (too few rounds)", ratio.value);
    }
    if !ratio.differs() {
        return format!("{:.2} (no difference)", ratio.value);
    }
    format!("{:.2} ({:.2} to {:.2})", ratio.value, ratio.low, ratio.high)
}

/// Whether this machine is too restless to tell small differences.
pub(crate) fn noise(report: &Report) -> Option<String> {
    let restless: Vec<&str> = report
        .samples
        .iter()
        .filter(|sample| {
            sample.subject == "bare" && sample.values.len() >= 3 && spread(&sample.values) > NOISY
        })
        .map(|sample| sample.measure.as_str())
        .collect();
    (!restless.is_empty()).then(|| {
        format!(
            "This machine was too restless to tell differences of a few percent in: {}. Repeat it when nothing else \
             runs, or with a longer '--time'.",
            restless.join(", ")
        )
    })
}

/// A number with about four digits that count.
pub(crate) fn rounded(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// All values, one a line: measure, subject, unit, round, value.
pub fn csv(report: &Report) -> String {
    let mut text = String::from("measure,subject,unit,round,value\n");
    for sample in &report.samples {
        for (round, value) in sample.values.iter().enumerate() {
            let subject = sample.subject.replace('"', "\"\"");
            text.push_str(&format!(
                "{},\"{subject}\",{},{},{value}\n",
                sample.measure,
                sample.unit,
                round + 1
            ));
        }
    }
    text
}

/// What is otherwise than in an older report, beyond what chance explains.
pub fn against(report: &Report, older: &Report) -> String {
    let mut text = String::new();
    if report.system.kernel != older.system.kernel || report.system.processor != older.system.processor {
        text.push_str(&format!(
            "The older figures are of another machine or kernel ({}, Linux {}).\n",
            older.system.processor, older.system.kernel
        ));
    }
    for sample in &report.samples {
        let Some(before) = older.sample(&sample.measure, &sample.subject) else { continue };
        let ratio = Ratio::of(&sample.values, &before.values);
        if !ratio.differs() {
            continue;
        }
        let better = (ratio.value > 1.0) == sample.more_is_better;
        text.push_str(&format!(
            "{} of {}: {} {}, was {}: {:.2} times ({:.2} to {:.2}), {}\n",
            sample.measure,
            sample.subject,
            rounded(median(&sample.values)),
            sample.unit,
            rounded(median(&before.values)),
            ratio.value,
            ratio.low,
            ratio.high,
            if better { "better" } else { "worse" }
        ));
    }
    if text.is_empty() {
        text.push_str("Nothing has changed beyond what chance explains.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::System;

    fn report(container: [f64; 4]) -> Report {
        let sample = |subject: &str, values: [f64; 4]| Sample {
            measure: "cpu".into(),
            subject: subject.into(),
            unit: "events/s".into(),
            more_is_better: true,
            values: values.to_vec(),
        };
        Report {
            system: System { kernel: "6".into(), processor: "p".into(), processors: 2, time: 0 },
            subjects: vec!["bare".into(), "container".into()],
            samples: vec![sample("bare", [100.0, 101.0, 99.0, 100.0]), sample("container", container)],
        }
    }

    #[test]
    fn half_is_told_as_half_and_the_same_as_no_difference() {
        assert!(table(&report([50.0, 50.5, 49.5, 50.0])).contains("0.50 ("));
        assert!(table(&report([100.0, 99.0, 101.0, 100.5])).contains("(no difference)"));
    }

    #[test]
    fn a_restless_machine_is_told() {
        let mut noisy = report([100.0; 4]);
        assert!(noise(&noisy).is_none());
        noisy.samples[0].values = vec![100.0, 60.0, 140.0, 90.0];
        assert!(noise(&noisy).unwrap().contains("cpu"));
    }

    #[test]
    fn what_changed_is_told_and_whether_for_the_better() {
        let (slow, fast) = (report([50.0, 50.5, 49.5, 50.0]), report([80.0, 81.0, 79.0, 80.0]));
        assert!(against(&fast, &slow).contains("cpu of container: 80.0 events/s, was 50.0: 1.60 times"));
        assert!(against(&fast, &slow).contains("better"));
        assert!(against(&slow, &slow).starts_with("Nothing has changed"));
    }

    #[test]
    fn every_value_has_its_line() {
        assert_eq!(csv(&report([1.0, 2.0, 3.0, 4.0])).lines().count(), 9);
    }
}
