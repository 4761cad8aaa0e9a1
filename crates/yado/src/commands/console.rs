//! `yado console`: a machine's serial console on this terminal, for machines that cannot be entered otherwise.

use std::io::{IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;

use clap::Args;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result, lifecycle};

use crate::session::Session;
use crate::targets::Wanted;

/// Connect this terminal with a machine's serial console; Ctrl-] leaves it
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine name or id
    name: Option<String>,
}

/// Ctrl-], as with telnet and virsh.
const LEAVE: u8 = 0x1d;

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let target =
        session.one_target(arguments.name.as_ref(), Wanted { recorded: true, ..Wanted::default() })?;
    let context = session.context.for_machine(&target.name);
    let Some(record) = &target.record else {
        return Err(Error::new(
            ErrorKind::MachineNotFound,
            format!("The machine '{}' does not exist yet.", target.name),
        )
        .hinted("Run `yado up` first."));
    };
    let place = lifecycle::place(session.store()?, record);
    let provider = target.kind.open(record, target.spec.as_ref(), &place)?;
    let console = provider.console(&context)?.ok_or_else(|| {
        let kind = &record.provider;
        Error::new(ErrorKind::Usage, format!("Machines of the provider '{kind}' have no console."))
            .hinted("`yado ssh` enters them, and `yado logs` shows what they wrote.")
    })?;
    context.info("Connected to the console; Ctrl-] leaves it.");
    let terminal = Raw::enter()?;
    let how = exchange(&console.stream);
    drop(terminal);
    match how? {
        Ending::Left => context.info("Left the console."),
        Ending::Ended => context.info("The machine has ended."),
    }
    Ok(0)
}

/// How a conversation ended.
enum Ending {
    /// By this side.
    Left,
    /// By the machine's.
    Ended,
}

/// Keys to the machine and its text to us, until either side has enough.
fn exchange(console: &UnixStream) -> Result<Ending> {
    let doing = || "passing the console on";
    let (mut output, mut stream) = (std::io::stdout(), console);
    let mut buffer = [0_u8; 4096];
    loop {
        let keys = rustix::stdio::stdin();
        let mut both = [PollFd::new(&console, PollFlags::IN), PollFd::new(&keys, PollFlags::IN)];
        match poll(&mut both, None) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other.map_err(std::io::Error::from).doing(doing)?,
        };
        let [text, typed] = both.map(|one| !one.revents().is_empty());
        if text {
            let count = stream.read(&mut buffer).doing(doing)?;
            if count == 0 {
                return Ok(Ending::Ended);
            }
            output.write_all(&buffer[..count]).and_then(|()| output.flush()).doing(doing)?;
        }
        if typed {
            // Without a buffer of its own, which would hide what was typed ahead.
            let count = rustix::io::read(keys, &mut buffer[..]).map_err(std::io::Error::from).doing(doing)?;
            let typed = &buffer[..count];
            let leave = typed.iter().position(|key| *key == LEAVE);
            stream.write_all(&typed[..leave.unwrap_or(count)]).doing(doing)?;
            if count == 0 || leave.is_some() {
                return Ok(Ending::Left);
            }
        }
    }
}

/// This terminal in raw mode, until dropped.
struct Raw {
    before: Option<Termios>,
}

impl Raw {
    fn enter() -> Result<Self> {
        let input = std::io::stdin();
        if !input.is_terminal() {
            return Ok(Self { before: None });
        }
        let doing = || "putting the terminal into raw mode";
        let before = tcgetattr(&input).map_err(std::io::Error::from).doing(doing)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&input, OptionalActions::Now, &raw).map_err(std::io::Error::from).doing(doing)?;
        Ok(Self { before: Some(before) })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.before
            && let Err(problem) = tcsetattr(std::io::stdin(), OptionalActions::Flush, before)
        {
            tracing::warn!(%problem, "the terminal's mode could not be restored");
        }
    }
}
