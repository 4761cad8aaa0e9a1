//! `shell`, `file` and `cfengine`.

use yado_ruby::Value;

use super::Report;
use crate::config::Config;

/// Whether a path is an address of something to download.
fn remote(path: &str) -> bool {
    ["http://", "https://", "ftp://"].iter().any(|scheme| path.starts_with(scheme))
}

/// `shell`
pub(crate) fn shell(config: &Config, report: &mut Report<'_>) {
    let (path, inline) = (config.get("path"), config.get("inline"));
    let restarts = config.get("reboot").truthy() || config.get("reset").truthy();
    if !path.is_nil() && !inline.is_nil() {
        report.say("Only one of `path` or `inline` may be set.", config.origin("path"));
    } else if path.is_nil() && inline.is_nil() && !restarts {
        report.say("One of `path` or `inline` must be set.", None);
    }
    if !matches!(config.get("env"), Value::Hash(_)) {
        report.say("The shell provisioner's `env' option must be a hash.", config.origin("env"));
    }
    if let Some(path) = report.path(&config.get("path")).filter(|path| !remote(path)) {
        let full = report.absolute(&path);
        if !full.is_file() {
            let message =
                format!("`path` for shell provisioner does not exist on the host system: {}", full.display());
            report.say(message, config.origin("path"));
        }
    }
    if !arguments_are_text(&config.get("args")) {
        report.say("Shell provisioner `args` must be a string or array.", config.origin("args"));
    }
    if config.get("powershell_elevated_interactive").truthy() && !config.get("privileged").truthy() {
        let origin = config.origin("powershell_elevated_interactive");
        report.say("To be interactive, it must also be privileged.", origin);
    }
}

/// Whether arguments of a script are text, or a list of texts and numbers.
pub(crate) fn arguments_are_text(arguments: &Value) -> bool {
    match arguments {
        Value::Nil | Value::Str(_) | Value::Int(_) => true,
        Value::Array(list) => {
            list.to_vec().iter().all(|one| matches!(one, Value::Str(_) | Value::Int(_) | Value::Big(_)))
        }
        _ => false,
    }
}

/// `file`
pub(crate) fn file(config: &Config, report: &mut Report<'_>) {
    let source = report.path(&config.get("source"));
    if source.is_none() {
        report.say("File source must be specified.", None);
    }
    if config.get("destination").is_nil() {
        report.say("File destination must be specified.", None);
    }
    if let Some(source) = source {
        let full = report.absolute(&source);
        if !full.exists() {
            let message = format!("File upload source file {} must exist", full.display());
            report.say(message, config.origin("source"));
        }
    }
}

/// `cfengine`
pub(crate) fn cfengine(config: &Config, report: &mut Report<'_>) {
    let classes = config.get("classes");
    if !classes.is_nil() && !matches!(classes, Value::Array(_)) {
        report.say("The 'classes' configuration must be an array.", config.origin("classes"));
    }
    match config.text("mode").as_deref() {
        Some("bootstrap") => {
            if !config.get("policy_server_address").truthy() && !config.get("am_policy_hub").truthy() {
                report.say("The policy server address must be set for bootstrapping.", None);
            }
        }
        Some("single_run") => {}
        _ => report.say("The mode must be 'bootstrap' or 'single_run'", config.origin("mode")),
    }
    if let Some(path) = report.path(&config.get("files_path"))
        && !report.absolute(&path).is_dir()
    {
        report.say("The 'files_path' must point to a valid directory.", config.origin("files_path"));
    }
    if let Some(path) = report.path(&config.get("run_file"))
        && !report.absolute(&path).is_file()
    {
        report.say("The 'run_file' specified could not be found.", config.origin("run_file"));
    }
}
