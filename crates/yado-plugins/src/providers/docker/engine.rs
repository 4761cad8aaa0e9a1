//! The engine's program: argv in, parsed result out. Every call goes through [`Host`](yado_core::Host), so it is
//! logged, has a time limit, and ends when the user interrupts.

use std::process::Output;
use std::time::Duration;

use yado_core::{Context, Error, ErrorKind, MachineState, Program, Result};

/// What an engine answers at once, or not at all.
const QUICK: Duration = Duration::from_secs(60);
/// What may have to fetch or build.
const LONG: Duration = Duration::from_secs(3600);

/// The label that leads from a container to its machine.
pub(super) const MACHINE_LABEL: &str = "yado.machine";

/// The label that leads from an image to the machine that it is kept for.
pub(super) const KEPT_LABEL: &str = "yado.kept";

/// An engine with Docker's command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Engine {
    pub(super) program: &'static str,
}

/// A container that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) state: MachineState,
}

impl Engine {
    fn argv(self, words: &[&str]) -> Vec<String> {
        std::iter::once(self.program).chain(words.iter().copied()).map(str::to_owned).collect()
    }

    /// Runs a command whatever its exit code.
    pub(super) fn try_run(self, context: &Context, words: &[&str]) -> Result<Output> {
        context.host.run(&context.cancel, self.argv(words), QUICK)
    }

    /// Runs a command that must succeed; what it printed, without the last line end.
    pub(super) fn run(self, context: &Context, words: &[&str]) -> Result<String> {
        let output = self.try_run(context, words)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        Err(self.failure(words, &output.stderr))
    }

    /// Runs a command that may take long and has nothing to show.
    pub(super) fn run_patiently(self, context: &Context, words: &[&str]) -> Result<()> {
        let output = context.host.run(&context.cancel, self.argv(words), LONG)?;
        if output.status.success() { Ok(()) } else { Err(self.failure(words, &output.stderr)) }
    }

    /// Runs a command that may take long, its output shown line by line; fed with `input`.
    pub(super) fn run_shown(self, context: &Context, words: &[&str], input: &[u8]) -> Result<()> {
        match show(context, self.argv(words), input)? {
            None => Ok(()),
            Some(last) => Err(self.failure(words, &last)),
        }
    }

    /// What went wrong, in the engine's words, and what helps.
    pub(super) fn failure(self, words: &[&str], stderr: &[u8]) -> Error {
        let said = String::from_utf8_lossy(stderr).trim().to_owned();
        let command = words.first().copied().unwrap_or_default();
        let error = Error::new(ErrorKind::Other, format!("`{} {command}` failed: {said}", self.program));
        if said.contains("Cannot connect to the Docker daemon")
            || said.contains("permission denied while trying")
        {
            return error.hinted(
                "Start Docker's daemon, become a member of the group 'docker', or set DOCKER_HOST to an engine that \
                 answers.",
            );
        }
        if said.contains("is already in use by container") {
            return error.hinted("Give the container another name ('name'), or remove the one that has it.");
        }
        error
    }

    /// Where the engine runs, when that is another computer: its paths are not those of this one.
    pub(super) fn distant(self, context: &Context) -> Option<String> {
        let address = if self.program == "podman" {
            std::env::var("CONTAINER_HOST").ok()?
        } else if let Ok(address) = std::env::var("DOCKER_HOST") {
            address
        } else if is_elsewhere() {
            let template = "{{.Endpoints.docker.Host}}";
            self.run(context, &["context", "inspect", "--format", template]).ok()?
        } else {
            return None;
        };
        leads_away(&address).then_some(address)
    }

    /// The container of a machine, in whichever state; also one whose making was interrupted.
    pub(super) fn find(self, context: &Context, machine: &str) -> Result<Option<Found>> {
        let filter = format!("label={MACHINE_LABEL}={machine}");
        let listed = self.run(
            context,
            &["ps", "-a", "--no-trunc", "--filter", &filter, "--format", "{{.ID}} {{.State}}"],
        )?;
        Ok(listed.lines().next().and_then(found))
    }

    /// Makes an image of a container's content, without a name; its id. It is marked as kept for `machine`, and not as
    /// the machine's container is: what a user starts from it is another one.
    pub(super) fn commit(self, context: &Context, container: &str, machine: &str) -> Result<String> {
        let (nobody, kept) =
            (format!("LABEL {MACHINE_LABEL}=\"\""), format!("LABEL {KEPT_LABEL}=\"{machine}\""));
        let words = ["commit", "--change", &nobody, "--change", &kept, container];
        let output = context.host.run(&context.cancel, self.argv(&words), LONG)?;
        if !output.status.success() {
            return Err(self.failure(&words, &output.stderr));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.trim_end().lines().last().unwrap_or_default().to_owned())
    }

