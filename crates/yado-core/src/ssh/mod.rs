//! [`Ssh`]: the way into machines that run an SSH server, by OpenSSH's own programs. For providers whose machines have a
//! kernel of their own; it knows nothing of them but an address.
//!
//! One connection per machine is opened and shared by all commands, also of later processes, for as long as it is used:
//! a handshake costs a second where the machine's processor is emulated. Whoever switches a machine off, freezes it or
//! takes it back to a snapshot [closes](Ssh::close) it first: it would hang for minutes.

mod ending;
mod keys;
mod remote;
mod rsync;

use std::io::Read;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::communicator::{Communicator, Exec, ExitStatus, Stream};
use crate::context::{Cancel, Context};
use crate::copying;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Program;
use crate::store::random_id;

use ending::Ending;

pub use keys::Keys;
pub use rsync::Copy;

/// How long a server may take to say that it is one. A forwarded port accepts connections before there is a server
/// behind it; whoever waits on such a connection waits in vain.
const BANNER: Duration = Duration::from_secs(2);
/// Between two looks.
const GLANCE: Duration = Duration::from_millis(100);
/// How long an unused shared connection is kept.
const KEEP: &str = "ControlPersist=60";
/// The shared connection's socket, in the machine's directory; relative, since sockets' paths must be short.
const CONTROL: &str = "ssh-connection";

/// How a machine is entered: what `ssh-config` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Address or name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The user to enter as.
    pub user: String,
    /// Private keys, tried in order.
    pub identities: Vec<PathBuf>,
    /// The file of known host keys and the name to look for in it; without one, any server is believed.
    pub known: Option<(PathBuf, String)>,
    /// More options, as `Name=value`.
    pub options: Vec<String>,
}

impl Access {
    /// Everything as options, in the order of an OpenSSH configuration.
    pub fn settings(&self) -> Vec<(String, String)> {
        let path = |path: &Path| path.to_string_lossy().replace('%', "%%");
        let mut settings = vec![
            ("HostName".to_owned(), self.host.clone()),
            ("User".to_owned(), self.user.clone()),
            ("Port".to_owned(), self.port.to_string()),
        ];
        match &self.known {
            Some((file, alias)) => {
                settings.push(("HostKeyAlias".to_owned(), alias.clone()));
                settings.push(("UserKnownHostsFile".to_owned(), path(file)));
                settings.push(("StrictHostKeyChecking".to_owned(), "yes".to_owned()));
            }
            None => {
                settings.push(("UserKnownHostsFile".to_owned(), "/dev/null".to_owned()));
                settings.push(("StrictHostKeyChecking".to_owned(), "no".to_owned()));
            }
        }
        settings.push(("PasswordAuthentication".to_owned(), "no".to_owned()));
        settings.extend(self.identities.iter().map(|file| ("IdentityFile".to_owned(), path(file))));
        settings.push(("IdentitiesOnly".to_owned(), "yes".to_owned()));
        let more = self.options.iter().filter_map(|option| option.split_once('='));
        settings.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
        settings
    }
}

/// Tells why a machine will not answer any more, when it will not.
pub type Watch = Box<dyn Fn() -> Result<()> + Send + Sync>;

/// What a machine showed last, in lines that follow a sentence.
pub type LastWords = Box<dyn Fn() -> String + Send + Sync>;

/// A machine behind SSH.
pub struct Ssh {
    access: Access,
    /// Where the shared connection's socket lies.
    folder: PathBuf,
    watch: Watch,
    last_words: Option<LastWords>,
}

impl Ssh {
    /// A machine whose files lie in `folder`; `watch` is asked while it does not answer.
    pub fn new(access: Access, folder: &Path, watch: Watch) -> Self {
        Self { access, folder: folder.to_owned(), watch, last_words: None }
    }

    /// The same, with what the machine showed last told of when it cannot be entered in time.
    #[must_use]
    pub fn with_last_words(mut self, last_words: LastWords) -> Self {
        self.last_words = Some(last_words);
        self
    }

