//! One container on record: its state, signals, limits, end.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use serde::{Deserialize, Serialize};

use crate::cgroup::{Hierarchies, Stats};
use crate::create::{not_started, pidfd_of};
use crate::error::{Context, Error, Result};
use crate::init::Init;
use crate::record::{Phase, Record, Records, Stamp};
use crate::spec::{Hook, Hooks, Namespace, NamespaceKind, Resources, Spec};
use crate::sys::clone::pidfd_open;
use crate::sys::signals;
use crate::{exec, hooks, signal_names};

/// The state of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Set up; its program waits to be started.
    Created,
    /// Its first process runs.
    Running,
    /// All its processes are frozen.
    Paused,
    /// Its first process has ended.
    Stopped,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// By itself, with this code.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
}

impl ExitStatus {
    /// The code as shells tell it: 128 and the signal's number for a killed process.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }

    /// Whether it ended by itself with code 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

/// The annotation that names the signal by which the container's program wants to be stopped.
pub const STOP_SIGNAL_ANNOTATION: &str = "org.opencontainers.image.stopSignal";

/// Signals to this program that are a container's: from the making of this value on they wait, also those that come
/// before the container is there. To be made while the program has one thread.
#[derive(Debug)]
pub struct HeldSignals(signals::Waiting);

impl HeldSignals {
    /// Holds these signals, by their numbers.
    pub fn hold(numbers: &[i32]) -> Result<Self> {
        signals::Waiting::for_these(numbers).map(Self).doing("hold signals for the container")
    }
}

/// A container. The value is a view: its methods look at the real state each time.
#[derive(Clone, Debug)]
pub struct Container {
    pub(crate) records: Records,
    pub(crate) record: Record,
    /// Of the record on disk, when it is surely this one.
    stamp: Option<Stamp>,
    hierarchies: Hierarchies,
}

impl Container {
    pub(crate) fn load(records: &Records, hierarchies: &Hierarchies, id: &str) -> Result<Option<Self>> {
        let of = |record| {
            let (records, hierarchies) = (records.clone(), hierarchies.clone());
            Self { records, record, stamp: None, hierarchies }
        };
        Ok(records.read(id)?.map(of))
    }

    /// A container by the record that was just written. To be called with its lock held.
    pub(crate) fn of(records: Records, record: Record, hierarchies: Hierarchies) -> Self {
        let stamp = records.stamp(&record.id);
        Self { records, record, stamp, hierarchies }
    }

    /// The container's name in its engine.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// The first process's id on the host.
    pub fn pid(&self) -> i32 {
        self.record.pid
    }

    /// The specification that it was made from.
    pub fn spec(&self) -> &Spec {
        &self.record.spec
    }

    /// The folder that its specification's relative paths count from.
    pub fn bundle(&self) -> &Path {
        &self.record.bundle
    }

    /// When it was made, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.record.created
    }

    /// What it is doing now.
    pub fn state(&self) -> Status {
        // Another process may have started or paused it since this value was read.
        let now = self.records.read(self.id()).ok().flatten();
        let now = now.as_ref().unwrap_or(&self.record);
        let (phase, frozen) = (now.phase, now.cgroups.is_frozen());
        if phase == Phase::Creating || !self.record.is_alive() {
            Status::Stopped
        } else if frozen {
            Status::Paused
        } else if phase == Phase::Created {
            Status::Created
        } else {
            Status::Running
        }
    }

    /// The container's network namespace, opened.
    pub fn network_namespace(&self) -> Result<OwnedFd> {
        let _running = pidfd_of(&self.record)?;
        let path = format!("/proc/{}/ns/net", self.record.pid);
        std::fs::File::open(&path).map(OwnedFd::from).path("open the namespace", &path)
    }

    /// Ids of its processes on the host, as far as its cgroups know them.
    pub fn processes(&self) -> Vec<i32> {
        let known = self.record.cgroups.processes();
        if known.is_empty() { processes_of_namespace(self.record.pid) } else { known }
    }

    /// A descriptor that stands for the first process.
    pub fn pidfd(&self) -> Result<OwnedFd> {
        pidfd_of(&self.record)
    }

