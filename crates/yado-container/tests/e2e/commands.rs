//! Commands inside: output, exit codes, identity, rights, terminal.

use std::io::{Read, Write};
use std::time::Duration;

use yado_container::{Error, ExecRequest, ExitStatus, Identity, Stdio};

use crate::Test;
use crate::ground::{Ground, shell, shell_as};

pub(crate) const TESTS: &[Test] = &[
    ("a_command_runs_and_its_exit_code_comes_back", exit_codes),
    ("output_and_errors_are_apart_and_input_arrives", streams),
    ("large_output_arrives_whole", large_output),
    ("a_missing_program_is_an_error_with_its_name", missing_program),
    ("commands_run_as_the_user_asked_for", identity),
    ("rights_are_dropped", rights),
    ("the_filter_is_in_force", filter),
    ("nothing_of_the_caller_is_open_inside", no_leaked_descriptors),
    ("a_terminal_behaves_like_one", terminal),
    ("our_own_terminal_is_connected_and_put_back", attached_terminal),
];

fn exit_codes() {
    let ground = Ground::new();
    let container = ground.container("codes");
    assert_eq!(shell_as(&container, "echo hello", |_| {}), ("hello\n".to_owned(), ExitStatus::Code(0)));
    assert_eq!(shell_as(&container, "exit 7", |_| {}).1, ExitStatus::Code(7));
    assert_eq!(shell_as(&container, "kill -9 $$", |_| {}).1, ExitStatus::Signal(9));
}

fn streams() {
    let ground = Ground::new();
    let container = ground.container("streams");
    let mut request = ExecRequest::new(["sh", "-c", "cat; echo bad >&2"]);
    (request.stdin, request.stdout, request.stderr) = (Stdio::Piped, Stdio::Piped, Stdio::Piped);
    let mut running = container.exec(&request).unwrap();
    running.stdin.take().unwrap().write_all(b"typed").unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    running.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    running.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(running.wait().unwrap().success());
    assert_eq!((out.as_str(), err.as_str()), ("typed", "bad\n"));
}

fn large_output() {
    let ground = Ground::new();
    let container = ground.container("large");
    let (text, status) = shell_as(&container, "head -c 8000000 /dev/zero | tr '\\0' x", |_| {});
    assert!(status.success());
    assert_eq!(text.len(), 8_000_000);
}

fn missing_program() {
    let ground = Ground::new();
    let container = ground.container("missing");
    match container.exec(&ExecRequest::new(["no-such-program"])) {
        Err(Error::Command { command, source, .. }) => {
            assert_eq!(command, "no-such-program");
            assert_eq!(source.raw_os_error(), Some(2));
        }
        other => panic!("{other:?}"),
    }
}

fn identity() {
    let ground = Ground::new();
    let container = ground.container("who");
    assert_eq!(shell(&container, "id -u; id -g"), "0\n0");
    let (text, _) = shell_as(&container, "id -u; id -G; pwd; echo $WORD", |request| {
        request.user = Some(Identity { uid: 1000, gid: 1000, additional_gids: vec![27] });
        request.cwd = Some("/tmp".into());
        request.env = Some(vec!["WORD=yes".to_owned(), "PATH=/bin".to_owned()]);
    });
    assert_eq!(text, "1000\n1000 27\n/tmp\nyes\n");
}

fn rights() {
    let ground = Ground::new();
    let container = ground.container("rights");
    let sets = shell(&container, "grep -E '^Cap(Prm|Eff|Bnd|Amb)' /proc/self/status | tr -d '\\t'");
    assert_eq!(
        sets,
        "CapPrm:00000000a80425fb\nCapEff:00000000a80425fb\nCapBnd:00000000a80425fb\nCapAmb:0000000000000000"
    );
    let (text, _) = shell_as(&container, "grep CapEff /proc/self/status | tr -d '\\t'", |request| {
        request.user = Some(Identity { uid: 1000, ..Identity::default() });
    });
    assert_eq!(text, "CapEff:0000000000000000\n");
    let (text, _) = shell_as(&container, "grep NoNewPrivs /proc/self/status | tr -d '\\t'", |request| {
        request.no_new_privileges = Some(true);
    });
    assert_eq!(text, "NoNewPrivs:1\n");
}

fn filter() {
    let ground = Ground::new();
    let container = ground.container("filter");
    assert_eq!(shell(&container, "grep Seccomp: /proc/self/status | tr -d '\\t'"), "Seccomp:2");
    let (_, status) = shell_as(&container, "unshare -U true 2>/dev/null", |_| {});
    assert_ne!(status, ExitStatus::Code(0));
}

