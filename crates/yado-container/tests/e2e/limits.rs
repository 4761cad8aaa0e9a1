//! Limits: memory, processes, processor time; freezing.

use std::time::{Duration, Instant};

use yado_container::spec::{Cpu, Memory, Pids, Resources, default_device_rules};
use yado_container::{ExecRequest, ExitStatus, Status};

use crate::Test;
use crate::ground::{Ground, shell, shell_as};

pub(crate) const TESTS: &[Test] = &[
    ("too_much_memory_is_deadly", memory),
    ("there_are_never_more_processes_than_allowed", processes),
    ("processor_time_is_limited", processor),
    ("who_makes_a_container_with_limits_does_not_stay_in_them", detour),
    ("limits_can_be_changed", update),
    ("a_paused_container_stands_still", pause),
    ("device_rules_are_accepted", devices),
    ("processes_get_their_limits_and_priorities", priorities),
    ("a_killed_container_can_be_frozen_and_deleted", frozen_delete),
];

fn limited(ground: &Ground, name: &str, resources: Resources) -> yado_container::Container {
    let mut spec = ground.spec(name);
    spec.linux.as_mut().unwrap().resources = Some(resources);
    ground.container_with(name, &spec)
}

fn memory() {
    let ground = Ground::new();
    let container = limited(
        &ground,
        "memory",
        Resources {
            memory: Some(Memory { limit: Some(48 << 20), ..Memory::default() }),
            ..Resources::default()
        },
    );
    let (_, status) = shell_as(&container, "exec python3 -c 'x = bytearray(20 << 20)'", |_| {});
    assert_eq!(status, ExitStatus::Code(0));
    let (_, status) = shell_as(&container, "exec python3 -c 'x = bytearray(200 << 20)'", |_| {});
    assert_eq!(status, ExitStatus::Signal(9));
    assert_eq!(container.state(), Status::Running);
    let stats = container.stats();
    assert_eq!(stats.memory_limit, Some(48 << 20));
    assert!(stats.out_of_memory_kills >= 1, "{stats:?}");
}

fn processes() {
    let ground = Ground::new();
    let container =
        limited(&ground, "pids", Resources { pids: Some(Pids { limit: 12 }), ..Resources::default() });
    let line = "for i in $(seq 40); do sleep 5 >/dev/null & done 2>/dev/null; exit 0";
    shell_as(&container, line, |_| {});
    let stats = container.stats();
    assert_eq!(stats.pids_limit, Some(12));
    assert!(stats.pids <= 12, "{stats:?}");
}

fn processor() {
    let ground = Ground::new();
    let container = limited(
        &ground,
        "cpu",
        Resources {
            cpu: Some(Cpu { quota: Some(10_000), period: Some(100_000), ..Cpu::default() }),
            ..Resources::default()
        },
    );
    let mut running = container.exec(&ExecRequest::new(["sh", "-c", "while :; do :; done"])).unwrap();
    let before = container.stats().cpu;
    std::thread::sleep(Duration::from_secs(1));
    let used = container.stats().cpu - before;
    assert!(used < 400_000_000, "{used} ns in a second with a tenth allowed");
    assert!(used > 10_000_000, "{used} ns: it does not run at all");
    running.kill(9).unwrap();
    running.wait().unwrap();
}

/// Whatever the limits allow: its maker passes through them, or moves the process there where they are too tight.
fn detour() {
    let ground = Ground::new();
    let own = || std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let before = own();
    let make = |name: &str, processes| {
        let resources = Resources {
            memory: Some(Memory { limit: Some(48 << 20), ..Memory::default() }),
            cpu: Some(Cpu { shares: Some(512), ..Cpu::default() }),
            pids: Some(Pids { limit: processes }),
            ..Resources::default()
        };
        let container = limited(&ground, name, resources);
        let cgroups = std::fs::read_to_string(format!("/proc/{}/cgroup", container.pid())).unwrap();
        let paths = [format!(":/yado-{name}"), format!("/yado/{name}")];
        let joined = cgroups.lines().filter(|line| paths.iter().any(|path| line.ends_with(path))).count();
        // All in one tree, or one in each.
        assert!(joined == 1 || joined >= 4, "{cgroups}");
        assert_eq!(container.stats().pids, 1);
        assert_eq!(own(), before);
        container
    };
    make("wide", 50).delete(true).unwrap();
    make("tight", 1).delete(true).unwrap();
    // With another thread, a process in between goes there.
    std::thread::scope(|scope| {
        let made = scope.spawn(|| make("other", 50)).join().unwrap();
        // What is entered is in the same ones, which are all that is to be seen inside.
        let entered = shell(&made, "cat /proc/self/cgroup");
        let outside = |line: &&str| line.contains(":pids:") && !line.ends_with(":/");
        assert_eq!(entered.lines().filter(outside).count(), 0, "{entered}");
        made.delete(true).unwrap();
    });
    ground.assert_nothing_left();
}

