//! The ground itself: the process that holds a user's namespaces, leads ports of the host into them, and ends when
//! nobody needs it any more.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::forwarder::Forwarder;
use super::requests::{self, Answer, Request};
use super::start;
use super::way_out::WayOut;
use crate::error::{Context, Error, Result};
use crate::network::{self, Forward};
use crate::sys::{clone, fds, ground};

/// The hidden word by which the program knows that it is to be a ground.
pub(crate) const HIDDEN_COMMAND: &str = "__ground";

/// How long it waits for whoever started it.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// Is the ground until nobody needs it: takes the listening socket's number and the folder of records.
pub(crate) fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    clone::set_process_name(c"yado-ground");
    let listener = arguments.next().and_then(|number| number.to_str()?.parse().ok()).and_then(fds::inherited);
    let (Some(listener), Some(root)) = (listener, arguments.next()) else { return ExitCode::from(2) };
    match Ground::new(listener.into(), root.into()).and_then(Ground::serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

struct Ground {
    root: PathBuf,
    listener: UnixListener,
    user: OwnedFd,
    network: Arc<OwnedFd>,
    commands: Vec<BufReader<UnixStream>>,
    /// Processes that need it, as descriptors that tell when they end.
    kept_for: Vec<OwnedFd>,
    forwarders: BTreeMap<String, BTreeMap<Forward, Forwarder>>,
    way_out: WayOut,
}

/// What happened.
struct Events {
    fresh: bool,
    asking: Vec<bool>,
    ended: Vec<bool>,
}

impl Ground {
    fn new(listener: UnixListener, root: PathBuf) -> Result<Self> {
        clone::unshare(libc::CLONE_NEWNS).doing("make a mount namespace")?;
        let made = std::thread::spawn(|| {
            let network = ground::new_network().doing("make a network namespace")?;
            network::bring_loopback_up()?;
            Ok(network)
        });
        let network = made.join().unwrap_or_else(|_| Err(Error::invalid("rootless", "a thread failed")))?;
        let place = root.join(start::NETWORK);
        std::fs::write(&place, "").path("make", &place)?;
        let seen = format!("/proc/self/fd/{}", network.as_raw_fd());
        rustix::mount::mount_bind(seen, &place).path("mount the network namespace at", &place)?;
        let user = std::fs::File::open("/proc/self/ns/user").path("open", "/proc/self/ns/user")?;
        // No folder may be kept busy by being somebody's working directory.
        rustix::process::chdir("/").path("change to", "/")?;
        listener.set_nonblocking(true).doing("listen")?;
        Ok(Self {
            root,
            listener,
            user: user.into(),
            network: Arc::new(network),
            commands: Vec::new(),
            kept_for: Vec::new(),
            forwarders: BTreeMap::new(),
            way_out: WayOut::default(),
        })
    }

    fn serve(mut self) -> Result<()> {
        loop {
            let events = self.wait()?;
            let mut ended = events.ended.into_iter();
            self.kept_for.retain(|_| !ended.next().unwrap_or(false));
            let mut commands = std::mem::take(&mut self.commands);
            let mut asking = events.asking.into_iter();
            commands.retain_mut(|command| !asking.next().unwrap_or(false) || self.answer(command));
            self.commands = commands;
            if events.fresh {
                self.welcome();
            }
            if self.commands.is_empty() && self.kept_for.is_empty() && self.may_end() {
                return Ok(());
            }
        }
    }

    fn wait(&self) -> Result<Events> {
        let mut watched = vec![PollFd::new(&self.listener, PollFlags::IN)];
        watched.extend(self.commands.iter().map(|command| PollFd::new(command.get_ref(), PollFlags::IN)));
        watched.extend(self.kept_for.iter().map(|process| PollFd::new(process, PollFlags::IN)));
        let alone = watched.len() == 1;
        match poll(&mut watched, if alone { Some(&PATIENCE) } else { None }) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).doing("wait for requests"),
        }
        let mut happened = watched.iter().map(|entry| !entry.revents().is_empty());
        let fresh = happened.next().unwrap_or(false);
        let asking = happened.by_ref().take(self.commands.len()).collect();
        Ok(Events { fresh, asking, ended: happened.collect() })
    }

    /// Takes a new command in and hands it the namespaces.
    fn welcome(&mut self) {
        let Ok((stream, _)) = self.listener.accept() else { return };
        let passed = [self.user.as_raw_fd(), self.network.as_raw_fd()];
        // A command that is gone already needs nothing.
        if stream.set_nonblocking(false).is_ok() && fds::send(stream.as_fd(), &[1], &passed).is_ok() {
            self.commands.push(BufReader::new(stream));
        }
    }

    /// Answers a command; `false` when it is gone.
    fn answer(&mut self, command: &mut BufReader<UnixStream>) -> bool {
        let mut line = String::new();
        if !matches!(command.read_line(&mut line), Ok(1..)) {
            return false;
        }
        let done = serde_json::from_str(&line)
            .map_err(std::io::Error::from)
            .doing("understand a request")
            .and_then(|request| self.fulfil(request));
        let answer = done.unwrap_or_else(|error| Answer::Refused(error.to_string()));
        requests::send(command.get_mut(), &answer).is_ok()
    }

    fn fulfil(&mut self, request: Request) -> Result<Answer> {
        match request {
            Request::KeepFor(pid) => {
                self.kept_for.push(clone::pidfd_open(pid).doing("watch a container")?);
                Ok(Answer::Done)
            }
            Request::Forward { network, forwards } => self.forward(&network, &forwards),
            Request::WayOut => {
                let path = self.root.join(start::NETWORK);
                let path = path.to_str().unwrap_or_default();
                Ok(Answer::WayOut(self.way_out.ensure(&self.network, path)))
            }
        }
    }

    fn forward(&mut self, network: &str, forwards: &[Forward]) -> Result<Answer> {
        let mut running = self.forwarders.remove(network).unwrap_or_default();
        running.retain(|forward, _| forwards.contains(forward));
        let mut outcome = Ok(Answer::Done);
        for forward in forwards {
            if running.contains_key(forward) {
                continue;
            }
            match Forwarder::start(*forward, Arc::clone(&self.network)) {
                Ok(forwarder) => drop(running.insert(*forward, forwarder)),
                Err(error) => outcome = Err(error),
            }
        }
        if !running.is_empty() {
            self.forwarders.insert(network.to_owned(), running);
        }
        outcome
    }

    /// Whether nobody is just coming; then what leads here is removed.
    fn may_end(&mut self) -> bool {
        if !self.root.exists() {
            return true;
        }
        let Ok(Some(_lock)) = start::lock(&self.root, false) else { return false };
        if is_readable(self.listener.as_fd()) {
            return false;
        }
        // Nobody looks through it any more.
        let place = self.root.join(start::NETWORK);
        let _gone = rustix::mount::unmount(&place, rustix::mount::UnmountFlags::DETACH);
        start::forget(&self.root);
        true
    }
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut watched = [PollFd::new(&fd, PollFlags::IN)];
    matches!(poll(&mut watched, Some(&Timespec::default())), Ok(1..))
}