    /// Lets the specification's process run, for a container made with [`Init::Process`].
    pub fn start(&mut self) -> Result<()> {
        let lock = self.records.lock(self.id())?;
        self.refresh()?;
        let _running = pidfd_of(&self.record)?;
        if self.record.phase != Phase::Created {
            return match self.record.init {
                Init::Small => Ok(()),
                Init::Process => Err(Error::Started(self.id().to_owned())),
            };
        }
        if self.record.init == Init::Process && self.record.spec.process.is_none() {
            return Err(Error::invalid("process", "there is no program to run"));
        }
        // The init holds the answer's other end until it has become the program, or says why it could not.
        let path = self.records.folder(self.id()).join("answer");
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut answer: File =
            rustix::fs::open(&path, flags, Mode::empty()).path("open the pipe", &path)?.into();
        let path = self.records.folder(self.id()).join("start");
        std::fs::write(&path, "1").path("start through", &path)?;
        self.record.phase = Phase::Started;
        self.stamp = None;
        self.records.write(&self.record)?;
        readable(answer.as_fd(), Duration::from_hours(1))?;
        // What it says may come in parts, and ends with its process.
        rustix::fs::fcntl_setfl(&answer, OFlags::empty()).doing("learn whether the program runs")?;
        let mut message = Vec::new();
        answer.read_to_end(&mut message).doing("learn whether the program runs")?;
        if !message.is_empty() {
            return Err(not_started(&self.record, &message));
        }
        let told = hooks::run_poststart(self.record.moment("running"));
        drop(lock);
        if told.is_err() {
            self.remove(true)?;
        }
        told
    }

    /// Runs a command inside. Use [`exec::Running`] to talk to it and to learn how it ends.
    pub fn exec(&self, request: &exec::ExecRequest) -> Result<exec::Running> {
        let pidfd = pidfd_of(&self.record)?;
        if self.record.cgroups.is_frozen() {
            // The command would be born frozen and never answer.
            return Err(Error::invalid(
                format!("container '{}'", self.id()),
                "it is paused; resume it first",
            ));
        }
        exec::run(&self.record, pidfd.as_fd(), request)
    }

    /// Sends a signal to the first process. Where the others would outlive it, all are killed when it is.
    pub fn kill(&self, signal: i32) -> Result<()> {
        if signal == libc::SIGKILL && !self.end_together() && !self.record.cgroups.processes().is_empty() {
            self.record.cgroups.kill();
            return Ok(());
        }
        let pidfd = pidfd_of(&self.record)?;
        signals::to_pidfd(pidfd.as_fd(), signal).doing(format!("signal container '{}'", self.id()))
    }

    /// Sends a signal to every process, also when the first one has ended.
    pub fn kill_all(&self, signal: i32) -> Result<()> {
        for pid in self.record.cgroups.processes() {
            match signals::to_pid(pid, signal) {
                // It ended meanwhile.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                other => other.doing(format!("signal a process of container '{}'", self.id()))?,
            }
        }
        Ok(())
    }

    /// Asks everybody to end, waits, and kills who is left. Returns whether it ended by itself.
    ///
    /// Files that ended processes were writing may take a moment to be let go of; the record stays until
    /// [`Container::delete`].
    pub fn stop(&mut self, timeout: Duration) -> Result<bool> {
        let Ok(pidfd) = pidfd_of(&self.record) else {
            self.end();
            return Ok(true);
        };
        if self.record.cgroups.is_frozen() {
            self.resume()?;
        }
        let polite = timeout > Duration::ZERO;
        if polite
            && signals::to_pidfd(pidfd.as_fd(), self.stop_signal()).is_ok()
            && self.ended(&pidfd, timeout)?
        {
            self.end();
            return Ok(true);
        }
        // With the first process of its PID namespace, the kernel kills all others.
        if signals::to_pidfd(pidfd.as_fd(), libc::SIGKILL).is_err() {
            tracing::debug!(id = self.id(), "it ended by itself after all");
        }
        if !self.end_together() {
            self.record.cgroups.kill();
        }
        if !self.ended(&pidfd, Duration::from_secs(10))? {
            return Err(Error::StillRunning(self.id().to_owned()));
        }
        self.end();
        Ok(!polite)
    }

