//! The container's first process. The engine runs its own program again in fresh namespaces; what happens
//! then is here: build the tree, report, wait for the word, and either become the program or stay as a small
//! init.

mod conversation;
mod reaper;

use std::ffi::{CString, OsString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use conversation::receive_config;
pub(crate) use conversation::{Message, pair, receive_message, release, send_config, send_message};

use crate::error::{Context, Error, Result};
use crate::hooks::{self, Moment};
use crate::privileges;
use crate::rootfs::{self, CgroupView};
use crate::seccomp::Instruction;
use crate::spec::{Hook, Hooks, Process, Spec};
use crate::sys::become_process::Stage;
use crate::sys::{clone, fds, signals};

/// The hidden word by which the program knows that it is to be a container's first process.
pub(crate) const HIDDEN_COMMAND: &str = "__container-init";

/// What PID 1 of the container is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Init {
    /// The engine's own: collects orphans, hands a polite signal on to everybody, and does nothing else.
    #[default]
    Small,
    /// The specification's process.
    Process,
}

/// What the first process is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Config {
    pub(crate) spec: Spec,
    pub(crate) init: Init,
    /// For each mount, whether a descriptor comes for it.
    pub(crate) has_source: Vec<bool>,
    pub(crate) cgroups: Vec<CgroupView>,
    pub(crate) cgroup_namespace: bool,
    pub(crate) time_namespace: bool,
    /// Whether a socket comes that gets the terminal's master side.
    pub(crate) has_console: bool,
    /// Whether a socket comes to the program that decides system calls.
    pub(crate) has_listener: bool,
    pub(crate) preserved: u32,
    pub(crate) keep_keyring: bool,
    pub(crate) user_namespace: bool,
    pub(crate) filter: Vec<Instruction>,
    pub(crate) filter_flags: u32,
    pub(crate) id: String,
    pub(crate) bundle: PathBuf,
    /// This process's id on the host.
    pub(crate) pid: i32,
}

impl Config {
    fn run_hooks(&self, choose: impl FnOnce(&Hooks) -> &Vec<Hook>, status: &str) -> Result<()> {
        let Some(hooks) = &self.spec.hooks else { return Ok(()) };
        hooks::run(choose(hooks), self.moment(status))
    }

    fn moment<'a>(&'a self, status: &'a str) -> Moment<'a> {
        Moment { id: &self.id, status, pid: Some(self.pid), bundle: &self.bundle, spec: &self.spec }
    }
}

/// Descriptors that come with the configuration, in this order on the wire.
pub(crate) struct Descriptors {
    pub(crate) root: OwnedFd,
    /// What `start` writes to.
    pub(crate) start: OwnedFd,
    /// Where `start` reads why the program could not be run; it ends without a word when it could.
    pub(crate) answer: OwnedFd,
    /// Who takes the terminal.
    pub(crate) console: Option<OwnedFd>,
    /// Who decides system calls.
    pub(crate) listener: Option<OwnedFd>,
    pub(crate) sources: Vec<OwnedFd>,
}

/// To be called first thing by the program, while it has one thread: becomes a container's first process (or the
/// ground of a user's containers, see [`crate::rootless`]) when
/// that is what it was started for, and otherwise returns `None` at once.
pub fn run_hidden_command_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let word = arguments.next()?;
    if word == crate::rootless::HIDDEN_COMMAND {
        return Some(crate::rootless::run(arguments));
    }
    if word != HIDDEN_COMMAND {
        return None;
    }
    let socket =
        arguments.next().and_then(|number: OsString| number.to_str()?.parse().ok()).and_then(fds::inherited);
    let Some(socket) = socket else {
        return Some(ExitCode::from(2));
    };
    match run(&socket) {
        Ok(code) => Some(code),
        Err(error) => {
            let failed = Message::Failed(error.to_string());
            // When the engine is gone too, there is nobody left to tell.
            Some(if send_message(socket.as_fd(), &failed).is_ok() {
                ExitCode::FAILURE
            } else {
                ExitCode::from(3)
            })
        }
    }
}

