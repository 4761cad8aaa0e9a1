//! Disks and cloud-init, as far as they take effect.

use yado_ruby::Value;

use super::Report;
use crate::hash::{option, text};
use crate::vm::Vm;

const TYPES: &[&str] = &["disk", "dvd", "floppy"];
const CONTENT_TYPES: &[&str] = &[
    "text/cloud-boothook",
    "text/cloud-config",
    "text/cloud-config-archive",
    "text/jinja2",
    "text/part-handler",
    "text/upstart-job",
    "text/x-include-once-url",
    "text/x-include-url",
    "text/x-shellscript",
];

/// Checks both lists.
pub(super) fn check(report: &mut Report<'_>, vm: &Vm) {
    let machine = report.machine.clone();
    let disks: Vec<_> = vm.disks.iter().filter(|disk| disk.flagged).collect();
    let primary =
        disks.iter().filter(|disk| option(&disk.options, "primary").is_some_and(|it| it.truthy())).count();
    if primary > 1 {
        report.say_under("vm", format!("There are more than one primary disks defined for guest '{machine}'. Please ensure that only one disk has been defined as a primary disk."), None);
    }
    let names: Vec<String> = disks.iter().filter_map(|disk| text(&disk.options, "name")).collect();
    let twice = repeated(&names);
    if !twice.is_empty() {
        let list = twice.join("\n");
        report.say_under("vm", format!("The following disks names are defined multiple times in the disk\nconfiguration for the VM '{machine}':\n\n{list}\n\nDisk names must be unique."), None);
    }
    let files: Vec<String> = disks.iter().filter_map(|disk| text(&disk.options, "file")).collect();
    let shared = repeated(&files);
    if !shared.is_empty() {
        let list = shared.join("\n");
        report.say_under("vm", format!("The following disk files are used multiple times in the disk\nconfiguration for the VM '{machine}':\n\n{list}\n\nEach disk file may only be attached to a VM once."), None);
    }
    for disk in disks {
        check_disk(report, &machine, disk);
    }
    for part in vm.cloud_init.iter().filter(|part| part.flagged) {
        let place = part.origin.clone();
        check_cloud_init(report, &machine, part, place);
    }
}

/// What occurs more than once, each once, in order of the first occurrence.
fn repeated(list: &[String]) -> Vec<&str> {
    let mut twice: Vec<&str> = Vec::new();
    for (index, one) in list.iter().enumerate() {
        if list[index + 1..].contains(one) && !twice.contains(&one.as_str()) {
            twice.push(one);
        }
    }
    twice
}

/// The extensions of disk files that a provider takes; `None` where any will do.
fn extensions(provider: &str) -> Option<&'static [&'static str]> {
    match provider {
        "virtualbox" => Some(&["vdi", "vmdk", "vhd"]),
        "hyperv" => Some(&["vhd", "vhdx"]),
        _ => None,
    }
}

/// Whether a size is a number, or a text such as `10GB` or `10 MB`.
fn is_size(size: Option<&Value>) -> bool {
    match size {
        None | Some(Value::Nil) => false,
        Some(Value::Str(text)) => text.with(|text| {
            let digits = text.trim().trim_start_matches(|letter: char| letter.is_ascii_digit());
            let unit = digits.strip_prefix(' ').unwrap_or(digits);
            digits.len() < text.trim().len() && ["", "KB", "MB", "GB", "TB"].contains(&unit)
        }),
        Some(_) => true,
    }
}

