//! The command line of an OCI runtime, over yado's own engine: what Docker, containerd and Podman call to make, start,
//! enter and remove containers. It knows no Vagrantfile and no `YADO_HOME`.
//!
//! Those callers start it many times a second and read its words, so it starts without any of the rest of the program,
//! and its messages are those that they look for.

mod about;
mod enter;
mod events;
mod lifecycle;
mod limits;
mod look;
mod quick;
mod report;
mod unsupported;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use yado_container::{Container, Engine};

use report::Report;

/// What a command ends with: an exit code, or why it failed.
type Outcome = Result<u8, Failure>;

/// Why a command failed, in words for callers that search them.
#[derive(Debug)]
struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Failure {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Runs containers from OCI bundles, for Docker, containerd and Podman
#[derive(Debug, Parser)]
#[command(name = "yado runtime", bin_name = "yado runtime", disable_version_flag = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What can be said before every command.
#[derive(Debug, Args)]
struct Common {
    /// Where containers are kept on record
    #[arg(long, value_name = "DIRECTORY")]
    root: Option<PathBuf>,
    /// Write messages to this file as well
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// How messages are written to it
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Say what is done
    #[arg(long)]
    debug: bool,
    /// Accepted for callers that always say it; cgroups are made directly, never through systemd
    #[arg(long)]
    systemd_cgroup: bool,
    /// Who makes cgroups: this program does in any case, and refuses a cgroupsPath that is meant for systemd
    #[arg(long, value_enum, value_name = "NAME")]
    cgroup_manager: Option<CgroupManager>,
    /// Accepted for callers that say it
    #[arg(long, value_name = "BOOLEAN", hide = true)]
    rootless: Option<String>,
    /// Print the version
    #[arg(short = 'v', long)]
    version: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CgroupManager {
    Cgroupfs,
    Systemd,
}

impl Common {
    fn systemd(&self) -> bool {
        self.systemd_cgroup || self.cgroup_manager == Some(CgroupManager::Systemd)
    }
}

// The options of a command are made when that command was typed, which saves most of what parsing costs.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    Create(lifecycle::Create),
    Start(lifecycle::Start),
    Run(lifecycle::Run),
    Kill(lifecycle::Kill),
    Delete(lifecycle::Delete),
    Exec(Box<enter::Exec>),
    State(look::State),
    List(look::List),
    Ps(look::Ps),
    Pause(limits::Pause),
    Resume(limits::Resume),
    Update(Box<limits::Update>),
    Events(events::Events),
    Features(about::Features),
    Spec(about::Spec),
    #[command(hide = true)]
    Checkpoint(unsupported::Checkpoint),
    #[command(hide = true)]
    Restore(unsupported::Restore),
}

/// What was typed. A mistake is told by the whole command line, which knows everything that can be said.
fn parse(words: impl Iterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    let words: Vec<OsString> = words.collect();
    quick::parse(&words).map_or_else(|| Arguments::try_parse_from(words), Ok)
}

/// When this is what the program was started for, does it. To be asked before anything else of the program is set up.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    let mut words = std::env::args_os();
    let program = words.next()?;
    if words.next()? != "runtime" {
        return None;
    }
    Some(run(std::iter::once(program).chain(words)))
}

/// Parses what follows `runtime`, runs it, and tells every failure to standard error and to the log.
pub(crate) fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    let Arguments { common, command } = match parse(words) {
        Ok(arguments) => arguments,
        Err(problem) => {
            // Nothing is left to be done when the text cannot be printed.
            drop(problem.print());
            return if problem.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let report = Report::new(common.log.as_deref(), common.log_format == LogFormat::Json);
    report.trace(common.debug);
    let outcome = match (&command, common.version) {
        (_, true) => about::version(),
        (None, _) => Err(Failure::new("no command given; 'yado runtime --help' lists them")),
        (Some(command), _) => {
            let root = common.root.clone().unwrap_or_else(default_root);
            enter_ground(command, &root)
                .and_then(|()| dispatch(command, &Place { root, systemd: common.systemd() }))
        }
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(Failure(text)) => {
            report.failure(&text);
            // So that it is not taken for what the command that was to be run ended with.
            if matches!(command, Some(Command::Exec(_))) { ExitCode::from(255) } else { ExitCode::FAILURE }
        }
    }
}

fn dispatch(command: &Command, place: &Place) -> Outcome {
    match command {
        Command::Create(create) => create.run(place),
        Command::Start(start) => start.run(place),
        Command::Run(run) => run.run(place),
        Command::Kill(kill) => kill.run(place),
        Command::Delete(delete) => delete.run(place),
        Command::Exec(exec) => exec.run(place),
        Command::State(state) => state.run(place),
        Command::List(list) => list.run(place),
        Command::Ps(ps) => ps.run(place),
        Command::Pause(pause) => pause.run(place),
        Command::Resume(resume) => resume.run(place),
        Command::Update(update) => update.run(place),
        Command::Events(events) => events.run(place),
        Command::Features(_) => about::features(),
        Command::Spec(spec) => spec.run(),
        Command::Checkpoint(_) => unsupported::checkpoint(),
        Command::Restore(_) => unsupported::restore(),
    }
}

/// Where containers are kept, and what the caller said for all commands.
struct Place {
    root: PathBuf,
    systemd: bool,
}

impl Place {
    fn engine(&self) -> Result<Engine, Failure> {
        Ok(Engine::open(&self.root)?)
    }

    /// The container, an unknown one being a failure in the words that callers know.
    fn container(&self, id: &str) -> Result<Container, Failure> {
        self.engine()?
            .load(id)?
            .ok_or_else(|| Failure(format!("container does not exist: container \"{id}\" does not exist")))
    }
}

fn default_root() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/run/yado/runtime");
    }
    // Others may use the directory for temporary files as well.
    let own = format!("yado-{}/runtime", rustix::process::geteuid().as_raw());
    std::env::var_os("XDG_RUNTIME_DIR")
        .map_or_else(|| std::env::temp_dir().join(own), |folder| PathBuf::from(folder).join("yado/runtime"))
}

/// Users who are not root have their containers in namespaces of their own.
fn enter_ground(command: &Command, root: &Path) -> Result<(), Failure> {
    if matches!(
        command,
        Command::Features(_)
            | Command::List(_)
            | Command::Spec(_)
            | Command::State(_)
            | Command::Checkpoint(_)
            | Command::Restore(_)
    ) {
        return Ok(());
    }
    Ok(yado_container::rootless::enter(root)?)
}

/// Writes to standard output.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut output = std::io::stdout().lock();
    Ok(output.write_all(text.as_bytes()).and_then(|()| output.flush())?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }

    #[test]
    fn mistakes_are_told_by_the_whole_command_line() {
        let problem = parse(["yado", "run"].into_iter().map(Into::into)).unwrap_err();
        assert!(problem.to_string().contains("Usage: yado runtime run"), "{problem}");
    }
}
