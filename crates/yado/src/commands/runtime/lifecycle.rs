//! From a bundle to a running container and to its end: `create`, `start`, `run`, `kill`, `delete`.

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use yado_container::spec::{
    self, DeviceRule, IdMapping, Namespace, NamespaceKind, Spec, default_device_rules,
};
use yado_container::{Container, CreateOptions, Error, HeldSignals, Init, Status, signal_names};

use super::{Failure, Outcome, Place};

/// The bundle's document, when no other is named.
pub(super) const CONFIG: &str = "config.json";
/// What `kill` sends when nothing else is said.
pub(super) const SIGNAL: &str = "SIGTERM";

/// How a container is made.
#[derive(Debug, Args)]
pub(super) struct Making {
    /// The folder that holds config.json; this one when not said
    #[arg(short, long, value_name = "DIRECTORY")]
    pub(super) bundle: Option<PathBuf>,
    /// Another file instead of config.json, counted from the bundle
    #[arg(short = 'f', long, value_name = "FILE", default_value = CONFIG)]
    pub(super) config: PathBuf,
    /// Send the terminal's master side over this unix socket
    #[arg(long, value_name = "SOCKET")]
    pub(super) console_socket: Option<PathBuf>,
    /// Write the process id on the host here
    #[arg(long, value_name = "FILE")]
    pub(super) pid_file: Option<PathBuf>,
    /// Send a descriptor that stands for the first process over this unix socket
    #[arg(long, value_name = "SOCKET")]
    pub(super) pidfd_socket: Option<PathBuf>,
    /// Let the container inherit this many descriptors after the three standard ones
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(super) preserve_fds: u32,
    /// Lay the container's root on top of the host's, as hosts need that live in their first memory file system
    #[arg(long)]
    pub(super) no_pivot: bool,
    /// Keep the caller's session keyring
    #[arg(long)]
    pub(super) no_new_keyring: bool,
    /// The container's name
    #[arg(value_name = "ID")]
    pub(super) id: String,
}

/// Make a container; its program waits to be started
#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    pub(super) making: Making,
}

/// Start the program of a container that was made
#[derive(Debug, Args)]
pub(super) struct Start {
    pub(super) id: String,
}

/// Make a container and start it; wait for its end and remove it, unless detached
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Return when it is started
    #[arg(short, long)]
    pub(super) detach: bool,
    /// Do not remove it when it has ended
    #[arg(long)]
    pub(super) keep: bool,
    /// Accepted for callers that say it
    #[arg(long, hide = true)]
    pub(super) no_subreaper: bool,
    #[command(flatten)]
    pub(super) making: Making,
}

/// Send a signal to a container's first process
#[derive(Debug, Args)]
pub(super) struct Kill {
    /// To all its processes
    #[arg(short, long)]
    pub(super) all: bool,
    pub(super) id: String,
    /// A signal's name or number
    #[arg(default_value = SIGNAL)]
    pub(super) signal: String,
}

/// Remove a container that has ended
#[derive(Debug, Args)]
pub(super) struct Delete {
    /// Kill it first when it runs, and be content when there is none
    #[arg(short, long)]
    pub(super) force: bool,
    pub(super) id: String,
}

/// Reads a bundle's document.
fn read_spec(bundle: &Path, file: &Path) -> Result<Spec, Failure> {
    let path = bundle.join(file);
    let text = std::fs::read(&path).map_err(|error| {
        let (file, bundle) = (file.display(), bundle.display());
        Failure(format!("JSON specification file {file} not found in '{bundle}': {error}"))
    })?;
    let spec: Spec = spec::read(&text)
        .map_err(|error| Failure(format!("'{}' is not a specification: {error}", path.display())))?;
    if !is_supported(&spec.oci_version) {
        return Err(Failure(format!(
            "'{}': ociVersion '{}' is not supported: it must be 1.x.y",
            path.display(),
            spec.oci_version
        )));
    }
    Ok(spec)
}

/// Whether a version is one of 1.x, which all are compatible, in the form that the specification demands.
fn is_supported(version: &str) -> bool {
    let plain = version.split('+').next().unwrap_or_default();
    let (numbers, prerelease) =
        plain.split_once('-').map_or((plain, None), |(left, right)| (left, Some(right)));
    let numbers: Vec<&str> = numbers.split('.').collect();
    let number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.len() == 3 && numbers[0] == "1" && numbers.iter().all(number) && prerelease != Some("")
}

/// The devices that the specification has in every container may be used in every container.
fn allow_default_devices(spec: &mut Spec) {
    let resources = spec.linux.as_mut().and_then(|linux| linux.resources.as_mut());
    if let Some(resources) = resources.filter(|resources| !resources.devices.is_empty()) {
        let allowed = default_device_rules().into_iter().filter(|rule: &DeviceRule| rule.allow);
        resources.devices.extend(allowed);
    }
}

