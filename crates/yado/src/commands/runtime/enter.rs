//! `exec`: another process in a running container.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use yado_container::spec::{self, Capabilities, NamespaceKind, Process, User};
use yado_container::{Error, ExecRequest, Status, Stdio};

use super::lifecycle::{cannot_run, write_pid};
use super::{Failure, Outcome, Place};

/// Run another process in a container
#[derive(Debug, Default, Args)]
pub(super) struct Exec {
    /// The whole process, as in config.json
    #[arg(short, long, value_name = "FILE")]
    pub(super) process: Option<PathBuf>,
    /// Send the terminal's master side over this unix socket
    #[arg(long, value_name = "SOCKET")]
    pub(super) console_socket: Option<PathBuf>,
    /// Write the process id on the host here
    #[arg(long, value_name = "FILE")]
    pub(super) pid_file: Option<PathBuf>,
    /// Send a descriptor that stands for the process over this unix socket
    #[arg(long, value_name = "SOCKET")]
    pub(super) pidfd_socket: Option<PathBuf>,
    /// Return when it is started
    #[arg(short, long)]
    pub(super) detach: bool,
    /// Give it a terminal
    #[arg(short, long)]
    pub(super) tty: bool,
    /// Its working directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) cwd: Option<PathBuf>,
    /// NAME=value for its environment
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub(super) env: Vec<String>,
    /// UID or UID:GID
    #[arg(short, long)]
    pub(super) user: Option<String>,
    /// Further groups
    #[arg(short = 'g', long, value_name = "GID")]
    pub(super) additional_gids: Vec<u32>,
    /// Capabilities besides those of the container's own process
    #[arg(short, long, value_name = "NAME")]
    pub(super) cap: Vec<String>,
    /// Never gain rights by exec
    #[arg(long)]
    pub(super) no_new_privs: bool,
    /// The AppArmor profile, instead of the container's own
    #[arg(long, value_name = "PROFILE")]
    pub(super) apparmor: Option<String>,
    /// Let it inherit this many descriptors after the three standard ones
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(super) preserve_fds: u32,
    /// Wait for a paused container instead of failing
    #[arg(long)]
    pub(super) ignore_paused: bool,
    /// A cgroup beneath the container's, as PATH or CONTROLLER,…:PATH
    #[arg(long, value_name = "PATH")]
    pub(super) cgroup: Vec<String>,
    pub(super) id: String,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<String>,
}

