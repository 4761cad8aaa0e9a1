//! The report as one page that needs nothing else: charts as SVG, readable in light and dark, without colour, and on a
//! narrow screen.

use crate::measure::MEASURES;
use crate::report::{Report, Sample};
use crate::statistics::{median, quantile};
use crate::table::{noise, rounded, told};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1a1a1a;--paper:#fff;--bar:#3b6ea5;--soft:#ddd}\
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--paper:#16181b;--bar:#7fb0e0;--soft:#3a3f45}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:52rem;margin:0 auto;padding:1rem}\
h1,h2{line-height:1.2}h2{margin-top:2rem;font-size:1.15rem}\
svg{width:100%;height:auto;display:block}svg text{fill:var(--ink);font:13px system-ui,sans-serif}\
svg .bar{fill:var(--bar)}svg .range{stroke:var(--ink);stroke-width:2}\
.scroll{overflow-x:auto}table{border-collapse:collapse}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid var(--soft)}\
td:first-child,th:first-child{text-align:left}";

/// The page.
pub fn page(report: &Report) -> String {
    let system = &report.system;
    let mut body = format!(
        "<h1>What virtualization costs here</h1>\n<p>{} processors ({}), Linux {}.</p>\n",
        system.processors,
        escaped(&system.processor),
        escaped(&system.kernel)
    );
    if let Some(warning) = noise(report) {
        body.push_str(&format!("<p><strong>{}</strong></p>\n", escaped(&warning)));
    }
    for measure in MEASURES {
        let Some(reference) = report.reference(measure.name) else { continue };
        let better = if measure.more_is_better { "more is better" } else { "less is better" };
        body.push_str(&format!("<h2>{} ({}, {better})</h2>\n", escaped(measure.title), measure.unit));
        let samples: Vec<&Sample> =
            report.subjects.iter().filter_map(|subject| report.sample(measure.name, subject)).collect();
        body.push_str(&chart(&samples));
        body.push_str("<div class=\"scroll\"><table><tr><th>subject</th><th>median</th><th>quartiles</th>");
        body.push_str("<th>to the reference (95 of 100)</th></tr>\n");
        for sample in samples {
            body.push_str(&format!(
                "<tr data-measure=\"{}\" data-subject=\"{}\" data-median=\"{}\"><td>{}</td><td>{}</td><td>{} to {}</td>\
                 <td>{}</td></tr>\n",
                measure.name,
                escaped(&sample.subject),
                median(&sample.values),
                escaped(&sample.subject),
                rounded(median(&sample.values)),
                rounded(quantile(&sample.values, 0.25)),
                rounded(quantile(&sample.values, 0.75)),
                told(sample, reference)
            ));
        }
        body.push_str("</table></div>\n");
    }
    body.push_str(METHOD);
    body.push_str("<h2>All values</h2>\n<div class=\"scroll\"><table>\n");
    for sample in &report.samples {
        let values: Vec<String> = sample.values.iter().map(|value| rounded(*value)).collect();
        body.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td>{} {}</td></tr>\n",
            sample.measure,
            escaped(&sample.subject),
            values.join(", "),
            sample.unit
        ));
    }
    body.push_str("</table></div>\n");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>What virtualization costs here</title>\n<style>{STYLE}</style>\n{body}</html>\n"
    )
}

const METHOD: &str = "<h2>How it was measured</h2>\n<p>Every measure was taken of every subject once a round, one after \
    another, so that drift of the machine hits all alike. The programs are the same on all sides. Bars show medians, the \
    lines on them the quartiles. A ratio's interval comes from drawing the values anew 2,000 times; where it includes \
    one, the figures show no difference. They tell nothing about other machines, other kernels, or programs that do \
    other things than these.</p>\n";

/// Horizontal bars with their values as text, so that neither colour nor size alone carries a figure.
fn chart(samples: &[&Sample]) -> String {
    const ROW: usize = 44;
    let most = samples.iter().map(|sample| quantile(&sample.values, 0.75)).fold(f64::MIN, f64::max);
    let scale = |value: f64| value / most * 420.0;
    let mut rows = String::new();
    for (number, sample) in samples.iter().enumerate() {
        let top = number * ROW;
        let middle = median(&sample.values);
        let (low, high) = (quantile(&sample.values, 0.25), quantile(&sample.values, 0.75));
        rows.push_str(&format!(
            "<text x=\"0\" y=\"{}\">{}: {} {}</text><rect class=\"bar\" x=\"0\" y=\"{}\" width=\"{:.1}\" height=\"16\"/>\
             <line class=\"range\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{}\" y2=\"{}\"/>\n",
            top + 14,
            escaped(&sample.subject),
            rounded(middle),
            sample.unit,
            top + 19,
            scale(middle),
            scale(low),
            scale(high),
            top + 27,
            top + 27,
        ));
    }
    format!("<svg role=\"img\" viewBox=\"0 0 440 {}\">\n{rows}</svg>\n", samples.len() * ROW)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::System;

    #[test]
    fn names_cannot_break_the_page_and_figures_can_be_read_from_it() {
        let report = Report {
            system: System { kernel: "6".into(), processor: "<x>".into(), processors: 2, time: 0 },
            subjects: vec!["bare".into(), "a\"b".into()],
            samples: ["bare", "a\"b"]
                .map(|subject| Sample {
                    measure: "cpu".into(),
                    subject: subject.into(),
                    unit: "events/s".into(),
                    more_is_better: true,
                    values: vec![1.0, 2.0, 3.0],
                })
                .to_vec(),
        };
        let page = page(&report);
        assert!(page.contains("&lt;x&gt;") && !page.contains("<x>"));
        assert!(page.contains("data-subject=\"a&quot;b\" data-median=\"2\""));
        assert!(!page.contains("http"), "nothing is fetched");
    }
}