fn check_disk(report: &mut Report<'_>, machine: &str, disk: &crate::vm::Disk) {
    let place = disk.origin.clone();
    let say = |report: &mut Report<'_>, message: String| report.say_under("vm", message, place.clone());
    let kind = match disk.options.get_symbol("type") {
        Some(Value::Sym(kind)) if TYPES.contains(&kind.as_str()) => kind.as_str(),
        other => {
            let shown = report.interpreter.to_s(&other.unwrap_or(Value::Nil)).unwrap_or_default();
            say(
                report,
                format!(
                    "Disk type '{shown}' is not a valid type. Please pick one of the following supported disk types: {}",
                    TYPES.join(", ")
                ),
            );
            ""
        }
    };
    let name = disk.options.get_symbol("name").unwrap_or(Value::Nil);
    let shown = report.interpreter.to_s(&name).unwrap_or_default();
    if let (Some(extension), Some(known)) = (option(&disk.options, "disk_ext"), extensions(&report.provider))
    {
        let fits = extension.as_text().is_some_and(|extension| known.contains(&extension.as_str()));
        if !fits {
            let extension = report.interpreter.to_s(&extension).unwrap_or_default();
            say(
                report,
                format!(
                    "Disk type '{extension}' is not a valid disk extension for '{shown}'. Please pick one of the following supported disk types: {}",
                    known.join(", ")
                ),
            );
        }
    }
    let file = text(&disk.options, "file");
    if kind == "disk" && !is_size(disk.options.get_symbol("size").as_ref()) {
        say(
            report,
            format!("Config option 'size' for disk '{shown}' on guest '{machine}' is not an integer"),
        );
    }
    if kind == "dvd" && file.is_none() {
        say(
            report,
            format!("A 'file' option is required when defining a disk of type ':dvd' for guest '{machine}'."),
        );
    }
    if kind == "dvd" && option(&disk.options, "primary").is_some_and(|primary| primary.truthy()) {
        say(
            report,
            format!(
                "Disks of type ':dvd' cannot be defined as a primary disks. Please\nremove the 'primary' argument for disk '{shown}' on guest '{machine}'."
            ),
        );
    }
    if let Some(file) = file
        && !report.absolute(&file).is_file()
    {
        say(report, format!("Disk file '{file}' for disk '{shown}' on machine '{machine}' does not exist."));
    }
    if !disk.invalid.is_empty() {
        let list = disk.invalid.join(", ");
        say(report, format!("The following settings shouldn't exist: {list}"));
    }
    if name.is_nil() {
        say(report, format!("A 'name' option is required when defining a disk for guest '{machine}'."));
    }
}

fn check_cloud_init(
    report: &mut Report<'_>,
    machine: &str,
    part: &crate::vm::Disk,
    place: Option<yado_core::spec::Origin>,
) {
    let kind = text(&part.options, "type").unwrap_or_default();
    if kind != "user_data" {
        report.say_under("vm", format!("The type '{kind}' defined for a cloud_init config with guest '{machine}'\nis not a valid type. Currently, Vagrant only supports type: 'user_data'."), place.clone());
    }
    match text(&part.options, "content_type") {
        None => report.say_under("vm", format!("'content_type' must be defined for a cloud_init config. Guest '{machine}'\nhas not defined a 'content_type' for its cloud_init config. Valid options\nsupported by Vagrant are listed below:\n\n{}", CONTENT_TYPES.join(", ")), place.clone()),
        Some(content) if !CONTENT_TYPES.contains(&content.as_str()) => report.say_under("vm", format!("Content-type \"{content}\" is not supported by Vagrant and\ncloud-init on machine '{machine}'. Valid options supported by Vagrant are\nlisted below:\n\n{}", CONTENT_TYPES.join(", ")), place.clone()),
        Some(_) => {}
    }
    let (path, inline) = (text(&part.options, "path"), text(&part.options, "inline"));
    if path.is_some() && inline.is_some() {
        report.say_under("vm", format!("Guest '{machine}' defines both a 'path' and 'inline' for its cloud_init config,\nhowever only one config option should be defined for cloud_init."), place.clone());
    }
    if let Some(path) = path {
        let full = report.absolute(&path);
        if !full.is_file() {
            report.say_under("vm", format!("The path '{}' defined for guest '{machine}' cloud_init config was\nnot found on the system.", full.display()), place);
        }
    }
}
