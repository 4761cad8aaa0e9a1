//! The page of `yado compare`, opened by a real browser: its figures are read back from what the browser made of it,
//! nothing hangs over at the width of a telephone, and light and dark can be read.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::{Sandbox, has_programs};

/// What a browser finds: figures, what hangs over, and colours.
const PROBE: &str = r"<script>
const root = document.documentElement;
const wide = [...document.querySelectorAll('body *')]
    .filter((e) => !e.closest('svg') && !e.closest('.scroll') && e.getBoundingClientRect().right > root.clientWidth + 1)
    .map((e) => e.tagName + ' ' + e.textContent.slice(0, 40));
const cut = [...document.querySelectorAll('svg text')].filter((text) => {
    const box = text.getBBox(), all = text.ownerSVGElement.viewBox.baseVal;
    // A letter may reach out a little at its left.
    return box.x < -3 || box.x + box.width > all.width + 3 || box.y + box.height > all.height + 4;
}).map((text) => text.textContent);
const style = getComputedStyle(document.body);
document.body.innerHTML = '';
const found = document.createElement('output');
found.textContent = JSON.stringify({
    rows, wide, cut, marks, kinds, scroll: root.scrollWidth, width: root.clientWidth, ink: style.color,
    paper: style.backgroundColor, lang: root.lang,
});
document.body.append(found);
</script>";

/// Taken before the page is emptied.
const FIGURES: &str = r"<script>
const rows = [...document.querySelectorAll('tr[data-measure]')].map((row) => [
    row.dataset.measure, row.dataset.subject, row.dataset.median, ...[...row.cells].map((cell) => cell.textContent)]);
const marks = [...document.querySelectorAll('.overview .mark title')].map((mark) => mark.textContent);
const kinds = [...document.querySelectorAll('.diagram')].map((one) => [one.dataset.kind, one.innerText]);
</script>";

/// A report as `--json` writes it: a container that is as fast as the bare machine, one with a long name that is half
/// as fast, and a virtual machine that is emulated.
fn figures() -> Value {
    let below = json!([
        {"role": "hardware", "name": "A Processor With A Rather Long Name v4 @ 2.70GHz"},
        {"role": "kernel", "name": "Linux 6.18.44-with-a-long-local-version"}
    ]);
    let layers = |more: Value| {
        let parts = [below.clone(), more].map(|part| part.as_array().unwrap().clone());
        Value::Array(parts.concat())
    };
    let system = json!({"role": "system", "name": "Debian GNU/Linux 12 (bookworm)"});
    let container = layers(json!([{"role": "engine", "name": "yado 0.1.0"}, system]));
    let machine = layers(json!([
        {"role": "machine", "name": "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+withoutanyspacesinit)"},
        {"role": "guest-kernel", "name": "Linux 6.1.0-48-cloud-amd64"}, system
    ]));
    let long = "container:cpus=0.5,memory=512,and=a-very-long-name-of-a-subject #2";
    let subjects = ["bare", "container", long, "kvm"];
    let mut samples = Vec::new();
    for measure in yado_compare::MEASURES {
        let needs_machine =
            ["start", "start-cold", "stop", "memory", "disk", "density"].contains(&measure.name);
        for (subject, factor) in subjects.iter().zip([1.0, 1.0, 0.5, 0.01]) {
            if *subject == "bare" && needs_machine {
                continue;
            }
            let values: Vec<f64> =
                [100.0, 101.0, 99.0, 100.5, 99.5, 100.2].map(|value| value * 1000.0 * factor).to_vec();
            samples.push(json!({
                "measure": measure.name, "subject": subject, "unit": measure.unit,
                "more_is_better": measure.more_is_better, "values": values
            }));
        }
    }
    json!({
        "system": {"kernel": "6.18", "processor": "A Processor", "processors": 2, "time": 0, "load": 3.5},
        "subjects": subjects, "samples": samples, "image": "host", "sysbench": "sysbench 1.0.20",
        "gaps": [{"measure": "density", "subject": "kvm", "why": format!("No {} here.", "word".repeat(60))}],
        "architectures": [
            {"subject": "bare", "family": "bare", "emulated": false, "layers": layers(json!([system]))},
            {"subject": "container", "family": "container", "emulated": false, "layers": container},
            {"subject": long, "family": "container", "emulated": false, "layers": container},
            {"subject": "kvm", "family": "host", "emulated": true, "layers": machine}
        ],
        "own": {"seconds": 93.2, "memory": 31.0}
    })
}