/// Descriptors that a service's sockets were handed over in, after the three standard ones: they are meant for the
/// container's program, which is told as every service is.
fn hand_on_sockets(spec: &mut Spec) -> u32 {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    // Whoever names a process means that one.
    if number("LISTEN_PID").is_some_and(|pid| pid != std::process::id()) {
        return 0;
    }
    let Some((count, process)) = number("LISTEN_FDS").zip(spec.process.as_mut()) else { return 0 };
    process.env.push(format!("LISTEN_FDS={count}"));
    process.env.push("LISTEN_PID=1".to_owned());
    process.env.extend(std::env::var("LISTEN_FDNAMES").ok().map(|names| format!("LISTEN_FDNAMES={names}")));
    count
}

/// A user namespace for which nobody says who is who has one user: its root, who is the caller.
fn map_caller(spec: &mut Spec) {
    let Some(linux) = spec.linux.as_mut() else { return };
    let made = |namespace: &Namespace| namespace.kind == NamespaceKind::User && namespace.path.is_none();
    if !linux.namespaces.iter().any(made) || !linux.uid_mappings.is_empty() || !linux.gid_mappings.is_empty()
    {
        return;
    }
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    linux.uid_mappings = vec![IdMapping { container_id: 0, host_id: user, size: 1 }];
    linux.gid_mappings = vec![IdMapping { container_id: 0, host_id: group, size: 1 }];
}

impl Making {
    /// Makes the container. Whoever attends one with a terminal gets the end of the socket to which it comes.
    fn make(
        &self,
        place: &Place,
        attended: bool,
        started: bool,
    ) -> Result<(Container, Option<OwnedFd>), Failure> {
        let bundle = self.bundle.clone().unwrap_or_else(|| ".".into());
        let bundle = bundle
            .canonicalize()
            .map_err(|error| Failure(format!("cannot open the bundle '{}': {error}", bundle.display())))?;
        let mut spec = ManuallyDrop::new(read_spec(&bundle, &self.config)?);
        if yado_container::must_be_protected(&spec)? {
            yado_container::run_from_protected_program()?;
        }
        allow_default_devices(&mut spec);
        map_caller(&mut spec);
        let sockets = hand_on_sockets(&mut spec);
        let cgroups = spec.linux.as_ref().and_then(|linux| linux.cgroups_path.as_ref());
        if place.systemd && cgroups.is_some_and(|path| path.to_string_lossy().contains(':')) {
            return Err(Failure::new(
                "linux.cgroupsPath names a systemd unit, but cgroups are made directly: use the cgroupfs driver",
            ));
        }
        let terminal = spec.process.as_ref().is_some_and(|process| process.terminal);
        let (ours, console) = match &self.console_socket {
            Some(path) if terminal => (None, Some(yado_container::connect_console(path)?)),
            Some(_) => {
                return Err(Failure::new("--console-socket is for containers with a terminal only"));
            }
            None if terminal && attended => {
                let (ours, theirs) = UnixStream::pair()?;
                (Some(OwnedFd::from(ours)), Some(OwnedFd::from(theirs)))
            }
            None => (None, None),
        };
        let copy = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned();
        let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        let options = CreateOptions {
            init: Init::Process,
            stdio: Some([copy(input.as_fd())?, copy(output.as_fd())?, copy(errors.as_fd())?]),
            bundle: Some(bundle),
            console,
            preserved: self.preserve_fds + sockets,
            no_pivot: self.no_pivot,
            keep_keyring: self.no_new_keyring,
            // Who wants a descriptor has it before the process can have ended.
            started: started && self.pidfd_socket.is_none(),
            pid_file: self.pid_file.clone(),
            ..CreateOptions::default()
        };
        let engine = place.engine()?;
        let mut container =
            engine.create(&self.id, &spec, &options).map_err(|error| words_of(&error, &spec))?;
        let Some(socket) = &self.pidfd_socket else { return Ok((container, ours)) };
        let rest = container
            .pidfd()
            .and_then(|pidfd| yado_container::send_pidfd(socket, pidfd.as_fd()))
            .and_then(|()| if started { container.start() } else { Ok(()) });
        if let Err(error) = rest {
            container.remove(true)?;
            return Err(words_of(&error, &spec));
        }
        Ok((container, ours))
    }
}

/// An error in the words that callers search for.
fn words_of(error: &Error, spec: &Spec) -> Failure {
    let command = spec.process.as_ref().and_then(|process| process.args.first()).cloned().unwrap_or_default();
    match error {
        Error::Exists(id) => Failure(format!("container with given ID already exists: {id}")),
        Error::SetUp { message, .. } if message.starts_with("cannot run ") => {
            Failure(cannot_run(&command, message))
        }
        other => Failure(other.to_string()),
    }
}

