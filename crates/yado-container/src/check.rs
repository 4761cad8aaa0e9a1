//! What the specification demands of a document, looked at before anything is made: values that contradict each
//! other or that this engine cannot honour are refused, never passed over.

use std::collections::BTreeSet;
use std::path::Path;

use crate::apparmor;
use crate::create::CreateOptions;
use crate::error::{Error, Result};
use crate::init::Init;
use crate::memory_policy;
use crate::namespaces::Namespaces;
use crate::rootless;
use crate::spec::{Hook, Linux, Mount, NamespaceKind, Process, Resources, Seccomp, Spec};

fn refuse(setting: impl Into<String>, reason: impl Into<String>) -> Result<()> {
    Err(Error::invalid(setting, reason))
}

/// Checks a whole document.
pub(crate) fn document(spec: &Spec) -> Result<()> {
    if let Some(process) = &spec.process {
        check_process(process)?;
    }
    spec.mounts.iter().try_for_each(check_mount)?;
    check_hooks(spec)?;
    let nothing = Linux::default();
    let linux = spec.linux.as_ref().unwrap_or(&nothing);
    check_linux(linux)?;
    check_parameters(linux)?;
    if spec.domainname.is_some() && !has(linux, NamespaceKind::Uts) {
        return refuse("domainname", "a domain name of its own needs a UTS namespace");
    }
    Ok(())
}

/// Refuses what this engine cannot do with these options, before anything is changed.
pub(crate) fn engine_can(spec: &Spec, namespaces: &Namespaces, options: &CreateOptions) -> Result<()> {
    let linux = spec.linux.clone().unwrap_or_default();
    if namespaces.own & libc::CLONE_NEWNS == 0
        && (namespaces.own & libc::CLONE_NEWUSER != 0 || options.root_overlay.is_some() || options.no_pivot)
    {
        return Err(Error::invalid(
            "linux.namespaces",
            "with a user namespace, with layers, or on top of the host's root, a container needs a mount namespace",
        ));
    }
    if namespaces.make & libc::CLONE_NEWTIME == 0 && !linux.time_offsets.is_empty() {
        return Err(Error::invalid("linux.timeOffsets", "clocks can be set in a new time namespace only"));
    }
    if rootless::is_needed() && namespaces.own & libc::CLONE_NEWUSER == 0 {
        return Err(Error::invalid(
            "linux.namespaces",
            "for users who are not root a container needs a user namespace",
        ));
    }
    let mapped = !linux.uid_mappings.is_empty() && !linux.gid_mappings.is_empty();
    if namespaces.make & libc::CLONE_NEWUSER != 0 && !mapped {
        return Err(Error::invalid(
            "linux.uidMappings",
            "a new user namespace needs user and group mappings",
        ));
    }
    if options.id_mapped_root && namespaces.own & libc::CLONE_NEWUSER == 0 {
        return Err(Error::invalid("id_mapped_root", "owners can be translated only with a user namespace"));
    }
    if spec.hostname.is_some() && namespaces.own & libc::CLONE_NEWUTS == 0 {
        return Err(Error::invalid("hostname", "a host name of its own needs a UTS namespace"));
    }
    if options.root_overlay.is_none() && spec.root.is_none() {
        return Err(Error::invalid("root", "there is neither a root directory nor an overlay"));
    }
    if options.network.is_some() && namespaces.make & libc::CLONE_NEWNET == 0 {
        return Err(Error::invalid("network", "interfaces of its own need a new network namespace"));
    }
    let process = spec.process.as_ref();
    if options.init == Init::Process && process.is_some_and(|process| process.args.is_empty()) {
        return Err(Error::invalid("process.args", "there is no program to run"));
    }
    let terminal = options.init == Init::Process && process.is_some_and(|process| process.terminal);
    if terminal && options.console.is_none() {
        return Err(Error::invalid(
            "process.terminal",
            "somebody must take the terminal: name a console socket",
        ));
    }
    check_labels(process, &linux)
}