/// What the browser finds in a page, at this width.
fn looked_at(sandbox: &Sandbox, page: &str, width: u32, dark: bool) -> Value {
    let text = std::fs::read_to_string(sandbox.path(page)).unwrap();
    let probed = format!("probed-{width}-{dark}-{page}");
    sandbox.write(&probed, &text.replace("</html>", &format!("{FIGURES}{PROBE}</html>")));
    let mut browser = Command::new("timeout");
    browser.args([
        "-k",
        "5",
        "90",
        "chromium",
        "--headless",
        "--disable-gpu",
        "--no-sandbox",
        "--no-first-run",
    ]);
    browser.arg(format!("--user-data-dir={}", sandbox.path(&format!("profile-{probed}")).display()));
    // A window of a browser is never narrower than 500 pixels, so what a telephone does is done by a frame.
    let frame = format!("frame-{probed}");
    sandbox.write(
        &frame,
        &format!(
            "<!doctype html><iframe id=f style=\"width:{width}px;height:900px;border:0\" src=\"{probed}\"></iframe>\
             <script>f.onload=()=>document.body.append(f.contentDocument.querySelector('output').cloneNode(true))</script>"
        ),
    );
    browser.args([
        "--allow-file-access-from-files",
        "--window-size=1300,1000",
        "--virtual-time-budget=20000",
    ]);
    if dark {
        browser.arg("--blink-settings=preferredColorScheme=0");
    }
    let target = format!("file://{}", sandbox.path(&frame).display());
    let output = browser.args(["--dump-dom", &target]).env("HOME", &sandbox.project).output().unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = dom.split_once("<output>").and_then(|(_, rest)| rest.split_once("</output>"));
    let (found, _) = found.unwrap_or_else(|| panic!("{dom}\n{}", String::from_utf8_lossy(&output.stderr)));
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&found).unwrap()
}

