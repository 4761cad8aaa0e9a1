//! The container's first process. The engine copies itself into fresh namespaces, or goes on there in its own memory; what
//! happens then is here: build the tree, report, wait for the word, and become the small program that is a machine's init
//! or that runs the specification's process.

mod conversation;

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

pub(crate) use conversation::{
    Arrival, Message, pair, receive_message, receive_rest, release, send_arrival, send_message,
};

use crate::error::{Context, Error, Result};
use crate::home;
use crate::hooks::{self, Moment};
use crate::memory_policy;
use crate::network::MachineNetwork;
use crate::privileges;
use crate::rootfs::{self, CgroupView};
use crate::seccomp::{self, Instruction};
use crate::spec::{Linux, Process, Spec};
use crate::sys::become_process::{ALL_PROCESSORS, Stage, run_on};
use crate::sys::launcher::Launcher;
use crate::sys::{clone, fds, sealed};

/// The word by which a machine's init can be known among the host's processes; the container's id follows it.
pub(crate) const INIT_WORD: &str = "__container-init";

/// What PID 1 of the container is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Init {
    /// The engine's own: collects orphans, hands a polite signal on to everybody, and does nothing else.
    #[default]
    Small,
    /// The specification's process.
    Process,
}

/// What the first process is made from. It is a copy of the engine's process, or has its memory, and finds all of this there;
/// it changes none of it.
pub(crate) struct FirstProcess<'a> {
    pub(crate) id: &'a str,
    pub(crate) bundle: &'a Path,
    pub(crate) spec: &'a Spec,
    pub(crate) init: Init,
    pub(crate) socket: BorrowedFd<'a>,
    /// The program that it becomes in the end.
    pub(crate) program: BorrowedFd<'a>,
    /// What `start` writes to; without it, the program is run at once.
    pub(crate) start: Option<BorrowedFd<'a>>,
    /// Where `start` reads why the program could not be run; it ends without a word when it could. Without `start`, the
    /// socket.
    pub(crate) answer: BorrowedFd<'a>,
    /// Who decides system calls.
    pub(crate) listener: Option<BorrowedFd<'a>>,
    /// Who takes the terminal.
    pub(crate) console: Option<BorrowedFd<'a>>,
    pub(crate) cgroups: &'a [CgroupView],
    /// Whether it is moved into cgroups, and told so, while it works.
    pub(crate) attached_later: bool,
    pub(crate) cgroup_namespace: bool,
    pub(crate) time_namespace: bool,
    pub(crate) user_namespace: bool,
    pub(crate) entry: rootfs::Entry,
    /// What AppArmor is told before the program is run.
    pub(crate) profile: Option<&'a CStr>,
    /// The interfaces to set up, in a network namespace of its own.
    pub(crate) network: Option<&'a MachineNetwork>,
    pub(crate) preserved: u32,
    pub(crate) keep_keyring: bool,
    /// Whether it is put on record while it builds its tree, and nobody waits for its word.
    pub(crate) runs_through: bool,
    /// The capabilities that it can get of those that it asks for, as a mask; in a user namespace of its own all.
    pub(crate) possible: u64,
    pub(crate) filter: &'a [Instruction],
    pub(crate) filter_flags: u32,
}