fn update() {
    let ground = Ground::new();
    let mut container = ground.container("update");
    let resources = |limit| Resources { pids: Some(Pids { limit }), ..Resources::default() };
    for limit in [20, 30] {
        container.update(&resources(limit)).unwrap();
        assert_eq!(container.stats().pids_limit, Some(limit as u64));
    }
    // What is entered later is limited too.
    assert_eq!(shell(&container, "grep -c pids:/yado/update /proc/self/cgroup"), "1");
    let found = ground.engine.require("update").unwrap();
    assert_eq!(found.stats().pids_limit, Some(30));
    container.delete(true).unwrap();
    ground.assert_nothing_left();
}

fn pause() {
    let ground = Ground::new();
    let mut container = ground.container("pause");
    // The file only grows: no instant at which it is emptied can look like a change, or like none.
    let line = "while :; do echo alive >> /tmp/signs; sleep 0.01; done";
    let running = container.exec(&ExecRequest::new(["sh", "-c", line])).unwrap();
    let signs = || {
        let file = ground.folder.join("machines/pause/upper/tmp/signs");
        std::fs::metadata(file).map_or(0, |file| file.len())
    };
    let grows_beyond = |size: u64| {
        let limit = Instant::now() + Duration::from_secs(30);
        while signs() <= size {
            assert!(Instant::now() < limit, "nothing moves");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    grows_beyond(0);
    container.pause().unwrap();
    assert_eq!(container.state(), Status::Paused);
    assert!(container.exec(&ExecRequest::new(["true"])).unwrap_err().to_string().contains("paused"));
    let first = signs();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(signs(), first);
    container.resume().unwrap();
    assert_eq!(container.state(), Status::Running);
    grows_beyond(first);
    running.kill(9).unwrap();
}

fn priorities() {
    let ground = Ground::new();
    let mut spec = ground.spec("nice");
    let process = spec.process.as_mut().unwrap();
    process.rlimits =
        vec![yado_container::spec::Rlimit { kind: "RLIMIT_NOFILE".to_owned(), soft: 123, hard: 456 }];
    process.scheduler = Some(yado_container::spec::Scheduler {
        policy: "SCHED_BATCH".to_owned(),
        nice: 7,
        ..Default::default()
    });
    process.io_priority =
        Some(yado_container::spec::IoPriority { class: "IOPRIO_CLASS_BE".to_owned(), priority: 6 });
    process.oom_score_adj = Some(500);
    process.user.umask = Some(0o027);
    spec.linux.as_mut().unwrap().personality =
        Some(yado_container::spec::Personality { domain: "LINUX32".to_owned(), ..Default::default() });
    let container = ground.container_with("nice", &spec);
    let line = "ulimit -Sn; ulimit -Hn; umask; cat /proc/self/oom_score_adj; nice; ionice";
    assert_eq!(shell(&container, line), "123\n456\n0027\n500\n7\nbest-effort: prio 6");
    assert_ne!(shell(&container, "uname -m"), "x86_64");
}

fn devices() {
    let ground = Ground::new();
    let resources = Resources { devices: default_device_rules(), ..Resources::default() };
    let container = limited(&ground, "devices", resources);
    assert_eq!(shell(&container, "echo x > /dev/null; head -c 4 /dev/zero | wc -c"), "4");
}

fn frozen_delete() {
    let ground = Ground::new();
    let mut container = ground.container("frozen");
    container.pause().unwrap();
    container.delete(true).unwrap();
    assert!(ground.engine.load("frozen").unwrap().is_none());
}
