//! `salt`

use yado_ruby::Value;

use super::Report;
use crate::config::Config;

/// `salt`
pub(crate) fn salt(config: &Config, report: &mut Report<'_>) {
    for name in ["minion_config", "master_config"] {
        if let Some(path) = report.path(&config.get(name)) {
            let full = report.absolute(&path);
            if !full.is_file() {
                let message = format!("The specified {name} '{}' file could not be found.", full.display());
                report.say(message, config.origin(name));
            }
        }
    }
    if let Some(path) = report.path(&config.get("grains_config"))
        && !report.absolute(&path).is_file()
    {
        report.say("The specified grains_config file could not be found.", config.origin("grains_config"));
    }
    let set = |name: &str| config.get(name).truthy();
    if set("install_master") && !set("no_minion") && set("run_highstate") && !set("seed_master") {
        report
            .say("You must accept keys when running highstate with master!", config.origin("run_highstate"));
    }
    for name in ["salt_call_args", "salt_args"] {
        let value = config.get(name);
        if !value.is_nil() && !matches!(value, Value::Array(_)) {
            report.say("You must set `args_array` value as an array.", config.origin(name));
        }
    }
    let python = config.get("python_version");
    let number = match &python {
        Value::Nil | Value::Int(_) => true,
        Value::Str(text) => text.with(|text| text.bytes().all(|byte| byte.is_ascii_digit())),
        _ => false,
    };
    if !number {
        let message = "You must set `python_version` as an integer or string that represents an integer.";
        report.say(message, config.origin("python_version"));
    }
    if !config.get("version").is_nil() && config.get("install_type").is_nil() {
        let message = "You must set the option `install_type` when specifying a `version`.";
        report.say(message, config.origin("version"));
    }
}
