//! The providers that Vagrant brings.

use yado_ruby::Value;

use super::Report;
use crate::config::Config;

/// `virtualbox`
pub(crate) fn virtualbox(config: &Config, report: &mut Report<'_>) {
    const EVENTS: &[&str] = &["pre-import", "pre-boot", "post-boot", "post-comm"];
    let Value::Array(list) = config.get("customizations") else { return };
    for entry in list.to_vec() {
        let Value::Array(pair) = entry else { continue };
        let event = pair.get(0).unwrap_or(Value::Nil);
        let event = report.interpreter.to_s(&event).unwrap_or_default();
        if !EVENTS.contains(&event.as_str()) {
            let message = format!(
                "{event} is not a valid event for customization. Valid events\nare: {}",
                EVENTS.join(", ")
            );
            report.say(message, config.origin("customizations"));
        }
        if event == "pre-import"
            && let Some(Value::Array(words)) = pair.get(1)
            && words.to_vec().iter().any(|word| matches!(word, Value::Sym(name) if name.as_str() == "id"))
        {
            report.say("`:id` is not available in the `pre-import` event.", config.origin("customizations"));
        }
    }
}

/// Whether an address of the web ends with `git`, apart from a branch: what Docker takes for a repository.
fn is_git_address(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")) else {
        return false;
    };
    // One letter, which is meant to be a point, stands before the name.
    let before = |text: &str| text.strip_suffix("git").is_some_and(|before| !before.is_empty());
    before(rest) || rest.match_indices('#').any(|(at, _)| before(&rest[..at]) && at + 1 < rest.len())
}

/// `docker`
pub(crate) fn docker(config: &Config, report: &mut Report<'_>) {
    let sources: Vec<&str> =
        ["build_dir", "git_repo", "image"].into_iter().filter(|name| config.get(name).truthy()).collect();
    match sources.len() {
        0 => report.say("One of \"build_dir\", \"git_repo\" or \"image\" must be set", None),
        1 => {}
        _ => report.say(
            "Only one of \"build_dir\", \"git_repo\" or \"image\" can be set",
            config.origin(sources[0]),
        ),
    }
    if report.path(&config.get("build_dir")).is_some_and(|path| !report.absolute(&path).is_dir()) {
        report.say("\"build_dir\" must exist and contain a Dockerfile", config.origin("build_dir"));
    }
    if let Some(address) = config.text("git_repo") {
        let git = ["git://", "git@", "github.com"].iter().any(|start| address.starts_with(start));
        if !git && !is_git_address(&address) {
            report.say("\"git_repo\" must be a valid git URL", config.origin("git_repo"));
        }
    }
    if !matches!(config.get("compose_configuration"), Value::Hash(_)) {
        report.say("\"compose_configuration\" must be a hash", config.origin("compose_configuration"));
    }
    if config.get("compose").truthy() && config.get("force_host_vm").truthy() {
        report
            .say("Docker compose is not currently supported from within proxy VM.", config.origin("compose"));
    }
    if !matches!(config.get("create_args"), Value::Array(_)) {
        report.say("\"create_args\" must be an array", config.origin("create_args"));
    }
    if let Value::Array(links) = config.get("links") {
        for link in links.to_vec() {
            let link = report.interpreter.to_s(&link).unwrap_or_default();
            let parts: Vec<&str> = link.trim_end_matches(':').split(':').collect();
            if parts.len() != 2 || parts.contains(&"") {
                let message = format!("Invalid link (should be 'name:alias'): \"{link}\"");
                report.say(message, config.origin("links"));
            }
        }
    }
    if let Some(path) = report.path(&config.get("vagrant_vagrantfile"))
        && !report.absolute(&path).is_file()
    {
        let message = "\"vagrant_vagrantfile\" must point to a Vagrantfile that exists.";
        report.say(message, config.origin("vagrant_vagrantfile"));
    }
}

/// `hyperv`
pub(crate) fn hyperv(config: &Config, report: &mut Report<'_>) {
    let services = config.get("vm_integration_services");
    if let Value::Hash(services) = &services {
        for (name, value) in services.to_vec() {
            if !matches!(value, Value::Bool(_)) {
                let name = report.interpreter.to_s(&name).unwrap_or_default();
                let message = format!(
                    "Invalid type provided for `vm_integration_services`: `{name}` must be true or false."
                );
                report.say(message, config.origin("vm_integration_services"));
            }
        }
    } else {
        let class = report.interpreter.class_of(&services);
        let class = report.interpreter.class_name(&class);
        report.say(
            format!("Invalid type provided for `vm_integration_services`. Type received\nis `{class}` but `Hash` was expected."),
            config.origin("vm_integration_services"),
        );
    }
    for (name, what, allowed) in [
        ("auto_start_action", "start", "Nothing, StartIfRunning, Start"),
        ("auto_stop_action", "stop", "ShutDown, TurnOff, Save"),
    ] {
        let received = config.text(name).unwrap_or_default();
        if !allowed.split(", ").any(|word| word == received) {
            let message = format!(
                "The requested auto {what} action for the Hyper-V VM is not a\nvalid action. Please provide a valid action and run the command\nagain.\n\n  Received: {received}\n  Allowed: {allowed}"
            );
            report.say(message, config.origin(name));
        }
    }
}
