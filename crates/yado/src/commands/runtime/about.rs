//! What the runtime is and can do: `features`, `spec`, `--version`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use yado_container::spec::{self, OCI_VERSION, Root};

use super::{Failure, Outcome, print};

/// Print what this runtime can do as JSON
#[derive(Debug, Args)]
pub(super) struct Features {}

/// Write a config.json to start from
#[derive(Debug, Args)]
pub(super) struct Spec {
    /// The folder to write it to; this one when not said
    #[arg(short, long, value_name = "DIRECTORY")]
    bundle: Option<PathBuf>,
    /// With a user namespace whose root is you, as containers of users who are not root need it
    #[arg(long)]
    rootless: bool,
}

/// The version of the program and of the specification, as callers look for them.
pub(super) fn version() -> Outcome {
    print(&format!("yado runtime version {}\nspec: {OCI_VERSION}\n", env!("CARGO_PKG_VERSION")))?;
    Ok(0)
}

/// Flags for installing a filter of system calls.
const SECCOMP_FLAGS: [&str; 4] = [
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

pub(super) fn features() -> Outcome {
    let arch = if cfg!(target_arch = "aarch64") { "SCMP_ARCH_AARCH64" } else { "SCMP_ARCH_X86_64" };
    let (modes, flags) = yado_container::memory_policy_words();
    let features = json!({
        "ociVersionMin": "1.0.0",
        "ociVersionMax": OCI_VERSION,
        "hooks": ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
        "mountOptions": yado_container::mount_option_names(),
        "linux": {
            "namespaces": ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
            "capabilities": yado_container::capability_names(),
            "cgroup": { "v1": true, "v2": true, "systemd": false, "systemdUser": false, "rdma": true },
            "seccomp": {
                "enabled": true,
                "actions": ["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
                    "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"],
                "operators": ["SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
                    "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"],
                "archs": [arch],
                "knownFlags": SECCOMP_FLAGS,
                "supportedFlags": SECCOMP_FLAGS,
            },
            "apparmor": { "enabled": true },
            "selinux": { "enabled": false },
            "intelRdt": { "enabled": false },
            "memoryPolicy": { "modes": modes, "flags": flags },
            "mountExtensions": { "idmap": { "enabled": true } },
            "netDevices": { "enabled": true },
        },
        "annotations": { "org.yado.version": env!("CARGO_PKG_VERSION") },
        "potentiallyUnsafeConfigAnnotations": [],
    });
    print(&format!("{features:#}\n"))?;
    Ok(0)
}

impl Spec {
    pub(super) fn run(&self) -> Outcome {
        let path = self.bundle.clone().unwrap_or_else(|| ".".into()).join("config.json");
        let mut document = spec::default_spec("yado", 0);
        let linux = document.linux.get_or_insert_default();
        // Of devices, only those that every container has.
        linux.resources =
            Some(spec::Resources { devices: spec::default_device_rules(), ..spec::Resources::default() });
        if self.rootless || yado_container::rootless::is_needed() {
            let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
            spec::map_to_one(&mut document, user.as_raw(), group.as_raw());
        } else {
            // Other runtimes write none, either, and whoever changes the document counts on that.
            linux.namespaces.retain(|namespace| namespace.kind != spec::NamespaceKind::User);
            linux.uid_mappings.clear();
            linux.gid_mappings.clear();
        }
        document.root = Some(Root { path: "rootfs".into(), readonly: true });
        let mut process = spec::default_process(["sh"]);
        process.terminal = true;
        process.env.push("TERM=xterm".to_owned());
        process.no_new_privileges = true;
        document.process = Some(process);
        let text = serde_json::to_string_pretty(&document)?;
        let file = std::fs::File::create_new(&path);
        file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .map_err(|error| Failure(format!("cannot write '{}': {error}", path.display())))?;
        Ok(0)
    }
}
