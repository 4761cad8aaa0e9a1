//! What a container gets when nobody asks for anything else: the sets that Docker users expect.

use std::path::PathBuf;

use super::{
    Capabilities, DeviceRule, IdMapping, Linux, Mount, Namespace, NamespaceKind, Process, Spec, User,
    default_seccomp,
};

/// The version of the specification that documents made here follow.
pub const OCI_VERSION: &str = "1.3.0";

const CAPABILITIES: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// The capabilities of a container's root: enough for package managers and servers.
pub fn default_capabilities() -> Capabilities {
    let names: Vec<String> = CAPABILITIES.iter().map(|&name| name.to_owned()).collect();
    Capabilities {
        bounding: names.clone(),
        effective: names.clone(),
        permitted: names,
        inheritable: Vec::new(),
        ambient: Vec::new(),
    }
}

/// Kernel interfaces that tell about the host or are dangerous to read.
pub fn default_masked_paths() -> Vec<PathBuf> {
    [
        "/proc/acpi",
        "/proc/asound",
        "/proc/interrupts",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/sys/devices/virtual/powercap",
        "/sys/firmware",
    ]
    .map(PathBuf::from)
    .to_vec()
}

/// Kernel interfaces that change the host when written.
pub fn default_readonly_paths() -> Vec<PathBuf> {
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"].map(PathBuf::from).to_vec()
}

/// Every kind of namespace that a machine has of its own.
pub fn default_namespaces() -> Vec<Namespace> {
    use NamespaceKind::{Cgroup, Ipc, Mount, Network, Pid, User, Uts};
    [User, Mount, Pid, Network, Uts, Ipc, Cgroup].map(|kind| Namespace { kind, path: None }).to_vec()
}

/// The file systems that programs expect: proc, dev, pts, shm, mqueue, sys and a read-only cgroup view.
pub fn default_mounts() -> Vec<Mount> {
    let mount = |destination: &str, kind: &str, options: &[&str]| Mount {
        destination: destination.into(),
        kind: Some(kind.to_owned()),
        source: Some(kind.into()),
        options: options.iter().map(|&option| option.to_owned()).collect(),
        ..Mount::default()
    };
    vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
        mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
        mount("/sys/fs/cgroup", "cgroup", &["nosuid", "noexec", "nodev", "relatime", "ro"]),
    ]
}

/// Deny every device but the ones that every container has.
pub fn default_device_rules() -> Vec<DeviceRule> {
    let rule = |allow, kind: &str, major, minor, access: &str| DeviceRule {
        allow,
        kind: Some(kind.to_owned()),
        major,
        minor,
        access: Some(access.to_owned()),
    };
    vec![
        rule(false, "a", None, None, "rwm"),
        rule(true, "c", None, None, "m"),
        rule(true, "b", None, None, "m"),
        rule(true, "c", Some(1), Some(3), "rwm"),
        rule(true, "c", Some(1), Some(5), "rwm"),
        rule(true, "c", Some(1), Some(7), "rwm"),
        rule(true, "c", Some(1), Some(8), "rwm"),
        rule(true, "c", Some(1), Some(9), "rwm"),
        rule(true, "c", Some(5), Some(0), "rwm"),
        rule(true, "c", Some(5), Some(2), "rwm"),
        rule(true, "c", Some(136), None, "rwm"),
    ]
}

/// A process that runs `args` as the container's root with the default rights.
pub fn default_process(args: impl IntoIterator<Item = impl Into<String>>) -> Process {
    Process {
        user: User::default(),
        args: args.into_iter().map(Into::into).collect(),
        env: vec![
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            "HOME=/root".to_owned(),
        ],
        cwd: "/".into(),
        capabilities: Some(default_capabilities()),
        ..Process::default()
    }
}

/// A whole specification with every default; ids 0 to 65535 become `first_host_id` and up.
pub fn default_spec(hostname: &str, first_host_id: u32) -> Spec {
    let ids = vec![IdMapping { container_id: 0, host_id: first_host_id, size: 65536 }];
    Spec {
        oci_version: OCI_VERSION.to_owned(),
        process: Some(default_process(Vec::<String>::new())),
        hostname: Some(hostname.to_owned()),
        mounts: default_mounts(),
        linux: Some(Linux {
            uid_mappings: ids.clone(),
            gid_mappings: ids,
            namespaces: default_namespaces(),
            seccomp: Some(default_seccomp()),
            masked_paths: default_masked_paths(),
            readonly_paths: default_readonly_paths(),
            ..Linux::default()
        }),
        ..Spec::default()
    }
}

/// Gives a container a single user and group, its root, who is this one outside: all that a user without subordinate
/// ids can have.
pub fn map_to_one(spec: &mut Spec, user: u32, group: u32) {
    let linux = spec.linux.get_or_insert_default();
    let one = |id: u32| vec![IdMapping { container_id: 0, host_id: id, size: 1 }];
    linux.uid_mappings = one(user);
    linux.gid_mappings = one(group);
    // Terminals of a group that there is not.
    for mount in &mut spec.mounts {
        mount.options.retain(|option| !option.starts_with("gid="));
    }
}

/// Mappings for a host folder that is shown in a container: what `owner` owns on disk belongs to `inside`
/// there, and what `inside` makes belongs to `owner` on disk.
///
/// Everybody else in the container can use the folder too, where its permissions let them; what they make has
/// their id on the host (`first_host_id` and up) on disk. Without that, the container's root could make nothing
/// at all; and it must never make files of the host's root, who could be tricked by a set-user-id bit.
pub fn folder_mappings(owner: u32, inside: u32, first_host_id: u32) -> Vec<IdMapping> {
    let special = first_host_id + inside;
    let last = first_host_id + 65535;
    let mut mappings = vec![IdMapping { container_id: owner, host_id: special, size: 1 }];
    let mut start = first_host_id;
    for hole in [special.min(owner), special.max(owner), last + 1] {
        if hole < start || hole > last + 1 {
            continue;
        }
        if hole > start {
            mappings.push(IdMapping { container_id: start, host_id: start, size: hole - start });
        }
        start = hole + 1;
    }
    mappings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triples(owner: u32) -> Vec<(u32, u32, u32)> {
        folder_mappings(owner, 1000, 100_000)
            .iter()
            .map(|mapping| (mapping.container_id, mapping.host_id, mapping.size))
            .collect()
    }

    #[test]
    fn a_folders_owner_changes_and_everybody_else_stays() {
        assert_eq!(triples(501), [(501, 101_000, 1), (100_000, 100_000, 1000), (101_001, 101_001, 64_535)]);
    }

    #[test]
    fn an_owner_among_the_containers_ids_is_named_once() {
        assert_eq!(
            triples(100_002),
            [
                (100_002, 101_000, 1),
                (100_000, 100_000, 2),
                (100_003, 100_003, 997),
                (101_001, 101_001, 64_535)
            ]
        );
        assert_eq!(
            triples(101_000),
            [(101_000, 101_000, 1), (100_000, 100_000, 1000), (101_001, 101_001, 64_535)]
        );
    }
}