impl FirstProcess<'_> {
    /// The whole life of the process up to the program that it becomes. Returns the exit code of one that failed.
    pub(crate) fn live(&self) -> i32 {
        let Err(error) = self.work();
        // When the engine is gone too, there is nobody left to tell.
        let told = send_message(self.socket, &Message::Failed(error.to_string()));
        if told.is_ok() { 1 } else { 3 }
    }

    fn work(&self) -> Result<std::convert::Infallible> {
        rustix::process::setsid().doing("start a session")?;
        // What is made on the way has the modes that everybody expects; the program gets a mask of its own.
        rustix::process::umask(Mode::WGRP | Mode::WOTH);
        if !self.keep_keyring {
            clone::forget_keys();
        }
        if self.time_namespace {
            clone::unshare(libc::CLONE_NEWTIME).doing("make a time namespace")?;
            set_clocks(self.spec)?;
        }
        self.adjust_oom_score()?;
        // From here on whoever shares a namespace with this process may not look into what is the engine's memory, or a copy.
        clone::become_opaque();
        let uts = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
        if let Some(name) = uts(&self.spec.hostname) {
            rustix::system::sethostname(name.as_bytes()).doing("set the host name")?;
        }
        if let Some(name) = uts(&self.spec.domainname) {
            rustix::system::setdomainname(name.as_bytes()).doing("set the domain name")?;
        }
        let mut joined = false;
        let mut join_cgroups = || self.join_cgroups(&mut joined);
        if self.spec.hooks.is_some() {
            // Hooks find everything joined that there is to join; the engine says so before it runs the first.
            join_cgroups()?;
        }
        let Arrival { pid, root, sources } = conversation::receive_arrival(self.socket)?;
        if let Some(network) = self.network {
            network.configure()?;
        }
        self.run_create_hooks(pid)?;
        self.ask_for_profile()?;
        let terminal = rootfs::build(rootfs::Parts {
            spec: self.spec,
            root,
            entry: self.entry,
            sources,
            cgroups: self.cgroups,
            join_cgroups: &mut join_cgroups,
            user_namespace: self.user_namespace,
            terminal: self.console.is_some() && self.init == Init::Process,
        })?;
        if let (Some(terminal), Some(console)) = (terminal, self.console) {
            self.take_terminal(terminal, console)?;
        }
        match self.init {
            Init::Small => {
                self.run_start_hooks(pid, &[])?;
                self.become_small_init()
            }
            Init::Process => self.become_program(pid),
        }
    }

    /// Makes sure that this process is in all its cgroups, and shows the container nothing above them.
    fn join_cgroups(&self, joined: &mut bool) -> Result<()> {
        if std::mem::replace(joined, true) {
            return Ok(());
        }
        if self.attached_later && receive_message(self.socket)? != Some(Message::Attached) {
            return Err(engine_gone());
        }
        if self.cgroup_namespace {
            clone::unshare(libc::CLONE_NEWCGROUP).doing("make a cgroup namespace")?;
        }
        Ok(())
    }

    fn run_create_hooks(&self, pid: i32) -> Result<()> {
        let Some(hooks) = &self.spec.hooks else { return Ok(()) };
        hooks::run("createContainer", &hooks.create_container, self.moment(pid, "creating"))
    }

    /// The hooks right before the program have its environment where they are given none, as of old.
    fn run_start_hooks(&self, pid: i32, environment: &[String]) -> Result<()> {
        let Some(hooks) = &self.spec.hooks else { return Ok(()) };
        let mut hooks = hooks.start_container.clone();
        for hook in hooks.iter_mut().filter(|hook| hook.env.is_empty()) {
            hook.env = environment.to_vec();
        }
        hooks::run("startContainer", &hooks, self.moment(pid, "created"))
    }

    fn moment<'a>(&'a self, pid: i32, status: &'a str) -> Moment<'a> {
        Moment { id: self.id, status, pid: Some(pid), bundle: self.bundle, spec: self.spec }
    }

    /// Becomes PID 1 of a machine, which says and hears the last words itself.
    fn become_small_init(&self) -> Result<std::convert::Infallible> {
        let number = self.socket.as_raw_fd().to_string();
        let arguments = clone::c_strings(["yado", INIT_WORD, &number, self.id]).doing("name the init")?;
        let error = sealed::run(self.program, &arguments, &[], &[self.socket.as_raw_fd()]);
        Err(std::io::Error::from_raw_os_error(error)).doing("run the init")
    }

    /// Waits for `start` and becomes the specification's process.
    fn become_program(&self, pid: i32) -> Result<std::convert::Infallible> {
        let missing = || Error::invalid("process", "there is no program to run");
        let Some(process) = self.spec.process.as_ref() else {
            // It can be made and removed, but never started: `start` refuses before it comes here.
            self.report_and_wait()?;
            return Err(missing());
        };
        let home = || {
            let root = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
            root.map_or_else(|_| "/".to_owned(), |root| home::directory(root.as_fd(), process.user.uid))
        };
        let process = &Process { env: privileges::environment(&process.env, home), ..process.clone() };
        // What its cgroup has, and not only those on which the engine runs.
        run_on(&ALL_PROCESSORS).map_err(std::io::Error::from_raw_os_error).doing("choose the processors")?;
        let mut plan = privileges::plan(process, self.filter.to_vec(), self.filter_flags, self.possible)?;
        let none = Linux::default();
        let linux = self.spec.linux.as_ref().unwrap_or(&none);
        plan.personality = linux.personality.as_ref().map(privileges::personality).transpose()?;
        plan.memory_policy = linux.memory_policy.as_ref().map_or(Ok(None), memory_policy::parse)?;
        plan.terminal = false;
        plan.preserved = self.preserved;
        plan.processors = [None, None];
        if let Some(listener) = self.listener {
            let state = hooks::process_state(self.moment(pid, "created"), pid)?;
            plan.listener = Some((listener.as_raw_fd(), state));
        }
        // A relative name counts from the program's own directory. Where that is missing, entering it will say so.
        if rustix::process::chdir(&process.cwd).is_ok() {
            find_program(self.id, process, &plan.candidates)?;
        }
        // A filter that lets nothing through but the program itself cannot be in force before the step in between, and
        // one that somebody decides about is handed out by who installs it, in full. And a profile is taken by the next
        // exec, which must be the program's.
        let can_launch = plan.no_new_privileges || seccomp::lets_launch(&plan.filter);
        let launcher = if can_launch && plan.listener.is_none() && self.profile.is_none() {
            Some(Launcher::new(&plan, self.program, self.answer).doing("prepare to run the program")?)
        } else {
            None
        };
        self.report_and_wait()?;
        let failure = match self.run_start_hooks(pid, &process.env) {
            Ok(()) => {
                let (stage, error) = plan.ready_through(launcher.as_ref()).run(None);
                failure_of(self.id, process, stage as u8, error)
            }
            Err(error) => error,
        };
        // `start` reads this; when it has gone away, so has everybody who wanted to know.
        if self.start.is_some() {
            let _told = rustix::io::write(self.answer, failure.to_string().as_bytes());
        }
        Err(failure)
    }

    /// Says that everything stands, unless nobody waits for that, goes on only when the engine has written that down, and
    /// then waits for `start`.
    fn report_and_wait(&self) -> Result<()> {
        if !self.runs_through {
            send_message(self.socket, &Message::Ready)?;
        }
        if receive_message(self.socket)? != Some(Message::Continue) {
            return Err(engine_gone());
        }
        if let Some(start) = self.start {
            let mut word = [0; 1];
            rustix::io::retry_on_intr(|| rustix::io::read(start, &mut word)).doing("wait for the start")?;
        }
        Ok(())
    }

    /// Through the host's `/proc`, as long as it is the one that is seen: the container's may be anything.
    fn adjust_oom_score(&self) -> Result<()> {
        let asked = self.spec.process.as_ref().and_then(|process| process.oom_score_adj);
        let Some(text) = asked.and_then(|score| CString::new(score.to_string()).ok()) else { return Ok(()) };
        match clone::adjust_oom_score(&text) {
            // In a user namespace nobody may lower it, and the container can live without.
            Err(libc::EACCES | libc::EPERM) if self.user_namespace => Ok(()),
            other => other.map_err(std::io::Error::from_raw_os_error).doing("set 'process.oomScoreAdj'"),
        }
    }

    /// While the host's `/proc` is seen; from here on hooks, too, are the container's.
    fn ask_for_profile(&self) -> Result<()> {
        let Some(word) = self.profile else { return Ok(()) };
        match clone::take_profile_at_exec(word) {
            Err(libc::ENOENT) => {
                Err(Error::invalid("process.apparmorProfile", "no profile of this name is loaded"))
            }
            other => other.map_err(std::io::Error::from_raw_os_error).doing("ask for the AppArmor profile"),
        }
    }

    /// Makes the terminal this process's own and hands its master side out.
    fn take_terminal(&self, terminal: rootfs::Terminal, console: BorrowedFd<'_>) -> Result<()> {
        let process = self.spec.process.as_ref();
        if let Some(size) = process.and_then(|process| process.console_size) {
            let size = rustix::termios::Winsize {
                ws_row: size.height,
                ws_col: size.width,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            rustix::termios::tcsetwinsize(&terminal.slave, size).doing("set the terminal's size")?;
        }
        let user = process.map_or(0, |process| process.user.uid);
        rustix::fs::fchown(&terminal.slave, Some(rustix::fs::Uid::from_raw(user)), None)
            .doing("give the terminal to the user")?;
        rustix::process::ioctl_tiocsctty(&terminal.slave).doing("take the terminal")?;
        rustix::stdio::dup2_stdin(&terminal.slave).doing("use the terminal")?;
        rustix::stdio::dup2_stdout(&terminal.slave).doing("use the terminal")?;
        rustix::stdio::dup2_stderr(&terminal.slave).doing("use the terminal")?;
        fds::send(console, b"/dev/ptmx", &[terminal.master.as_raw_fd()]).doing("hand out the terminal")?;
        Ok(())
    }
}

fn engine_gone() -> Error {
    Error::invalid("container", "the engine went away")
}

/// What went wrong on the way to the program, from the step's number and the system's.
pub(crate) fn failure_of(id: &str, process: &Process, stage: u8, error: i32) -> Error {
    let source = std::io::Error::from_raw_os_error(error);
    if stage == Stage::Exec as u8 {
        return cannot_run(id, process, source);
    }
    Error::System { operation: Stage::describe(stage).to_owned(), source }
}

fn cannot_run(id: &str, process: &Process, source: std::io::Error) -> Error {
    Error::Command { id: id.to_owned(), command: process.args.first().cloned().unwrap_or_default(), source }
}

/// Fails when the program is nowhere or may not be run, so that making the container already tells.
fn find_program(id: &str, process: &Process, candidates: &[CString]) -> Result<()> {
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
    Err(cannot_run(id, process, answer.into()))
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
