//! The command line: what can be typed, and the table that leads each command to its file.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use yado_core::{ErrorKind, Result};

use crate::commands;
use crate::render;
use crate::session::Session;
use crate::settings::Settings;
use crate::ui::{Style, Ui};

/// One Vagrantfile builds, configures and operates machines, the same for everyone.
#[derive(Debug, Parser)]
#[command(name = "yado", disable_version_flag = true, infer_long_args = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Where the help has options that every command takes: apart from its own.
const EVERYWHERE: &str = "Options of every command";

/// Options that every command takes, before or after its name.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Global {
    /// Work as if started in this directory
    #[arg(short = 'C', long, global = true, help_heading = EVERYWHERE, value_name = "DIRECTORY")]
    pub(crate) chdir: Option<PathBuf>,
    /// Lines for programs instead of text for people
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) machine_readable: bool,
    /// Colours even when the output is not a terminal
    #[arg(long, global = true, help_heading = EVERYWHERE, overrides_with = "no_color")]
    pub(crate) color: bool,
    /// No colours
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) no_color: bool,
    /// Ask nothing and rewrite no lines
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) no_tty: bool,
    /// Log what is done, on standard error (the same as `YADO_LOG=debug`)
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) debug: bool,
    /// Begin every line of the log with the time (the same as `VAGRANT_LOG_TIMESTAMP=1`)
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) timestamp: bool,
    /// `--debug` and `--timestamp`
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) debug_timestamp: bool,
    /// Let this Vagrantfile run programs and write files while it is read, this once
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) trust: bool,
    /// Print the version
    #[arg(short = 'v', long)]
    pub(crate) version: bool,
}

