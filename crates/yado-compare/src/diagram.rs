//! Which layers the call of an application passes in each kind of virtualization, drawn for this machine with the names
//! that were found: a column of boxes from the application down to the processor, and between them how the call goes on.
//! What was not measured here is drawn with broken lines, and says so.

use crate::chart::escaped;
use crate::evidence::{Architecture, Family, Layer, Role};
use crate::report::Report;
use crate::words::Language;

/// The kinds that are told apart, in the order of the page.
const KINDS: [Family; 3] = [Family::Host, Family::Hypervisor, Family::Container];

/// One box of a diagram.
struct Part {
    role: Role,
    /// What it is called here; several programs may stand in one place.
    names: Vec<String>,
    /// The call does not go through it.
    beside: bool,
}

/// The three diagrams; nothing when it is not known what the subjects are.
pub(crate) fn diagrams(report: &Report, language: Language) -> String {
    let Some(bare) = report.architectures.first() else { return String::new() };
    let title = language.pick("Which layers a call passes", "呼び出しが通る層");
    let lead = language.pick(
        "An application asks for something, to write to a file for example. These are the layers that the call goes \
         through until the hardware does it, as they were found on this machine.",
        "アプリケーションがファイルへの書き込みなどを要求してから、ハードウェアが実行するまでに通る層です。名前とバージョンはこのマシンで実際に見つかったものです。",
    );
    let mut text = format!("<h2>{title}</h2>\n<p>{lead}</p>\n<div class=\"diagrams\">\n");
    for kind in KINDS {
        text.push_str(&diagram(kind, report, bare, language));
    }
    text + "</div>\n"
}

fn diagram(kind: Family, report: &Report, bare: &Architecture, language: Language) -> String {
    let seen: Vec<&Architecture> = report.architectures.iter().filter(|one| one.family == kind).collect();
    let (title, words) = told(kind, language);
    let subjects: Vec<&str> = seen.iter().map(|one| one.subject.as_str()).collect();
    let measured = if seen.is_empty() {
        language.pick("Not measured here.", "ここでは計測していません。").to_owned()
    } else {
        language
            .pick(format!("Here: {}.", subjects.join(", ")), format!("計測対象: {}。", subjects.join("、")))
    };
    let class = if seen.is_empty() { "diagram absent" } else { "diagram" };
    let mut text = format!(
        "<figure class=\"{class}\" data-kind=\"{}\"><figcaption><strong>{title}</strong> {words} {}</figcaption>\n<ol>\n",
        code(kind),
        escaped(&measured)
    );
    let parts = parts(kind, &seen, bare);
    let last = parts.iter().rposition(|part| !part.beside).unwrap_or(0);
    for (place, part) in parts.iter().enumerate() {
        let class = if part.beside { "beside" } else { "layer" };
        let names = if part.names.iter().all(|name| name.is_empty()) {
            language.pick("(not measured)", "(計測していません)").to_owned()
        } else {
            part.names.join("<br>")
        };
        let names = names.split("<br>").map(escaped).collect::<Vec<_>>().join("<br>");
        text.push_str(&format!(
            "<li class=\"{class}\"><b>{}</b><span>{names}</span></li>\n",
            role(part, language)
        ));
        if place < last && !part.beside {
            text.push_str(&format!("<li class=\"call\">↓ {}</li>\n", passing(kind, part.role, language)));
        }
    }
    text + "</ol></figure>\n"
}

/// The boxes of a kind, the application first.
fn parts(kind: Family, seen: &[&Architecture], bare: &Architecture) -> Vec<Part> {
    let names = |role: Role| {
        let layers = |one: &Architecture| -> Vec<String> {
            one.layers
                .iter()
                .filter(|layer| layer.role == role)
                .map(|layer: &Layer| layer.name.clone())
                .collect()
        };
        let mut names: Vec<String> = seen.iter().flat_map(|one| layers(one)).collect();
        if names.is_empty() && matches!(role, Role::Hardware | Role::Beneath | Role::Kernel) {
            names = layers(bare);
        }
        let mut distinct: Vec<String> = Vec::new();
        for name in names {
            if !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        distinct
    };
    let roles: &[Role] = match kind {
        Family::Host => &[Role::System, Role::GuestKernel, Role::Machine, Role::Kernel],
        Family::Hypervisor => {
            &[Role::System, Role::GuestKernel, Role::Machine, Role::Hypervisor, Role::Kernel]
        }
        Family::Container | Family::Bare => &[Role::System, Role::Engine, Role::Kernel],
    };
    let mut parts: Vec<Part> = roles
        .iter()
        .map(|role| Part { role: *role, names: names(*role), beside: *role == Role::Engine })
        .collect();
    // Only where this computer is a virtual machine itself.
    if bare.layers.iter().any(|layer| layer.role == Role::Beneath) {
        parts.push(Part { role: Role::Beneath, names: names(Role::Beneath), beside: false });
    }
    parts.push(Part { role: Role::Hardware, names: names(Role::Hardware), beside: false });
    parts
}

const fn code(kind: Family) -> &'static str {
    match kind {
        Family::Bare => "bare",
        Family::Host => "host",
        Family::Hypervisor => "hypervisor",
        Family::Container => "container",
    }
}