fn no_leaked_descriptors() {
    let ground = Ground::new();
    let container = ground.container("closed");
    assert_eq!(shell(&container, "ls /proc/self/fd | tr '\\n' ' '"), "0 1 2 3");
    // PID 1 keeps nothing above its standard streams; root on the host can look.
    let open = std::fs::read_dir(format!("/proc/{}/fd", container.pid())).unwrap().count();
    assert_eq!(open, 3);
    let mut running = container.exec(&ExecRequest::new(["sleep", "30"])).unwrap();
    let open = std::fs::read_dir(format!("/proc/{}/fd", running.pid())).unwrap().count();
    assert_eq!(open, 3);
    running.kill(9).unwrap();
    assert_eq!(running.wait_for(Duration::from_secs(5)).unwrap(), Some(ExitStatus::Signal(9)));
}

/// Reads until the text has come or nothing more does.
fn read_until(terminal: impl std::os::fd::AsFd, wanted: &str) -> String {
    let mut text = String::new();
    let mut bytes = [0u8; 4096];
    while !text.contains(wanted) {
        match rustix::io::read(&terminal, &mut bytes[..]) {
            Ok(count) if count > 0 => text.push_str(&String::from_utf8_lossy(&bytes[..count])),
            _ => break,
        }
    }
    text
}

fn terminal() {
    let ground = Ground::new();
    let container = ground.container("terminal");
    let line = "tty; stty size; trap 'echo caught' INT; echo ready; until read a; do :; done; stty size; echo got $a; exit 4";
    let mut request = ExecRequest::new(["sh", "-c", line]);
    request.terminal = true;
    request.size = Some((33, 101));
    request.user = Some(Identity { uid: 1000, gid: 1000, ..Identity::default() });
    let mut running = container.exec(&request).unwrap();
    let master = running.terminal().unwrap().try_clone_to_owned().unwrap();
    let text = read_until(&master, "ready");
    assert!(text.contains("/dev/pts/") && text.contains("33 101"), "{text}");
    // The key Ctrl-C is a signal there.
    rustix::io::write(&master, &[3]).unwrap();
    assert!(read_until(&master, "caught").contains("caught"));
    running.resize(20, 40).unwrap();
    rustix::io::write(&master, b"word\n").unwrap();
    let text = read_until(&master, "got word");
    assert!(text.contains("20 40") && text.contains("got word"), "{text}");
    assert_eq!(running.wait_for(Duration::from_secs(5)).unwrap(), Some(ExitStatus::Code(4)));
}

/// The other half of the test below: a program with a terminal of its own that attaches a command's.
pub(crate) fn run_attacher_if_asked() -> Option<std::process::ExitCode> {
    let mut words = std::env::args().skip(1);
    if words.next()? != "attach" {
        return None;
    }
    let engine = yado_container::Engine::open(words.next()?).unwrap();
    let mut request = ExecRequest::new(["sh", "-c", "echo ready; read a; stty size; echo got $a; exit 6"]);
    request.terminal = true;
    let mut running = engine.require("attached").unwrap().exec(&request).unwrap();
    let status = running.attach_terminal().unwrap();
    Some(std::process::ExitCode::from(status.code() as u8))
}

fn attached_terminal() {
    let ground = Ground::new();
    let _container = ground.container("attached");
    let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
    let master = rustix::pty::openpt(flags).unwrap();
    rustix::pty::unlockpt(&master).unwrap();
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).unwrap();
    let before = rustix::termios::tcgetattr(&slave).unwrap();
    let size = rustix::termios::Winsize { ws_row: 31, ws_col: 77, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&slave, size).unwrap();
    let stream = || std::process::Stdio::from(slave.try_clone().unwrap());
    let mut program = std::process::Command::new(std::env::current_exe().unwrap());
    program.arg("attach").arg(ground.folder.join("engine"));
    let mut child = program.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
    drop(program);
    assert!(read_until(&master, "ready").contains("ready"));
    let during = rustix::termios::tcgetattr(&slave).unwrap();
    assert_ne!(during.local_modes, before.local_modes);
    rustix::io::write(&master, b"typed\r").unwrap();
    let text = read_until(&master, "got typed");
    assert!(text.contains("31 77") && text.contains("got typed"), "{text}");
    assert_eq!(child.wait().unwrap().code(), Some(6));
    let after = rustix::termios::tcgetattr(&slave).unwrap();
    assert_eq!(after.local_modes, before.local_modes);
}