fn run(socket: &OwnedFd) -> Result<ExitCode> {
    let (config, descriptors) = receive_config(socket.as_fd())?;
    if config.init == Init::Small {
        clone::set_process_name(c"init");
    }
    rustix::process::setsid().doing("start a session")?;
    if !config.keep_keyring {
        clone::forget_keys();
    }
    if config.cgroup_namespace {
        clone::unshare(libc::CLONE_NEWCGROUP).doing("make a cgroup namespace")?;
    }
    if config.time_namespace {
        clone::unshare(libc::CLONE_NEWTIME).doing("make a time namespace")?;
        set_clocks(&config.spec)?;
    }
    adjust_oom_score(&config)?;
    let uts = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
    if let Some(name) = uts(&config.spec.hostname) {
        rustix::system::sethostname(name.as_bytes()).doing("set the host name")?;
    }
    if let Some(name) = uts(&config.spec.domainname) {
        rustix::system::setdomainname(name.as_bytes()).doing("set the domain name")?;
    }
    let (start, answer) = (descriptors.start, descriptors.answer);
    config.run_hooks(|hooks| &hooks.create_container, "creating")?;
    let mut sources = descriptors.sources.into_iter();
    let terminal = rootfs::build(rootfs::Parts {
        spec: &config.spec,
        root: descriptors.root,
        sources: config.has_source.iter().map(|has| if *has { sources.next() } else { None }).collect(),
        cgroups: &config.cgroups,
        user_namespace: config.user_namespace,
        terminal: descriptors.console.is_some() && config.init == Init::Process,
    })?;
    if let (Some(terminal), Some(console)) = (terminal, descriptors.console) {
        take_terminal(&config, terminal, &console)?;
    }
    match config.init {
        Init::Small => {
            config.run_hooks(|hooks| &hooks.start_container, "created")?;
            small(socket)
        }
        Init::Process => become_program(&config, socket, &start, answer, descriptors.listener.as_ref()),
    }
}

/// Stays as PID 1 with hardly a right left.
fn small(socket: &OwnedFd) -> Result<ExitCode> {
    reaper::prepare()?;
    report_and_wait(socket)?;
    // The conversation is over, and nothing of the host may stay open in here.
    fds::close_all_from(3);
    reaper::run();
    // Descriptors that are still owned by name are closed already; dropping them would be an error, and the kernel
    // lets no signal of its own end PID 1.
    signals::leave(0)
}

/// Waits for `start` and becomes the specification's process.
fn become_program(
    config: &Config,
    socket: &OwnedFd,
    start: &OwnedFd,
    answer: OwnedFd,
    listener: Option<&OwnedFd>,
) -> Result<ExitCode> {
    let Some(process) = config.spec.process.as_ref() else {
        // It can be made and removed, but never started: `start` refuses before it comes here.
        report_and_wait(socket)?;
        rustix::io::retry_on_intr(|| rustix::io::read(start, &mut [0; 1])).doing("wait for the start")?;
        return Err(Error::invalid("process", "there is no program to run"));
    };
    let mut plan =
        privileges::plan(process, config.filter.clone(), config.filter_flags, privileges::bounding_set())?;
    let personality = config.spec.linux.as_ref().and_then(|linux| linux.personality.as_ref());
    plan.personality = personality.map(privileges::personality).transpose()?;
    plan.terminal = false;
    plan.preserved = config.preserved;
    plan.processors = [None, None];
    if let Some(listener) = listener {
        plan.listener =
            Some((listener.as_raw_fd(), hooks::process_state(config.moment("created"), config.pid)?));
    }
    // A relative name counts from the program's own directory. Where that is missing, entering it will say so.
    if rustix::process::chdir(&process.cwd).is_ok() {
        find_program(config, process, &plan.candidates)?;
    }
    report_and_wait(socket)?;
    // The socket must not outlive the conversation; a blocked read of the pipe is all that is left.
    let mut word = [0; 1];
    rustix::io::retry_on_intr(|| rustix::io::read(start, &mut word)).doing("wait for the start")?;
    let failure = match config.run_hooks(|hooks| &hooks.start_container, "created") {
        Ok(()) => {
            let (stage, error) = plan.ready().run(None);
            let source = std::io::Error::from_raw_os_error(error);
            if stage == Stage::Exec {
                cannot_run(config, process, source)
            } else {
                Error::System { operation: Stage::describe(stage as u8).to_owned(), source }
            }
        }
        Err(error) => error,
    };
    // `start` reads this; when it has gone away, so has everybody who wanted to know.
    drop(std::io::Write::write_all(&mut std::fs::File::from(answer), failure.to_string().as_bytes()));
    Err(failure)
}