    /// Ends the shared connection of the machine whose files lie in `folder`.
    pub fn close(context: &Context, folder: &Path) {
        if !folder.join(CONTROL).exists() {
            return;
        }
        let mut program = Program::new(["ssh", "-F", "none", "-S", CONTROL, "-O", "exit", "machine"]);
        program.directory = Some(folder.to_owned());
        program.within = Some(Duration::from_secs(10));
        // It may have ended by itself, and what does not answer is of no use to anyone either.
        let uninterrupted = Cancel::new();
        if let Err(problem) = context.host.watch(&uninterrupted, &program, &mut |_, _| {}) {
            tracing::debug!(%problem, "closing the shared connection");
        }
        drop(std::fs::remove_file(folder.join(CONTROL)));
    }

    /// A call of `ssh` in the machine's directory.
    fn program(&self, options: &[&str], line: Option<String>) -> Program {
        let mut argv: Vec<String> = ["ssh", "-F", "none", "-S", CONTROL].map(str::to_owned).to_vec();
        let mut option = |text: String| argv.extend(["-o".to_owned(), text]);
        for (name, value) in self.access.settings() {
            // Spaces part words also there.
            option(if value.contains(' ') {
                format!("{name}=\"{value}\"")
            } else {
                format!("{name}={value}")
            });
        }
        for fixed in ["BatchMode=yes", "ConnectTimeout=60", "ServerAliveInterval=10", "ServerAliveCountMax=6"]
        {
            option(fixed.to_owned());
        }
        option("LogLevel=ERROR".to_owned());
        argv.extend(options.iter().map(|word| (*word).to_owned()));
        argv.push("--".to_owned());
        argv.push("machine".to_owned());
        argv.extend(line);
        Program { directory: Some(self.folder.clone()), ..Program::new(argv) }
    }

    /// Runs a command on our own terminal or streams, with more options for ssh.
    fn attach(
        &self,
        context: &Context,
        command: &Exec,
        terminal: bool,
        options: &[&str],
    ) -> Result<ExitStatus> {
        self.open(context)?;
        let mark = random_id()?;
        let line = remote::plain(&self.access.user, command, &mark);
        let mut words = vec![if terminal { "-tt" } else { "-T" }];
        words.extend(options);
        let program = self.program(&words, Some(line));
        let status = context.host.attach(&context.cancel, &program);
        if context.cancel.is_cancelled() {
            self.end(context, &mark);
        }
        use std::os::unix::process::ExitStatusExt;
        let status = status?;
        Ok(match status.code() {
            Some(code) => ExitStatus::Code(code),
            None => ExitStatus::Signal(status.signal().unwrap_or(9)),
        })
    }

    /// Opens the shared connection when there is none.
    fn open(&self, context: &Context) -> Result<()> {
        let limit = Duration::from_secs(120);
        let within = |mut program: Program| {
            program.within = Some(limit);
            program
        };
        let check = within(self.program(&["-O", "check"], None));
        if self.folder.join(CONTROL).exists() {
            let (alive, _) = said(context, &check)?;
            if alive {
                return Ok(());
            }
            drop(std::fs::remove_file(self.folder.join(CONTROL)));
        }
        let (opened, why) = said(context, &within(self.program(&["-f", "-N", "-M", "-o", KEEP], None)))?;
        // Two processes that do this at once share the one that came first.
        if opened || said(context, &check)?.0 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Other, format!("The machine cannot be entered by SSH: {why}")))
    }

    fn address(&self) -> Result<SocketAddr> {
        let unknown = || Error::new(ErrorKind::Other, format!("There is no host '{}'.", self.access.host));
        let found = (self.access.host.as_str(), self.access.port).to_socket_addrs();
        found.map_err(|problem| unknown().caused_by(problem))?.next().ok_or_else(unknown)
    }

    /// Whether a server is there that says within this time that it is one.
    ///
    /// # Errors
    /// When the machine's address is none.
    pub fn greets(&self, within: Duration) -> Result<bool> {
        let address = self.address()?;
        let Ok(mut stream) = TcpStream::connect_timeout(&address, within) else { return Ok(false) };
        let mut begin = [0_u8; 4];
        Ok(stream.set_read_timeout(Some(within)).is_ok()
            && stream.read_exact(&mut begin).is_ok()
            && &begin == b"SSH-")
    }

    /// Ends a command with what it started: the client's end alone would not.
    fn end(&self, context: &Context, mark: &str) {
        // The wish to stop must not stop this; what cannot be ended is ended with the machine.
        let mut program = self.program(&["-T"], Some(remote::end(&self.access.user, mark)));
        program.within = Some(Duration::from_secs(20));
        if let Err(problem) = context.host.watch(&Cancel::new(), &program, &mut |_, _| {}) {
            tracing::debug!(%problem, "ending an interrupted command");
        }
    }

    fn lost(&self, said: &str) -> Error {
        match (self.watch)() {
            Err(problem) => problem,
            Ok(()) => Error::new(
                ErrorKind::Other,
                format!("The connection to the machine was lost while a command ran in it. {}", said.trim()),
            ),
        }
    }
}

