//! A machine as a service: what `run` would get as arguments, in the words of a Compose file.

use serde_json::{Map, Value, json};
use yado_core::spec::Problem;
use yado_core::{Forward, MachineSpec};

use super::super::image::Source;
use super::super::run;
use super::super::settings::Settings;
use super::arguments;

/// Keys at the top of a Compose file, below which something is named by the user, and what in there stays inside.
const HARMLESS: &[(&str, &[&str])] = &[
    ("networks", &["driver", "internal", "name", "external", "labels", "ipam", "enable_ipv6", "attachable"]),
    ("volumes", &["name", "external", "labels"]),
];

/// What Compose cannot do, of the settings.
pub(in super::super) fn problems(settings: &Settings) -> Vec<Problem> {
    let untranslated = arguments::translate(&settings.create_args).err();
    let problem = untranslated.map(|word| Problem {
        message: format!(
            "'{word}' in 'create_args' has no counterpart in Docker Compose; say what it does in 'compose_configuration'."
        ),
        origin: settings.origin("create_args"),
        remedy: None,
    });
    let services =
        settings.compose_configuration.get("services").is_some_and(|services| !services.is_object());
    let wrong = services.then(|| Problem {
        message: "'services' in 'compose_configuration' must be a hash.".to_owned(),
        origin: settings.origin("compose_configuration"),
        remedy: None,
    });
    problem.into_iter().chain(wrong).collect()
}

/// What in a configuration may hand parts of this computer to the containers: all but a few words on networks and
/// volumes, and whatever Compose would fill in from the environment.
pub(in super::super) fn harmful(configuration: &Map<String, Value>) -> Option<String> {
    for (key, value) in configuration {
        if key == "version" {
            continue;
        }
        let Some((_, known)) = HARMLESS.iter().find(|(harmless, _)| harmless == key) else {
            return Some(key.clone());
        };
        for (name, options) in value.as_object()? {
            let mut options = options.as_object().into_iter().flatten();
            if let Some((option, _)) = options.find(|(option, value)| {
                // A network can be a port on one of the host's interfaces.
                !known.contains(&option.as_str())
                    || *option == "driver" && *value != "bridge"
                    || value.to_string().contains('$')
            }) {
                return Some(format!("{key}.{name}.{option}"));
            }
        }
    }
    None
}

/// The service of a machine. Links lead to services of the project, as machines are, or to containers beside it.
pub(in super::super) fn service(
    spec: &MachineSpec,
    settings: &Settings,
    source: &Source,
    forwards: &[Forward],
    is_service: &dyn Fn(&str) -> bool,
) -> Value {
    let mut service = Map::new();
    let mut set = |name: &str, value: Value| drop(service.insert(name.to_owned(), value));
    let all = |words: &[String]| Value::from(words.iter().map(|word| verbatim(word)).collect::<Vec<_>>());
    set("image", verbatim(&source.image).into());
    if let Some(name) = &settings.name {
        set("container_name", verbatim(name).into());
    }
    let environment: Map<String, Value> =
        settings.env.iter().map(|(name, value)| (name.clone(), verbatim(value).into())).collect();
    set("environment", environment.into());
    if !settings.env_file.is_empty() {
        set(
            "env_file",
            all(&settings.env_file.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()),
        );
    }
    set("expose", all(&settings.expose));
    let (within, beside): (Vec<String>, Vec<String>) =
        settings.links.iter().cloned().partition(|link| is_service(target(link)));
    set("links", all(&within));
    set("external_links", all(&beside));
    let ports: Vec<String> =
        settings.ports.iter().cloned().chain(forwards.iter().map(run::published)).collect();
    set("ports", all(&ports));
    let folders = spec.synced_folders.iter().map(run::volume);
    let mounts = source
        .mounts
        .iter()
        .map(|(outside, inside)| format!("{}:{}:ro", outside.display(), inside.display()));
    set("volumes", all(&settings.volumes.iter().cloned().chain(folders).chain(mounts).collect::<Vec<_>>()));
    if let Some(hostname) = &spec.hostname {
        set("hostname", hostname.clone().into());
    }
    if settings.privileged {
        set("privileged", true.into());
    }
    let command = run::command_inside(settings, source);
    if !command.is_empty() {
        set("command", all(&command));
    }
    set("labels", json!({}));
    // Words that cannot be said were refused before.
    if let Ok(more) = arguments::translate(&settings.create_args) {
        for (name, value) in more {
            match (service.get_mut(&name), value) {
                (Some(Value::Array(there)), Value::Array(more)) => there.extend(more),
                (Some(Value::Object(there)), Value::Object(more)) => there.extend(more),
                (_, value) => drop(service.insert(name, value)),
            }
        }
    }
    // Of what is empty nothing need be said.
    service.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    Value::Object(service)
}

/// The container or service that a link leads to.
pub(in super::super) fn target(link: &str) -> &str {
    link.split(':').next().unwrap_or(link)
}

/// Compose fills in what stands behind a dollar sign, unless it is doubled.
pub(super) fn verbatim(text: &str) -> String {
    text.replace('$', "$$")
}

/// The volumes that services name, and that the file must therefore declare.
pub(super) fn named_volumes(document: &Map<String, Value>) -> Vec<String> {
    let services = document.get("services").and_then(Value::as_object);
    let volumes = services
        .into_iter()
        .flat_map(Map::values)
        .filter_map(|service| service.get("volumes")?.as_array())
        .flatten();
    volumes.filter_map(|volume| volume_name(volume.as_str()?).map(str::to_owned)).collect()
}

/// The name of a volume that has one; others are directories of the host, or have none.
pub(super) fn volume_name(volume: &str) -> Option<&str> {
    let (name, _) = volume.split_once(':')?;
    name.starts_with(|letter: char| letter.is_ascii_alphanumeric()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_networks_and_volumes_need_no_trust() {
        let found = |value: Value| harmful(value.as_object().unwrap());
        assert_eq!(
            found(
                json!({"version": "2", "volumes": {"a": {}, "b": null}, "networks": {"n": {"driver": "bridge", "internal": true}}})
            ),
            None
        );
        for (bad, told) in [
            (json!({"services": {"web": {"privileged": true}}}), "services"),
            (json!({"volumes": {"a": {"driver_opts": {"device": "/"}}}}), "volumes.a.driver_opts"),
            (json!({"networks": {"n": {"driver": "macvlan"}}}), "networks.n.driver"),
            (json!({"networks": {"n": {"name": "${SECRET}"}}}), "networks.n.name"),
            (json!({"include": ["/etc/passwd"]}), "include"),
        ] {
            assert_eq!(found(bad).as_deref(), Some(told));
        }
    }
}
