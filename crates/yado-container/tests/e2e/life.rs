//! From creation to deletion, also by the hard way.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{DumpableBehavior, Signal, dumpable_behavior, kill_process};
use yado_container::{Error, ExecRequest, Init, Status};

use crate::Test;
use crate::ground::{Ground, shell};

pub(crate) const TESTS: &[Test] = &[
    ("a_container_lives_and_leaves_nothing", whole_life),
    ("stopping_asks_first_and_kills_who_stays", stopping),
    ("a_failed_creation_leaves_nothing", failed_creation),
    ("a_creator_killed_at_any_moment_leaves_what_can_be_cleaned", killed_creators),
    ("many_threads_make_containers_at_once", many_at_once),
    ("containers_are_made_while_other_threads_allocate", made_while_others_allocate),
    ("first_processes_that_are_killed_in_the_engines_memory_leave_it_whole", killed_first_processes),
    ("the_small_init_collects_orphans", orphans),
    ("hooks_run_in_their_order", hooks),
];

/// The other half of the test that kills a creator: makes a container and stays.
pub(crate) fn run_victim_if_asked() -> Option<ExitCode> {
    let mut words = std::env::args().skip(1);
    if words.next()? != "create" {
        return None;
    }
    let ground = Ground::at(words.next()?.into());
    ground.container("victim");
    std::mem::forget(ground);
    Some(ExitCode::SUCCESS)
}

/// Kills the creator after every so many microseconds, so that each stage is hit.
fn killed_creators() {
    let ground = Ground::new();
    let (mut half_made, mut whole) = (0, 0);
    for step in 0..40 {
        let mut program = std::process::Command::new(std::env::current_exe().unwrap());
        program.arg("create").arg(&ground.folder);
        let mut child = program.spawn().unwrap();
        std::thread::sleep(Duration::from_micros(step * 700));
        child.kill().unwrap();
        child.wait().unwrap();
        match ground.engine.load("victim").unwrap() {
            Some(container) if container.state() == Status::Running => {
                whole += 1;
                container.delete(true).unwrap();
            }
            // Every other time the next creation does the cleaning instead.
            Some(container) if step % 2 == 0 => {
                half_made += 1;
                container.delete(true).unwrap();
            }
            other => half_made += usize::from(other.is_some()),
        }
        if let Some(container) = ground.engine.load("victim").unwrap() {
            assert_ne!(container.state(), Status::Running);
        }
        let container =
            match ground.engine.create("victim", &ground.spec("victim"), &ground.options("victim")) {
                Err(Error::Exists(_)) => {
                    // The creator was killed between its last word and the init's hearing it.
                    ground.engine.require("victim").unwrap().delete(true).unwrap();
                    ground.container("victim")
                }
                other => other.unwrap(),
            };
        assert_eq!(shell(&container, "echo alive"), "alive");
        container.delete(true).unwrap();
    }
    println!("  creators killed: {half_made} containers half-made, {whole} whole");
    assert!(half_made > 0);
    ground.assert_nothing_left();
}

fn failed_creation() {
    let ground = Ground::new();
    let mut spec = ground.spec("broken");
    spec.mounts.push(yado_container::spec::Mount {
        destination: "/x".into(),
        kind: Some("no-such-file-system".to_owned()),
        ..Default::default()
    });
    let error = ground.engine.create("broken", &spec, &ground.options("broken")).unwrap_err();
    assert!(error.to_string().contains("mount '/x'"), "{error}");
    assert!(ground.engine.load("broken").unwrap().is_none());
    ground.assert_nothing_left();
    let left: Vec<_> = std::fs::read_dir(ground.folder.join("engine")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

fn many_at_once() {
    let ground = Ground::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let ground = &ground;
            scope.spawn(move || {
                let name = format!("crowd-{number}");
                let mut container = ground.container(&name);
                for _ in 0..5 {
                    assert_eq!(shell(&container, "hostname"), name);
                }
                container.stop(Duration::from_secs(5)).unwrap();
                container.delete(false).unwrap();
            });
        }
    });
    assert!(ground.engine.list().unwrap().is_empty());
}

