//! Charts as SVG that need neither colour nor scripts: every bar and mark has its words beside it, and what a mark means
//! is its shape.

use crate::findings::{Standing, Verdict};
use crate::measure::Measure;
use crate::report::{Report, Sample};
use crate::statistics::{median, quantile};
use crate::table::{columns, rounded};
use crate::words::Language;

/// How wide charts are, in their own units; they are shown as wide as the page is, so that a unit is about a pixel on a
/// telephone.
const WIDTH: f64 = 440.0;

/// Horizontal bars to the medians, with the quartiles as a line on them.
pub(crate) fn bars(samples: &[&Sample], language: Language) -> String {
    const ROW: usize = 44;
    let most = samples.iter().map(|sample| quantile(&sample.values, 0.75)).fold(f64::MIN, f64::max);
    let scale = |value: f64| value / most * (WIDTH - 20.0);
    let mut rows = String::new();
    for (number, sample) in samples.iter().enumerate() {
        let top = number * ROW;
        let middle = median(&sample.values);
        let (low, high) = (quantile(&sample.values, 0.25), quantile(&sample.values, 0.75));
        rows.push_str(&format!(
            "<text x=\"0\" y=\"{}\">{}: {} {}</text><rect class=\"bar\" x=\"0\" y=\"{}\" width=\"{:.1}\" height=\"16\"/>\
             <line class=\"range\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{}\" y2=\"{}\"/>\n",
            top + 14,
            escaped(&shortened(language.subject(&sample.subject))),
            rounded(middle),
            language.unit(&sample.unit),
            top + 19,
            scale(middle),
            scale(low),
            scale(high),
            top + 27,
            top + 27,
        ));
    }
    format!("<svg role=\"img\" viewBox=\"0 0 {WIDTH} {}\">\n{rows}</svg>\n", samples.len() * ROW)
}

/// How subjects stand to the bare machine in all measures at once: a lane for each measure, a mark for each subject,
/// further right where it is better. Empty when nothing was measured of the bare machine.
pub(crate) fn overview(
    report: &Report,
    measures: &[(&Measure, Vec<Standing<'_>>)],
    language: Language,
) -> String {
    const LANE: usize = 40;
    let all = || measures.iter().flat_map(|(_, standings)| standings);
    if all().next().is_none() {
        return String::new();
    }
    let scale = Scale::over(all().map(Standing::goodness));
    let subjects: Vec<&String> = report.subjects.iter().filter(|name| *name != "bare").collect();
    let mut text = String::new();
    for (place, subject) in subjects.iter().enumerate() {
        let y = place * 22 + 12;
        text.push_str(&mark(place, 8.0, y as f64, true, ""));
        text.push_str(&format!(
            "<text x=\"22\" y=\"{}\">{}</text>\n",
            y + 5,
            escaped(&shortened(language.subject(subject)))
        ));
    }
    let top = subjects.len() * 22 + 30;
    let bottom = top + measures.len() * LANE;
    for tick in scale.ticks() {
        let (x, class) = (scale.x(tick), if tick == 1.0 { "one" } else { "tick" });
        text.push_str(&format!(
            "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>\
             <text class=\"small\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{}\">{tick}</text>\n",
            top - 5
        ));
    }
    for (number, (measure, standings)) in measures.iter().enumerate() {
        let y = top + number * LANE;
        text.push_str(&format!(
            "<text class=\"small\" x=\"0\" y=\"{}\">{}</text>\n",
            y + 14,
            escaped(language.title(measure.title))
        ));
        for standing in standings {
            let Some(place) = subjects.iter().position(|name| **name == standing.sample.subject) else {
                continue;
            };
            let name = escaped(&standing.sample.subject);
            let (x, y) = (scale.x(standing.goodness()), y as f64 + 27.0);
            let told = matches!(standing.verdict, Verdict::Better | Verdict::Worse);
            let words = format!("{name}, {}: {:.2}", measure.name, standing.ratio.value);
            text.push_str(&mark(place, x, y, told, &words));
        }
    }
    format!("<svg role=\"img\" class=\"overview\" viewBox=\"0 0 {WIDTH} {}\">\n{text}</svg>\n", bottom + 4)
}

/// A subject's mark: its shape tells which subject it is, and whether it is filled, that it differs.
fn mark(subject: usize, x: f64, y: f64, filled: bool, words: &str) -> String {
    let class = if filled { "mark" } else { "mark hollow" };
    let polygon = |points: &[(f64, f64)]| {
        let points: Vec<String> =
            points.iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy)).collect();
        format!("polygon points=\"{}\"", points.join(" "))
    };
    let shape = match subject % 5 {
        0 => format!("circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\""),
        1 => polygon(&[(-5.5, -5.5), (5.5, -5.5), (5.5, 5.5), (-5.5, 5.5)]),
        2 => polygon(&[(0.0, -7.0), (7.0, 5.5), (-7.0, 5.5)]),
        3 => polygon(&[(0.0, -7.5), (7.5, 0.0), (0.0, 7.5), (-7.5, 0.0)]),
        _ => polygon(&[(-7.0, -5.5), (7.0, -5.5), (0.0, 7.0)]),
    };
    let title = if words.is_empty() { String::new() } else { format!("<title>{words}</title>") };
    let element = shape.split(' ').next().unwrap_or_default();
    format!("<{shape} class=\"{class}\">{title}</{element}>\n")
}

