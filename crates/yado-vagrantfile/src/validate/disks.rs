//! Disks and cloud-init, as far as they take effect.

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
    let mut twice: Vec<&str> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) && !twice.contains(&name.as_str()) {
            twice.push(name);
        }
    }
    if !twice.is_empty() {
        let list = twice.join("\n");
        report.say_under("vm", format!("The following disks names are defined multiple times in the disk\nconfiguration for the VM '{machine}':\n\n{list}\n\nDisk names must be unique."), None);
    }
    for disk in disks {
        let place = disk.origin.clone();
        let kind = text(&disk.options, "type").unwrap_or_default();
        if !TYPES.contains(&kind.as_str()) {
            report.say_under("vm", format!("Disk type '{kind}' is not a valid type. Please pick one of the following supported disk types: {}", TYPES.join(", ")), place.clone());
        }
        let name = text(&disk.options, "name");
        if let Some(file) = text(&disk.options, "file")
            && !report.absolute(&file).is_file()
        {
            let name = name.clone().unwrap_or_default();
            report.say_under(
                "vm",
                format!("Disk file '{file}' for disk '{name}' on machine '{machine}' does not exist."),
                place.clone(),
            );
        }
        if !disk.invalid.is_empty() {
            let list = disk.invalid.join(", ");
            report.say_under("vm", format!("The following settings shouldn't exist: {list}"), place.clone());
        }
        if name.is_none() {
            report.say_under(
                "vm",
                format!("A 'name' option is required when defining a disk for guest '{machine}'."),
                place,
            );
        }
    }
    for part in vm.cloud_init.iter().filter(|part| part.flagged) {
        let place = part.origin.clone();
        check_cloud_init(report, &machine, part, place);
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
