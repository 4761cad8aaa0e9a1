//! Synced folders.

use yado_ruby::Value;

use super::Report;
use crate::hash::{option, text};
use crate::vm::Vm;

/// Types of synced folders that Vagrant brings, in the order in which it lists them.
const TYPES: &[&str] = &["virtualbox", "docker", "smb", "rsync", "nfs"];
/// Types that yado has besides.
const OWN_TYPES: &[&str] = &["9p", "virtiofs", "bind"];

/// Checks every folder that is not disabled. `inline` are types that plugins of the Vagrantfile's own bring.
pub(super) fn check(report: &mut Report<'_>, vm: &Vm, inline: &[String]) {
    let mut used: Vec<String> = Vec::new();
    for folder in vm.folders.values() {
        let options = &folder.options;
        if option(options, "disabled").is_some_and(|disabled| disabled.truthy()) {
            continue;
        }
        let place = folder.origin.clone();
        let guest = text(options, "guestpath").unwrap_or_default();
        let host = folder.host_path(report.interpreter);
        let drive = guest
            .split_once(':')
            .is_some_and(|(word, _)| word.chars().all(|letter| letter.is_alphanumeric()));
        if !guest.is_empty() && !guest.starts_with('/') && !drive {
            report.say(format!("The shared folder guest path must be absolute: {guest}"), place.clone());
        } else if used.contains(&guest) {
            report.say(
                format!(
                    "A shared folder guest path is used multiple times. Shared\nfolders must all map to a unique guest path: {guest}"
                ),
                place.clone(),
            );
        } else if !guest.is_empty() {
            used.push(guest);
        }
        let create = option(options, "create").is_some_and(|create| create.truthy());
        if !create && !report.absolute(&host).is_dir() {
            report.say(format!("The host path of the shared folder is missing: {host}"), place.clone());
        }
        let kind = text(options, "type");
        let owned = option(options, "owner").is_some() || option(options, "group").is_some();
        if kind.as_deref() == Some("nfs") && owned {
            report.say(
                format!(
                    "Shared folders that have NFS enabled do not support owner/group\nattributes. Host path: {host}"
                ),
                place.clone(),
            );
        }
        let mounted = option(options, "mount_options");
        if mounted.is_some_and(|mounted| !matches!(mounted, Value::Array(_))) {
            report.say(
                "Shared folder mount options specified by 'mount_options' must\nbe an array of options.",
                place.clone(),
            );
        }
        let kind = kind.filter(|kind| !TYPES.contains(&kind.as_str()) && !inline.contains(kind));
        if let Some(kind) = kind {
            unknown_type(report, &kind, place);
        }
    }
}

fn unknown_type(report: &mut Report<'_>, kind: &str, place: Option<yado_core::spec::Origin>) {
    if report.modern && OWN_TYPES.contains(&kind) && report.provider != "virtualbox" {
        return;
    }
    let message = format!(
        "The type '{kind}' is not a valid synced folder type. If 'type' is not\n  specified, Vagrant will automatically choose the best synced folder\n  option for your guest. Otherwise, please pick from the following available options:\n\n    {}",
        TYPES.join(", ")
    );
    report.say(message, place);
}