/// How far apart two colours are, as WCAG 2 counts it; `rgb(r, g, b)` both.
fn contrast(one: &str, other: &str) -> f64 {
    let lightness = |color: &str| {
        let parts = color.trim_start_matches("rgb(").trim_end_matches(')').split(", ");
        let linear = parts.map(|part| {
            let value = part.parse::<f64>().unwrap() / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        linear.zip([0.2126, 0.7152, 0.0722]).map(|(value, weight)| value * weight).sum::<f64>() + 0.05
    };
    let (one, other) = (lightness(one), lightness(other));
    (one / other).max(other / one)
}

#[test]
fn a_browser_finds_the_figures_and_nothing_hangs_over() {
    if !has_programs("the page in a browser", &["chromium"]) {
        return;
    }
    let sandbox = Sandbox::empty();
    let report = figures();
    sandbox.write("figures.json", &report.to_string());
    let said = sandbox.ok(&["compare", "--from", "figures.json", "--html", "en.html"]);
    assert!(said.contains("emulation, not KVM") && said.contains("0.50 (0.50 to 0.51)"), "{said}");
    sandbox.ok(&["compare", "--from", "figures.json", "--html", "ja.html", "--lang", "ja"]);
    std::thread::scope(|scope| {
        for (page, width, dark) in [
            ("en.html", 360, false),
            ("en.html", 1200, true),
            ("ja.html", 360, true),
            ("ja.html", 1200, false),
        ] {
            let (sandbox, report) = (&sandbox, &report);
            scope.spawn(move || check(sandbox, report, page, width, dark));
        }
    });
}

fn check(sandbox: &Sandbox, report: &Value, page: &str, width: u32, dark: bool) {
    let seen = looked_at(sandbox, page, width, dark);
    let what = format!("{page} at {width}, dark: {dark}");
    assert_eq!(seen["lang"], page[..2], "{what}");
    // Every sample has its row, with the median of its values.
    let rows = seen["rows"].as_array().unwrap();
    let samples = report["samples"].as_array().unwrap();
    assert_eq!(rows.len(), samples.len(), "{what}");
    for sample in samples {
        let row = rows.iter().find(|row| row[0] == sample["measure"] && row[1] == sample["subject"]).unwrap();
        let mut values: Vec<f64> =
            sample["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        values.sort_by(f64::total_cmp);
        let median = f64::midpoint(values[2], values[3]);
        let read: f64 = row[2].as_str().unwrap().parse().unwrap();
        assert!((read - median).abs() < median / 1e6, "{what}: {row}");
        let shown: f64 = row[5].as_str().unwrap().parse().unwrap();
        assert!((shown / median - 1.0).abs() < 0.01, "{what}: {row}");
    }
    let ratio = |subject: &str| {
        let row = rows.iter().find(|row| row[0] == "cpu" && row[1].as_str().unwrap().starts_with(subject));
        row.unwrap()[4].as_str().unwrap().to_owned()
    };
    assert!(ratio("container:").starts_with("0.50 ("), "{what}: {}", ratio("container:"));
    assert!(ratio("container").contains(if page == "en.html" { "no difference" } else { "差なし" }));
    // A mark in the overview for each subject of each measure that the bare machine has.
    let bare = samples.iter().filter(|sample| sample["subject"] == "bare").count();
    assert_eq!(seen["marks"].as_array().unwrap().len(), bare * 3, "{what}");
    let kinds: Vec<&str> =
        seen["kinds"].as_array().unwrap().iter().map(|kind| kind[0].as_str().unwrap()).collect();
    assert_eq!(kinds, ["host", "hypervisor", "container"], "{what}");
    assert!(seen["kinds"][0][1].as_str().unwrap().contains("QEMU emulator version 7.2.22"), "{what}");

    assert_eq!(seen["wide"], json!([]), "{what}: wider than the window");
    assert_eq!(seen["cut"], json!([]), "{what}: text outside of its chart");
    assert!(seen["scroll"].as_u64() <= seen["width"].as_u64(), "{what}: {seen}");
    let (ink, paper) = (seen["ink"].as_str().unwrap(), seen["paper"].as_str().unwrap());
    assert!(contrast(ink, paper) > 7.0, "{what}: {ink} on {paper}");
    assert_eq!(contrast(paper, "rgb(0, 0, 0)") < 3.0, dark, "{what}: {paper}");
}

#[test]
fn the_page_becomes_a_picture_and_without_a_browser_the_remedy_is_told() {
    let sandbox = Sandbox::empty();
    sandbox.write("figures.json", &figures().to_string());
    let words = ["compare", "--from", "figures.json", "--png", "page.png"];
    let empty = sandbox.path("no-programs");
    std::fs::create_dir(&empty).unwrap();
    let without = Sandbox::empty().with_variable("PATH", empty.to_str().unwrap());
    without.write("figures.json", &figures().to_string());
    without.run(&words).refused(&["there is none here that can", "apt-get install chromium", "--html"]);
    assert!(!without.path("page.png").exists());
    if !has_programs("the page as a picture", &["chromium"]) {
        return;
    }
    sandbox.ok(&words);
    let picture = std::fs::read(sandbox.path("page.png")).unwrap();
    assert_eq!(&picture[..8], b"\x89PNG\r\n\x1a\n");
    let number = |place: usize| u32::from_be_bytes(picture[place..place + 4].try_into().unwrap());
    assert!(number(16) >= 900 && number(20) > 3000, "{} x {}", number(16), number(20));
}

#[test]
fn figures_on_file_are_shown_without_measuring() {
    let sandbox = Sandbox::empty();
    sandbox.write("figures.json", &figures().to_string());
    let said =
        sandbox.ok(&["compare", "--from", "figures.json", "--against", "figures.json", "--csv", "lines.csv"]);
    assert!(said.contains("Nothing has changed"), "{said}");
    let lines = std::fs::read_to_string(sandbox.path("lines.csv")).unwrap().lines().count();
    assert_eq!(lines, 1 + 6 * figures()["samples"].as_array().unwrap().len());
    assert!(!sandbox.home().join("state.sqlite").exists(), "no state is needed for it");
    let refused = sandbox.run(&["compare", "container", "--from", "figures.json"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("cannot be used with"), "{}", refused.err);
}
