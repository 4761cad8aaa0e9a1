//! The birth of a container's first process: what it is made from, and in whose memory.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use super::{Attempt, connect_listener};
use crate::apparmor;
use crate::cgroup::Detour;
use crate::error::{Context, Result};
use crate::init::{FirstProcess, Init};
use crate::privileges;
use crate::rootless;
use crate::seccomp;
use crate::sys::clone::{InitRequest, start_init};
use crate::sys::{beside, fds};

/// The first process's ends of what it and others talk over.
pub(super) struct Ends {
    pub(super) socket: OwnedFd,
    pub(super) start: Option<OwnedFd>,
    pub(super) answer: Option<OwnedFd>,
}

impl Attempt<'_> {
    /// A pipe with a name: `start` writes to one, and reads from the other how that went.
    pub(super) fn pipe(&self, name: &str) -> Result<Option<OwnedFd>> {
        if self.options.init != Init::Process || self.options.started {
            return Ok(None);
        }
        let path = self.engine.records.folder(&self.record.id).join(name);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .path("make the pipe", &path)?;
        // Opened both ways, so that it neither blocks here nor ends when a writer goes.
        let file = File::options().read(true).write(true).open(&path).path("open the pipe", &path)?;
        Ok(Some(file.into()))
    }

    /// Makes the first process and accompanies it.
    pub(super) fn start(
        &mut self,
        ends: Ends,
        ours: &OwnedFd,
        detour: Option<&Detour>,
        (filter, filter_flags): &(Vec<seccomp::Instruction>, u32),
    ) -> Result<()> {
        let null = File::options().read(true).write(true).open("/dev/null").path("open", "/dev/null")?;
        let log = match &self.options.log {
            Some(path) => {
                Some(File::options().create(true).append(true).open(path).path("open the log", path)?)
            }
            None => None,
        };
        let output = log.as_ref().unwrap_or(&null).as_raw_fd();
        let stdio = match &self.options.stdio {
            Some(given) => [given[0].as_raw_fd(), given[1].as_raw_fd(), given[2].as_raw_fd()],
            None => [null.as_raw_fd(), output, output],
        };
        let birthplace = self.record.cgroups.birthplace()?;
        let join: Vec<(i32, i32)> =
            self.namespaces.join.iter().map(|(file, flag)| (file.as_raw_fd(), *flag)).collect();
        let detour = detour.map_or([&[][..]; 2], |detour| [&detour.there, &detour.back]);
        let own = |flag| self.namespaces.own & flag != 0;
        let make = |flag| self.namespaces.make & flag != 0;
        let interfaces = self.options.network.clone().unwrap_or_default();
        let terminal = self.spec.process.as_ref().is_some_and(|process| process.terminal);
        let mut possible = u64::MAX;
        if let Some(process) = self.spec.process.as_ref().filter(|_| !own(libc::CLONE_NEWUSER)) {
            possible = privileges::possible(process);
        }
        if let Some(process) = &self.spec.process {
            privileges::warn_of_missing(process, possible);
        }
        let listener = self.linux.seccomp.as_ref().map_or(Ok(None), connect_listener)?;
        let process = self.spec.process.as_ref().filter(|_| self.options.init == Init::Process);
        let profile = process.map_or(Ok(None), apparmor::word)?;
        // Its ends are closed here as soon as it is there, so that its own end is seen.
        let theirs = |end: &OwnedFd| fds::as_inherited(end.as_fd());
        let socket = theirs(&ends.socket);
        let (id, bundle) = (self.record.id.clone(), self.record.bundle.clone());
        let first = FirstProcess {
            id: &id,
            bundle: &bundle,
            spec: self.spec,
            init: self.options.init,
            socket,
            program: self.engine.first_program()?,
            start: ends.start.as_ref().map(theirs),
            answer: ends.answer.as_ref().map_or(socket, theirs),
            console: self.options.console.as_ref().filter(|_| terminal).map(AsFd::as_fd),
            listener: listener.as_ref().map(AsFd::as_fd),
            cgroups: &self.record.cgroups.views(self.layout, own(libc::CLONE_NEWCGROUP)),
            attached_later: self.attached_later(),
            cgroup_namespace: make(libc::CLONE_NEWCGROUP),
            time_namespace: make(libc::CLONE_NEWTIME),
            user_namespace: own(libc::CLONE_NEWUSER),
            entry: self.entry(),
            profile: profile.as_deref(),
            network: make(libc::CLONE_NEWNET).then_some(&interfaces),
            preserved: self.options.preserved,
            keep_keyring: self.options.keep_keyring,
            runs_through: self.runs_through(),
            possible,
            filter,
            filter_flags: *filter_flags,
        };
        let kept = [Some(first.program), first.start, Some(first.answer), first.console, first.listener];
        let kept: Vec<i32> = kept.iter().flatten().map(AsRawFd::as_raw_fd).collect();
        let request = InitRequest {
            // The cgroup namespace is made later, from inside the container's cgroups; and the clocks of a time
            // namespace can be set only until somebody lives in it.
            flags: (self.namespaces.make & !(libc::CLONE_NEWCGROUP | libc::CLONE_NEWTIME)) as u32 as u64,
            join: &join,
            cgroup: birthplace.as_ref().map(AsRawFd::as_raw_fd),
            detour,
            socket: first.socket,
            kept: &kept,
            stdio,
            preserved: self.options.preserved,
            become_root: own(libc::CLONE_NEWUSER),
            plain: self.spec.hooks.is_none() && self.linux.devices.is_empty(),
            wait: own(libc::CLONE_NEWUSER),
        };
        let work = || first.live();
        let doing = "make the container's namespaces";
        if self.is_born_beside(&request) {
            let accompany = |pid, pidfd| {
                drop(ends);
                let done = self.accompany(pid, pidfd, ours);
                if done.is_err() {
                    // Whatever it waits for does not come any more.
                    self.kill();
                }
                done
            };
            return beside::start(&request, &work, accompany).doing(doing)?;
        }
        let (pid, pidfd) = start_init(&request, &work).doing(doing)?;
        drop(ends);
        self.accompany(pid, pidfd, ours)
    }

    /// Whether the first process does its work in this program's memory: a machine's, which is on record only when it has
    /// become the small init, and where what could end it, or be said of it, by its memory does not end this program, or is
    /// said of it, too. The kernel ends all who have the memory of one for which its cgroup has too little.
    fn is_born_beside(&self, request: &InitRequest<'_>) -> bool {
        let limited = self.linux.cgroups_path.is_some()
            || self.resources.is_some_and(|limits| limits.memory.is_some() || !limits.unified.is_empty());
        let score = self.spec.process.as_ref().and_then(|process| process.oom_score_adj);
        self.options.init == Init::Small
            && request.plain
            && request.join.is_empty()
            && !limited
            && score.is_none()
            && !rootless::is_needed()
            && beside::is_better()
    }
}
