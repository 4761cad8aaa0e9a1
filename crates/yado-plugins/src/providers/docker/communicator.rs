//! The way into a container: the engine's `exec`.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use yado_core::{
    Communicator, Context, Error, ErrorKind, Exec, ExitStatus, MachineState, Program, Result, Stream, copying,
};

use super::accounts::{Accounts, Shells};
use super::engine::Engine;

/// How long a container must have kept running to count as one that does.
const STEADY: Duration = Duration::from_millis(300);

/// The variable that a command and all that it starts can be told by, to end them when the user interrupts.
const MARK: &str = "YADO_COMMAND";

/// A running container's inside.
pub(super) struct Inside {
    pub(super) engine: Engine,
    pub(super) machine: String,
    pub(super) container: String,
    /// The user that the Vagrantfile asks for.
    pub(super) asked: Option<String>,
    pub(super) remains_running: bool,
    pub(super) context: Context,
    /// Looked at when the first command runs: a machine that is only started is not entered.
    pub(super) seen: OnceLock<Seen>,
}

/// What a container has to be entered with.
pub(super) struct Seen {
    accounts: Accounts,
    user: String,
    shells: Shells,
}

impl Inside {
    fn seen(&self) -> &Seen {
        self.seen.get_or_init(|| {
            // What cannot be looked at is told by the command that comes next.
            let (accounts, shells) =
                Accounts::read(self.engine, &self.context, &self.container).unwrap_or_default();
            let candidates = self.asked.clone().into_iter().chain(["vagrant".to_owned()]);
            let user = candidates.into_iter().find(|name| accounts.home(name).is_some());
            Seen { user: user.unwrap_or_else(|| "root".to_owned()), accounts, shells }
        })
    }
}

impl Inside {
    /// `exec` with everything that the command asks for.
    fn argv(&self, command: &Exec, terminal: bool, mark: &str) -> Result<Vec<String>> {
        let Seen { accounts, user, shells } = self.seen();
        let user = command.user.as_deref().unwrap_or(user);
        let Some(home) = accounts.home(user) else {
            return Err(Error::new(ErrorKind::Other, format!("The machine has no user '{user}'.")));
        };
        // Images without a user list know root by its number alone.
        let as_user = if user == "root" { "0" } else { user };
        let mut words: Vec<String> = [self.engine.program, "exec", "-u", as_user].map(str::to_owned).to_vec();
        let fed = command.input.as_ref().is_some_and(|input| !input.is_empty());
        if terminal || fed {
            words.push("-i".to_owned());
        }
        if terminal {
            words.push("-t".to_owned());
        }
        let mut variable =
            |name: &str, value: &str| words.extend(["-e".to_owned(), format!("{name}={value}")]);
        for (name, value) in [("HOME", home), ("USER", user), ("LOGNAME", user), (MARK, mark)] {
            variable(name, value);
        }
        command.environment.iter().for_each(|(name, value)| variable(name, value));
        let directory = match command.directory.as_deref() {
            None | Some("~") => home.to_owned(),
            Some(directory) => match directory.strip_prefix('~') {
                Some(other) => accounts.home(other).unwrap_or("/").to_owned(),
                None => directory.to_owned(),
            },
        };
        words.push(self.container.clone());
        if *shells != Shells::None {
            // Not the engine's `-w`, which refuses directories that are not there; a user without a home is to be let
            // in all the same.
            let there = "cd \"$0\" 2>/dev/null; exec \"$@\"";
            words.extend(["sh".to_owned(), "-c".to_owned(), there.to_owned(), directory]);
        }
        if command.argv.is_empty() {
            // The best shell that there is.
            let shell = "command -v bash >/dev/null && exec bash -l; exec sh -l";
            words.extend(["sh", "-c", shell].map(str::to_owned));
        } else {
            words.extend(with_its_shell(*shells, &command.argv));
        }
        Ok(words)
    }