/// Labels that cannot be given may not be passed over: somebody relies on what they forbid.
fn check_labels(process: Option<&Process>, linux: &Linux) -> Result<()> {
    let set = |label: Option<&String>| label.is_some_and(|label| !label.is_empty());
    process.map_or(Ok(None), apparmor::word)?;
    let label = process.and_then(|process| process.selinux_label.as_ref());
    if set(label) || set(linux.mount_label.as_ref()) {
        return Err(Error::invalid(
            if set(label) { "process.selinuxLabel" } else { "linux.mountLabel" },
            "SELinux labels are not supported; leave it out",
        ));
    }
    Ok(())
}

fn check_process(process: &Process) -> Result<()> {
    if !process.cwd.is_absolute() {
        return refuse("process.cwd", "it must be an absolute path");
    }
    let mut seen = BTreeSet::new();
    for limit in &process.rlimits {
        if !seen.insert(limit.kind.as_str()) {
            return refuse("process.rlimits", format!("'{}' stands there twice", limit.kind));
        }
    }
    if let Some(priority) = &process.io_priority
        && !(0..=7).contains(&priority.priority)
    {
        return refuse("process.ioPriority.priority", "it must be between 0 and 7");
    }
    Ok(())
}

fn check_mount(mount: &Mount) -> Result<()> {
    let place = |field: &str| format!("mounts[{}].{field}", mount.destination.display());
    if mount.destination.as_os_str().is_empty() {
        return refuse("mounts.destination", "it is missing");
    }
    if mount.uid_mappings.is_empty() != mount.gid_mappings.is_empty() {
        return refuse(place("uidMappings"), "uidMappings and gidMappings must be given together");
    }
    Ok(())
}

fn check_hooks(spec: &Spec) -> Result<()> {
    let Some(hooks) = &spec.hooks else { return Ok(()) };
    let stages: [(&str, &Vec<Hook>); 6] = [
        ("prestart", &hooks.prestart),
        ("createRuntime", &hooks.create_runtime),
        ("createContainer", &hooks.create_container),
        ("startContainer", &hooks.start_container),
        ("poststart", &hooks.poststart),
        ("poststop", &hooks.poststop),
    ];
    for (stage, hooks) in stages {
        for hook in hooks {
            if !hook.path.is_absolute() {
                return refuse(format!("hooks.{stage}.path"), "it must be an absolute path");
            }
            if hook.timeout == Some(0) {
                return refuse(format!("hooks.{stage}.timeout"), "it must be greater than zero");
            }
        }
    }
    Ok(())
}

fn check_linux(linux: &Linux) -> Result<()> {
    for namespace in &linux.namespaces {
        if namespace.path.as_ref().is_some_and(|path| !path.is_absolute()) {
            return refuse("linux.namespaces.path", "it must be an absolute path");
        }
    }
    for (setting, paths) in
        [("linux.maskedPaths", &linux.masked_paths), ("linux.readonlyPaths", &linux.readonly_paths)]
    {
        if let Some(path) = paths.iter().find(|path| !path.is_absolute()) {
            return refuse(setting, format!("'{}' is not an absolute path", path.display()));
        }
    }
    for device in &linux.devices {
        if !device.path.is_absolute() {
            return refuse("linux.devices.path", "it must be an absolute path");
        }
        if device.kind != "p" && (device.major < 0 || device.minor < 0) {
            return refuse(
                format!("linux.devices[{}]", device.path.display()),
                "major and minor numbers cannot be negative",
            );
        }
    }
    if linux.personality.as_ref().is_some_and(|personality| !personality.flags.is_empty()) {
        return refuse("linux.personality.flags", "the specification knows no flag, and neither does yado");
    }
    if linux.intel_rdt.is_some() {
        return refuse("linux.intelRdt", "it is not supported; remove it from config.json");
    }
    check_network_devices(linux)?;
    linux.memory_policy.as_ref().map(memory_policy::parse).transpose()?;
    linux.seccomp.as_ref().map_or(Ok(()), check_seccomp)?;
    linux.resources.as_ref().map_or(Ok(()), check_resources)
}

