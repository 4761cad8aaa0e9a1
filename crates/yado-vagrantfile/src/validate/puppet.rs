//! `puppet` and `puppet_server`.

use yado_ruby::Value;

use super::Report;
use crate::config::Config;

/// The host's side of a path with a side.
fn host_path(value: &Value) -> Option<String> {
    match value {
        Value::Array(pair) if pair.get(0)?.text_or_symbol()? == "host" => pair.get(1)?.as_text(),
        _ => None,
    }
}

/// `puppet`
pub(crate) fn apply(config: &Config, report: &mut Report<'_>) {
    let modules = match config.get("module_path") {
        Value::Nil => Vec::new(),
        Value::Array(list) => list.to_vec(),
        one => vec![one],
    };
    let manifests = host_path(&config.get("manifests_path")).map(|path| report.absolute(&path));
    if let Some(folder) = &manifests {
        let origin = config.origin("manifests_path");
        if !folder.is_dir() {
            let message =
                format!("The manifests path specified for Puppet does not exist: {}", folder.display());
            report.say(message, origin);
        } else if let Some(name) = config.text("manifest_file") {
            let file = folder.join(name);
            if !file.is_file() {
                let message = format!(
                    "The configured Puppet manifest is missing. Please specify a path to an\nexisting manifest:\n\n{}",
                    file.display()
                );
                report.say(message, config.origin("manifest_file"));
            }
        }
    }
    let environments = host_path(&config.get("environment_path")).map(|path| report.absolute(&path));
    if let Some(folder) = environments.filter(|folder| !folder.is_dir() && manifests.is_none()) {
        let message =
            format!("The environment path specified for Puppet does not exist: {}", folder.display());
        report.say(message, config.origin("environment_path"));
    }
    for module in modules {
        let Some(path) = module.as_text() else { continue };
        let full = report.absolute(&path);
        if !full.is_dir() {
            let message = format!("The configured module path doesn't exist: {}", full.display());
            report.say(message, config.origin("module_path"));
        }
    }
}

/// `puppet_server`
pub(crate) fn server(config: &Config, report: &mut Report<'_>) {
    let names = ["client_cert_path", "client_private_key_path"];
    let given: Vec<&str> = names.into_iter().filter(|name| !config.get(name).is_nil()).collect();
    if given.len() == 1 {
        report.say(
            "Both a client certificate and private key must be specified, if any",
            config.origin(given[0]),
        );
    }
    for name in &given {
        let path = config.text(name).unwrap_or_default();
        if !report.absolute(&path).is_file() {
            let what = if *name == "client_cert_path" { "cert" } else { "private key" };
            report.say(format!("The specified client {what} path could not be found"), config.origin(name));
        }
    }
    if !given.is_empty() && config.get("puppet_node").is_nil() {
        report.say("\"puppet_node\" is required when a client cert or key is specified", None);
    }
}
