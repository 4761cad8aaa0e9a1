//! The Chef provisioners.

use yado_ruby::Value;

use super::Report;
use crate::config::Config;

/// The paths of a list of folders that lie on one of these sides.
fn folders(config: &Config, report: &mut Report<'_>, name: &str, sides: &[&str]) -> Vec<String> {
    let Value::Array(list) = config.get(name) else { return Vec::new() };
    list.to_vec()
        .iter()
        .filter_map(|entry| match entry {
            Value::Array(pair) if sides.contains(&pair.get(0)?.text_or_symbol()?.as_str()) => {
                report.path(&pair.get(1)?)
            }
            _ => None,
        })
        .collect()
}

fn is_empty(config: &Config, name: &str) -> bool {
    match config.get(name) {
        Value::Array(list) => list.is_empty(),
        other => other.is_nil(),
    }
}

fn environments(config: &Config, report: &mut Report<'_>) {
    for path in folders(config, report, "environments_path", &["host"]) {
        if !report.absolute(&path).is_dir() {
            report.say(format!("Environment path not found: {path}"), config.origin("environments_path"));
        }
    }
    if !config.get("environment").is_nil() && is_empty(config, "environments_path") {
        report.say(
            "When 'environment' is specified, you must provide 'environments_path'.",
            config.origin("environment"),
        );
    }
}

fn custom_config(config: &Config, report: &mut Report<'_>) {
    if let Some(path) = report.path(&config.get("custom_config_path"))
        && !report.absolute(&path).is_file()
    {
        report.say(
            "Path specified for \"custom_config_path\" does not exist.",
            config.origin("custom_config_path"),
        );
    }
}

/// `chef_solo`
pub(crate) fn solo(config: &Config, report: &mut Report<'_>) {
    custom_config(config, report);
    if is_empty(config, "cookbooks_path") {
        report.say("Missing required value for `chef.cookbooks_path'.", config.origin("cookbooks_path"));
    }
    environments(config, report);
}

/// `chef_zero`
pub(crate) fn zero(config: &Config, report: &mut Report<'_>) {
    custom_config(config, report);
    if is_empty(config, "cookbooks_path") {
        report.say("Missing required value for `chef.cookbooks_path'.", config.origin("cookbooks_path"));
    }
    if is_empty(config, "nodes_path") {
        report.say("Missing required value for `chef.nodes_path'.", None);
    }
    let paths = folders(config, report, "nodes_path", &["host", "vm"]);
    let missing: Vec<String> = paths.into_iter().filter(|path| !report.absolute(path).is_dir()).collect();
    if !missing.is_empty() {
        let message = format!("Path specified for `nodes_path` does not exist: {missing:?}");
        report.say(message, config.origin("nodes_path"));
    }
    environments(config, report);
}

/// `chef_client`
pub(crate) fn client(config: &Config, report: &mut Report<'_>) {
    custom_config(config, report);
    if config.text("chef_server_url").is_none_or(|url| url.trim().is_empty()) {
        report.say("Chef Server URL must be populated.", config.origin("chef_server_url"));
    }
    if config.text("validation_key_path").is_none_or(|path| path.trim().is_empty()) {
        let message = "Validation key path must be valid path to your Chef Server validation key.";
        report.say(message, config.origin("validation_key_path"));
    }
}

/// `chef_apply`
pub(crate) fn apply(config: &Config, report: &mut Report<'_>) {
    if config.text("recipe").is_none_or(|recipe| recipe.is_empty()) {
        let message = "Chef Apply provisioning requires that the `config.chef.recipe` be set\nto a string containing the recipe contents you want to execute on the\nguest.";
        report.say(message, config.origin("recipe"));
    }
}
