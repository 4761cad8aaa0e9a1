//! `config.vm`: box, host name, downloads.

use yado_ruby::Value;

use super::Report;
use crate::config::Config;
use crate::vm::Vm;

/// Providers that work without a box.
const BOX_OPTIONAL: &[&str] = &["docker", "podman", "container"];

/// The plain settings.
pub(super) fn check(report: &mut Report<'_>, config: &Config) {
    check_box(report, config);
    check_hostname(report, config);
    check_files(report, config);
    check_checksum(report, config);
    check_download_options(report, config);
}

fn blank(value: &Value) -> bool {
    value.is_nil() || value.text_or_symbol().is_some_and(|text| text.is_empty())
}

fn check_box(report: &mut Report<'_>, config: &Config) {
    let (image, clone) = (config.get("box"), config.get("clone"));
    if image.is_nil() && clone.is_nil() && !BOX_OPTIONAL.contains(&report.provider.as_str()) {
        report.say("A box must be specified.", config.origin("box"));
    } else if !blank(&image) && !clone.is_nil() {
        report.say("Only one of clone or box can be specified.", config.origin("clone"));
    } else if !image.is_nil() && blank(&image) {
        let message = format!("Box value for guest '{}' is an empty string.", report.machine);
        report.say(message, config.origin("box"));
    }
}

fn check_hostname(report: &mut Report<'_>, config: &Config) {
    let Some(name) = config.text("hostname") else { return };
    let mut letters = name.chars();
    let starts_well = letters.next().is_some_and(|first| first.is_ascii_alphanumeric());
    if !starts_well || !letters.all(|letter| letter.is_ascii_alphanumeric() || "-.".contains(letter)) {
        let machine = &report.machine;
        let message = format!(
            "The hostname set for the VM '{machine}' should only contain letters, numbers,\nhyphens or dots. It cannot start with a hyphen or dot."
        );
        report.say(message, config.origin("hostname"));
    }
}

fn check_files(report: &mut Report<'_>, config: &Config) {
    if let Some(path) = config.text("box_download_ca_cert")
        && !report.absolute(&path).is_file()
    {
        let message = format!("\"box_download_ca_cert\" file not found: {path}");
        report.say(message, config.origin("box_download_ca_cert"));
    }
    if let Some(path) = config.text("box_download_ca_path")
        && !report.absolute(&path).is_dir()
    {
        let message = format!("\"box_download_ca_path\" directory not found: {path}");
        report.say(message, config.origin("box_download_ca_path"));
    }
}

fn check_checksum(report: &mut Report<'_>, config: &Config) {
    let kind = config.get("box_download_checksum_type");
    if blank(&config.get("box_download_checksum")) {
        if !kind.is_nil() {
            let message = "Checksum type specified but \"box_download_checksum\" is blank";
            report.say(message, config.origin("box_download_checksum_type"));
        }
    } else if kind.is_nil() {
        let message = "Checksum specified but must also specify \"box_download_checksum_type\"";
        report.say(message, config.origin("box_download_checksum"));
    }
}

fn check_download_options(report: &mut Report<'_>, config: &Config) {
    let origin = config.origin("box_download_options");
    let options = config.get("box_download_options");
    let Value::Hash(options) = options else {
        let class = report.interpreter.class_of(&options);
        let class = report.interpreter.class_name(&class);
        let message = format!("Found \"box_download_options\" specified as type '{class}', should be a Hash");
        report.say(message, origin);
        return;
    };
    for (key, value) in options.to_vec() {
        if !matches!(value, Value::Bool(_) | Value::Str(_)) {
            let key = report.interpreter.to_s(&key).unwrap_or_default();
            let message = format!(
                "Something went wrong converting VM config `box_download_options`. Value for provided key '{key}' is invalid type. Should be String or Bool"
            );
            report.say(message, origin.clone());
        }
    }
}

/// Names of machines.
pub(super) fn check_names(report: &mut Report<'_>, vm: &Vm) {
    for (name, machine) in vm.machines.iter() {
        if name.contains(['[', ']', '{', '}', '/']) {
            let message =
                format!("The sub-VM name '{name}' is invalid. Please don't use special characters.");
            report.say_under("vm", message, machine.origin.clone());
        }
    }
}

/// What Vagrant looks at after everything else.
pub(super) fn check_last(report: &mut Report<'_>, config: &Config) {
    for name in ["allow_fstab_modification", "allow_hosts_modification"] {
        let value = config.get(name);
        if value.is_nil() || matches!(value, Value::Bool(_)) {
            continue;
        }
        let class = report.interpreter.class_of(&value);
        let class = report.interpreter.class_name(&class);
        let message = format!("Found '{name}' specified as type '{class}', should be 'Boolean'");
        report.say_under("vm", message, config.origin(name));
    }
}