/// Whether a program succeeds, and what it says when it does not.
fn said(context: &Context, program: &Program) -> Result<(bool, String)> {
    let mut text = Vec::new();
    let status =
        context.host.watch(&context.cancel, program, &mut |_, piece| text.extend_from_slice(piece))?;
    Ok((status.success(), String::from_utf8_lossy(&text).trim().to_owned()))
}

impl Communicator for Ssh {
    fn user(&self) -> &str {
        &self.access.user
    }

    fn ready(&self, context: &Context, within: Duration) -> Result<()> {
        let end = Instant::now() + within;
        let mut last = String::from("No SSH server answers.");
        loop {
            context.cancel.check()?;
            (self.watch)()?;
            if self.greets(BANNER)? {
                match self.open(context) {
                    Ok(()) => return Ok(()),
                    Err(problem) if problem.kind() == ErrorKind::Interrupted => return Err(problem),
                    Err(problem) => problem.message().clone_into(&mut last),
                }
            }
            if Instant::now() > end {
                let shown = self.last_words.as_ref().map(|words| words()).unwrap_or_default();
                return Err(Error::new(
                    ErrorKind::Other,
                    format!("Timed out while waiting for the machine to boot. {last}{shown}"),
                )
                .hinted("'config.vm.boot_timeout' says how long to wait; `yado logs` shows the console."));
            }
            std::thread::sleep(GLANCE);
        }
    }

    fn exec(
        &self,
        context: &Context,
        command: &Exec,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<ExitStatus> {
        self.open(context)?;
        let mark = random_id()?;
        let mut program = self.program(&["-T"], Some(remote::watched(&self.access.user, command, &mark)));
        program.input = command.input.clone().unwrap_or_default();
        let mut ending = Ending::new(&mark);
        let mut last = Vec::new();
        let status = context.host.watch_until(&context.cancel, &program, &mut |stream, piece| {
            if stream == Stream::Stderr {
                last = piece.to_vec();
            }
            if ending.take(stream, piece, output) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if context.cancel.is_cancelled() {
            self.end(context, &mark);
        }
        status?;
        if ending.code.is_none() {
            ending.finish(output);
        }
        ending.code.map(ExitStatus::Code).ok_or_else(|| self.lost(&String::from_utf8_lossy(&last)))
    }

    fn interact(&self, context: &Context, command: &Exec, terminal: bool) -> Result<ExitStatus> {
        self.attach(context, command, terminal, &[])
    }

    fn interact_by_ssh(
        &self,
        context: &Context,
        command: &Exec,
        terminal: bool,
        options: &[String],
    ) -> Option<Result<ExitStatus>> {
        // A connection of its own: what is forwarded ends with it.
        let own = ["-S".to_owned(), "none".to_owned()];
        let options: Vec<&str> = own.iter().chain(options).map(String::as_str).collect();
        Some(self.attach(context, command, terminal, &options))
    }
    fn upload(&self, context: &Context, from: &Path, to: &str) -> Result<()> {
        copying::upload(self, context, from, to)
    }

    fn download(&self, context: &Context, from: &str, to: &Path) -> Result<()> {
        copying::download(self, context, from, to)
    }
}
