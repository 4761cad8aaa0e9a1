//! Questions on a terminal: answered, and left by Ctrl-C. The terminal is a real one, a pseudo-terminal whose other
//! side the test holds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::pty::OpenptFlags;
use support::{Sandbox, can_make_machines, has_programs};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program on a terminal of its own, which is its controlling one: Ctrl-C typed there is a signal for it.
struct Terminal {
    typed: File,
    shown: Receiver<Vec<u8>>,
    seen: String,
    program: Child,
}

impl Terminal {
    fn run(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let other_end = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let terminal: OwnedFd = rustix::fs::open(
            other_end.as_c_str(),
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )
        .unwrap();
        let end = || Stdio::from(terminal.try_clone().unwrap());
        let plain = sandbox.command(arguments);
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(plain.get_program()).args(plain.get_args()).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(&sandbox.project).stdin(end()).stdout(end()).stderr(end());
        let program = command.spawn().unwrap();
        let typed = File::from(master);
        let mut output = typed.try_clone().unwrap();
        let (send, shown) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Once nobody has the other end any more, reading fails.
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                if send.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { typed, shown, seen: String::new(), program }
    }

    fn wait_for(&mut self, words: &str) {
        let limit = Instant::now() + PATIENCE;
        while !self.seen.contains(words) {
            let left = limit.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left) {
                Ok(piece) => self.seen.push_str(&String::from_utf8_lossy(&piece)),
                Err(problem) => panic!("no '{words}' ({problem}) in:\n{}", self.seen),
            }
        }
    }

    fn write(&mut self, keys: &str) {
        self.typed.write_all(keys.as_bytes()).unwrap();
    }

    fn end(&mut self) -> Option<i32> {
        let limit = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.program.try_wait().unwrap() {
                return status.code();
            }
            if Instant::now() > limit {
                self.program.kill().unwrap();
                panic!("the program does not end:\n{}", self.seen);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn ctrl_c_at_the_question_whether_to_destroy_leaves_everything_and_yes_does_not() {
    if !can_make_machines("question") || !has_programs("questions on a terminal", &["setsid"]) {
        return;
    }
    let sandbox = Sandbox::new("Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\nend\n");
    sandbox.ok(&["up"]);
    let question = "Are you sure you want to destroy the 'default' VM? [y/N]";
    sandbox.run(&["destroy"]).refused(&["requires a TTY", "--force"]);

    let mut terminal = Terminal::run(&sandbox, &["destroy"]);
    terminal.wait_for(question);
    terminal.write("\x03");
    terminal.wait_for("Exiting due to interrupt.");
    assert_eq!(terminal.end(), Some(1));
    assert!(sandbox.ok(&["status"]).contains("running (container)"));

    let mut terminal = Terminal::run(&sandbox, &["destroy"]);
    terminal.wait_for(question);
    terminal.write("n\n");
    terminal.wait_for("will not be destroyed");
    assert_eq!(terminal.end(), Some(1));
    assert!(sandbox.ok(&["status"]).contains("running (container)"));

    let mut terminal = Terminal::run(&sandbox, &["destroy"]);
    terminal.wait_for(question);
    terminal.write("y\n");
    terminal.wait_for("Destroying VM");
    assert_eq!(terminal.end(), Some(0));
    assert!(sandbox.ok(&["status"]).contains("not created"));
    sandbox.destroy_and_audit();
}
