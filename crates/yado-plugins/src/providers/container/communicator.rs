//! The way into a machine: commands enter its namespaces, files go through a command's standard input and output. No
//! daemon in the machine is needed for it.

use std::io::Write;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use yado_container::{Container, ExecRequest, Identity, Running, Status, Stdio};
use yado_core::error::Doing;
use yado_core::{Communicator, Context, Error, ErrorKind, Exec, ExitStatus, Result, Stream, copying};

use super::accounts::{Account, Accounts};
use super::{engine_error, first_process, folders};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A running machine's inside.
pub(super) struct Inside {
    container: Container,
    accounts: Accounts,
    user: String,
    /// Host directories whose files are to belong to their owners, whoever made them inside.
    folders: Vec<PathBuf>,
    first: u32,
}

impl Inside {
    pub(super) fn new(
        container: Container,
        accounts: Accounts,
        user: String,
        folders: Vec<PathBuf>,
        first: u32,
    ) -> Self {
        Self { container, accounts, user, folders, first }
    }

    /// Enough to run a command as root.
    pub(super) fn root_only(container: Container) -> Self {
        Self::new(container, Accounts::default(), "root".to_owned(), Vec::new(), 0)
    }

    /// Runs a command as root that has nothing to say when all goes well.
    pub(super) fn run_quietly(&self, context: &Context, argv: &[&str]) -> Result<()> {
        let command = Exec {
            argv: argv.iter().map(|part| (*part).to_owned()).collect(),
            user: Some("root".to_owned()),
            ..Exec::default()
        };
        let mut said = Vec::new();
        let status = self.exec(context, &command, &mut |_, piece| said.extend_from_slice(piece))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::GuestCommandFailed,
            format!("'{}' failed in the machine: {}", argv.join(" "), String::from_utf8_lossy(&said).trim()),
        ))
    }

    fn account(&self, name: &str) -> Result<Account> {
        if let Some(account) = self.accounts.user(name) {
            return Ok(account);
        }
        if name == "root" || name == "0" {
            // A box without accounts still has its root.
            let text = |text: &str| text.to_owned();
            return Ok(Account {
                name: text("root"),
                uid: 0,
                gid: 0,
                home: text("/root"),
                shell: text("/bin/sh"),
            });
        }
        Err(Error::new(ErrorKind::Other, format!("The machine has no user '{name}'.")))
    }

    fn request(&self, command: &Exec) -> Result<ExecRequest> {
        let account = self.account(command.user.as_deref().unwrap_or(&self.user))?;
        let mut environment = vec![
            format!("PATH={PATH}"),
            format!("HOME={}", account.home),
            format!("USER={}", account.name),
            format!("LOGNAME={}", account.name),
            format!("SHELL={}", account.shell),
            // Every system has it, and programs write what they mean.
            "LANG=C.UTF-8".to_owned(),
        ];
        environment.extend(command.environment.iter().map(|(name, value)| format!("{name}={value}")));
        let argv = if command.argv.is_empty() {
            vec![account.shell.clone(), "-l".to_owned()]
        } else {
            command.argv.clone()
        };
        let directory = match command.directory.as_deref() {
            Some(directory) => match directory.strip_prefix('~') {
                Some(user) => self.account(if user.is_empty() { &account.name } else { user })?.home,
                None => directory.to_owned(),
            },
            None => account.home.clone(),
        };
        Ok(ExecRequest {
            env: Some(environment),
            cwd: Some(self.existing(&directory)),
            user: Some(Identity {
                uid: account.uid,
                gid: account.gid,
                additional_gids: self.accounts.groups_of(&account.name),
            }),
            ..ExecRequest::new(argv)
        })
    }

    /// A home directory that was removed must not keep anyone out.
    fn existing(&self, directory: &str) -> PathBuf {
        let root = format!("/proc/{}/root", self.container.pid());
        let found =
            rustix::fs::openat(rustix::fs::CWD, &root, rustix::fs::OFlags::PATH, rustix::fs::Mode::empty())
                .and_then(|root| {
                    rustix::fs::openat2(
                        root,
                        directory,
                        rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY,
                        rustix::fs::Mode::empty(),
                        rustix::fs::ResolveFlags::IN_ROOT,
                    )
                });
        PathBuf::from(if found.is_ok() { directory } else { "/" })
    }

    fn start(&self, request: &ExecRequest) -> Result<Running> {
        self.container.exec(request).map_err(engine_error)
    }

    /// Waits for the end; ends the command, with all that it started, when the user interrupts.
    fn wait(&self, context: &Context, running: &mut Running) -> Result<ExitStatus> {
        let status = loop {
            if let Some(status) = running.wait_for(Duration::from_millis(100)).map_err(engine_error)? {
                break status;
            }
            if context.cancel.is_cancelled() {
                self.end(running);
                context.cancel.check()?;
            }
        };
        Ok(plain(status))
    }

    fn end(&self, running: &mut Running) {
        if let Some(group) = rustix::process::Pid::from_raw(running.pid()) {
            for (signal, patience) in
                [(rustix::process::Signal::TERM, 500), (rustix::process::Signal::KILL, 2000)]
            {
                // It may have ended by itself meanwhile.
                let _gone = rustix::process::kill_process_group(group, signal);
                if matches!(running.wait_for(Duration::from_millis(patience)), Ok(Some(_))) {
                    return;
                }
            }
        }
    }

    /// Files that root made in synced folders are given to the folders' owners.
    fn adopt(&self) {
        self.folders.iter().for_each(|folder| folders::adopt(folder, self.first));
    }
}