fn check_network_devices(linux: &Linux) -> Result<()> {
    if !linux.net_devices.is_empty() && !has(linux, NamespaceKind::Network) {
        return refuse("linux.netDevices", "unable to move network devices without a NET namespace");
    }
    if !linux.net_devices.is_empty() && rootless::is_needed() {
        return refuse("linux.netDevices", "only root can move the host's network devices");
    }
    for (name, device) in &linux.net_devices {
        let good = |name: &str| {
            (1..=15).contains(&name.len())
                && name != "."
                && name != ".."
                && !name.contains(|sign: char| sign == '/' || sign == ':' || sign.is_whitespace())
        };
        if let Some(wrong) = [Some(name), device.name.as_ref().filter(|name| !name.is_empty())]
            .into_iter()
            .flatten()
            .find(|name| !good(name))
        {
            return refuse(format!("linux.netDevices.{name}"), format!("'{wrong}' is not a device's name"));
        }
    }
    Ok(())
}

fn check_seccomp(seccomp: &Seccomp) -> Result<()> {
    let takes_number = |action: &str| matches!(action, "SCMP_ACT_ERRNO" | "SCMP_ACT_TRACE");
    if seccomp.default_errno_ret.is_some() && !takes_number(&seccomp.default_action) {
        return refuse(
            "linux.seccomp.defaultErrnoRet",
            format!("'{}' returns no error number", seccomp.default_action),
        );
    }
    for rule in &seccomp.syscalls {
        if rule.names.is_empty() {
            return refuse("linux.seccomp.syscalls.names", "at least one name is needed");
        }
        if rule.errno_ret.is_some() && !takes_number(&rule.action) {
            return refuse(
                "linux.seccomp.syscalls.errnoRet",
                format!("'{}' returns no error number", rule.action),
            );
        }
    }
    if let Some(unknown) = seccomp.architectures.iter().find(|name| !name.starts_with("SCMP_ARCH_")) {
        return refuse("linux.seccomp.architectures", format!("'{unknown}' is not known"));
    }
    let path = seccomp.listener_path.as_deref();
    if seccomp.listener_metadata.is_some() && path.is_none_or(|path| path.as_os_str().is_empty()) {
        return refuse("linux.seccomp.listenerMetadata", "it has no meaning without listenerPath");
    }
    Ok(())
}

fn check_resources(resources: &Resources) -> Result<()> {
    if let Some(cpu) = &resources.cpu
        && let (Some(quota), Some(burst)) = (cpu.quota, cpu.burst)
        && quota > 0
        && burst > quota as u64
    {
        return refuse("linux.resources.cpu.burst", "it cannot be larger than quota");
    }
    for rule in &resources.devices {
        if !matches!(rule.kind.as_deref(), None | Some("a" | "b" | "c")) {
            return refuse("linux.resources.devices.type", "it must be a, b or c");
        }
        let access = rule.access.as_deref().unwrap_or("rwm");
        if access.is_empty() || !access.chars().all(|letter| "rwm".contains(letter)) {
            return refuse("linux.resources.devices.access", format!("'{access}' is not made of r, w and m"));
        }
    }
    if let Some(block) = &resources.block_io
        && block.weight_device.iter().any(|device| device.weight.is_none() && device.leaf_weight.is_none())
    {
        return refuse("linux.resources.blockIO.weightDevice", "each entry needs weight or leafWeight");
    }
    if let Some((name, _)) =
        resources.rdma.iter().find(|(_, limit)| limit.hca_handles.is_none() && limit.hca_objects.is_none())
    {
        return refuse(format!("linux.resources.rdma.{name}"), "it needs hcaHandles or hcaObjects");
    }
    if let Some(name) = resources.unified.keys().find(|name| name.contains('/') || !name.contains('.')) {
        return refuse(format!("linux.resources.unified.{name}"), "it is not the name of a cgroup file");
    }
    Ok(())
}

/// Whether the container has a namespace of its own, made or joined.
fn has(linux: &Linux, kind: NamespaceKind) -> bool {
    linux.namespaces.iter().any(|namespace| namespace.kind == kind)
}

/// Kernel parameters that are kept per System V IPC namespace.
const IPC_PARAMETERS: [&str; 8] =
    ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"];