/// What a kind is called, and what is particular to it.
fn told(kind: Family, language: Language) -> (&'static str, &'static str) {
    match kind {
        Family::Host => language.pick(
            (
                "Host type.",
                "The virtual machine's processor and devices are a program on the operating system. Where that program \
                 has to translate instructions, every one of them takes many.",
            ),
            (
                "ホスト型",
                "OS上で動くプログラムが仮想マシンのCPUとデバイスになります。命令を翻訳する場合、1命令ごとに多くの命令が必要です。",
            ),
        ),
        Family::Hypervisor => language.pick(
            (
                "Hypervisor type.",
                "The processor itself runs the virtual machine's instructions; the hypervisor steps in for devices and \
                 for memory. A call ends in the kernel inside.",
            ),
            (
                "ハイパーバイザー型",
                "仮想マシンの命令はCPUが直接実行し、ハイパーバイザーはデバイスやメモリの処理だけを受け持ちます。呼び出しは内側のカーネルが受けます。",
            ),
        ),
        Family::Container | Family::Bare => language.pick(
            (
                "Container type.",
                "There is one kernel, and a call goes straight to it. The engine sets the container up and is not in \
                 the way afterwards.",
            ),
            (
                "コンテナ型",
                "カーネルは1つで、呼び出しは直接届きます。エンジンはコンテナを用意するだけで、その後の経路には入りません。",
            ),
        ),
    }
}

fn role(part: &Part, language: Language) -> &'static str {
    let words = match part.role {
        Role::System => ["Application, with libraries of", "アプリケーションとライブラリ"],
        Role::GuestKernel => ["Kernel inside", "内側のカーネル"],
        Role::Machine => ["Program that is the machine", "マシンになるプログラム"],
        Role::Hypervisor => ["Hypervisor, in the kernel", "ハイパーバイザー(カーネル内)"],
        Role::Engine => ["Engine, beside the way", "エンジン(経路の外)"],
        Role::Kernel => ["Kernel of this computer", "このコンピュータのカーネル"],
        Role::Beneath => ["What this computer runs in", "このコンピュータが動く環境"],
        Role::Hardware => ["Processor", "CPU"],
    };
    language.title(words)
}

/// How a call goes on below a layer.
fn passing(kind: Family, from: Role, language: Language) -> &'static str {
    let words = match (kind, from) {
        (_, Role::System) => ["system call", "システムコール"],
        (Family::Host, Role::GuestKernel) => ["instructions, translated", "命令(翻訳)"],
        (_, Role::GuestKernel) => ["access to a device", "デバイスへのアクセス"],
        (Family::Host, Role::Machine) => ["system call of that program", "そのプログラムのシステムコール"],
        (_, Role::Machine) => ["as long as it takes, out of the machine", "その間、マシンの外へ"],
        (_, Role::Hypervisor) => ["same kernel", "同じカーネルの中"],
        (_, Role::Kernel) => ["driver", "ドライバー"],
        (_, Role::Beneath) => ["", ""],
        (_, Role::Engine | Role::Hardware) => ["", ""],
    };
    language.title(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    fn layer(role: Role, name: &str) -> Layer {
        Layer { role, name: name.to_owned() }
    }

    #[test]
    fn what_was_found_stands_in_its_place_and_the_rest_is_called_not_measured() {
        let mut report = report(&[1.0]);
        assert!(diagrams(&report, Language::English).is_empty());
        let below = vec![layer(Role::Hardware, "A <processor>"), layer(Role::Kernel, "Linux 6.1")];
        let of = |subject: &str, family, more: &[Layer]| Architecture {
            subject: subject.into(),
            family,
            emulated: family == Family::Host,
            layers: [&below, more].concat(),
        };
        report.architectures = vec![
            of("bare", Family::Bare, &[layer(Role::System, "Debian")]),
            of(
                "docker",
                Family::Container,
                &[layer(Role::Engine, "Docker 28"), layer(Role::System, "Debian")],
            ),
            of(
                "kvm",
                Family::Host,
                &[
                    layer(Role::Machine, "QEMU 7"),
                    layer(Role::GuestKernel, "Linux 6.2"),
                    layer(Role::System, "D"),
                ],
            ),
        ];
        let drawn = diagrams(&report, Language::English);
        let figures: Vec<&str> = drawn.split("<figure").skip(1).collect();
        assert!(figures[0].contains("QEMU 7") && figures[0].contains("Here: kvm"), "{}", figures[0]);
        assert!(figures[1].contains("Not measured") && figures[1].contains("Linux 6.1"), "{}", figures[1]);
        assert!(
            figures[2].contains("Docker 28") && figures[2].contains("A &lt;processor&gt;"),
            "{}",
            figures[2]
        );
        // The engine is beside the way: the call goes from the application to the kernel.
        let call = figures[2].find("system call").unwrap();
        assert!(call < figures[2].find("Linux 6.1").unwrap());
    }
}