/// Places ratios on a line, equal factors at equal distances.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// A scale with all of these and one on it. What has no place on such a scale is left out of account.
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (0.8_f64, 1.25_f64);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            low = low.min(value * 0.9);
            high = high.max(value * 1.1);
        }
        Self { low, high }
    }

    fn x(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        14.0 + (value / self.low).ln() / (self.high / self.low).ln() * (WIDTH - 28.0)
    }

    /// Round numbers on it, so few that their words do not meet.
    fn ticks(&self) -> Vec<f64> {
        const ALL: [f64; 15] =
            [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 1.0, 1.25, 2.0, 5.0, 10.0, 100.0, 1000.0];
        let mut chosen = vec![1.0];
        // Those that say most come first: whole powers of ten.
        let mut order = ALL.to_vec();
        order.sort_by_key(|tick| (tick.log10().fract() != 0.0, *tick == 0.8 || *tick == 1.25));
        for tick in order.into_iter().filter(|tick| (self.low..=self.high).contains(tick)) {
            if chosen.iter().all(|other| (self.x(*other) - self.x(tick)).abs() > 34.0) {
                chosen.push(tick);
            }
        }
        chosen
    }
}

/// A name that fits into a chart.
fn shortened(name: &str) -> String {
    const MOST: usize = 40;
    if columns(name) <= MOST {
        return name.to_owned();
    }
    let mut short = String::new();
    for letter in name.chars() {
        if columns(&short) + 2 >= MOST {
            break;
        }
        short.push(letter);
    }
    short + "…"
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_factors_lie_at_equal_distances_and_words_do_not_meet() {
        let scale = Scale::over([0.01, 4.0].into_iter());
        let (left, right) = (scale.x(1.0) - scale.x(0.5), scale.x(2.0) - scale.x(1.0));
        assert!((left - right).abs() < 0.01);
        let mut places: Vec<f64> = scale.ticks().into_iter().map(|tick| scale.x(tick)).collect();
        places.sort_by(f64::total_cmp);
        assert!(places.len() > 3 && places.windows(2).all(|pair| pair[1] - pair[0] > 34.0), "{places:?}");
        assert!(places[0] >= 0.0 && places[places.len() - 1] <= WIDTH);
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(shortened("container"), "container");
        assert!(columns(&shortened(&"コンテナ".repeat(20))) <= 40);
    }
}
