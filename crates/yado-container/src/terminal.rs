//! A command's terminal on ours: typed keys in, what it shows out, sizes followed, and our terminal put back
//! as it was whatever happens.

use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read, retry_on_intr, write};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
use signal_hook::low_level::{pipe, unregister};

use crate::container::ExitStatus;
use crate::error::{Context, Error, Result};
use crate::exec::Running;
use crate::sys::signals;

/// Our terminal in raw mode, until dropped.
struct Raw {
    before: Option<Termios>,
}

impl Raw {
    fn enter() -> Result<Self> {
        let input = std::io::stdin();
        if !input.is_terminal() {
            return Ok(Self { before: None });
        }
        let before = tcgetattr(&input).doing("read the terminal's mode")?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&input, OptionalActions::Now, &raw).doing("put the terminal into raw mode")?;
        Ok(Self { before: Some(before) })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.before
            && let Err(error) = tcsetattr(std::io::stdin(), OptionalActions::Flush, before)
        {
            tracing::warn!(%error, "the terminal's mode could not be restored");
        }
    }
}

/// Signals as something that can be polled, until dropped.
struct Notices {
    reader: std::io::PipeReader,
    registered: Vec<signal_hook::SigId>,
}

impl Notices {
    fn listen(signals: &[i32]) -> Result<Self> {
        let (reader, writer) = std::io::pipe().doing("make a pipe")?;
        let mut notices = Self { reader, registered: Vec::new() };
        for signal in signals {
            let end = writer.try_clone().doing("make a pipe")?;
            notices.registered.push(pipe::register(*signal, end).doing("listen for signals")?);
        }
        Ok(notices)
    }

    fn waiting(&self) -> bool {
        let mut fds = [PollFd::new(&self.reader, PollFlags::IN)];
        let nothing = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&nothing)).is_ok_and(|count| count > 0)
    }

    fn clear(&self) {
        while self.waiting() {
            let mut bytes = [0u8; 64];
            if read(&self.reader, &mut bytes[..]).is_err() {
                return;
            }
        }
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        for id in self.registered.drain(..) {
            unregister(id);
        }
    }
}

impl Running {
    /// Connects the command's terminal with this program's standard input and output until it ends.
    ///
    /// Keys such as Ctrl-C go to the command. When this program is told to end (SIGTERM, SIGHUP, SIGINT or
    /// SIGQUIT from elsewhere), so is the command, and our terminal is put back.
    pub fn attach_terminal(&mut self) -> Result<ExitStatus> {
        let master = self
            .terminal()
            .ok_or_else(|| Error::invalid("attach_terminal", "the command was started without a terminal"))?;
        attach_terminal(master, |signal| self.kill(signal))?;
        self.wait()
    }
}

/// Connects a terminal's master side with this program's standard input and output until nobody has the terminal
/// open any more. `end` hands a signal on to whoever uses it, when this program is told to end.
pub fn attach_terminal(master: BorrowedFd<'_>, end: impl Fn(i32) -> Result<()>) -> Result<()> {
    let connection = Connection { master, sizes: Notices::listen(&[SIGWINCH])? };
    let end_us = [SIGTERM, SIGHUP, SIGINT, SIGQUIT];
    let endings = Notices::listen(&end_us)?;
    // Those that came while the container was made may have been held back until now.
    signals::let_through(&end_us);
    let _raw = Raw::enter()?;
    connection.follow_size()?;
    connection.exchange(&endings, end)
}

/// A terminal that is shown on ours.
struct Connection<'a> {
    master: BorrowedFd<'a>,
    sizes: Notices,
}

impl Connection<'_> {
    fn follow_size(&self) -> Result<()> {
        match tcgetwinsize(std::io::stdout()) {
            Ok(size) if size.ws_row > 0 && size.ws_col > 0 => {
                tcsetwinsize(self.master, size).doing("resize the terminal")
            }
            _ => Ok(()),
        }
    }

    fn exchange(&self, endings: &Notices, end: impl Fn(i32) -> Result<()>) -> Result<()> {
        let (master, sizes) = (self.master, &self.sizes);
        let input = std::io::stdin();
        let mut listening = true;
        loop {
            let mut fds = vec![
                PollFd::new(&master, PollFlags::IN),
                PollFd::new(&sizes.reader, PollFlags::IN),
                PollFd::new(&endings.reader, PollFlags::IN),
            ];
            if listening {
                fds.push(PollFd::new(&input, PollFlags::IN));
            }
            match poll(&mut fds, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error).doing("wait for the terminal"),
            }
            let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
            drop(fds);
            if ready[1] {
                sizes.clear();
                self.follow_size()?;
            }
            if ready[2] {
                endings.clear();
                end(libc::SIGHUP)?;
                return end(libc::SIGTERM);
            }
            if ready.get(3) == Some(&true) {
                listening = forward(input.as_fd(), master)?;
                if !listening {
                    // What end of file means on a terminal: the key for it.
                    write_all(master, &[4])?;
                }
            }
            // The master's end of file is an error: nobody has the terminal open any more.
            if ready[0] && !forward(master, std::io::stdout().as_fd())? {
                return Ok(());
            }
        }
    }
}

/// Hands on what is there; `false` at the end.
fn forward(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<bool> {
    let mut bytes = [0u8; 16 << 10];
    match retry_on_intr(|| read(from, &mut bytes[..])) {
        Ok(0) | Err(Errno::IO) => Ok(false),
        Ok(count) => write_all(to, &bytes[..count]).map(|()| true),
        Err(Errno::AGAIN) => Ok(true),
        Err(error) => Err(error).doing("read from the terminal"),
    }
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match write(to, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            // The other side is gone; its end is noticed by reading.
            Err(Errno::IO) => return Ok(()),
            Err(Errno::AGAIN) => {
                let mut fds = [PollFd::new(&to, PollFlags::OUT)];
                poll(&mut fds, None).doing("wait for the terminal")?;
            }
            Err(error) => return Err(error).doing("write to the terminal"),
        }
    }
    Ok(())
}
