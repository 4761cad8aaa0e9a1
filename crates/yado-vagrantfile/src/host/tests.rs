//! What is answered without trust, what is refused, and how both are told.

use std::collections::BTreeMap;
use std::path::Path;

use yado_ruby::{Command, HostError, Output};

use super::answers::{Asked, answer};
use super::reading::Reading;

/// A project with some files, and the environment that its questions are asked in.
struct Room {
    folder: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("VERSION"), "1.2.3\n").unwrap();
        Self { folder }
    }

    fn ask(&self, line: &str) -> Result<Option<Output>, HostError> {
        self.command(&Command::Shell(line.to_owned()))
    }

    fn command(&self, command: &Command) -> Result<Option<Output>, HostError> {
        let folder = self.folder.path().canonicalize().unwrap();
        let environment: BTreeMap<String, String> = [("PATH", "/usr/bin:/bin"), ("HOME", "/home/someone")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into();
        let reading = Reading::new(&folder, Some("/home/someone"), None);
        answer(command, &Asked { reading: &reading, directory: &folder, environment: &environment }, &[])
    }

    fn says(&self, line: &str) -> String {
        let output = self.ask(line).unwrap().unwrap_or_else(|| panic!("{line} was not answered"));
        String::from_utf8(output.stdout).unwrap()
    }

    fn status(&self, line: &str) -> i32 {
        self.ask(line).unwrap().unwrap_or_else(|| panic!("{line} was not answered")).status.unwrap()
    }
}