/// Other threads are in the C library's allocator at every instant, and so many that they share its parts with the one
/// that makes containers. A first process that waited for what one of them has locked would wait for ever. One whose hooks
/// are run by the C library is made in the slower way, and must not wait, either.
fn made_while_others_allocate() {
    const THREADS: usize = 24;
    let ground = Ground::new();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 1..=THREADS {
            let over = &over;
            scope.spawn(move || {
                let mut kept: Vec<Vec<u8>> = vec![Vec::new(); 64];
                let mut size = number * 1000;
                while !over.load(Ordering::Relaxed) {
                    size = size * 7 % 90_001 + 1;
                    kept[size % 64] = Vec::with_capacity(size);
                }
            });
        }
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for number in 0..8 {
                let name = format!("busy-{number}");
                let mut spec = ground.spec(&name);
                if number % 2 == 1 {
                    spec.hooks = Some(yado_container::spec::Hooks::default());
                }
                let container = ground.container_with(&name, &spec);
                assert_eq!(shell(&container, "hostname"), name);
                container.delete(true).unwrap();
            }
        }));
        over.store(true, Ordering::Relaxed);
        made.unwrap();
    });
}

/// With several threads at work first processes live in the engine's memory until they become the small init. Wherever in
/// between they are killed, who makes them is told, and the engine and its other threads go on. Meanwhile nobody without the
/// right to look into every process may look into this memory.
fn killed_first_processes() {
    const MAKERS: usize = 3;
    let ground = Ground::new();
    let own = std::fs::read_link("/proc/self/exe").unwrap();
    let at_work = AtomicUsize::new(MAKERS);
    let (killed, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for maker in 0..MAKERS {
            let (ground, at_work, failed) = (&ground, &at_work, &failed);
            scope.spawn(move || {
                for number in 0..40 {
                    let name = format!("target-{maker}-{number}");
                    match ground.engine.create(&name, &ground.spec(&name), &ground.options(&name)) {
                        Ok(container) => container.delete(true).unwrap(),
                        Err(_) => drop(failed.fetch_add(1, Ordering::Relaxed)),
                    }
                }
                at_work.fetch_sub(1, Ordering::Relaxed);
            });
        }
        let mut pause = 1;
        while at_work.load(Ordering::Relaxed) > 0 {
            pause = pause * 7919 % 10_007;
            std::thread::sleep(Duration::from_micros(pause));
            for child in children() {
                // Every second one lives; one that has become the small init is another program.
                let Some(pid) = rustix::process::Pid::from_raw(child).filter(|_| child % 2 == 0) else {
                    continue;
                };
                if kill_process(pid, Signal::STOP).is_err() {
                    continue;
                }
                let ours =
                    std::fs::read_link(format!("/proc/{child}/exe")).is_ok_and(|program| program == own);
                if ours {
                    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
                }
                let sent = kill_process(pid, if ours { Signal::KILL } else { Signal::CONT });
                killed.fetch_add(usize::from(ours && sent.is_ok()), Ordering::Relaxed);
            }
        }
    });
    let (killed, failed) = (killed.into_inner(), failed.into_inner());
    assert!(failed > 0 && failed <= killed, "{failed} failed, {killed} were killed");
    let container = ground.container("after");
    assert_eq!(shell(&container, "hostname"), "after");
    container.delete(true).unwrap();
    assert!(children().is_empty(), "nobody is left to be waited for");
    ground.assert_nothing_left();
}

/// The processes that this one has made, the dead that nobody has waited for among them.
fn children() -> Vec<i32> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let made = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    made.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

