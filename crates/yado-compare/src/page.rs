//! The report as one page that needs nothing else: charts as SVG, readable in light and dark, without colour, and on a
//! narrow screen.

use crate::measure::{MEASURES, Measure};
use crate::report::{Report, Sample};
use crate::statistics::{median, quantile};
use crate::table::rounded;
use crate::words::Language;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1a1a1a;--paper:#fff;--bar:#3b6ea5;--soft:#ddd}\
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--paper:#16181b;--bar:#7fb0e0;--soft:#3a3f45}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:52rem;margin:0 auto;padding:1rem}\
h1,h2{line-height:1.2}h2{margin-top:2rem;font-size:1.15rem}\
svg{width:100%;height:auto;display:block}svg text{fill:var(--ink);font:13px system-ui,sans-serif}\
svg .bar{fill:var(--bar)}svg .range{stroke:var(--ink);stroke-width:2}\
.scroll{overflow-x:auto}body{overflow-wrap:anywhere}table{border-collapse:collapse}td,th{padding:.2rem .4rem;text-align:right;border-bottom:1px solid var(--soft)}\
td:first-child,th:first-child{text-align:left}";

/// The page.
pub fn page(report: &Report, language: Language) -> String {
    let system = &report.system;
    let title = language.pick("What virtualization costs here", "このマシンでの仮想化のコスト");
    let (processor, kernel) = (escaped(&system.processor), escaped(&system.kernel));
    let here = language.pick(
        format!("{} processors ({processor}), Linux {kernel}.", system.processors),
        format!("CPU {}個({processor})、Linux {kernel}。", system.processors),
    );
    let mut body = format!("<h1>{title}</h1>\n<p>{here}</p>\n");
    for warning in language.emulation(report).into_iter().chain(language.noise(report)) {
        body.push_str(&format!("<p class=\"warning\"><strong>{}</strong></p>\n", escaped(&warning)));
    }
    for measure in MEASURES {
        if let Some(reference) = report.reference(measure.name) {
            body.push_str(&section(report, measure, reference, language));
        }
    }
    body.push_str(&gaps(report, language));
    body.push_str(&format!(
        "<h2>{}</h2>\n<p>{}</p>\n<p>{}</p>\n",
        language.pick("How it was measured", "計測方法"),
        language.pick(METHOD[0], METHOD[1]),
        escaped(&language.density_note())
    ));
    body.push_str(&all_values(report, language));
    let code = language.code();
    format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n{body}</html>\n"
    )
}

/// One measure: its chart, and its figures as a table.
fn section(report: &Report, measure: &Measure, reference: &Sample, language: Language) -> String {
    let samples: Vec<&Sample> =
        report.subjects.iter().filter_map(|subject| report.sample(measure.name, subject)).collect();
    let mut text = format!(
        "<h2>{} ({}, {})</h2>\n{}<div class=\"scroll\"><table><tr>",
        escaped(language.title(measure.title)),
        language.unit(measure.unit),
        language.better(measure.more_is_better),
        chart(&samples, language)
    );
    for head in language.pick(
        ["subject", "ratio (95 of 100)", "median", "quartiles"],
        ["対象", "比(95%区間)", "中央値", "四分位数"],
    ) {
        text.push_str(&format!("<th>{head}</th>"));
    }
    text.push_str("</tr>\n");
    for sample in samples {
        let quartile = |part| rounded(quantile(&sample.values, part));
        text.push_str(&format!(
            "<tr data-measure=\"{}\" data-subject=\"{}\" data-median=\"{}\"><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}–{}</td></tr>\n",
            measure.name,
            escaped(&sample.subject),
            median(&sample.values),
            escaped(language.subject(&sample.subject)),
            language.told(sample, reference),
            rounded(median(&sample.values)),
            quartile(0.25),
            quartile(0.75),
        ));
    }
    text.push_str("</table></div>\n");
    text
}

/// What could not be measured, and why.
fn gaps(report: &Report, language: Language) -> String {
    if report.gaps.is_empty() {
        return String::new();
    }
    let mut text =
        format!("<h2>{}</h2>\n<ul>\n", language.pick("What was not measured", "計測できなかった項目"));
    for gap in &report.gaps {
        let (subject, why) = (escaped(&gap.subject), escaped(gap.why.trim()));
        text.push_str(&format!("<li>{} / {subject}: {why}</li>\n", gap.measure));
    }
    text.push_str("</ul>\n");
    text
}

fn all_values(report: &Report, language: Language) -> String {
    let head = language.pick("All values", "すべての計測値");
    let mut text = format!("<h2>{head}</h2>\n<div class=\"scroll\"><table>\n");
    for sample in &report.samples {
        let values: Vec<String> = sample.values.iter().map(|value| rounded(*value)).collect();
        text.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td>{} {}</td></tr>\n",
            sample.measure,
            escaped(language.subject(&sample.subject)),
            values.join(", "),
            language.unit(&sample.unit)
        ));
    }
    text.push_str("</table></div>\n");
    text
}

const METHOD: [&str; 2] = [
    "Every measure was taken of every subject once a round, one after another, so that drift of the machine hits all \
     alike; what would not have fitted into the time was taken fewer times. sysbench is the same program on all sides. \
     Bars show medians, the lines on them the quartiles. A ratio's interval comes from drawing the values anew 2,000 \
     times; where it includes one, the figures show no difference. They tell nothing about other machines, other \
     kernels, or programs that do other things than these.",
    "1回の周回ごとに、すべての対象で各項目を順に1回ずつ計測しました。マシンの状態の変動がどの対象にも等しく及ぶようにするためです。\
     時間内に収まらない項目は回数を減らしています。sysbenchはすべての対象で同じプログラムです。棒は中央値、棒の上の線は四分位範囲を\
     示します。比の区間は計測値を2,000回再抽出して求めたもので(ブートストラップ法)、区間が1を含む場合は差があるとは言えません。\
     他のマシンや他のカーネル、ここで計測したものと異なる処理をするプログラムについては、何も示していません。",
];

/// Horizontal bars with their values as text, so that neither colour nor size alone carries a figure.
fn chart(samples: &[&Sample], language: Language) -> String {
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
            escaped(language.subject(&sample.subject)),
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
    format!("<svg role=\"img\" viewBox=\"0 0 440 {}\">\n{rows}</svg>\n", samples.len() * ROW)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn names_cannot_break_the_page_and_figures_can_be_read_from_it() {
        let mut report = report(&[1.0, 2.0, 3.0]);
        report.system.processor = "<x>".into();
        report.subjects[1] = "a\"b".into();
        report.samples[1].subject = "a\"b".into();
        let page = page(&report, Language::English);
        assert!(page.contains("&lt;x&gt;") && !page.contains("<x>"));
        assert!(page.contains("data-subject=\"a&quot;b\" data-median=\"2\""));
        assert!(!page.contains("http"), "nothing is fetched");
    }
}
