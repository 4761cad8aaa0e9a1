//! `exec`: another process in a running container.

use std::path::PathBuf;

use clap::Args;
use yado_container::spec::{self, Capabilities, NamespaceKind, Process, User};
use yado_container::{Error, ExecRequest, Status, Stdio};

use super::lifecycle::{cannot_run, write_pid};
use super::{Failure, Outcome, Place};

/// Run another process in a container
#[derive(Debug, Args)]
pub(super) struct Exec {
    /// The whole process, as in config.json
    #[arg(short, long, value_name = "FILE")]
    process: Option<PathBuf>,
    /// Send the terminal's master side over this unix socket
    #[arg(long, value_name = "SOCKET")]
    console_socket: Option<PathBuf>,
    /// Write the process id on the host here
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,
    /// Return when it is started
    #[arg(short, long)]
    detach: bool,
    /// Give it a terminal
    #[arg(short, long)]
    tty: bool,
    /// Its working directory
    #[arg(long, value_name = "DIRECTORY")]
    cwd: Option<PathBuf>,
    /// NAME=value for its environment
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// UID or UID:GID
    #[arg(short, long)]
    user: Option<String>,
    /// Further groups
    #[arg(short = 'g', long, value_name = "GID")]
    additional_gids: Vec<u32>,
    /// Capabilities besides those of the container's own process
    #[arg(short, long, value_name = "NAME")]
    cap: Vec<String>,
    /// Never gain rights by exec
    #[arg(long)]
    no_new_privs: bool,
    /// The AppArmor profile, instead of the container's own
    #[arg(long, value_name = "PROFILE")]
    apparmor: Option<String>,
    /// Let it inherit this many descriptors after the three standard ones
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    preserve_fds: u32,
    /// Wait for a paused container instead of failing
    #[arg(long)]
    ignore_paused: bool,
    id: String,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

impl Exec {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let container = place.container(&self.id)?;
        let namespaces = container.spec().linux.iter().flat_map(|linux| &linux.namespaces);
        if !namespaces.into_iter().any(|namespace| namespace.kind == NamespaceKind::User) {
            yado_container::run_from_protected_program()?;
        }
        match container.state() {
            Status::Stopped => return Err(Failure::new("cannot exec in a stopped container")),
            Status::Paused if self.ignore_paused => {
                return Err(Failure::new("--ignore-paused is not supported; resume the container first"));
            }
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
            process.user = User { umask: process.user.umask, ..parse_user(user)? };
        }
        process.user.additional_gids.extend(&self.additional_gids);
        if !self.cap.is_empty() {
            let mut sets = process.capabilities.take().unwrap_or_default();
            let Capabilities { bounding, effective, permitted, .. } = &mut sets;
            for set in [bounding, effective, permitted] {
                set.extend(self.cap.iter().cloned());
            }
            process.capabilities = Some(sets);
        }
        Ok(process)
    }
}

fn parse_user(text: &str) -> Result<User, Failure> {
    let number = |word: &str| {
        word.parse::<u32>()
            .map_err(|_| Failure(format!("'{text}' is not a user: say UID or UID:GID, in numbers")))
    };
    let (uid, gid) = text.split_once(':').unwrap_or((text, "0"));
    Ok(User { uid: number(uid)?, gid: number(gid)?, ..User::default() })
}

#[cfg(test)]
mod tests {
    use super::parse_user;

    #[test]
    fn users_are_numbers() {
        let user = parse_user("1000:50").unwrap();
        assert_eq!((user.uid, user.gid), (1000, 50));
        assert_eq!(parse_user("7").unwrap().uid, 7);
        assert!(parse_user("root").is_err());
    }
}
