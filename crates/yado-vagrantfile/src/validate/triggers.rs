//! Triggers.

use yado_ruby::Value;

use super::Report;
use crate::config::{Config, ConfigCell};

/// One trigger.
pub(crate) fn trigger(config: &Config, report: &mut Report<'_>) {
    let command = config.text("command").unwrap_or_default();
    let kind = config.text("type").unwrap_or_default();
    let origin = config.origin("command");
    if !["command", "action", "hook"].contains(&kind.as_str()) {
        let message = format!(
            "The type '{kind}' defined for trigger '{command}' is not valid. Must be one of the following types: 'command, action, hook'"
        );
        report.say(message, origin.clone());
    }
    for name in ["run", "run_remote"] {
        if let Some(script) = ConfigCell::of(&config.get(name)) {
            check_script(report, &script.config.borrow());
        }
    }
    for name in ["name", "info", "warn"] {
        let value = config.get(name);
        if !value.is_nil() && !matches!(value, Value::Str(_)) {
            let message = format!(
                "Invalid type set for `{name}` on trigger for command '{command}'. `{name}` should be a String."
            );
            report.say(message, config.origin(name));
        }
    }
    let known = match config.get("on_error") {
        Value::Sym(word) => ["halt", "continue"].contains(&word.as_str()),
        // A text does here, where Vagrant wants a symbol.
        Value::Str(word) => report.modern && word.with(|word| ["halt", "continue"].contains(&word)),
        _ => false,
    };
    if !known {
        let message = format!(
            "Invalid type set for `on_error` on trigger for command '{command}'. `on_error` can\nonly be `:halt` (default) or `:continue`."
        );
        report.say(message, config.origin("on_error"));
    }
    let codes = config.get("exit_codes");
    let numbers = matches!(&codes, Value::Array(list) if list.to_vec().iter().all(|code| matches!(code, Value::Int(_))));
    if !numbers {
        let message = format!(
            "Invalid type set for `exit_codes` on trigger for command '{command}'. `exit_codes` can\nonly be a single integer or an array of integers."
        );
        report.say(message, config.origin("exit_codes"));
    }
    if !matches!(config.get("abort"), Value::Nil | Value::Int(_) | Value::Bool(false)) {
        let message = format!(
            "Trigger option `abort` for command '{command}' must be either set to\n`true` (defaults to exit code 1) or an integer to use as an exit code."
        );
        report.say(message, config.origin("abort"));
    }
}

/// The script of a trigger is checked like a provisioner's, but reported with the trigger.
fn check_script(report: &mut Report<'_>, script: &Config) {
    let known = report.found.get("shell provisioner").map_or(0, Vec::len);
    super::check(report, script);
    let Some(list) = report.found.get_mut("shell provisioner") else { return };
    let moved = list.split_off(known);
    if list.is_empty() {
        report.found.shift_remove("shell provisioner");
    }
    for complaint in moved {
        report.found.entry("trigger".to_owned()).or_default().push(complaint);
    }
}