fn cannot_run(config: &Config, process: &Process, source: std::io::Error) -> Error {
    Error::Command {
        id: config.id.clone(),
        command: process.args.first().cloned().unwrap_or_default(),
        source,
    }
}

/// Fails when the program is nowhere or may not be run, so that making the container already tells.
fn find_program(config: &Config, process: &Process, candidates: &[CString]) -> Result<()> {
    let mut answer = Errno::NOENT;
    for path in candidates {
        match rustix::fs::access(path.as_c_str(), rustix::fs::Access::EXEC_OK) {
            Ok(()) if rustix::fs::stat(path.as_c_str()).is_ok_and(|found| is_directory(&found)) => {
                answer = Errno::ACCESS;
            }
            Ok(()) => return Ok(()),
            Err(Errno::ACCESS) => answer = Errno::ACCESS,
            Err(_) => {}
        }
    }
    Err(cannot_run(config, process, answer.into()))
}

fn is_directory(status: &rustix::fs::Stat) -> bool {
    rustix::fs::FileType::from_raw_mode(status.st_mode) == rustix::fs::FileType::Directory
}

/// Sets the clocks of the time namespace that the next program will live in.
fn set_clocks(spec: &Spec) -> Result<()> {
    let offsets = spec.linux.iter().flat_map(|linux| &linux.time_offsets);
    let lines: Vec<String> =
        offsets.map(|(clock, offset)| format!("{clock} {} {}\n", offset.secs, offset.nanosecs)).collect();
    if lines.is_empty() {
        return Ok(());
    }
    std::fs::write("/proc/self/timens_offsets", lines.concat()).doing("set the clocks of 'linux.timeOffsets'")
}

/// Through the host's `/proc`, as long as it is the one that is seen: the container's may be anything.
fn adjust_oom_score(config: &Config) -> Result<()> {
    let asked = config.spec.process.as_ref().and_then(|process| process.oom_score_adj);
    let Some(text) = asked.and_then(|score| CString::new(score.to_string()).ok()) else { return Ok(()) };
    match clone::adjust_oom_score(&text) {
        // In a user namespace nobody may lower it, and the container can live without.
        Err(libc::EACCES | libc::EPERM) if config.user_namespace => Ok(()),
        other => other.map_err(std::io::Error::from_raw_os_error).doing("set 'process.oomScoreAdj'"),
    }
}

/// Makes the terminal this process's own and hands its master side out.
fn take_terminal(config: &Config, terminal: rootfs::Terminal, console: &OwnedFd) -> Result<()> {
    let process = config.spec.process.as_ref();
    if let Some(size) = process.and_then(|process| process.console_size) {
        let size =
            rustix::termios::Winsize { ws_row: size.height, ws_col: size.width, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&terminal.slave, size).doing("set the terminal's size")?;
    }
    let user = process.map_or(0, |process| process.user.uid);
    rustix::fs::fchown(&terminal.slave, Some(rustix::fs::Uid::from_raw(user)), None)
        .doing("give the terminal to the user")?;
    rustix::process::ioctl_tiocsctty(&terminal.slave).doing("take the terminal")?;
    rustix::stdio::dup2_stdin(&terminal.slave).doing("use the terminal")?;
    rustix::stdio::dup2_stdout(&terminal.slave).doing("use the terminal")?;
    rustix::stdio::dup2_stderr(&terminal.slave).doing("use the terminal")?;
    fds::send(console.as_fd(), b"/dev/ptmx", &[terminal.master.as_raw_fd()])
        .doing("hand out the terminal")?;
    Ok(())
}

/// Says that everything stands, and goes on only when the engine has written that down.
fn report_and_wait(socket: &OwnedFd) -> Result<()> {
    send_message(socket.as_fd(), &Message::Ready)?;
    match receive_message(socket.as_fd())? {
        Some(Message::Continue) => Ok(()),
        _ => Err(Error::invalid("container", "the engine went away")),
    }
}

/// The number of a descriptor as an argument.
pub(crate) fn argument(socket: &OwnedFd) -> String {
    socket.as_raw_fd().to_string()
}
