//! What runs as the machine's first process: the box's systemd, with what it expects of whoever starts it in a
//! container (<https://systemd.io/CONTAINER_INTERFACE>), or the engine's small init.

use std::time::{Duration, Instant};

use yado_container::spec::{Mount, Spec};
use yado_container::{Container, STOP_SIGNAL_ANNOTATION};
use yado_core::{Context, Error, ErrorKind, Exec, MachineSpec, Result, Stream};

use super::communicator::Inside;
use super::root_files::{RootFiles, exists_running};
use super::specification;

/// Where distributions have it.
const PROGRAMS: [&str; 2] = ["usr/lib/systemd/systemd", "lib/systemd/systemd"];

/// What a container's record says when systemd runs it.
const ANNOTATION: &str = "yado.init";

/// The small init, or the path of systemd in the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstProcess {
    Small,
    Systemd {
        program: &'static str,
        /// Whether its units put a file system in memory on `/tmp`, as Debian's do since trixie.
        has_tmp: bool,
    },
}

impl FirstProcess {
    /// What this machine is to have. A box that merely brings systemd's files along, without making it the init, is
    /// none to boot.
    pub(super) fn choose(machine: &MachineSpec, files: &RootFiles, can_delegate: bool) -> Result<Self> {
        let wanted = specification::text_setting(machine, "init").unwrap_or_else(|| "auto".to_owned());
        if wanted == "yado" {
            return Ok(Self::Small);
        }
        let program = PROGRAMS.into_iter().find(|program| files.has_program(program));
        let refuse = |why: &str| {
            Err(Error::new(ErrorKind::Other, format!("systemd cannot be the machine's first process: {why}"))
                .at(specification::setting_origin(machine, "init")))
        };
        let systemd = |program| Self::Systemd { program, has_tmp: files.has_tmp_unit() };
        match (wanted.as_str(), program) {
            ("systemd", None) => refuse("the box does not have it."),
            ("systemd", Some(_)) if !can_delegate => {
                refuse("this host has no cgroup v2 tree in which yado may make cgroups.")
            }
            ("systemd", Some(program)) => Ok(systemd(program)),
            (_, Some(program)) if can_delegate && files.init_is_systemd() => Ok(systemd(program)),
            _ => Ok(Self::Small),
        }
    }

    /// Whether a running container has systemd.
    pub(super) fn is_systemd(container: &Container) -> bool {
        container.spec().annotations.get(ANNOTATION).is_some_and(|name| name == "systemd")
    }

    /// Changes a specification to start it.
    pub(super) fn prepare(self, spec: &mut Spec, machine_id: &str) {
        let Self::Systemd { program, has_tmp } = self else { return };
        if let Some(process) = &mut spec.process {
            process.args = vec![format!("/{program}")];
            process.env.extend(["container=yado".to_owned(), format!("container_uuid={machine_id}")]);
            // There is no terminal to log in at.
            process.env.push("SYSTEMD_GETTY_AUTO=0".to_owned());
        }
        for (name, value) in [(ANNOTATION, "systemd"), (STOP_SIGNAL_ANNOTATION, "SIGRTMIN+3")] {
            spec.annotations.insert(name.to_owned(), value.to_owned());
        }
        // Its own part of the v2 tree, writable: limits are above it, or in hierarchies that are not shown.
        for mount in spec.mounts.iter_mut().filter(|mount| mount.kind.as_deref() == Some("cgroup")) {
            mount.kind = Some("cgroup2".to_owned());
            mount.options.retain(|option| option != "ro");
        }
        spec.mounts.push(memory("/run/lock", &["nosuid", "nodev", "noexec", "mode=1777", "size=5m"]));
        // It may not mount anything here, and what is mounted already it takes for its own.
        if has_tmp {
            let options = ["nosuid", "nodev", "strictatime", "mode=1777", "size=50%", "nr_inodes=1m"];
            spec.mounts.push(memory("/tmp", &options));
        }
    }
}

/// A file system in memory.
fn memory(destination: &str, options: &[&str]) -> Mount {
    Mount {
        destination: destination.into(),
        kind: Some("tmpfs".to_owned()),
        source: Some("tmpfs".into()),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        ..Mount::default()
    }
}

/// Waits until systemd has done all that it does at boot.
pub(super) fn wait_for_systemd(
    context: &Context,
    inside: &Inside,
    container: &Container,
    within: Duration,
) -> Result<()> {
    let limit = Instant::now() + within;
    while !exists_running(container.pid() as u32, "run/systemd/private") {
        context.cancel.check()?;
        if Instant::now() > limit || container.wait_for_end(Duration::from_millis(2)).unwrap_or(true) {
            return Err(Error::new(ErrorKind::System, "The machine's systemd did not come up.").hinted(
                "`c.init = \"yado\"` in the `container` provider block starts the machine without it.",
            ));
        }
    }
    let seconds = limit.saturating_duration_since(Instant::now()).as_secs().max(1).to_string();
    let state = said(context, inside, &["timeout", &seconds, "systemctl", "is-system-running", "--wait"])?;
    match state.trim() {
        "running" => {}
        "degraded" => {
            let failed = said(
                context,
                inside,
                &["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager"],
            )?;
            let names: Vec<&str> = failed.lines().filter_map(|line| line.split_whitespace().next()).collect();
            context.warn(format!(
                "The machine runs, but some of its services could not be started: {}. \
                 `systemctl status NAME` inside says why.",
                names.join(", ")
            ));
        }
        other => context
            .warn(format!("The machine's systemd is still at work ('{other}'); going on without waiting.")),
    }
    Ok(())
}

/// The command that prints what systemd and its services wrote since it was started.
pub(super) fn journal(follow: bool) -> Exec {
    let mut argv = vec!["journalctl", "--boot", "--no-pager", "--quiet"];
    if follow {
        argv.extend(["--follow", "--no-tail"]);
    }
    Exec {
        argv: argv.into_iter().map(str::to_owned).collect(),
        user: Some("root".to_owned()),
        directory: Some("/".to_owned()),
        ..Exec::default()
    }
}

/// What a command of root prints.
fn said(context: &Context, inside: &Inside, argv: &[&str]) -> Result<String> {
    use yado_core::Communicator;
    let command = Exec {
        argv: argv.iter().map(|part| (*part).to_owned()).collect(),
        user: Some("root".to_owned()),
        directory: Some("/".to_owned()),
        ..Exec::default()
    };
    let mut text = Vec::new();
    inside.exec(context, &command, &mut |stream, piece| {
        if stream == Stream::Stdout {
            text.extend_from_slice(piece);
        }
    })?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