impl Communicator for Inside {
    fn user(&self) -> &str {
        &self.user
    }

    fn ready(&self, context: &Context, within: Duration) -> Result<()> {
        // The engine reports a machine as made when its small init is ready for commands.
        context.cancel.check()?;
        if self.container.state() == Status::Running {
            if first_process::FirstProcess::is_systemd(&self.container) {
                return first_process::wait_for_systemd(context, self, &self.container, within);
            }
            return Ok(());
        }
        Err(Error::new(ErrorKind::System, "The machine ended right after it was started."))
    }

    fn exec(
        &self,
        context: &Context,
        command: &Exec,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<ExitStatus> {
        let mut request = self.request(command)?;
        request.stdin = if command.input.is_some() { Stdio::Piped } else { Stdio::Null };
        request.stdout = Stdio::Piped;
        request.stderr = Stdio::Piped;
        let mut running = self.start(&request)?;
        if let (Some(mut stdin), Some(input)) = (running.stdin.take(), command.input.clone()) {
            // A command that does not read its input is no failure.
            std::thread::spawn(move || drop(stdin.write_all(&input)));
        }
        let pipes =
            Pipes::new(running.stdout.take().map(OwnedFd::from), running.stderr.take().map(OwnedFd::from))?;
        let status = self.collect(context, &mut running, pipes, output);
        self.adopt();
        status
    }

    fn interact(&self, context: &Context, command: &Exec, terminal: bool) -> Result<ExitStatus> {
        let mut command = command.clone();
        if terminal {
            let kind = std::env::var("TERM").unwrap_or_else(|_| "vt100".to_owned());
            command.environment.entry("TERM".to_owned()).or_insert(kind);
        }
        let mut request = self.request(&command)?;
        let status = if terminal {
            request.terminal = true;
            let mut running = self.start(&request)?;
            running.attach_terminal().map_err(engine_error)?
        } else {
            request.stdin = Stdio::Inherit;
            request.stdout = Stdio::Inherit;
            request.stderr = Stdio::Inherit;
            return self.wait(context, &mut self.start(&request)?).inspect(|_| self.adopt());
        };
        self.adopt();
        Ok(plain(status))
    }

    fn upload(&self, context: &Context, from: &Path, to: &str) -> Result<()> {
        copying::upload(self, context, from, to)
    }

    fn download(&self, context: &Context, from: &str, to: &Path) -> Result<()> {
        copying::download(self, context, from, to)
    }
}

impl Inside {
    /// Hands output over as it comes, until the command has ended and what it wrote has been read. What it left running
    /// may hold the pipes open; its end is not waited for.
    fn collect(
        &self,
        context: &Context,
        running: &mut Running,
        mut pipes: Pipes,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<ExitStatus> {
        loop {
            let ended = pipes.wait(running.pidfd(), Duration::from_millis(100))?;
            pipes.read(output)?;
            if ended || pipes.are_closed() {
                return self.wait(context, running);
            }
            if context.cancel.is_cancelled() {
                self.end(running);
                context.cancel.check()?;
            }
        }
    }
}

/// The reading ends of a command's output. They never block: when the command has ended, all that it wrote is there to
/// be read, and nothing more is waited for.
struct Pipes([(Stream, Option<OwnedFd>); 2]);

impl Pipes {
    fn new(stdout: Option<OwnedFd>, stderr: Option<OwnedFd>) -> Result<Self> {
        for pipe in [&stdout, &stderr].into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe, true).doing(|| "reading a command's output")?;
        }
        Ok(Self([(Stream::Stdout, stdout), (Stream::Stderr, stderr)]))
    }

    fn are_closed(&self) -> bool {
        self.0.iter().all(|(_, pipe)| pipe.is_none())
    }

    /// Waits for output, for the command's end, or for the time; true when the command has ended.
    fn wait(&self, pidfd: BorrowedFd<'_>, time: Duration) -> Result<bool> {
        let open = self.0.iter().filter_map(|(_, pipe)| pipe.as_ref());
        let mut watched: Vec<PollFd<'_>> = open.map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        watched.push(PollFd::from_borrowed_fd(pidfd, PollFlags::IN));
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(time.subsec_nanos()) };
        match poll(&mut watched, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(problem) => return Err(problem).doing(|| "waiting for a command's output"),
        }
        Ok(watched.last().is_some_and(|pidfd| pidfd.revents().contains(PollFlags::IN)))
    }

    /// Hands over what is there.
    fn read(&mut self, output: &mut dyn FnMut(Stream, &[u8])) -> Result<()> {
        let mut buffer = vec![0_u8; 32 << 10];
        for (stream, slot) in &mut self.0 {
            while let Some(pipe) = slot {
                match rustix::io::read(pipe, &mut buffer) {
                    Ok(0) => *slot = None,
                    Ok(count) => output(*stream, &buffer[..count]),
                    Err(rustix::io::Errno::INTR) => {}
                    Err(rustix::io::Errno::AGAIN) => break,
                    Err(problem) => return Err(problem).doing(|| "reading a command's output"),
                }
            }
        }
        Ok(())
    }
}

fn plain(status: yado_container::ExitStatus) -> ExitStatus {
    match status {
        yado_container::ExitStatus::Code(code) => ExitStatus::Code(code),
        yado_container::ExitStatus::Signal(signal) => ExitStatus::Signal(signal),
    }
}