// The options of a command are made when that command was typed, which saves most of what parsing costs.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Have the shell complete what is typed after `yado`
    Autocomplete(commands::autocomplete::Arguments),
    /// Manage boxes
    Box(commands::boxes::Arguments),
    /// Ask for what a provider or a machine's system can do, or have it done
    #[command(hide = true)]
    Cap(commands::cap::Arguments),
    /// Measure what each kind of virtualization costs, against the bare machine
    Compare(commands::compare::Arguments),
    /// Show the configuration as it was understood
    Config(commands::config::Arguments),
    /// Connect this terminal with a machine's serial console; Ctrl-] leaves it
    Console(commands::console::Arguments),
    /// Switch machines off and remove every trace of them
    Destroy(commands::destroy::Arguments),
    /// Run a command in machines that are containers of Docker or Podman
    DockerExec(commands::docker::exec::Arguments),
    /// Show what machines that are containers of Docker or Podman wrote
    DockerLogs(commands::docker::logs::Arguments),
    /// Run a command in a new container with the image and settings of a machine
    DockerRun(commands::docker::run::Arguments),
    /// One that Vagrant has, and that is refused
    #[command(skip)]
    Elsewhere(&'static str),
    /// Show all machines of this user
    GlobalStatus(commands::global_status::Arguments),
    /// Switch machines off
    Halt(commands::halt::Arguments),
    /// Write a first Vagrantfile
    Init(commands::init::Arguments),
    /// List every command with what it is for
    ListCommands(commands::list_commands::Arguments),
    /// Agree on boxes and scripts, or check what was agreed on
    Lock(commands::lock::Arguments),
    /// Show what the first processes of machines wrote: systemd's journal, or the console
    Logs(commands::logs::Arguments),
    /// Make a box of a machine
    Package(commands::package::Arguments),
    /// Show what `up` would do, without doing it
    Plan(commands::plan::Arguments),
    /// Say that no plugins are needed
    Plugin(commands::plugin::Arguments),
    /// Show the forwarded ports of a machine
    Port(commands::port::Arguments),
    /// Show which provider a machine has
    Provider(commands::provider::Arguments),
    /// Run the provisioners of running machines
    Provision(commands::provision::Arguments),
    /// Bring the project where the Vagrantfile says
    Push(commands::push::Arguments),
    /// Switch machines off and on again with the present configuration
    Reload(commands::reload::Arguments),
    /// Let frozen machines go on
    Resume(commands::resume::Arguments),
    /// Copy the folders of virtual machines again
    Rsync(commands::rsync::once::Arguments),
    /// Copy the folders of virtual machines whenever something in them changes
    RsyncAuto(commands::rsync::auto::Arguments),
    /// Run containers from OCI bundles, for Docker, containerd and Podman
    #[command(hide = true, disable_help_flag = true)]
    Runtime {
        /// What the runtime is to do; 'yado runtime --help' lists it
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Keep what machines have on their disks, and go back to it
    Snapshot(commands::snapshot::Arguments),
    /// Open a shell in a machine, or run a command there
    Ssh(commands::ssh::Arguments),
    /// Print an OpenSSH configuration to enter machines by
    SshConfig(commands::ssh_config::Arguments),
    /// Connect an SSH program with a machine
    #[command(hide = true)]
    SshProxy(commands::ssh_proxy::Arguments),
    /// Show what the machines of this environment are doing
    Status(commands::status::Arguments),
    /// Freeze machines with all their processes
    Suspend(commands::suspend::Arguments),
    /// Let this project's Vagrantfile run programs and write files while it is read
    Trust(commands::trust::Arguments),
    /// Create, start and provision the machines of this environment
    Up(commands::up::Arguments),
    /// Copy a file or directory into a machine
    Upload(commands::upload::Arguments),
    /// Check the Vagrantfile
    Validate(commands::validate::Arguments),
    /// Show what the machines were built from, with a fingerprint to compare
    Verify(commands::verify::Arguments),
    /// Show the version
    Version(commands::version::Arguments),
}

impl Command {
    /// Whether it makes, changes or enters machines or boxes; others only look at what is on record.
    pub(crate) fn works_on_machines(&self) -> bool {
        !matches!(
            self,
            Self::Autocomplete(_)
                | Self::Config(_)
                | Self::Elsewhere(_)
                | Self::GlobalStatus(_)
                | Self::Init(_)
                | Self::ListCommands(_)
                | Self::Plugin(_)
                | Self::Port(_)
                | Self::Provider(_)
                | Self::Push(_)
                | Self::Runtime { .. }
                | Self::Status(_)
                | Self::Trust(_)
                | Self::Validate(_)
                | Self::Verify(_)
                | Self::Version(_)
        )
    }
}

/// The options of each command that users type.
const OPTIONS: &[(&str, fn(clap::Command) -> clap::Command)] = &[
    ("autocomplete", commands::autocomplete::Arguments::augment_args),
    ("box", commands::boxes::Arguments::augment_args),
    ("cap", commands::cap::Arguments::augment_args),
    ("compare", commands::compare::Arguments::augment_args),
    ("config", commands::config::Arguments::augment_args),
    ("console", commands::console::Arguments::augment_args),
    ("destroy", commands::destroy::Arguments::augment_args),
    ("docker-exec", commands::docker::exec::Arguments::augment_args),
    ("docker-logs", commands::docker::logs::Arguments::augment_args),
    ("docker-run", commands::docker::run::Arguments::augment_args),
    ("global-status", commands::global_status::Arguments::augment_args),
    ("halt", commands::halt::Arguments::augment_args),
    ("init", commands::init::Arguments::augment_args),
    ("list-commands", commands::list_commands::Arguments::augment_args),
    ("lock", commands::lock::Arguments::augment_args),
    ("logs", commands::logs::Arguments::augment_args),
    ("package", commands::package::Arguments::augment_args),
    ("plan", commands::plan::Arguments::augment_args),
    ("plugin", commands::plugin::Arguments::augment_args),
    ("port", commands::port::Arguments::augment_args),
    ("provider", commands::provider::Arguments::augment_args),
    ("provision", commands::provision::Arguments::augment_args),
    ("push", commands::push::Arguments::augment_args),
    ("reload", commands::reload::Arguments::augment_args),
    ("resume", commands::resume::Arguments::augment_args),
    ("rsync", commands::rsync::once::Arguments::augment_args),
    ("rsync-auto", commands::rsync::auto::Arguments::augment_args),
    ("snapshot", commands::snapshot::Arguments::augment_args),
    ("ssh", commands::ssh::Arguments::augment_args),
    ("ssh-config", commands::ssh_config::Arguments::augment_args),
    ("status", commands::status::Arguments::augment_args),
    ("suspend", commands::suspend::Arguments::augment_args),
    ("trust", commands::trust::Arguments::augment_args),
    ("up", commands::up::Arguments::augment_args),
    ("upload", commands::upload::Arguments::augment_args),
    ("validate", commands::validate::Arguments::augment_args),
    ("verify", commands::verify::Arguments::augment_args),
    ("version", commands::version::Arguments::augment_args),
];

/// The command line with a single command in it. clap works through all commands that it knows, and takes longer for
/// that than most of them need for their work.
fn with_single_command(name: &str) -> Option<clap::Command> {
    let (name, options) = OPTIONS.iter().find(|(known, _)| *known == name)?;
    let whole =
        clap::Command::new("yado").disable_version_flag(true).infer_long_args(true).max_term_width(100);
    Some(Global::augment_args(whole).subcommand(options(clap::Command::new(*name))))
}

/// What was typed, or the code to end with after the mistake in it was told.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> std::result::Result<Cli, ExitCode> {
    let words: Vec<OsString> = arguments.collect();
    let single = words.get(1).and_then(|word| with_single_command(word.to_str()?));
    let outcome = single
        .unwrap_or_else(Cli::command)
        .try_get_matches_from(&words)
        .and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    outcome.or_else(|problem| match elsewhere(&problem, &words) {
        Some(command) => Ok(command),
        None => Err(usage(&with_similar_command(problem, &words))),
    })
}

