//! Ways out of containers that are won by speed: somebody who shares a folder with the container swaps what lies there
//! while the container is made. Each is tried many times; a container may come of it or not, but nothing of the host.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;

use crate::bundle::{Bundle, text};

/// How often each race is run: enough for every window that a published exploit needs.
const ROUNDS: usize = 40;

/// Exchanges two names as fast as it can, for as long as it lives.
struct Swapper {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Swapper {
    fn start(one: PathBuf, other: PathBuf) -> Self {
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counter) = (Arc::clone(&stop), Arc::clone(&count));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                // Fails where one of them is a mount's target just now.
                if renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).is_ok() {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { stop, count, thread: Some(thread) }
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(std::thread::JoinHandle::join));
        if !std::thread::panicking() {
            assert!(self.count.load(Ordering::Relaxed) > ROUNDS as u64 / 2, "there was no race");
        }
    }
}

/// A folder of the host with a file in it, which no container may see or change.
fn outside(bundle: &Bundle) -> PathBuf {
    let outside = bundle.path("outside");
    std::fs::create_dir_all(outside.join("x")).unwrap();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    outside
}

/// After a race: takes the link away, whichever of the two names it has, and gives the folder its own.
fn put_back(shared: &Path, folder: &str) {
    let (name, link) = (shared.join(folder), shared.join("link"));
    if name.is_symlink() {
        std::fs::remove_file(&name).unwrap();
        std::fs::rename(&link, &name).unwrap();
    } else {
        std::fs::remove_file(&link).unwrap();
    }
}

fn assert_untouched(outside: &Path) {
    let mut names: Vec<_> =
        std::fs::read_dir(outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["secret", "x"], "something was made on the host");
    assert_eq!(std::fs::read_dir(outside.join("x")).unwrap().count(), 0);
    assert_eq!(std::fs::read_to_string(outside.join("secret")).unwrap(), "secret");
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(outside.to_str().unwrap()), "something was mounted on the host");
}

/// Links that lead from anywhere in the bundle to a folder of the host: upward, and from the top.
fn links(to: &Path) -> [String; 2] {
    let from_the_top = to.display().to_string();
    [format!("../../../../../../../..{from_the_top}"), from_the_top]
}

/// Runs the bundle's container many times; what each printed.
fn race(bundle: &Bundle, after: impl FnMut(&str)) {
    race_for(ROUNDS, bundle, after);
}

fn race_for(rounds: usize, bundle: &Bundle, mut after: impl FnMut(&str)) {
    for _ in 0..rounds {
        let output = bundle.runtime().args(["run", "yado-test"]).output().unwrap();
        after(&text(&output.stdout));
    }
    assert_eq!(bundle.ok(&["list", "-q"]), "", "what failed was removed");
}

/// CVE-2021-30465: the folder that a mount goes to becomes a link to the host's while the mount is made.
#[test]
fn a_mounts_target_that_is_swapped_for_a_link_leads_nowhere() {
    let Some(bundle) = Bundle::new() else { return };
    let outside = outside(&bundle);
    let shared = bundle.path("shared");
    std::fs::create_dir_all(shared.join("t/x")).unwrap();
    std::fs::create_dir(bundle.path("source")).unwrap();
    let bind = |from: &str, to: &str| json!({ "destination": to, "type": "bind", "source": from, "options": ["rbind"] });
    for mount in [
        bind("shared", "/d"),
        json!({ "destination": "/d/t/x", "type": "tmpfs", "source": "tmpfs" }),
        bind("source", "/d/t/x"),
    ] {
        bundle.push("mounts", mount);
    }
    bundle.process(&["sh", "-c", "ls /d/t /d/t/x /d/link; cat /proc/self/mountinfo"]);
    for link in links(&outside) {
        symlink(link, shared.join("link")).unwrap();
        let swapper = Swapper::start(shared.join("t"), shared.join("link"));
        race_for(ROUNDS / 2, &bundle, |seen| {
            assert!(!seen.contains("secret"), "{seen}");
            // Both were made, and in the container, wherever the name led at that moment.
            let at_x = |line: &&str| line.split(' ').nth(4).is_some_and(|place| place.ends_with("/x"));
            assert!(seen.is_empty() || seen.lines().filter(at_x).count() == 2, "{seen}");
            assert_untouched(&outside);
        });
        drop(swapper);
        put_back(&shared, "t");
    }
}

/// CVE-2024-45310: folders and files that a mount's target lacks are made on the host, through a link that was a
/// folder when it was looked at.
#[test]
fn what_a_mounts_target_lacks_is_not_made_on_the_host() {
    let Some(bundle) = Bundle::new() else { return };
    let outside = outside(&bundle);
    let shared = bundle.path("shared");
    std::fs::create_dir_all(shared.join("t")).unwrap();
    std::fs::write(bundle.path("file"), "file").unwrap();
    for (from, to) in [("shared", "/d"), ("file", "/d/t/new/file"), ("shared", "/d/t/new/folder")] {
        bundle.push(
            "mounts",
            json!({ "destination": to, "type": "bind", "source": from, "options": ["bind"] }),
        );
    }
    bundle.process(&["ls", "/d/t"]);
    for link in links(&outside) {
        symlink(link, shared.join("link")).unwrap();
        let swapper = Swapper::start(shared.join("t"), shared.join("link"));
        race_for(ROUNDS / 2, &bundle, |seen| {
            assert!(!seen.contains("secret"), "{seen}");
            assert_untouched(&outside);
            for name in ["t/new", "link/new"] {
                drop(std::fs::remove_dir_all(shared.join(name)));
            }
        });
        drop(swapper);
        put_back(&shared, "t");
    }
}

