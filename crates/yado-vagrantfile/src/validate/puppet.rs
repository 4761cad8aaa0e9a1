//! `puppet` and `puppet_server`.

use yado_ruby::Value;

use super::Report;
use crate::config::Config;

/// The host's side of a path with a side.
fn host_path(report: &mut Report<'_>, value: &Value) -> Option<String> {
    match value {
        Value::Array(pair) if pair.get(0)?.text_or_symbol()? == "host" => report.path(&pair.get(1)?),
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
    let manifests = host_path(report, &config.get("manifests_path")).map(|path| report.absolute(&path));
    if let Some(folder) = &manifests {
        let origin = config.origin("manifests_path");
        if !folder.is_dir() {
            let message =
                format!("The manifests path specified for Puppet does not exist: {}", folder.display());
            report.say(message, origin);
        } else if let Some(name) = config.text("manifest_file") {
            let file = folder.join(name);
            if !file.is_file() && !file.is_dir() {
                let message = format!(
                    "The configured Puppet manifest is missing. Please specify a path to an\nexisting manifest:\n\n{}",
                    file.display()
                );
                report.say(message, config.origin("manifest_file"));
            }
        }
    }
    let environments = host_path(report, &config.get("environment_path")).map(|path| report.absolute(&path));
    if let Some(folder) = environments.filter(|_| manifests.is_none()) {
        let name = config.text("environment").unwrap_or_default();
        if !folder.is_dir() {
            let message =
                format!("The environment path specified for Puppet does not exist: {}", folder.display());
            report.say(message, config.origin("environment_path"));
        } else if !folder.join(&name).exists() {
            let message = format!(
                "The configured Puppet environment folder {name} was not found in the\nspecified environmentpath {}.\nPlease specify a path to an existing Puppet directory environment.",
                folder.display()
            );
            report.say(message, config.origin("environment"));
        }
    }
    for module in modules {
        let Some(path) = report.path(&module) else { continue };
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
        let path = report.path(&config.get(name)).unwrap_or_default();
        if !report.absolute(&path).is_file() {
            let what = if *name == "client_cert_path" { "cert" } else { "private key" };
            report.say(format!("The specified client {what} path could not be found"), config.origin(name));
        }
    }
    if !given.is_empty() && config.get("puppet_node").is_nil() {
        report.say("\"puppet_node\" is required when a client cert or key is specified", None);
    }
}