    /// Ends a command and what it started: the engine's program only stops looking at it.
    fn end(&self, context: &Context, mark: &str) {
        let script = format!(
            "for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ 2>/dev/null | grep -qx '{MARK}={mark}' && \
             kill -TERM ${{p#/proc/}} 2>/dev/null; done; true"
        );
        // The wish to stop must not stop this; what cannot be ended is ended with the machine.
        let context = Context { cancel: yado_core::Cancel::new(), ..context.clone() };
        drop(self.engine.try_run(&context, &["exec", "-u", "0", &self.container, "sh", "-c", &script]));
    }

    fn ended(
        &self,
        context: &Context,
        mark: &str,
        status: Result<std::process::ExitStatus>,
    ) -> Result<ExitStatus> {
        use std::os::unix::process::ExitStatusExt;
        if context.cancel.is_cancelled() {
            self.end(context, mark);
        }
        let status = status?;
        Ok(match (status.code(), status.signal()) {
            (Some(code), _) => ExitStatus::Code(code),
            (None, signal) => ExitStatus::Signal(signal.unwrap_or(9)),
        })
    }
}

/// Vagrantfiles and Vagrant's defaults name `bash`; where there is none, `sh` does what they ask for.
fn with_its_shell(shells: Shells, argv: &[String]) -> Vec<String> {
    let mut argv = argv.to_vec();
    if shells != Shells::Bash {
        let is_bash = |word: &str| word == "bash" || word.starts_with("bash ");
        let place = match argv.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["sh", "-c", line] if is_bash(line) => Some(2),
            [first, ..] if is_bash(first) => Some(0),
            _ => None,
        };
        if let Some(place) = place {
            argv[place].replace_range(..4, "sh");
        }
    }
    argv
}

/// Different for every command of every process.
fn new_mark() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Communicator for Inside {
    fn user(&self) -> &str {
        &self.seen().user
    }

    fn ready(&self, context: &Context, within: Duration) -> Result<()> {
        if !self.remains_running {
            return Ok(());
        }
        std::thread::sleep(STEADY.min(within));
        context.cancel.check()?;
        match self.engine.find(context, &self.machine)?.map(|found| found.state) {
            Some(MachineState::Running) => Ok(()),
            _ => Err(self.not_running(context)),
        }
    }

    fn exec(
        &self,
        context: &Context,
        command: &Exec,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<ExitStatus> {
        let mark = new_mark();
        let mut program = Program::new(self.argv(command, false, &mark)?);
        program.input = command.input.clone().unwrap_or_default();
        let status = context.host.watch(&context.cancel, &program, output);
        self.ended(context, &mark, status)
    }

    fn interact(&self, context: &Context, command: &Exec, terminal: bool) -> Result<ExitStatus> {
        let mark = new_mark();
        let mut command = command.clone();
        if terminal && let Ok(kind) = std::env::var("TERM") {
            command.environment.entry("TERM".to_owned()).or_insert(kind);
        }
        let mut argv = self.argv(&command, terminal, &mark)?;
        if !terminal {
            argv.insert(2, "-i".to_owned());
        }
        let status = context.host.attach(&context.cancel, &Program::new(argv));
        self.ended(context, &mark, status)
    }

    fn upload(&self, context: &Context, from: &Path, to: &str) -> Result<()> {
        copying::upload(self, context, from, to)
    }

    fn download(&self, context: &Context, from: &str, to: &Path) -> Result<()> {
        copying::download(self, context, from, to)
    }
}

impl Inside {
    /// The container's command ended although it is to keep running; its last words say why.
    fn not_running(&self, context: &Context) -> Error {
        let logs = self.engine.try_run(context, &["logs", "--tail", "10", &self.container]);
        let said = logs.map_or_else(
            |_| String::new(),
            |output| {
                let text = [output.stdout, output.stderr].concat();
                String::from_utf8_lossy(&text).trim().to_owned()
            },
        );
        Error::new(
            ErrorKind::Other,
            format!(
                "The container started and ended right away. Its last words:\n{}",
                if said.is_empty() { "(none)" } else { &said }
            ),
        )
        .hinted("Give it a command that keeps running ('cmd'), or say 'remains_running = false'.")
    }
}
