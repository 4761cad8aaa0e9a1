//! The report as one page that needs nothing else: diagrams, charts and words, readable in light and dark, without
//! colour, and on a narrow screen.

use crate::chart::{bars, escaped, overview};
use crate::diagram::diagrams;
use crate::findings::{self, GROUPS};
use crate::measure::Measure;
use crate::report::{Report, Sample};
use crate::statistics::{median, quantile};
use crate::table::rounded;
use crate::words::Language;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1a1a1a;--paper:#fff;--bar:#3b6ea5;--soft:#c9ced4;--box:#f2f5f8}\
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--paper:#16181b;--bar:#3f78ad;--soft:#4a5058;--box:#22262b}}\
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:64rem;margin:0 auto;\
padding:1rem;overflow-wrap:anywhere}\
h1,h2,h3{line-height:1.25}h1{font-size:1.7rem}h2{margin-top:2.5rem;font-size:1.3rem;border-bottom:1px solid var(--soft)}\
h3{margin:1.6rem 0 .5rem;font-size:1.02rem}\
.warning{border-left:4px solid var(--ink);padding:.2rem 0 .2rem .8rem}\
svg{width:100%;max-width:34rem;height:auto;display:block}\
svg text{fill:var(--ink);font:13px system-ui,sans-serif;paint-order:stroke;stroke:var(--paper);stroke-width:4px}\
svg text.small{font-size:12px}svg .bar{fill:var(--bar)}svg .range{stroke:var(--ink);stroke-width:2}\
svg .tick{stroke:var(--soft)}svg .one{stroke:var(--ink);stroke-width:1.5}\
svg .mark{fill:var(--bar);stroke:var(--ink);stroke-width:1.5}svg .hollow{fill:none}\
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.86rem;white-space:nowrap}\
td,th{padding:.2rem .5rem;text-align:right;border-bottom:1px solid var(--soft)}\
td:first-child,th:first-child{text-align:left}td.values{text-align:left;white-space:normal;min-width:14rem}\
.diagrams{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15.5rem,100%),1fr));gap:1.2rem}\
figure{margin:0}figcaption{font-size:.92rem}figure ol{list-style:none;margin:.6rem 0 0;padding:0}\
figure li{font-size:.88rem;line-height:1.35}figure b{display:block;font-weight:600}\
.layer,.beside{border:1.5px solid var(--ink);border-radius:4px;background:var(--box);padding:.35rem .6rem}\
.beside{border-style:dotted;margin:0 0 .5rem 2.2rem}.absent .layer,.absent .beside{border-style:dashed;background:none}\
.group{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:0 2rem}section{min-width:0}\
.call{padding:.15rem .8rem}summary{cursor:pointer}";

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
    body.push_str(&said(report, language));
    body.push_str(&diagrams(report, language));
    for (titles, names) in GROUPS {
        let measures = findings::taken(report, names);
        if measures.is_empty() {
            continue;
        }
        body.push_str(&format!("<h2>{}</h2>\n<div class=\"group\">\n", language.title(*titles)));
        for (measure, reference) in measures {
            body.push_str(&section(report, measure, reference, language));
        }
        body.push_str("</div>\n");
    }
    body.push_str(&gaps(report, language));
    body.push_str(&method(report, language));
    body.push_str(&all_values(report, language));
    let code = language.code();
    format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n{body}</html>\n"
    )
}

/// What the figures show, as a chart and in words, and what they do not.
fn said(report: &Report, language: Language) -> String {
    let mut text = format!("<h2>{}</h2>\n", language.pick("What the figures show", "数値から分かること"));
    let standings = findings::against_bare(report);
    let chart = overview(report, &standings, language);
    if !chart.is_empty() {
        let words = language.pick(
            "How many times as good as the bare machine (the thick line, 1): further right is better, whatever is \
             counted. A filled mark differs from the bare machine by more than chance explains; a hollow one does not, \
             or was measured too few times.",
            "実機(太線、1)と比べて何倍良いかを示します。項目の種類によらず、右ほど良い値です。塗りつぶした印は偶然では説明できない差があることを、\
             中抜きの印は差があるとは言えないか回数不足であることを表します。",
        );
        text.push_str(&format!("<p>{words}</p>\n{chart}"));
    }
    for (title, sentences) in findings::shown(report, language) {
        text.push_str(&format!("<h3>{title}</h3>\n{}", list(&sentences)));
    }
    text.push_str(&format!(
        "<h2>{}</h2>\n",
        language.pick("What they do not show", "数値から分からないこと")
    ));
    text + &list(&findings::not_shown(report, language))
}

