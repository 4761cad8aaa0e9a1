//! What there is: `state`, `list`, `ps`.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use yado_container::spec::OCI_VERSION;
use yado_container::{Container, Status};

use super::report::timestamp;
use super::{Failure, Outcome, Place, print};

/// Print a container's state as JSON
#[derive(Debug, Args)]
pub(super) struct State {
    pub(super) id: String,
}

/// List all containers
#[derive(Debug, Args)]
pub(super) struct List {
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Only their names
    #[arg(short, long)]
    quiet: bool,
}

/// List a container's processes
#[derive(Debug, Args)]
pub(super) struct Ps {
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    format: Format,
    id: String,
    /// Options for ps(1)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// A state in the specification's words.
pub(super) fn word(status: Status) -> &'static str {
    match status {
        Status::Created => "created",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Stopped => "stopped",
    }
}

fn describe(container: &Container) -> Value {
    let status = container.state();
    let root = container.spec().root.as_ref().map(|root| container.bundle().join(&root.path));
    json!({
        "ociVersion": OCI_VERSION,
        "id": container.id(),
        "pid": if status == Status::Stopped { 0 } else { container.pid() },
        "status": word(status),
        "bundle": container.bundle(),
        "rootfs": root.unwrap_or_default(),
        "created": timestamp(container.created()),
        "annotations": container.spec().annotations,
        "owner": "",
    })
}

impl State {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let state = describe(&place.container(&self.id)?);
        print(&format!("{state:#}\n"))?;
        Ok(0)
    }
}

impl List {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let containers = place.engine()?.list()?;
        if self.quiet {
            let names: Vec<String> =
                containers.iter().map(|container| format!("{}\n", container.id())).collect();
            print(&names.concat())?;
        } else if self.format == Format::Json {
            print(&format!("{}\n", containers.iter().map(describe).collect::<Value>()))?;
        } else {
            let mut text = format!("{:<24} {:<8} {:<8} {:<32} CREATED\n", "ID", "PID", "STATUS", "BUNDLE");
            for container in &containers {
                let state = describe(container);
                let field = |name: &str| state[name].as_str().unwrap_or_default().to_owned();
                let (id, status, bundle) = (field("id"), field("status"), field("bundle"));
                text +=
                    &format!("{id:<24} {:<8} {status:<8} {bundle:<32} {}\n", state["pid"], field("created"));
            }
            print(&text)?;
        }
        Ok(0)
    }
}

impl Ps {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let container = place.container(&self.id)?;
        let running = container.state() != Status::Stopped;
        let processes = if running { container.processes() } else { Vec::new() };
        if self.format == Format::Json {
            print(&format!("{}\n", json!(processes)))?;
            return Ok(0);
        }
        let options = if self.options.is_empty() { vec!["-ef".to_owned()] } else { self.options.clone() };
        let output = std::process::Command::new("ps")
            .args(&options)
            .output()
            .map_err(|error| Failure(format!("cannot run ps: {error}; '-f json' needs none")))?;
        print(&only(&String::from_utf8_lossy(&output.stdout), &processes)?)?;
        Ok(0)
    }
}

/// The heading and the lines of these processes.
fn only(table: &str, processes: &[i32]) -> Result<String, Failure> {
    let heading = table.lines().next().unwrap_or_default();
    let column = heading
        .split_whitespace()
        .position(|word| word == "PID")
        .ok_or_else(|| Failure::new("ps prints no column PID with these options"))?;
    let wanted = |line: &&str| {
        let pid = line.split_whitespace().nth(column).and_then(|word| word.parse().ok());
        pid.is_some_and(|pid: i32| processes.contains(&pid))
    };
    let lines = table.lines().take(1).chain(table.lines().skip(1).filter(wanted));
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}

#[cfg(test)]
mod tests {
    use super::only;

    #[test]
    fn other_peoples_processes_are_not_listed() {
        let table = "UID PID CMD\nroot 1 init\nroot 22 sh\n";
        assert_eq!(only(table, &[22]).unwrap(), "UID PID CMD\nroot 22 sh\n");
        assert!(only("UID CMD\n", &[]).is_err());
    }
}
