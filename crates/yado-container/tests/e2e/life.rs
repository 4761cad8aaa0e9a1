//! From creation to deletion, also by the hard way.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use yado_container::{Error, ExecRequest, Init, Status};

use crate::Test;
use crate::ground::{Ground, shell};

pub(crate) const TESTS: &[Test] = &[
    ("a_container_lives_and_leaves_nothing", whole_life),
    ("stopping_asks_first_and_kills_who_stays", stopping),
];

/// The other half of the test that kills a creator.
pub(crate) fn run_victim_if_asked() -> Option<ExitCode> {
    None
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
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(std::fs::read_to_string(ground.folder.join("log")).unwrap(), "up\n");
    container.stop(Duration::ZERO).unwrap();
    container.delete(false).unwrap();
}