/// Only parameters that belong to a namespace of the container's may be set: all others are the host's.
fn check_parameters(linux: &Linux) -> Result<()> {
    for name in linux.sysctl.keys() {
        let setting = || format!("linux.sysctl.{name}");
        let path = name.replace('.', "/");
        let words: Vec<&str> = path.split('/').collect();
        if words.iter().any(|word| word.is_empty()) || name.contains("..") {
            return refuse(setting(), "this is not a parameter's name");
        }
        let needed = match words.as_slice() {
            ["net", ..] => NamespaceKind::Network,
            ["fs", "mqueue", ..] => NamespaceKind::Ipc,
            ["kernel", parameter] if IPC_PARAMETERS.contains(parameter) => NamespaceKind::Ipc,
            ["kernel", "hostname"] => return refuse(setting(), "say 'hostname' instead, which is the same"),
            ["kernel", "domainname"] => NamespaceKind::Uts,
            ["user", _] => NamespaceKind::User,
            _ => {
                return refuse(
                    setting(),
                    "it belongs to no namespace: setting it would change the host's kernel",
                );
            }
        };
        if !has(linux, needed) {
            return refuse(
                setting(),
                format!("without a {needed:?} namespace of its own it would change the host's kernel"),
            );
        }
    }
    Ok(())
}

/// Fails with words for people when the root is not there.
pub(crate) fn root_directory(path: &Path) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => refuse("root.path", format!("'{}' is not a directory", path.display())),
        Err(error) => refuse("root.path", format!("cannot open '{}': {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::default_spec;

    /// The default document with something replaced.
    fn checked(place: &str, value: serde_json::Value) -> Result<()> {
        let mut document = serde_json::to_value(default_spec("web", 0)).unwrap();
        let mut spot = &mut document;
        for name in place.split('/') {
            spot = &mut spot[name];
        }
        *spot = value;
        document_of(document)
    }

    fn document_of(value: serde_json::Value) -> Result<()> {
        super::document(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn the_default_document_is_fine() {
        super::document(&default_spec("web", 0)).unwrap();
    }

    #[test]
    fn contradictions_are_refused_by_name() {
        use serde_json::json;
        let cases = [
            ("process/cwd", json!("tmp"), "process.cwd"),
            ("process/ioPriority", json!({ "class": "IOPRIO_CLASS_BE", "priority": 8 }), "ioPriority"),
            ("hooks/poststop", json!([{ "path": "bin/x" }]), "hooks.poststop.path"),
            ("hooks/prestart", json!([{ "path": "/x", "timeout": 0 }]), "greater than zero"),
            ("linux/maskedPaths", json!(["proc"]), "linux.maskedPaths"),
            ("linux/intelRdt", json!({ "closID": "x" }), "intelRdt"),
            ("linux/netDevices", json!({ "eth0": { "name": "a/b" } }), "'a/b' is not a device's name"),
            ("linux/memoryPolicy", json!({ "mode": "LUCK" }), "invalid memory policy mode"),
            ("linux/memoryPolicy", json!({ "nodes": "0" }), "invalid memory policy mode"),
            (
                "linux/memoryPolicy",
                json!({ "mode": "MPOL_BIND", "nodes": "0-99999" }),
                "invalid memory policy node",
            ),
            (
                "linux/memoryPolicy",
                json!({ "mode": "MPOL_BIND", "flags": ["X"] }),
                "invalid memory policy flag",
            ),
            ("linux/sysctl", json!({ "kernel.core_pattern": "x" }), "host's kernel"),
            ("linux/sysctl", json!({ "net..x": "x" }), "not a parameter's name"),
            ("linux/sysctl", json!({ "kernel.hostname": "x" }), "say 'hostname' instead"),
            ("linux/personality", json!({ "domain": "LINUX", "flags": ["X"] }), "personality.flags"),
            ("linux/seccomp/listenerMetadata", json!("x"), "listenerPath"),
            ("linux/resources", json!({ "cpu": { "quota": 5, "burst": 6 } }), "cpu.burst"),
            ("linux/resources", json!({ "rdma": { "x": {} } }), "rdma.x"),
            ("linux/resources", json!({ "unified": { "../x": "1" } }), "unified"),
            ("linux/resources", json!({ "devices": [{ "allow": true, "access": "x" }] }), "access"),
        ];
        for (place, value, word) in cases {
            let error = checked(place, value).expect_err(place).to_string();
            assert!(error.contains(word), "{place}: {error}");
        }
    }
}
