//! Programs that the specification wants run at points of a container's life, with its state on their
//! standard input.

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::{Context, Error, Result};
use crate::spec::{Hook, OCI_VERSION, Spec};

/// A container's state as the specification words it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    oci_version: &'a str,
    id: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    bundle: &'a Path,
    annotations: &'a std::collections::BTreeMap<String, String>,
}

/// Whose hooks are run, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) id: &'a str,
    /// `creating`, `created`, `running` or `stopped`.
    pub(crate) status: &'a str,
    pub(crate) pid: Option<i32>,
    pub(crate) bundle: &'a Path,
    pub(crate) spec: &'a Spec,
}

/// What the program that decides system calls is told, with the descriptor for it as the only one.
pub(crate) fn process_state(moment: Moment<'_>, pid: i32) -> Result<Vec<u8>> {
    let seccomp = moment.spec.linux.as_ref().and_then(|linux| linux.seccomp.as_ref());
    let metadata = seccomp.and_then(|seccomp| seccomp.listener_metadata.as_deref());
    let state: serde_json::Value =
        serde_json::from_slice(&state(moment)?).map_err(std::io::Error::from).doing("write the state")?;
    let mut told = serde_json::json!({
        "ociVersion": OCI_VERSION, "fds": ["seccompFd"], "pid": pid, "state": state
    });
    if let Some(metadata) = metadata {
        told["metadata"] = metadata.into();
    }
    serde_json::to_vec(&told).map_err(std::io::Error::from).doing("write the state")
}

/// Runs the hooks of a stage one after the other; the first failure ends it.
pub(crate) fn run(stage: &str, hooks: &[Hook], moment: Moment<'_>) -> Result<()> {
    if hooks.is_empty() {
        return Ok(());
    }
    let state = state(moment)?;
    hooks.iter().enumerate().try_for_each(|(number, hook)| {
        run_one(hook, &state).map_err(|error| {
            Error::invalid(format!("error running {stage} hook #{number}"), error.to_string())
        })
    })
}

/// The hooks that run once the program does. Up to version 1.2 of the specification their failures change nothing; since
/// then the first one ends the container.
pub(crate) fn run_poststart(moment: Moment<'_>) -> Result<()> {
    let Some(hooks) = &moment.spec.hooks else { return Ok(()) };
    if moment.spec.follows(3) {
        return run("poststart", &hooks.poststart, moment);
    }
    run_all(&hooks.poststart, moment);
    Ok(())
}

/// Runs all hooks of a stage whose failures change nothing any more: they are warned of, and the next one is run.
pub(crate) fn run_all(hooks: &[Hook], moment: Moment<'_>) {
    for hook in hooks {
        if let Err(error) = state(moment).and_then(|state| run_one(hook, &state)) {
            tracing::warn!("{error}; container '{}' goes on without", moment.id);
        }
    }
}

fn state(moment: Moment<'_>) -> Result<Vec<u8>> {
    let state = State {
        oci_version: OCI_VERSION,
        id: moment.id,
        status: moment.status,
        pid: moment.pid,
        bundle: moment.bundle,
        annotations: &moment.spec.annotations,
    };
    serde_json::to_vec(&state).map_err(std::io::Error::from).doing("write the state for hooks")
}

fn run_one(hook: &Hook, state: &[u8]) -> Result<()> {
    let mut command = Command::new(&hook.path);
    if let [name, arguments @ ..] = hook.args.as_slice() {
        command.arg0(name).args(arguments);
    }
    // A hook without a word about its environment has the caller's, with all runtimes.
    if !hook.env.is_empty() {
        command.env_clear().envs(hook.env.iter().filter_map(|pair| pair.split_once('=')));
    }
    let mut child = command.stdin(Stdio::piped()).spawn().path("run the hook", &hook.path)?;
    if let Some(mut input) = child.stdin.take() {
        // A hook need not read.
        match input.write_all(state) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                return Err(error).path("talk to the hook", &hook.path);
            }
            _ => {}
        }
    }
    let status = wait(&mut child, hook)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::invalid(format!("hook '{}'", hook.path.display()), format!("it failed ({status})")))
}

fn wait(child: &mut Child, hook: &Hook) -> Result<std::process::ExitStatus> {
    let Some(seconds) = hook.timeout else {
        return child.wait().path("wait for the hook", &hook.path);
    };
    let limit = Instant::now() + Duration::from_secs(seconds);
    let pidfd = crate::sys::clone::pidfd_open(child.id() as i32).path("wait for the hook", &hook.path)?;
    if !crate::container::readable(pidfd.as_fd(), limit.saturating_duration_since(Instant::now()))? {
        child.kill().path("end the hook", &hook.path)?;
        child.wait().path("wait for the hook", &hook.path)?;
        return Err(Error::invalid(
            format!("hook '{}'", hook.path.display()),
            format!("it did not end within {seconds} seconds"),
        ));
    }
    child.wait().path("wait for the hook", &hook.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str, timeout: Option<u64>) -> Hook {
        Hook {
            path: "/bin/sh".into(),
            args: ["sh", "-c", line].map(str::to_owned).into(),
            env: vec!["WORD=yes".to_owned()],
            timeout,
        }
    }

    fn try_hook(hook: Hook) -> Result<()> {
        let moment = Moment {
            id: "web",
            status: "creating",
            pid: Some(7),
            bundle: Path::new("/bundle"),
            spec: &Spec::default(),
        };
        run("test", &[hook], moment)
    }

    #[test]
    fn a_hook_reads_the_state_and_has_only_its_own_environment() {
        let line = r#"read -r state; [ "$WORD$HOME" = yes ] || exit 1
            case $state in *'"id":"web","status":"creating","pid":7,"bundle":"/bundle"'*) ;; *) exit 2 ;; esac"#;
        // read returns 1 at the end of input without a line end, which must not end the shell.
        try_hook(shell(&line.replace("read -r state;", "state=$(cat);"), None)).unwrap();
    }

    #[test]
    fn a_hook_without_an_environment_has_the_callers() {
        let hook =
            Hook { env: Vec::new(), ..shell(r#"[ -n "$PATH" ] && [ -n "$CARGO_MANIFEST_DIR" ]"#, None) };
        try_hook(hook).unwrap();
    }

    #[test]
    fn a_failing_or_slow_hook_is_an_error() {
        assert!(try_hook(shell("exit 3", None)).unwrap_err().to_string().contains("exit status: 3"));
        assert!(try_hook(shell("sleep 9", Some(0))).unwrap_err().to_string().contains("within 0 seconds"));
    }
}
