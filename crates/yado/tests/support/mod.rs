//! What the program's tests share: a [`Sandbox`] with a home and a project of its own, and the [`audit`] of what a
//! test leaves on the host.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod audit;
pub mod cloud_image;
pub mod debian;
pub mod registry;
pub mod roots;
#[allow(clippy::duplicate_mod, reason = "it is small, and several of what a test includes say it")]
#[path = "../../../yado-container/tests/support/skipped.rs"]
pub mod skipped;
pub mod web;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use yado_core::{MachineRecord, Store};

/// A place where the program is tried as a user would: its own `YADO_HOME`, its own project. Whatever is left of its
/// machines is removed when it goes, also after a failed test.
pub struct Sandbox {
    folder: tempfile::TempDir,
    pub project: PathBuf,
    shared_home: Option<PathBuf>,
    environment: Vec<(String, String)>,
}

impl Sandbox {
    /// A project with this Vagrantfile.
    pub fn new(vagrantfile: &str) -> Self {
        let sandbox = Self::empty();
        sandbox.write("Vagrantfile", vagrantfile);
        sandbox
    }

    /// A project without a Vagrantfile.
    pub fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("yado-test-").tempdir().unwrap();
        let project = folder.path().join("project");
        std::fs::create_dir(&project).unwrap();
        Self { folder, project, shared_home: None, environment: Vec::new() }
    }

    /// With a home that other tests use at the same time, so that they have the boxes in common.
    pub fn with_home(mut self, home: &Path) -> Self {
        self.shared_home = Some(home.to_owned());
        self
    }

    /// With a variable that the program sees.
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A project that is a copy of a directory.
    pub fn copy_of(source: &Path) -> Self {
        let sandbox = Self::empty();
        let status =
            Command::new("cp").arg("-a").arg(source.join(".")).arg(&sandbox.project).status().unwrap();
        assert!(status.success());
        sandbox
    }

    pub fn home(&self) -> PathBuf {
        self.shared_home.clone().unwrap_or_else(|| self.folder.path().join("home"))
    }

    /// Whether other tests use the same home.
    pub fn has_shared_home(&self) -> bool {
        self.shared_home.is_some()
    }

    /// The machines of this sandbox's projects.
    pub fn machines(&self) -> Vec<MachineRecord> {
        let mut machines = self.store().machines(None).unwrap();
        if self.has_shared_home() {
            let mine = self.folder.path().canonicalize().unwrap();
            machines.retain(|machine| {
                machine.project.canonicalize().is_ok_and(|project| project.starts_with(&mine))
            });
        }
        machines
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.project.join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The program, ready to run in the project.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yado"));
        command
            .args(arguments)
            .current_dir(&self.project)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("YADO_HOME", self.home())
            .env("LANG", "C.UTF-8")
            // No test looks for boxes in the world.
            .env("VAGRANT_SERVER_URL", "")
            .stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        for name in ["http_proxy", "https_proxy", "no_proxy"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        Answer::of(self.command(arguments).output().unwrap(), arguments)
    }

    /// Runs the program, which must succeed, and returns what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let answer = self.run(arguments);
        assert_eq!(answer.code, 0, "yado {}\n{}{}", arguments.join(" "), answer.out, answer.err);
        answer.out
    }

    /// Starts the program.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What a command in a machine prints.
    pub fn inside(&self, machine: &str, script: &str) -> String {
        self.ok(&["ssh", machine, "-c", script])
    }

    /// The state that the program keeps.
    pub fn store(&self) -> Store {
        Store::open(&self.home()).unwrap()
    }

    /// The host port that leads to a guest port.
    pub fn port(&self, machine: &str, guest: u16) -> u16 {
        self.ok(&["port", machine, "--guest", &guest.to_string()]).trim().parse().unwrap()
    }

    /// Destroys all machines and makes sure that nothing is left of them.
    pub fn destroy_and_audit(&self) {
        let traces = audit::Traces::of(self);
        self.ok(&["destroy", "-f"]);
        traces.assert_gone(self);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.home().join("state.sqlite").exists() && !self.machines().is_empty() {
            drop(self.command(&["destroy", "-f"]).stdout(Stdio::null()).stderr(Stdio::null()).status());
        }
    }
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Answer {
    pub fn of(output: Output, arguments: &[&str]) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or_else(|| panic!("yado {arguments:?} was killed"));
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// It failed with the reference's code, and said this.
    pub fn refused(&self, words: &[&str]) {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "expected '{word}' in:\n{}", self.err);
        }
    }
}

/// Whether real machines can be made here; says why not. In CI they must be possible.
pub fn can_make_machines(test: &str) -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    skipped::for_want_of_a_peer(test, "it makes real machines, which needs root");
    false
}

/// Whether all programs that a test's peer consists of are there; says which one is missing. In CI none may be.
pub fn has_programs(what: &str, programs: &[&str]) -> bool {
    let folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let is_there = |program: &str| {
        folders.iter().any(|folder| folder.join(program).is_file())
            || Path::new("/usr/sbin").join(program).is_file()
    };
    let Some(missing) = programs.iter().find(|program| !is_there(program)) else { return true };
    skipped::for_want_of_a_peer(what, &format!("there is no '{missing}'"));
    false
}

/// A small root file system as a directory of the project: busybox and what Debian's own has beside it.
pub fn busybox_root(sandbox: &Sandbox, name: &str) {
    let root = sandbox.path(name);
    for directory in ["bin", "etc", "proc", "sys", "dev", "tmp", "usr", "root", "home"] {
        std::fs::create_dir_all(root.join(directory)).unwrap();
    }
    std::fs::copy("/usr/bin/busybox", root.join("bin/busybox")).unwrap();
    let programs = [
        "sh", "cat", "echo", "id", "ls", "mkdir", "mv", "rm", "sleep", "stat", "su", "touch", "true",
        "hostname", "env", "chown", "chmod", "test", "tail", "cp", "ln", "tar", "sync", "mount",
    ];
    for program in programs {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(program)).unwrap();
    }
    std::fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    std::fs::write(root.join("etc/group"), "root:x:0:\n").unwrap();
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks a port of this host by HTTP.
pub fn get(port: u16) -> Result<String, String> {
    use std::io::{Read, Write};
    let mut stream =
        std::net::TcpStream::connect(("127.0.0.1", port)).map_err(|problem| problem.to_string())?;
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .map_err(|problem| problem.to_string())?;
    stream.write_all(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n").map_err(|problem| problem.to_string())?;
    let mut text = String::new();
    stream.read_to_string(&mut text).map_err(|problem| problem.to_string())?;
    Ok(text)
}

/// Asks again until the answer holds this text, as a server in a machine needs a moment after `up`.
pub fn get_until(port: u16, word: &str) -> String {
    let mut last = String::new();
    for _ in 0..100 {
        match get(port) {
            Ok(text) if text.contains(word) => return text,
            Ok(text) | Err(text) => last = text,
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("port {port} never answered with '{word}', but: {last}")
}