impl Exec {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let container = place.container(&self.id)?;
        let namespaces = container.spec().linux.iter().flat_map(|linux| &linux.namespaces);
        if !namespaces.into_iter().any(|namespace| namespace.kind == NamespaceKind::User) {
            yado_container::run_from_protected_program()?;
        }
        let mut state = container.state();
        while state == Status::Paused && self.ignore_paused {
            std::thread::sleep(Duration::from_millis(20));
            state = container.state();
        }
        match state {
            Status::Stopped => return Err(Failure::new("cannot exec in a stopped container")),
            Status::Paused => {
                return Err(Failure::new("cannot exec in a paused container; resume it first"));
            }
            Status::Created | Status::Running => {}
        }
        let process = self.process(container.spec().process.clone().unwrap_or_default())?;
        let (terminal, command) = (process.terminal, process.args.first().cloned().unwrap_or_default());
        let console = match &self.console_socket {
            Some(path) if terminal => Some(yado_container::connect_console(path)?),
            Some(_) => return Err(Failure::new("--console-socket is for processes with a terminal only")),
            None if terminal && self.detach => {
                return Err(Failure::new("a detached process with a terminal needs --console-socket"));
            }
            None => None,
        };
        let request = ExecRequest {
            terminal,
            stdin: Stdio::Inherit,
            stdout: Stdio::Inherit,
            stderr: Stdio::Inherit,
            no_new_privileges: Some(process.no_new_privileges),
            preserved: self.preserve_fds,
            cgroups: self.cgroup.clone(),
            process: Some(process),
            ..ExecRequest::default()
        };
        let mut running = container.exec(&request).map_err(|error| match &error {
            Error::Command { .. } => Failure(cannot_run(&command, &error.to_string())),
            other => Failure(other.to_string()),
        })?;
        if let Some(path) = &self.pid_file {
            write_pid(path, running.pid())?;
        }
        if let Some(socket) = &self.pidfd_socket {
            yado_container::send_pidfd(socket, running.pidfd())?;
        }
        if let (Some(console), Some(master)) = (&console, running.terminal()) {
            use std::os::fd::AsFd;
            yado_container::send_console(console.as_fd(), master)?;
        }
        if self.detach {
            return Ok(0);
        }
        let status =
            if terminal && console.is_none() { running.attach_terminal()? } else { running.wait()? };
        Ok((status.code() & 0xff) as u8)
    }

    /// The process of the file, or the container's own with what was said.
    fn process(&self, own: Process) -> Result<Process, Failure> {
        if let Some(path) = &self.process {
            let text = std::fs::read(path)
                .map_err(|error| Failure(format!("cannot read '{}': {error}", path.display())))?;
            let mut process: Process = spec::read(&text)
                .map_err(|error| Failure(format!("'{}' is not a process: {error}", path.display())))?;
            process.terminal |= self.tty;
            confine(&mut process, own);
            return Ok(process);
        }
        if self.command.is_empty() {
            return Err(Failure::new("process args cannot be empty"));
        }
        let mut process = Process { terminal: self.tty, args: self.command.clone(), ..own };
        process.env.extend(self.env.iter().cloned());
        process.cwd = self.cwd.clone().unwrap_or(process.cwd);
        process.no_new_privileges |= self.no_new_privs;
        process.apparmor_profile = self.apparmor.clone().or(process.apparmor_profile);
        if let Some(user) = &self.user {
            process.user = parse_user(user, process.user)?;
        }
        process.user.additional_gids.extend(&self.additional_gids);
        if !self.cap.is_empty() {
            let mut sets = process.capabilities.take().unwrap_or_default();
            // They become ambient only where they may be inherited.
            let Capabilities { bounding, effective, permitted, ambient, .. } = &mut sets;
            for set in [bounding, effective, permitted, ambient] {
                set.extend(self.cap.iter().cloned());
            }
            process.capabilities = Some(sets);
        }
        Ok(process)
    }
}

/// What a process file does not say about rights and limits is as for the container's own process.
fn confine(process: &mut Process, own: Process) {
    process.capabilities = process.capabilities.take().or(own.capabilities);
    process.apparmor_profile = process.apparmor_profile.take().or(own.apparmor_profile);
    process.scheduler = process.scheduler.take().or(own.scheduler);
    process.io_priority = process.io_priority.take().or(own.io_priority);
    process.oom_score_adj = process.oom_score_adj.or(own.oom_score_adj);
    if process.rlimits.is_empty() {
        process.rlimits = own.rlimits;
    }
}

/// The container's own user with what is said: a user alone keeps the group.
fn parse_user(text: &str, own: User) -> Result<User, Failure> {
    let number = |word: &str| {
        word.parse::<u32>()
            .map_err(|_| Failure(format!("'{text}' is not a user: say UID or UID:GID, in numbers")))
    };
    let (uid, gid) = text.split_once(':').map_or((text, None), |(uid, gid)| (uid, Some(gid)));
    Ok(User { uid: number(uid)?, gid: gid.map_or(Ok(own.gid), number)?, ..own })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_numbers() {
        let own = User { uid: 1, gid: 2, umask: Some(0o77), additional_gids: vec![3] };
        let user = parse_user("1000:50", own.clone()).unwrap();
        assert_eq!((user.uid, user.gid, user.umask), (1000, 50, Some(0o77)));
        let user = parse_user("7", own.clone()).unwrap();
        assert_eq!((user.uid, user.gid, user.additional_gids), (7, 2, vec![3]));
        assert!(parse_user("root", own).is_err());
    }

    #[test]
    fn what_a_process_file_leaves_out_is_as_in_the_container() {
        let own = Process {
            capabilities: Some(Capabilities { bounding: vec!["CAP_KILL".to_owned()], ..Default::default() }),
            oom_score_adj: Some(5),
            ..Process::default()
        };
        let mut process = Process { oom_score_adj: Some(7), ..Process::default() };
        confine(&mut process, own.clone());
        assert_eq!((&process.capabilities, process.oom_score_adj), (&own.capabilities, Some(7)));
        let mut process = Process { capabilities: Some(Capabilities::default()), ..Process::default() };
        confine(&mut process, own);
        assert_eq!(process.capabilities, Some(Capabilities::default()));
    }
}
