//! The engine for users who are not root.
//!
//! ```text
//!   the user's commands ──join──▶ user namespace ◀── the ground: one small process, as long as anything runs
//!                                  │   the user's own id and its subordinate ones, all under their own numbers
//!                                  ├─ the commands themselves, in mount namespaces of their own
//!                                  ├─ one network namespace: bridges, rules, the way out
//!                                  └─ every container, in namespaces of its own below
//! ```
//!
//! In there a command may do what root may do, to the user's own ids and nothing else; since ids keep their numbers,
//! files, owners and records look the same from inside and outside. The ground ends by itself when no command needs it
//! and no container runs any more.

mod forwarder;
mod ground;
mod ids;
mod requests;
mod start;
mod way_out;

use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub use ids::Ids;

use crate::error::{Context, Error, Result};
use crate::network::Forward;
use crate::sys;
use requests::{Answer, Request};

/// How long a ground that was killed may take to be gone.
const PATIENCE: Duration = Duration::from_secs(20);

static GROUND: OnceLock<std::result::Result<Ground, String>> = OnceLock::new();

/// This program's place in the user's namespaces.
#[derive(Debug)]
pub struct Ground {
    ids: Ids,
    network: OwnedFd,
    conversation: Mutex<BufReader<UnixStream>>,
}

/// Whether this program needs a ground to make containers, which root does not.
pub fn is_needed() -> bool {
    !rustix::process::geteuid().is_root()
}

/// To be called first thing by the program, while it has one thread: becomes the ground of a user's containers when that
/// is what it was started for, and otherwise returns `None` at once.
pub fn run_hidden_command_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    (arguments.next()? == ground::HIDDEN_COMMAND).then(|| ground::run(arguments))
}

/// Moves this program, which must still have one thread, to the ground of the engine that keeps its records in
/// `state_root`; starts one where there is none. For root and when it was done before nothing happens.
///
/// # Errors
/// When the kernel or its administrator lets this user make no namespaces. [`failure`] tells why later on.
pub fn enter(state_root: &Path) -> Result<()> {
    if !is_needed() || GROUND.get().is_some() {
        return Ok(());
    }
    let entered = connect(state_root);
    let kept = entered.as_ref().err().map(ToString::to_string);
    match entered {
        Ok(ground) => drop(GROUND.set(Ok(ground))),
        Err(error) => {
            drop(GROUND.set(Err(kept.unwrap_or_default())));
            return Err(error);
        }
    }
    Ok(())
}

/// Notes that this program stays where it is, and why, which [`failure`] tells whoever needs a container.
pub fn stay_out(reason: &str) {
    drop(GROUND.set(Err(reason.to_owned())));
}

fn connect(state_root: &Path) -> Result<Ground> {
    let limit = Instant::now() + PATIENCE;
    let (stream, user, network) = loop {
        let (stream, fresh) = start::connect(state_root)?;
        let mut byte = [0u8; 1];
        let (count, passed) = match sys::fds::receive(stream.as_fd(), &mut byte) {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => (0, Vec::new()),
            other => other.doing("ask for the user's namespaces")?,
        };
        let mut passed = passed.into_iter();
        if let (1, Some(user), Some(network)) = (count, passed.next(), passed.next()) {
            break (stream, user, network);
        }
        // One that was killed takes connections until the last of its threads is gone, and then drops them.
        if fresh || Instant::now() >= limit {
            return Err(Error::invalid(
                "rootless",
                "the process that keeps the user's namespaces ended at once",
            ));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    sys::ground::join(user.as_fd()).doing("enter the user's namespaces")?;
    Ok(Ground { ids: Ids::of_this_namespace()?, network, conversation: Mutex::new(BufReader::new(stream)) })
}

/// Where this program is, if [`enter`] was called and succeeded.
pub fn ground() -> Option<&'static Ground> {
    GROUND.get()?.as_ref().ok()
}

/// Why this program is not there: [`enter`] failed, or it was to [`stay_out`].
pub fn failure() -> Option<&'static str> {
    GROUND.get()?.as_ref().err().map(String::as_str)
}

/// Runs something in the network namespace that bridges and rules are in: the ground's for ordinary users, else the
/// one that this program is in.
pub(crate) fn in_network<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let Some(ground) = ground() else { return work() };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            sys::clone::enter(ground.network.as_fd(), libc::CLONE_NEWNET)
                .doing("enter the user's network namespace")?;
            work()
        });
        thread.join().unwrap_or_else(|_| Err(Error::invalid("rootless", "a thread failed")))
    })
}

impl Ground {
    /// The ids that containers can have.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    pub(crate) fn network(&self) -> BorrowedFd<'_> {
        self.network.as_fd()
    }

    /// Makes sure that the network namespace leads somewhere; returns the program that does it, `None` without one.
    pub fn way_out(&self) -> Result<Option<String>> {
        match self.ask(&Request::WayOut)? {
            Answer::WayOut(program) => Ok(program),
            _ => Ok(None),
        }
    }

    /// Keeps the ground for as long as this process lives.
    pub(crate) fn keep_for(&self, pid: i32) -> Result<()> {
        self.ask(&Request::KeepFor(pid)).map(drop)
    }

    /// Sets which of the host's ports lead to machines of a network, replacing what was set before.
    pub(crate) fn forward(&self, network: &str, forwards: &[Forward]) -> Result<()> {
        self.ask(&Request::Forward { network: network.to_owned(), forwards: forwards.to_vec() }).map(drop)
    }

    fn ask(&self, request: &Request) -> Result<Answer> {
        let doing = "talk to the process that keeps the user's namespaces";
        let mut conversation = self.conversation.lock().unwrap_or_else(PoisonError::into_inner);
        requests::send(conversation.get_mut(), request).doing(doing)?;
        let mut line = String::new();
        conversation.read_line(&mut line).doing(doing)?;
        match serde_json::from_str(&line).map_err(std::io::Error::from).doing(doing)? {
            Answer::Refused(reason) => Err(Error::invalid("rootless", reason)),
            answer => Ok(answer),
        }
    }
}