    /// One fact about a container, by a Go template.
    pub(super) fn inspect(self, context: &Context, container: &str, template: &str) -> Result<String> {
        self.run(context, &["inspect", "--type", "container", "--format", template, container])
    }
}

/// Runs a program that may take long, its output shown line by line; fed with `input`. When it failed, its last lines.
pub(super) fn show(context: &Context, argv: Vec<String>, input: &[u8]) -> Result<Option<Vec<u8>>> {
    let program = Program { input: input.to_vec(), within: Some(LONG), ..Program::new(argv) };
    let (mut rest, mut said) = (Vec::new(), Vec::new());
    let status = context.host.watch(&context.cancel, &program, &mut |_, piece| {
        said.extend_from_slice(piece);
        rest.extend_from_slice(piece);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if !line.trim().is_empty() {
                context.detail(line.trim_end());
            }
        }
    })?;
    if status.success() {
        return Ok(None);
    }
    let last: Vec<&[u8]> = said.split(|byte| *byte == b'\n').rev().take(5).collect();
    let last: Vec<u8> = last.into_iter().rev().collect::<Vec<_>>().join(&b'\n');
    Ok(Some(last))
}

fn leads_away(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else { return false };
    let host = rest.rsplit('@').next().unwrap_or(rest);
    let here = ["localhost", "127.", "[::1]"].iter().any(|name| host.starts_with(name));
    matches!(scheme, "ssh" | "tcp" | "http" | "https") && !here
}

/// Whether Podman can make a user namespace with several users, which a setuid program does that must be root. Root is
/// nobody where this program shares the user's namespaces.
pub(super) fn can_map_users() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.lines().any(|line| line.split_whitespace().next() == Some("0"))
}

/// Whether Docker's program is led to another engine than the one at the usual place of this computer.
pub(super) fn is_elsewhere() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    set("DOCKER_HOST") || set("DOCKER_CONTEXT") || context_on_file().is_some()
}

/// The context that `docker context use` chose.
fn context_on_file() -> Option<String> {
    let folder = std::env::var_os("DOCKER_CONFIG")
        .map(std::path::PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".docker")))?;
    let text = std::fs::read_to_string(folder.join("config.json")).ok()?;
    let document: serde_json::Value = serde_json::from_str(&text).ok()?;
    let context = document.get("currentContext")?.as_str()?;
    (!context.is_empty() && context != "default").then(|| context.to_owned())
}

fn found(line: &str) -> Option<Found> {
    let (id, state) = line.split_once(' ')?;
    // Podman's older versions say "Up 2 seconds ago" and "Paused".
    let first = state.split_whitespace().next().unwrap_or_default().to_lowercase();
    let state = match first.as_str() {
        "running" | "restarting" | "up" => MachineState::Running,
        "paused" => MachineState::Suspended,
        // Also "dead" and "removing", which `destroy` takes away.
        _ => MachineState::Stopped,
    };
    Some(Found { id: id.to_owned(), state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_both_engines_write_them() {
        let state = |line: &str| found(line).map(|found| found.state);
        assert_eq!(state("abc running"), Some(MachineState::Running));
        assert_eq!(state("abc Up 2 minutes ago"), Some(MachineState::Running));
        assert_eq!(state("abc Paused"), Some(MachineState::Suspended));
        assert_eq!(state("abc Exited (0) 1 second ago"), Some(MachineState::Stopped));
        assert_eq!(state("abc paused"), Some(MachineState::Suspended));
        assert_eq!(state("abc exited"), Some(MachineState::Stopped));
        assert_eq!(state("abc created"), Some(MachineState::Stopped));
        assert_eq!(state(""), None);
    }

    #[test]
    fn engines_of_other_computers_are_told_from_those_of_this_one() {
        assert!(leads_away("ssh://user@far.example:22/run/docker.sock") && leads_away("tcp://10.0.0.1:2375"));
        for address in ["unix:///var/run/docker.sock", "tcp://localhost:2375", "ssh://root@127.0.0.1:5", ""] {
            assert!(!leads_away(address), "{address}");
        }
    }

    #[test]
    fn a_missing_daemon_is_told_with_what_helps() {
        let engine = Engine { program: "docker" };
        let error =
            engine.failure(&["ps"], b"Cannot connect to the Docker daemon at unix:///x. Is it running?");
        assert!(error.hints()[0].contains("DOCKER_HOST"));
    }
}