fn list(sentences: &[String]) -> String {
    let items: Vec<String> =
        sentences.iter().map(|sentence| format!("<li>{}</li>\n", escaped(sentence))).collect();
    format!("<ul>\n{}</ul>\n", items.concat())
}

/// One measure: its chart, and its figures as a table.
fn section(report: &Report, measure: &Measure, reference: &Sample, language: Language) -> String {
    let samples: Vec<&Sample> =
        report.subjects.iter().filter_map(|subject| report.sample(measure.name, subject)).collect();
    let mut text = format!(
        "<section><h3 id=\"{}\">{} ({}, {})</h3>\n{}<div class=\"scroll\"><table><tr>",
        measure.name,
        escaped(language.title(measure.title)),
        language.unit(measure.unit),
        language.better(measure.more_is_better),
        bars(&samples, language)
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
    text.push_str("</table></div></section>\n");
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

fn method(report: &Report, language: Language) -> String {
    let title = language.pick("How it was measured", "計測方法");
    let mut text = format!("<h2>{title}</h2>\n<p>{}</p>\n", language.pick(METHOD[0], METHOD[1]));
    if report.samples.iter().any(|sample| sample.measure == "density") {
        text.push_str(&format!("<p>{}</p>\n", escaped(&language.density_note())));
    }
    let mut facts = Vec::new();
    if !report.image.is_empty() {
        facts.push(language.pick(
            format!("Machines were made from the box '{}'.", report.image),
            format!("マシンのボックス: '{}'。", report.image),
        ));
    }
    if !report.sysbench.is_empty() {
        facts.push(language.pick(
            format!("On all sides: {}.", report.sysbench),
            format!("すべての対象で使ったプログラム: {}。", report.sysbench),
        ));
    }
    if let Some(own) = report.own {
        let (seconds, memory) = (own.seconds, own.memory);
        facts.push(language.pick(
            format!(
                "Measuring took {seconds:.0} seconds; the program that measured held {memory:.0} MiB at most."
            ),
            format!("計測時間は{seconds:.0}秒、計測プログラムの最大メモリ使用量は{memory:.0} MiBでした。"),
        ));
    }
    text + &list(&facts)
}

fn all_values(report: &Report, language: Language) -> String {
    let head = language.pick("All values, in the order they were taken", "すべての計測値(計測順)");
    let mut text = format!("<details><summary>{head}</summary>\n<div class=\"scroll\"><table>\n");
    for sample in &report.samples {
        let values: Vec<String> = sample.values.iter().map(|value| rounded(*value)).collect();
        text.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td class=\"values\">{} {}</td></tr>\n",
            sample.measure,
            escaped(language.subject(&sample.subject)),
            values.join(", "),
            language.unit(&sample.unit)
        ));
    }
    text.push_str("</table></div></details>\n");
    text
}

const METHOD: [&str; 2] = [
    "Every measure was taken of every subject once a round, one after another, so that drift of the machine hits all \
     alike; what would not have fitted into the time was taken fewer times. sysbench is the same program on all sides. \
     Bars show medians, the lines on them the quartiles. A ratio's interval comes from drawing the values anew 2,000 \
     times (bootstrap); where it includes one, the figures show no difference.",
    "1回の周回ごとに、すべての対象で各項目を順に1回ずつ計測しました。マシンの状態の変動がどの対象にも等しく及ぶようにするためです。\
     時間内に収まらない項目は回数を減らしています。sysbenchはすべての対象で同じプログラムです。棒は中央値、棒の上の線は四分位範囲を\
     示します。比の区間は計測値を2,000回再抽出して求めたもので(ブートストラップ法)、区間が1を含む場合は差があるとは言えません。",
];

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
        for language in [Language::English, Language::Japanese] {
            let page = page(&report, language);
            assert!(page.contains("&lt;x&gt;") && !page.contains("<x>"));
            assert!(page.contains("data-subject=\"a&quot;b\" data-median=\"2\""));
            assert!(!page.contains("http") && !page.contains("<script"), "nothing is fetched, nothing runs");
        }
    }
}