/// A command of Vagrant's that is refused in its own words.
fn elsewhere(problem: &clap::Error, words: &[OsString]) -> Option<Cli> {
    use clap::error::{ContextKind, ContextValue};
    let Some(ContextValue::String(typed)) = problem.get(ContextKind::InvalidSubcommand) else { return None };
    // A word below another command is that command's own mistake.
    let first = words.iter().skip(1).find(|word| !word.to_string_lossy().starts_with('-'));
    let name = commands::elsewhere::find(typed).filter(|name| first.is_some_and(|word| word == *name))?;
    let machine_readable = words.iter().any(|word| word == "--machine-readable");
    let global = Global { machine_readable, ..Global::default() };
    Some(Cli { global, command: Some(Command::Elsewhere(name)) })
}

/// A command that does not exist is answered with one that does, if there is one like it.
fn with_similar_command(mut problem: clap::Error, words: &[OsString]) -> clap::Error {
    use clap::error::{ContextKind, ContextValue};
    // Short words that differ in one letter are too unlike each other for clap.
    if problem.get(ContextKind::SuggestedSubcommand).is_none()
        && let Some(ContextValue::String(typed)) = problem.get(ContextKind::InvalidSubcommand)
    {
        let mut whole = Cli::command();
        // The commands below another one are made when they are needed.
        whole.build();
        let mut within = &whole;
        for word in words.iter().skip(1).take_while(|word| word.to_str() != Some(typed)) {
            within = within.find_subcommand(word).unwrap_or(within);
        }
        let names =
            within.get_subcommands().filter(|known| !known.is_hide_set()).map(clap::Command::get_name);
        if let Some(near) = yado_core::registry::nearest(typed, names) {
            let near = ContextValue::Strings(vec![near.to_owned()]);
            problem.insert(ContextKind::SuggestedSubcommand, near);
        }
    }
    problem
}

