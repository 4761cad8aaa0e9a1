//! From a machine's description to the OCI specification that the engine takes.

use std::path::PathBuf;

use serde_json::Value;
use yado_container::spec::{self, IdMapping, Mount, Spec};
use yado_core::spec::{Origin, Problem, ProviderSettings};
use yado_core::{Image, MachineRecord, MachineSpec};

use super::first_process::FirstProcess;
use super::folders::IDS;
use super::limits::Limits;
use super::{number, owners};
use crate::providers::networks::names::hostname;

/// The settings of the `container` block.
pub(super) fn settings(spec: &MachineSpec) -> Option<&ProviderSettings> {
    spec.providers.iter().find(|provider| provider.name == "container")
}

/// A setting of the `container` block that is text.
pub(super) fn text_setting(spec: &MachineSpec, name: &str) -> Option<String> {
    settings(spec)?.settings.get(name)?.as_str().map(str::to_owned)
}

/// Where a setting of the `container` block was made.
pub(super) fn setting_origin(spec: &MachineSpec, name: &str) -> Option<Origin> {
    let provider = settings(spec)?;
    let own = provider.origins.iter().find(|(known, _)| known == name).map(|(_, origin)| origin.clone());
    own.or_else(|| provider.origin.clone())
}

/// Settings that make no sense.
pub(super) fn problems(spec: &MachineSpec) -> Vec<Problem> {
    let Some(provider) = settings(spec) else { return Vec::new() };
    let at = |name: &str| setting_origin(spec, name);
    let mut problems = Vec::new();
    if let Some(init) = provider.settings.get("init").filter(|value| !value.is_null())
        && !init.as_str().is_some_and(|name| ["auto", "systemd", "yado"].contains(&name))
    {
        problems.push(Problem {
            message: format!("`init` must be 'auto', 'systemd' or 'yado', not {init}."),
            origin: at("init"),
            remedy: None,
        });
    }
    for (name, least, unit) in
        [("memory", 4.0, "MiB"), ("cpus", 0.01, "processors"), ("pids", 4.0, "processes")]
    {
        match provider.settings.get(name) {
            None | Some(Value::Null) => {}
            Some(value) => {
                if number(value).is_none_or(|number| number < least) {
                    problems.push(Problem {
                        message: format!(
                            "`{name}` must be a number of {unit}, {least} or more, not {value}."
                        ),
                        origin: at(name),
                        remedy: None,
                    });
                }
            }
        }
    }
    let known: Vec<&str> = super::SCHEMA.settings.iter().map(|setting| setting.name).collect();
    for name in provider.settings.keys().filter(|name| !known.contains(&name.as_str())) {
        let near = yado_core::registry::nearest(name, known.iter().copied()).map_or_else(
            || format!("it takes: {}", known.join(", ")),
            |near| format!("did you mean '{near}'?"),
        );
        problems.push(Problem {
            message: format!("The following settings shouldn't exist: {name}"),
            origin: at(name),
            remedy: Some(near),
        });
    }
    problems
}

/// The first host id of a machine's range: above what distributions hand out in `/etc/subuid`, a range for each.
pub(super) fn first_id(record: &MachineRecord) -> u32 {
    owners::first(1_000_000_000 + (record.number % 40_000) * IDS)
}

/// The whole specification.
pub(super) fn build(
    record: &MachineRecord,
    machine: &MachineSpec,
    image: &Image,
    folders: Vec<Mount>,
    init: FirstProcess,
    limits: Limits,
) -> Spec {
    let first = first_id(record);
    let mut spec = spec::default_spec(&hostname(Some(machine), &record.name), first);
    owners::map(&mut spec, first);
    // `sudo` needs what `no_new_privileges` forbids; what it may gain ends at the machine's user namespace.
    if let Some(process) = &mut spec.process {
        process.no_new_privileges = false;
    }
    let linux = spec.linux.get_or_insert_default();
    linux.resources = Some(limits.resources());
    spec.mounts.push(tmpfs("/run", "mode=755"));
    init.prepare(&mut spec, &record.id);
    for (host, guest) in &image.host_mounts {
        spec.mounts.push(host_mount(host.clone(), guest.clone(), first));
    }
    spec.mounts.extend(folders);
    spec
}

fn tmpfs(destination: &str, mode: &str) -> Mount {
    Mount {
        destination: destination.into(),
        kind: Some("tmpfs".to_owned()),
        source: Some("tmpfs".into()),
        options: ["nosuid", "nodev", mode].map(str::to_owned).to_vec(),
        ..Mount::default()
    }
}

/// A directory of the host, read-only, its owners shown as the machine's own of the same number.
fn host_mount(source: PathBuf, destination: PathBuf, first: u32) -> Mount {
    let ids = if owners::are_translated() {
        vec![IdMapping { container_id: 0, host_id: first, size: IDS }]
    } else {
        Vec::new()
    };
    Mount {
        destination,
        kind: Some("bind".to_owned()),
        source: Some(source),
        options: [
            if ids.is_empty() { "rbind" } else { "bind" },
            if ids.is_empty() { "rro" } else { "ro" },
            "nodev",
        ]
        .map(str::to_owned)
        .to_vec(),
        uid_mappings: ids.clone(),
        gid_mappings: ids,
    }
}