    /// Whether the kernel ends all processes with the first one: it does in a PID namespace that was made for it.
    fn end_together(&self) -> bool {
        let namespaces = self.record.spec.linux.iter().flat_map(|linux| &linux.namespaces);
        let joined = |namespace: &Namespace| namespace.kind == NamespaceKind::Pid && namespace.path.is_some();
        self.record.namespaces & libc::CLONE_NEWPID != 0 && !namespaces.into_iter().any(joined)
    }

    fn stop_signal(&self) -> i32 {
        let asked = self.record.spec.annotations.get(STOP_SIGNAL_ANNOTATION);
        match self.record.init {
            Init::Small => libc::SIGTERM,
            Init::Process => asked.and_then(|name| signal_names::number(name)).unwrap_or(libc::SIGTERM),
        }
    }

    /// Waits for the first process's end, collecting commands of ours that have ended: the kernel holds
    /// the end back until they are collected.
    fn ended(&self, pidfd: &OwnedFd, timeout: Duration) -> Result<bool> {
        let limit = Instant::now() + timeout;
        loop {
            exec::collect_ended();
            let left = limit.saturating_duration_since(Instant::now());
            if readable(pidfd.as_fd(), left.min(Duration::from_millis(20)))? {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
        }
    }

    /// Collects the first process when it is our child; somebody else's is none of our business.
    fn end(&self) {
        let pid = rustix::process::Pid::from_raw(self.record.pid);
        if let Some(pid) = pid
            && !self.record.is_alive()
        {
            exec::collect(WaitId::Pid(pid));
        }
    }

    /// Waits for the first process, which must be a child of this process.
    pub fn wait(&self) -> Result<ExitStatus> {
        // It may have ended by now: then it waits for exactly this.
        let pid = rustix::process::Pid::from_raw(self.record.pid);
        let pid = pid.ok_or_else(|| Error::NotRunning(self.id().to_owned()))?;
        exec::wait_for(WaitId::Pid(pid))
    }

    /// Waits as [`Container::wait`] does, and sends the first process the signals that come meanwhile.
    pub fn wait_and_pass_on(&self, signals: &HeldSignals) -> Result<ExitStatus> {
        let Ok(pidfd) = pidfd_open(self.record.pid) else { return self.wait() };
        let signals = &signals.0;
        loop {
            let (process, held) = (pidfd.as_fd(), signals.descriptor());
            let mut fds = [PollFd::new(&process, PollFlags::IN), PollFd::new(&held, PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error).doing("wait for the container"),
            }
            if !fds[0].revents().is_empty() {
                return self.wait();
            }
            while let Some(signal) = signals.next() {
                // It may end at this moment, which is what is waited for.
                if signals::to_pidfd(process, signal).is_err() {}
            }
        }
    }

    /// Waits for the first process's end for so long at most, whoever's child it is; tells whether it ended.
    pub fn wait_for_end(&self, time: Duration) -> Result<bool> {
        match pidfd_of(&self.record) {
            Ok(pidfd) => self.ended(&pidfd, time),
            Err(_) => Ok(true),
        }
    }

    /// Freezes all processes.
    pub fn pause(&mut self) -> Result<()> {
        self.set_frozen(true)
    }

    /// Lets frozen processes go on.
    pub fn resume(&mut self) -> Result<()> {
        self.set_frozen(false)
    }

    fn set_frozen(&mut self, frozen: bool) -> Result<()> {
        let _lock = self.records.lock(self.id())?;
        self.refresh()?;
        let _running = pidfd_of(&self.record)?;
        let processes = self.processes();
        let id = self.record.id.clone();
        self.record.cgroups.freeze(&self.hierarchies, &id, frozen, &processes)?;
        self.records.write(&self.record)
    }

    /// What it uses.
    pub fn stats(&self) -> Stats {
        self.record.cgroups.stats()
    }

    /// Changes limits. A controller that the container was made without is joined now.
    pub fn update(&mut self, resources: &Resources) -> Result<()> {
        let resources = &resources.clone().without_zeros();
        let _lock = self.records.lock(self.id())?;
        self.refresh()?;
        let cgroups_path = self.record.spec.linux.as_ref().and_then(|linux| linux.cgroups_path.clone());
        let wanted = crate::cgroup::Cgroups::plan(
            self.hierarchies.layout()?,
            &self.record.id,
            cgroups_path.as_deref(),
            Some(resources),
        );
        let processes = self.processes();
        let mut added = crate::cgroup::Cgroups::default();
        for place in wanted.legacy {
            if !self.record.cgroups.legacy.contains(&place) {
                added.legacy.push(place.clone());
                self.record.cgroups.legacy.push(place);
            }
        }
        // On record before it exists, so that it is found again whatever happens.
        self.records.write(&self.record)?;
        self.record.cgroups.make(self.hierarchies.layout()?, Some(resources))?;
        for pid in processes {
            added.attach(pid)?;
        }
        Ok(())
    }

    /// Removes everything that is left of it. A running container is killed first with `force` and is an
    /// error without.
    ///
    /// When it is just being made by somebody else, that is waited for.
    pub fn delete(mut self, force: bool) -> Result<()> {
        self.remove(force)
    }

    /// As [`Container::delete`], for those who do not even want to wait for the memory of the value to be given back.
    pub fn remove(&mut self, force: bool) -> Result<()> {
        loop {
            let lock = self.records.lock(self.id())?;
            self.refresh()?;
            if !self.record.is_alive() {
                self.end();
                if !self.end_together() {
                    self.record.cgroups.kill();
                }
                self.record.unmount()?;
                self.record.cgroups.remove()?;
                self.records.remove(self.id())?;
                self.run_late_hooks(|hooks| &hooks.poststop, "stopped");
                return Ok(());
            }
            drop(lock);
            if !force {
                return Err(Error::StillRunning(self.id().to_owned()));
            }
            self.stop(Duration::ZERO)?;
        }
    }

    /// Hooks whose failure changes nothing any more: it is only logged, as the specification has it.
    fn run_late_hooks(&self, choose: impl FnOnce(&Hooks) -> &Vec<Hook>, status: &str) {
        let Some(hooks) = &self.record.spec.hooks else { return };
        hooks::run_all(choose(hooks), self.record.moment(status));
    }

    /// Reads the record again, under the lock.
    fn refresh(&mut self) -> Result<()> {
        if self.stamp.is_some() && self.stamp == self.records.stamp(self.id()) {
            return Ok(());
        }
        self.stamp = None;
        if let Some(record) = self.records.read(self.id())? {
            self.record = record;
        }
        Ok(())
    }
}

/// Whether something is to be read within this time.
pub(crate) fn readable(fd: BorrowedFd<'_>, within: Duration) -> Result<bool> {
    let limit = Instant::now() + within;
    loop {
        let left = limit.saturating_duration_since(Instant::now());
        let time = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        match poll(&mut fds, Some(&time)) {
            Ok(count) => return Ok(count > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).doing("wait for a process"),
        }
    }
}

/// Processes that share a process's PID namespace, found the slow way.
fn processes_of_namespace(pid: i32) -> Vec<i32> {
    let namespace = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let Some(wanted) = namespace(pid) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| namespace(*pid).as_ref() == Some(&wanted))
        .collect()
}

/// How a process that can be waited for ended; `None` when it is not a child of ours or still runs.
pub(crate) fn collect_status(
    id: WaitId<'_>,
    options: WaitIdOptions,
) -> rustix::io::Result<Option<ExitStatus>> {
    let status = rustix::io::retry_on_intr(|| waitid(clone_id(&id), options | WaitIdOptions::EXITED))?;
    Ok(status.map(|status| match status.exit_status() {
        Some(code) => ExitStatus::Code(code),
        None => ExitStatus::Signal(status.terminating_signal().unwrap_or(0)),
    }))
}

fn clone_id<'a>(id: &WaitId<'a>) -> WaitId<'a> {
    match id {
        WaitId::Pid(pid) => WaitId::Pid(*pid),
        WaitId::PidFd(fd) => WaitId::PidFd(*fd),
        _ => WaitId::All,
    }
}