/// Why a program cannot be run, in the words by which Docker chooses its exit code.
pub(super) fn cannot_run(command: &str, reason: &str) -> String {
    if reason.contains("os error 2)") {
        return format!("exec: \"{command}\": executable file not found in $PATH: no such file or directory");
    }
    if reason.contains("os error 13)") {
        return format!("exec: \"{command}\": permission denied");
    }
    format!("exec: \"{command}\": {reason}")
}

/// Writes a process id so that nobody reads half of it.
pub(super) fn write_pid(path: &Path, pid: i32) -> Result<(), Failure> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    std::fs::write(&fresh, pid.to_string())
        .and_then(|()| std::fs::rename(&fresh, path))
        .map_err(|error| Failure(format!("cannot write the process id to '{}': {error}", path.display())))
}

impl Create {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        self.making.make(place, false, false)?;
        Ok(0)
    }
}

fn start(container: &mut Container) -> Result<(), Failure> {
    match container.state() {
        Status::Stopped => return Err(Failure::new("cannot start a container that has stopped")),
        Status::Paused => return Err(Failure::new("cannot start a paused container")),
        Status::Created | Status::Running => {}
    }
    let spec = container.spec().clone();
    container.start().map_err(|error| match &error {
        Error::Started(_) => Failure::new("cannot start an already running container"),
        other => words_of(other, &spec),
    })
}

impl Start {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        start(&mut place.container(&self.id)?)?;
        Ok(0)
    }
}

impl Run {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let attended = !self.detach && self.making.console_socket.is_none();
        // Signals that come from now on are the container's.
        let signals = if self.detach {
            None
        } else {
            Some(HeldSignals::hold(&[SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2])?)
        };
        // This program ends next, with all of its memory at once.
        let (container, console) = self.making.make(place, attended, true)?;
        let mut container = ManuallyDrop::new(container);
        if self.detach {
            return Ok(0);
        }
        let code = attend(&container, console, signals.as_ref());
        if !self.keep {
            container.remove(true)?;
        }
        code
    }
}

/// Stands between the caller and the container until it ends.
fn attend(container: &Container, console: Option<OwnedFd>, signals: Option<&HeldSignals>) -> Outcome {
    let terminal = container.spec().process.as_ref().is_some_and(|process| process.terminal);
    if let (true, Some(console)) = (terminal, console) {
        let master = yado_container::receive_console(console.as_fd())?;
        yado_container::attach_terminal(master.as_fd(), |signal| container.kill(signal))?;
    }
    let status = signals.map_or_else(|| container.wait(), |signals| container.wait_and_pass_on(signals))?;
    Ok((status.code() & 0xff) as u8)
}

impl Kill {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let signal = signal_names::number(&self.signal)
            .ok_or_else(|| Failure(format!("unknown signal \"{}\"", self.signal)))?;
        let container = place.container(&self.id)?;
        if self.all {
            container.kill_all(signal)?;
            return Ok(0);
        }
        container.kill(signal).map_err(|error| match error {
            Error::NotRunning(_) => Failure::new("container not running"),
            other => other.into(),
        })?;
        Ok(0)
    }
}

impl Delete {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let container = match place.container(&self.id) {
            Ok(container) => container,
            Err(_) if self.force => return Ok(0),
            Err(failure) => return Err(failure),
        };
        let state = container.state();
        container.delete(self.force).map_err(|error| match error {
            Error::StillRunning(id) if self.force => Failure(format!(
                "cannot delete container {id}: its first process does not end when it is killed; it is frozen from outside, \
                 or waits for a device"
            )),
            Error::StillRunning(id) => Failure(format!(
                "cannot delete container {id} that is not stopped: {}; kill it first, or say --force",
                super::look::word(state)
            )),
            other => other.into(),
        })?;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers_of_which_the_first_is_1() {
        for good in ["1.0.0", "1.2.0", "1.0.2-dev", "1.3.0-rc.1+build"] {
            assert!(is_supported(good), "{good}");
        }
        for bad in ["", "1", "1.0", "invalid", "2.0.0", "0.5.0", "1.x.0", "1.0.0-"] {
            assert!(!is_supported(bad), "{bad}");
        }
    }

    #[test]
    fn callers_learn_whether_a_program_is_missing_or_forbidden() {
        assert!(cannot_run("x", "… (os error 2)").contains("\"x\": executable file not found"));
        assert!(cannot_run("x", "… (os error 13)").ends_with("permission denied"));
    }
}
