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