fn hooks() {
    let ground = Ground::new();
    let note = ground.folder.join("hooks");
    let hook = |word: &str, place: &str| {
        vec![yado_container::spec::Hook {
            path: "/bin/sh".into(),
            args: vec!["sh".to_owned(), "-c".to_owned(), format!("echo {word} >> {place}")],
            ..Default::default()
        }]
    };
    // The container's root may not write to the host's folder, but to its own tree.
    let outside = note.display().to_string();
    let mut spec = ground.spec("hooks");
    spec.hooks = Some(yado_container::spec::Hooks {
        prestart: hook("prestart", &outside),
        create_runtime: hook("createRuntime", &outside),
        create_container: hook("createContainer", "/dev/null"),
        start_container: hook("startContainer", "/tmp/note"),
        poststart: hook("poststart", &outside),
        poststop: hook("poststop", &outside),
    });
    spec.process.as_mut().unwrap().args = ["sleep", "100"].map(str::to_owned).into();
    let mut options = ground.options("hooks");
    options.init = Init::Process;
    let mut container = ground.engine.create("hooks", &spec, &options).unwrap();
    container.start().unwrap();
    while shell(&container, "cat /tmp/note 2>/dev/null || true") != "startContainer" {
        std::thread::sleep(Duration::from_millis(5));
    }
    container.delete(true).unwrap();
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "prestart\ncreateRuntime\npoststart\npoststop\n");
    spec.hooks.as_mut().unwrap().create_container = hook("x", "/no/such/folder/file");
    let error = ground.engine.create("hooks", &spec, &ground.options("hooks")).unwrap_err();
    assert!(error.to_string().contains("hook '/bin/sh'"), "{error}");
}

fn orphans() {
    let ground = Ground::new();
    let container = ground.container("orphans");
    shell(&container, "for i in 1 2 3 4 5; do (sleep 0.05 &) ; done >/dev/null 2>&1");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(shell(&container, "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l"), "0");
    assert_eq!(container.processes().len(), 1);
}

fn whole_life() {
    let ground = Ground::new();
    let container = ground.container("life");
    assert_eq!(container.state(), Status::Running);
    assert_eq!(shell(&container, "hostname; cat /proc/1/comm"), "life\ninit");
    assert!(matches!(
        ground.engine.create("life", &ground.spec("life"), &ground.options("life")),
        Err(Error::Exists(_))
    ));
    let again = ground.engine.require("life").unwrap();
    assert_eq!(again.pid(), container.pid());
    assert!(matches!(again.delete(false), Err(Error::StillRunning(_))));
    let mut container = container;
    assert!(container.stop(Duration::from_secs(5)).unwrap());
    assert_eq!(container.state(), Status::Stopped);
    assert!(matches!(container.exec(&ExecRequest::new(["true"])), Err(Error::NotRunning(_))));
    container.delete(false).unwrap();
    assert!(ground.engine.load("life").unwrap().is_none());
    let left: Vec<_> = std::fs::read_dir(ground.folder.join("engine")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

fn stopping() {
    let ground = Ground::new();
    let mut container = ground.container("polite");
    let sleeper = container.exec(&ExecRequest::new(["sleep", "1000"])).unwrap();
    drop(sleeper);
    let started = Instant::now();
    assert!(container.stop(Duration::from_secs(5)).unwrap());
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    container.delete(false).unwrap();

    let mut container = ground.container("stubborn");
    let line = "trap '' TERM HUP; while :; do sleep 1; done";
    drop(container.exec(&ExecRequest::new(["sh", "-c", line])).unwrap());
    std::thread::sleep(Duration::from_millis(100));
    assert!(!container.stop(Duration::from_millis(300)).unwrap());
    assert_eq!(container.state(), Status::Stopped);
    assert!(container.wait_for_end(Duration::ZERO).unwrap());
    container.delete(false).unwrap();

    let mut spec = ground.spec("program");
    let process = spec.process.as_mut().unwrap();
    process.args = ["sh", "-c", "echo up; sleep 1000"].map(str::to_owned).into();
    let mut options = ground.options("program");
    options.init = Init::Process;
    options.log = Some(ground.folder.join("log"));
    let mut container = ground.engine.create("program", &spec, &options).unwrap();
    assert_eq!(container.state(), Status::Created);
    assert_eq!(std::fs::read_to_string(ground.folder.join("log")).unwrap(), "");
    container.start().unwrap();
    assert_eq!(container.state(), Status::Running);
    assert!(!container.wait_for_end(Duration::from_millis(10)).unwrap());
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(std::fs::read_to_string(ground.folder.join("log")).unwrap(), "up\n");
    container.stop(Duration::ZERO).unwrap();
    container.delete(false).unwrap();
}