/// Runs a command and says how it ended.
pub(crate) fn run(cli: Cli, settings: Settings) -> ExitCode {
    let ui = Arc::new(Ui::new(style(&cli.global, &settings)));
    log(&cli.global, &settings);
    if cli.global.version {
        ui.plain(&format!("yado {}", env!("CARGO_PKG_VERSION")));
        return ExitCode::SUCCESS;
    }
    let Some(command) = cli.command else {
        ui.raw(&format!("{}\n", Cli::command().render_help()));
        return ExitCode::FAILURE;
    };
    if let Command::Runtime { words } = command {
        return commands::runtime::run(std::iter::once(OsString::from("yado")).chain(words));
    }
    let outcome =
        Session::new(Arc::clone(&ui), settings, cli.global).and_then(|session| dispatch(&session, command));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            tracing::debug!(?error, "failed");
            if let ErrorKind::VagrantfileExited(status) = error.kind() {
                return ExitCode::from(u8::try_from(status & 0xff).unwrap_or(1));
            }
            if error.kind() == ErrorKind::Interrupted {
                ui.error("Exiting due to interrupt.");
            } else {
                ui.failure(&error);
            }
            ui.data(None, "error-exit", &[render::class(&error), &ui.described(&error)]);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(session: &Session, command: Command) -> Result<u8> {
    match command {
        Command::Autocomplete(arguments) => commands::autocomplete::run(session, &arguments),
        Command::Box(arguments) => commands::boxes::run(session, &arguments),
        Command::Cap(arguments) => commands::cap::run(session, &arguments),
        Command::Compare(arguments) => commands::compare::run(session, &arguments),
        Command::Console(arguments) => commands::console::run(session, &arguments),
        Command::Config(arguments) => commands::config::run(session, &arguments),
        Command::Destroy(arguments) => commands::destroy::run(session, &arguments),
        Command::DockerExec(arguments) => commands::docker::exec::run(session, &arguments),
        Command::DockerLogs(arguments) => commands::docker::logs::run(session, &arguments),
        Command::DockerRun(arguments) => commands::docker::run::run(session, &arguments),
        Command::Elsewhere(name) => Err(commands::elsewhere::refusal(name)),
        Command::GlobalStatus(arguments) => commands::global_status::run(session, &arguments),
        Command::Halt(arguments) => commands::halt::run(session, &arguments),
        Command::Init(arguments) => commands::init::run(session, &arguments),
        Command::ListCommands(arguments) => commands::list_commands::run(session, &arguments),
        Command::Lock(arguments) => commands::lock::run(session, &arguments),
        Command::Logs(arguments) => commands::logs::run(session, &arguments),
        Command::Package(arguments) => commands::package::run(session, &arguments),
        Command::Plan(arguments) => commands::plan::run(session, &arguments),
        Command::Port(arguments) => commands::port::run(session, &arguments),
        Command::Plugin(arguments) => commands::plugin::run(session, &arguments),
        Command::Provider(arguments) => commands::provider::run(session, &arguments),
        Command::Provision(arguments) => commands::provision::run(session, &arguments),
        Command::Push(arguments) => commands::push::run(session, &arguments),
        Command::Reload(arguments) => commands::reload::run(session, &arguments),
        Command::Resume(arguments) => commands::resume::run(session, &arguments),
        Command::Rsync(arguments) => commands::rsync::once::run(session, &arguments),
        Command::RsyncAuto(arguments) => commands::rsync::auto::run(session, &arguments),
        // It was led away before there was a session.
        Command::Runtime { .. } => Ok(1),
        Command::Snapshot(arguments) => commands::snapshot::run(session, &arguments),
        Command::Ssh(arguments) => commands::ssh::run(session, &arguments),
        Command::SshConfig(arguments) => commands::ssh_config::run(session, &arguments),
        Command::SshProxy(arguments) => commands::ssh_proxy::run(session, &arguments),
        Command::Status(arguments) => commands::status::run(session, &arguments),
        Command::Suspend(arguments) => commands::suspend::run(session, &arguments),
        Command::Trust(arguments) => commands::trust::run(session, &arguments),
        Command::Up(arguments) => commands::up::run(session, &arguments),
        Command::Upload(arguments) => commands::upload::run(session, &arguments),
        Command::Validate(arguments) => commands::validate::run(session, &arguments),
        Command::Verify(arguments) => commands::verify::run(session, &arguments),
        Command::Version(arguments) => commands::version::run(session, &arguments),
    }
}

/// Help goes to standard output and is a success; everything else that stops parsing is a failure with code 1, as in
/// the reference.
fn usage(problem: &clap::Error) -> ExitCode {
    // Nothing is left to be done when the text cannot be printed.
    drop(problem.print());
    if problem.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn style(global: &Global, settings: &Settings) -> Style {
    use std::io::IsTerminal;
    let terminal = std::io::stdout().is_terminal();
    let forced = global.color || settings.force_color;
    let refused = global.no_color || global.machine_readable || (settings.no_color && !global.color);
    Style {
        machine_readable: global.machine_readable,
        color: (terminal || forced) && !refused,
        interactive: std::io::stdin().is_terminal() && !global.no_tty,
    }
}

fn log(global: &Global, settings: &Settings) {
    let level = if global.debug || global.debug_timestamp { Some("debug") } else { settings.log.as_deref() };
    let level = match level.map(str::to_lowercase).as_deref() {
        Some("debug" | "trace") => tracing::Level::DEBUG,
        Some("info") => tracing::Level::INFO,
        Some("warn") => tracing::Level::WARN,
        Some("error") => tracing::Level::ERROR,
        _ => return,
    };
    let subscriber =
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false);
    // It can only be set once, and this is the only place that does.
    drop(if global.timestamp || global.debug_timestamp || settings.log_timestamp {
        tracing::subscriber::set_global_default(subscriber.finish())
    } else {
        tracing::subscriber::set_global_default(subscriber.without_time().finish())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_in_the_list_what_its_own_help_begins_with() {
        let mut program = Cli::command();
        // A command's own words are made when it is looked at, and would hide those of the list.
        let listed: Vec<_> = program
            .get_subcommands()
            .map(|command| (command.get_name().to_owned(), command.get_about().map(ToString::to_string)))
            .collect();
        program.build();
        for ((name, listed), built) in listed.iter().zip(program.get_subcommands()) {
            assert_eq!(*name, built.get_name());
            let own = built.get_about().map(ToString::to_string);
            assert!(listed.as_ref().is_some_and(|text| !text.is_empty()), "{name} is listed without a word");
            assert_eq!(*listed, own, "{name}");
        }
    }

    #[test]
    fn a_slip_is_answered_by_a_command_of_the_same_place() {
        let near = |words: &[&str]| {
            let words: Vec<OsString> = ["yado"].iter().chain(words).map(OsString::from).collect();
            let problem = Cli::command().try_get_matches_from(&words).unwrap_err();
            use clap::error::{ContextKind, ContextValue};
            match with_similar_command(problem, &words).get(ContextKind::SuggestedSubcommand) {
                Some(ContextValue::Strings(names)) => names.first().cloned(),
                Some(ContextValue::String(name)) => Some(name.clone()),
                _ => None,
            }
        };
        assert_eq!(near(&["hatl"]).as_deref(), Some("halt"));
        assert_eq!(near(&["snapshot", "pu"]).as_deref(), Some("push"));
        assert_eq!(near(&["snapshot", "halt"]), None);
        assert_eq!(near(&["snapshot", "opp"]).as_deref(), Some("pop"));
        assert_eq!(near(&["--color", "box", "adb"]).as_deref(), Some("add"));
    }

    #[test]
    fn a_command_is_understood_alone_as_it_is_among_all() {
        for known in Cli::command().get_subcommands().map(|known| known.get_name().to_owned()) {
            if known == "runtime" || known == "ssh-proxy" {
                assert!(with_single_command(&known).is_none(), "{known}");
                continue;
            }
            let single = with_single_command(&known).unwrap_or_else(|| panic!("{known} is not in the table"));
            for words in
                [&["--help"][..], &["-h"], &["--nonsense"], &["--machine-readable", "a", "b", "c", "d"]]
            {
                let words: Vec<&str> = ["yado", &known].into_iter().chain(words.iter().copied()).collect();
                let alone = single.clone().try_get_matches_from(&words);
                let among = Cli::command().try_get_matches_from(&words);
                match (alone, among) {
                    (Ok(alone), Ok(among)) => {
                        let understood = |mut matches| {
                            let cli = Cli::from_arg_matches_mut(&mut matches).unwrap();
                            format!("{:?} {:?}", cli.global, cli.command)
                        };
                        assert_eq!(understood(alone), understood(among));
                    }
                    (Err(alone), Err(among)) => assert_eq!(alone.to_string(), among.to_string()),
                    other => panic!("{known}: {other:?}"),
                }
            }
        }
    }
}