/// What the real program says; the point of this file is to say the same.
#[allow(clippy::disallowed_methods, reason = "a test may run programs")]
fn really(line: &str, folder: &Path) -> String {
    let output = std::process::Command::new("sh").args(["-c", line]).current_dir(folder).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn questions_about_the_machine_are_answered_as_the_programs_do() {
    let room = Room::new();
    for line in [
        "uname",
        "uname -s",
        "uname -m",
        "uname -r",
        "uname -a",
        "uname -sm",
        "nproc",
        "whoami",
        "id -u",
        "id -g",
        "id -un",
        "id -gn",
        "id -u -n",
        "getconf _NPROCESSORS_ONLN",
        "pwd",
        "echo a  'b  c'",
        "echo -n x",
        "date +%Y-%m-%d",
        "date -u +%Y",
        "cat VERSION",
        "cat /etc/os-release",
        "grep -c ^processor /proc/cpuinfo",
        "cat VERSION | tr -d '\\n'",
        "awk '/MemTotal/ {print $2}' /proc/meminfo",
        "grep MemTotal /proc/meminfo | awk '{print $2}'",
        "grep 'MemTotal' /proc/meminfo | sed -e 's/MemTotal://' -e 's/ kB//'",
        "cat /proc/cpuinfo | grep processor | wc -l",
        "head -n1 /etc/os-release | cut -d= -f1",
        "tail -n 1 VERSION",
        "cut -d . -f 2 VERSION",
        "which sh",
        "command -v sh",
        "which no-such-program-here || echo none",
        "test -f VERSION && echo yes",
        "[ -d nothing ] || echo no; echo more",
        "cat nothing 2>/dev/null || echo gone",
        "echo $HOME/x > /dev/null",
        "basename /a/b",
        "sed s/1/9/ VERSION",
    ] {
        let home = line.replace("$HOME", "/home/someone");
        assert_eq!(room.says(line), really(&home, &room.folder.path().canonicalize().unwrap()), "{line}");
    }
}

#[test]
fn statuses_are_those_of_the_programs() {
    let room = Room::new();
    assert_eq!(room.status("which no-such-program-here"), 1);
    assert_eq!(room.status("grep -q absent VERSION"), 1);
    assert_eq!(room.status("cat nothing"), 1);
    assert_eq!(room.status("no-such-program-here 2>/dev/null"), 127);
}

#[test]
fn a_program_that_is_not_there_is_missing_as_it_would_be() {
    for line in ["VBoxManage --version", "VBoxManage -v", "no-such-program-here --now", "vboxmanage list vms"]
    {
        match Room::new().ask(line) {
            Err(HostError::System(error)) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn what_does_something_is_not_answered() {
    let room = Room::new();
    for line in [
        "rm -rf VERSION",
        "touch x",
        "sh -c id",
        "echo x > VERSION",
        "cat VERSION | sh",
        "echo $(id)",
        "echo `id`",
        "cat < /etc/shadow",
        "uname; touch x",
        "nproc && rm VERSION",
        "true || true; mkdir x",
        "env",
        "find / -name x",
        "./VERSION",
        "date -s 2020-01-01",
        "hostname evil",
        "awk 'BEGIN {system(\"id\")}'",
        "awk '{print > \"x\"}' VERSION",
        "sed -i s/1/2/ VERSION",
        "sed 's/1/id/e' VERSION",
        "sed w VERSION",
        "grep -q 1.2 VERSION",
        "grep -r x /",
        "git fetch",
        "uname\ntouch x",
        "vagrant up",
        "which sh & touch x",
        "LD_PRELOAD=x uname",
        "cat VERSION >> x",
        "sysctl -w kernel.hostname=x",
        "command sh -c id",
        "eval id",
        "exec sh",
        "test -f x -o id",
        "curl http://example.invalid",
        "type -a sh; sh",
    ] {
        match room.ask(line) {
            Ok(None) => {}
            // A program that is not installed here is missing, which does nothing either.
            Err(HostError::System(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
            other => panic!("{line}: {other:?}"),
        }
        assert_eq!(std::fs::read_to_string(room.folder.path().join("VERSION")).unwrap(), "1.2.3\n", "{line}");
        assert_eq!(room.folder.path().read_dir().unwrap().count(), 1, "{line}");
    }
}

#[test]
fn programs_do_not_read_what_the_vagrantfile_may_not() {
    let room = Room::new();
    for line in [
        "cat /etc/shadow",
        "grep -v x /etc/shadow",
        "head /proc/self/environ",
        "awk '{print $1}' /etc/../etc/shadow",
    ] {
        assert!(matches!(room.ask(line), Err(HostError::Refused(_))), "{line}");
    }
}

#[test]
fn words_given_apart_are_not_read_by_a_shell() {
    let room = Room::new();
    let words = |words: &[&str]| Command::Argv(words.iter().map(|word| (*word).to_owned()).collect());
    let output = room.command(&words(&["echo", "$(id)", ">", "x"])).unwrap().unwrap();
    assert_eq!(output.stdout, b"$(id) > x\n");
    assert!(room.command(&words(&["rm", "VERSION"])).unwrap().is_none());
}

#[test]
fn the_branch_and_commit_are_read_from_the_repository() {
    let room = Room::new();
    assert_eq!(room.status("git rev-parse HEAD"), 128);
    let git = room.folder.path().join(".git");
    std::fs::create_dir_all(git.join("refs/heads/feature")).unwrap();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    std::fs::write(git.join("HEAD"), "ref: refs/heads/feature/x\n").unwrap();
    std::fs::write(git.join("packed-refs"), format!("# pack-refs\n{commit} refs/heads/feature/x\n")).unwrap();
    assert_eq!(room.says("git rev-parse --abbrev-ref HEAD"), "feature/x\n");
    assert_eq!(room.says("git rev-parse HEAD"), format!("{commit}\n"));
    let other = commit.replace('0', "f");
    std::fs::write(git.join("refs/heads/feature/x"), format!("{other}\n")).unwrap();
    assert_eq!(room.says("git rev-parse --short HEAD 2>/dev/null"), format!("{}\n", &other[..7]));
    assert_eq!(
        room.says("git rev-parse --show-toplevel").trim(),
        room.folder.path().canonicalize().unwrap().to_string_lossy()
    );
    std::fs::write(git.join("HEAD"), format!("{commit}\n")).unwrap();
    assert_eq!(room.says("git rev-parse --abbrev-ref HEAD"), "HEAD\n");
}

#[test]
fn a_forged_repository_reveals_nothing() {
    let room = Room::new();
    let git = room.folder.path().join(".git");
    std::fs::create_dir_all(&git).unwrap();
    std::fs::write(git.join("HEAD"), "ref: ../../../../../../etc/shadow\n").unwrap();
    assert!(room.ask("git rev-parse HEAD").unwrap().is_none());
    std::fs::write(git.join("HEAD"), "ref: refs/heads/x\n").unwrap();
    std::fs::create_dir_all(git.join("refs/heads")).unwrap();
    std::os::unix::fs::symlink("/etc/shadow", git.join("refs/heads/x")).unwrap();
    assert!(matches!(room.ask("git rev-parse HEAD"), Err(HostError::Refused(_))));
    std::fs::remove_file(git.join("refs/heads/x")).unwrap();
    std::fs::write(git.join("refs/heads/x"), "not a commit").unwrap();
    assert!(room.ask("git rev-parse HEAD").unwrap().is_none());
}

#[test]
fn installing_plugins_does_nothing_and_says_so() {
    let output = Room::new().ask("vagrant plugin install vagrant-vbguest vagrant-reload").unwrap().unwrap();
    assert_eq!(output.status, Some(0));
    let notice = String::from_utf8(output.stderr).unwrap();
    assert!(notice.contains("not installed: vagrant-vbguest, vagrant-reload"), "{notice}");
    assert_eq!(Room::new().says("vagrant plugin list"), "No plugins installed.\n");
}
