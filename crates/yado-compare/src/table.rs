//! The figures as text: a table with bars for people, and lines for spreadsheets.

use crate::measure::MEASURES;
use crate::report::{Report, Sample};
use crate::statistics::{median, quantile, spread};
use crate::words::Language;

/// How wide the longest bar is.
const WIDTH: f64 = 24.0;

/// The figures with bars, readable without colour: the ratio to the bare machine first.
pub fn table(report: &Report, language: Language) -> String {
    let system = &report.system;
    let mut text = language.pick(
        format!("{} processors ({}), Linux {}\n", system.processors, system.processor, system.kernel),
        format!("CPU {}個({})、Linux {}\n", system.processors, system.processor, system.kernel),
    );
    let names = report.subjects.iter().map(|name| columns(language.subject(name)));
    let width = names.max().unwrap_or(0);
    for measure in MEASURES {
        let Some(reference) = report.reference(measure.name) else { continue };
        let title = language.title(measure.title);
        let (unit, better) = (language.unit(measure.unit), language.better(measure.more_is_better));
        text.push_str(&format!("\n{title} [{}] ({unit}, {better})\n", measure.name));
        let most = report
            .subjects
            .iter()
            .filter_map(|subject| report.sample(measure.name, subject))
            .map(|sample| quantile(&sample.values, 0.75))
            .fold(f64::MIN, f64::max);
        for subject in &report.subjects {
            let name = padded(language.subject(subject), width);
            if let Some(sample) = report.sample(measure.name, subject) {
                text.push_str(&format!(
                    "  {name}  {}  {:>9}  ±{:>4.1} %  {}\n",
                    padded(&language.told(sample, reference), 34),
                    rounded(median(&sample.values)),
                    spread(&sample.values) * 100.0,
                    bar(sample, most),
                ));
            } else if report.gaps.iter().any(|gap| gap.measure == measure.name && gap.subject == *subject) {
                let gap = language.pick("not measured, see below", "計測不可(下記参照)");
                text.push_str(&format!("  {name}  {gap}\n"));
            }
        }
    }
    for gap in &report.gaps {
        let not = language.pick("not measured", "計測不可");
        text.push_str(&format!("\n{} / {}: {not}. {}\n", gap.measure, gap.subject, gap.why.trim()));
    }
    if report.samples.iter().any(|sample| sample.measure == "density") {
        text.push_str(&format!("\n{}\n", language.density_note()));
    }
    for warning in language.emulation(report).into_iter().chain(language.noise(report)) {
        text.push_str(&format!("\n{warning}\n"));
    }
    text
}

/// A bar to the lower quartile, a mark at the median, and dashes up to the upper quartile.
fn bar(sample: &Sample, most: f64) -> String {
    let place = |value: f64| (value / most * WIDTH).round() as usize;
    let (low, middle, high) = (
        place(quantile(&sample.values, 0.25)),
        place(median(&sample.values)),
        place(quantile(&sample.values, 0.75)),
    );
    let mut text = "#".repeat(low);
    text.push_str(&"=".repeat(middle.saturating_sub(low)));
    text.push('|');
    text.push_str(&"-".repeat(high.saturating_sub(middle)));
    text
}

/// How many columns of a terminal a text takes: two for each character of East Asian scripts.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|letter| if ('\u{2e80}'..='\u{ffe6}').contains(&letter) { 2 } else { 1 }).sum()
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Gap;
    use crate::report::tests::report;

    #[test]
    fn half_is_told_as_half_and_the_same_as_no_difference() {
        let english = |values: &[f64]| table(&report(values), Language::English);
        assert!(english(&[50.0, 50.5, 49.5, 50.0, 50.1]).contains("0.50 ("));
        assert!(english(&[50.0, 50.5, 49.5]).contains("few rounds)"));
        assert!(english(&[100.0, 99.0, 101.0, 100.5, 99.8]).contains("(no difference)"));
        let japanese = table(&report(&[100.0, 99.0, 101.0, 100.5, 99.8]), Language::Japanese);
        assert!(japanese.contains("(差なし)") && japanese.contains("実機"), "{japanese}");
    }

    #[test]
    fn what_could_not_be_measured_is_told() {
        let mut report = report(&[1.0]);
        report.samples.pop();
        report.gaps.push(Gap {
            measure: "cpu".into(),
            subject: "container".into(),
            why: "It is out.".into(),
        });
        let said = table(&report, Language::English);
        assert!(said.contains("not measured, see below") && said.contains("It is out."), "{said}");
    }

    #[test]
    fn a_bar_shows_median_and_quartiles() {
        let report = report(&[50.0, 60.0, 70.0]);
        let drawn = bar(&report.samples[1], 120.0);
        assert_eq!(drawn, format!("{}=|--", "#".repeat(11)).replace("=|--", "=|-"), "{drawn}");
    }

    #[test]
    fn every_value_has_its_line() {
        assert_eq!(csv(&report(&[1.0, 2.0, 3.0, 4.0])).lines().count(), 10);
    }
}
