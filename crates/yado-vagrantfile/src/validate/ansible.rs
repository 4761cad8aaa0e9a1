//! `ansible` and `ansible_local`.

use yado_ruby::Value;

use super::Report;
use crate::config::Config;

/// Both provisioners.
pub(crate) fn ansible(config: &Config, report: &mut Report<'_>) {
    if config.get("compatibility_mode").is_nil() {
        let message = "`compatibility_mode` must be a valid mode (possible values: 'auto', '1.8', '2.0').";
        report.say(message, config.origin("compatibility_mode"));
    }
    if config.get("playbook").is_nil() {
        report.say("`playbook` file path must be set.", None);
    }
    let extra = config.get("extra_vars");
    let fits = match &extra {
        Value::Nil | Value::Hash(_) => true,
        Value::Str(text) => text.with(|text| !text.strip_prefix('@').unwrap_or(text).is_empty()),
        _ => false,
    };
    if !fits {
        let shown = shown(report, &extra);
        let message = format!("`extra_vars` must be a hash or a path to an existing file. Received: {shown}");
        report.say(message, config.origin("extra_vars"));
    }
    // `raw_ssh_args` is a setting of `ansible` alone, and nil for the other one.
    for name in ["raw_arguments", "raw_ssh_args"] {
        let raw = config.get(name);
        if raw.truthy() && !matches!(raw, Value::Array(_) | Value::Str(_)) {
            let shown = shown(report, &raw);
            let message = format!("`{name}` must be an array of strings. Received: {shown}");
            report.say(message, config.origin(name));
        }
    }
}

fn shown(report: &mut Report<'_>, value: &Value) -> String {
    let class = report.interpreter.class_of(value);
    let class = report.interpreter.class_name(&class);
    format!("{} (as {class})", report.interpreter.inspect(value).unwrap_or_default())
}