/// CVE-2019-19921, CVE-2023-27561: `/proc` of the image is a folder or a link, as somebody who shares the image likes,
/// so that what is hidden in it is hidden elsewhere.
#[test]
fn what_is_hidden_in_proc_stays_hidden_while_proc_is_swapped() {
    let Some(bundle) = Bundle::new() else { return };
    let root = bundle.path("rootfs");
    std::fs::create_dir_all(root.join("elsewhere/sys")).unwrap();
    symlink("elsewhere", root.join("link")).unwrap();
    bundle.process(&[
        "sh",
        "-c",
        "for proc in /proc /elsewhere /link; do [ -e $proc/self ] || continue; echo seen; \
         for f in kcore keys timer_list; do head -c 1 $proc/$f | grep -q . && echo open $f; done; \
         (echo 0 > $proc/sys/vm/drop_caches) 2>/dev/null && echo written; done",
    ]);
    let _swapper = Swapper::start(root.join("proc"), root.join("link"));
    race(&bundle, |seen| assert!(!seen.contains("open") && !seen.contains("written"), "{seen}"));
}

/// CVE-2025-31133: the image's `/dev/null`, with which files are hidden, becomes a link to a file that is to be
/// written to.
#[test]
fn what_is_hidden_stays_hidden_while_the_null_device_is_swapped() {
    let Some(bundle) = Bundle::new() else { return };
    let dev = bundle.path("dev");
    std::fs::create_dir(&dev).unwrap();
    std::fs::write(dev.join("null"), "").unwrap();
    symlink("/proc/sys/kernel/core_pattern", dev.join("link")).unwrap();
    bundle.spec(
        "mounts",
        json!([
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "bind", "source": "dev", "options": ["bind"] },
        ]),
    );
    bundle.process(&[
        "sh",
        "-c",
        "head -c 1 /proc/kcore | grep -q . && echo open; cut -d' ' -f4,5 /proc/self/mountinfo | grep core_pattern; \
         for f in /proc/kcore /proc/keys /proc/timer_list; do [ -f $f ] && echo open $f; done",
    ]);
    let _swapper = Swapper::start(dev.join("null"), dev.join("link"));
    race(&bundle, |seen| assert_eq!(seen, ""));
}

/// CVE-2025-52565: the place where the terminal is shown becomes a link into `/proc`.
#[test]
fn a_console_that_is_swapped_for_a_link_leads_nowhere() {
    let Some(bundle) = Bundle::new() else { return };
    let dev = bundle.path("dev");
    std::fs::create_dir_all(dev.join("pts")).unwrap();
    std::fs::write(dev.join("console"), "").unwrap();
    symlink("/proc/sysrq-trigger", dev.join("link")).unwrap();
    std::fs::create_dir(bundle.path("notes")).unwrap();
    bundle.spec(
        "mounts",
        json!([
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "bind", "source": "dev", "options": ["bind"] },
            { "destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["ptmxmode=0666"] },
            { "destination": "/d", "type": "bind", "source": "notes", "options": ["bind"] },
        ]),
    );
    bundle.spec("process/terminal", json!(true));
    bundle.process(&["sh", "-c", "cat /proc/self/mountinfo > /d/mounts"]);
    let socket = bundle.path("console");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    let _swapper = Swapper::start(dev.join("console"), dev.join("link"));
    let (mut made, note) = (0, bundle.path("notes/mounts"));
    for _ in 0..ROUNDS {
        let words = ["run", "-d", "--console-socket", socket.to_str().unwrap(), "yado-test"];
        let good = bundle.runtime().args(words).output().unwrap().status.success();
        // The terminal must be held while the program runs.
        let connection = listener.accept().ok();
        if good {
            let (connection, _) = connection.unwrap();
            let _master = yado_container::receive_console(std::os::fd::AsFd::as_fd(&connection)).unwrap();
            bundle.until("yado-test", "stopped");
            let seen = std::fs::read_to_string(&note).unwrap();
            let shown = |line: &str| line.split(' ').nth(4) == Some("/proc/sysrq-trigger");
            let hides = |line: &str| line.split(' ').nth(5).is_some_and(|options| options.starts_with("ro"));
            assert!(seen.lines().filter(|line| shown(line)).all(hides), "{seen}");
            bundle.ok(&["delete", "yado-test"]);
            made += 1;
        }
    }
    println!("{made} of {ROUNDS} were made");
}
