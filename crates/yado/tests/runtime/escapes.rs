//! Ways out of containers that were found in runtimes, as behaviour: each must lead nowhere.

use std::os::unix::fs::symlink;

use serde_json::json;

use crate::bundle::{Bundle, text};

/// CVE-2019-5736: a container whose program is the runtime itself must not be able to write to it.
#[test]
fn the_runtimes_own_program_cannot_be_overwritten() {
    let Some(bundle) = Bundle::new() else { return };
    let before = std::fs::read(env!("CARGO_BIN_EXE_yado")).unwrap();
    bundle.spec("root/readonly", json!(false));
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    // Catches the program of whoever enters, holds it, and writes to it when it is not busy any more.
    let script = "for i in $(seq 3000); do for p in /proc/[0-9]*; do [ $p = /proc/$$ ] && continue; \
        exec 9<$p/exe 2>/dev/null && case $(readlink $p/exe) in /bin/busybox) exec 9<&- ;; *) \
        echo caught; sleep 1; echo x 2>/dev/null >/proc/self/fd/9 && echo written; exit ;; esac; done; done";
    let mut catcher = bundle.runtime().args(["exec", "yado-test", "sh", "-c", script]).spawn().unwrap();
    for _ in 0..20 {
        bundle.ok(&["exec", "yado-test", "true"]);
    }
    // And the other trick: the runtime is what is run.
    drop(bundle.runtime().args(["exec", "yado-test", "/proc/self/exe", "--version"]).output().unwrap());
    bundle.ok(&["kill", "yado-test", "KILL"]);
    drop(catcher.wait());
    assert!(std::fs::read(env!("CARGO_BIN_EXE_yado")).unwrap() == before, "the program was changed");
}

/// CVE-2019-5736: the container that runs the runtime as its program gets the step in between, which does nothing by itself; the
/// runtime would print its version and end well.
#[test]
fn a_container_that_runs_itself_does_not_find_the_runtime() {
    let Some(bundle) = Bundle::new() else { return };
    for program in ["/proc/self/exe", "/proc/1/exe"] {
        bundle.process(&[program, "--version"]);
        let output = bundle.runtime().args(["run", "yado-test"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{program}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{program}");
    }
}

/// Before it is started a container's first process is still the runtime's, and nobody inside may look into it.
#[test]
fn the_waiting_first_process_is_closed_to_those_inside() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["create", "yado-test"]);
    for file in ["exe", "root", "cwd", "fd"] {
        let path = format!("/proc/1/{file}");
        let seen = bundle.runtime().args(["exec", "yado-test", "ls", "-l", &path]).output().unwrap();
        assert!(
            !seen.status.success() || !String::from_utf8_lossy(&seen.stdout).contains("->"),
            "{path}: {seen:?}"
        );
    }
}

/// CVE-2024-21626: neither a working directory nor a descriptor leads to the host.
#[test]
fn no_descriptor_of_the_host_is_within_reach() {
    let Some(bundle) = Bundle::new() else { return };
    for number in 0..20 {
        bundle.process(&["ls", "../../../../.."]);
        bundle.spec("process/cwd", json!(format!("/proc/self/fd/{number}")));
        bundle.fails(&["run", "yado-test"]);
    }
    bundle.spec("process/cwd", json!("/"));
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    for number in 0..20 {
        let place = format!("/proc/self/fd/{number}");
        bundle.fails(&["exec", "--cwd", &place, "yado-test", "true"]);
    }
    let open = bundle.ok(&["exec", "yado-test", "sh", "-c", "echo /proc/self/fd/*"]);
    assert_eq!(
        open.trim(),
        "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3",
        "3 is the listing's own"
    );
}

/// CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: what is hidden in `/proc` and `/sys` would stay in sight if they were
/// mounted where a link of the image leads.
#[test]
fn kernel_file_systems_are_not_mounted_through_links() {
    for name in ["proc", "sys"] {
        let Some(bundle) = Bundle::new() else { return };
        let root = bundle.path("rootfs");
        std::fs::remove_dir(root.join(name)).unwrap();
        std::fs::create_dir(root.join("elsewhere")).unwrap();
        symlink("/elsewhere", root.join(name)).unwrap();
        assert!(bundle.fails(&["run", "yado-test"]).contains("ordinary directory"), "{name}");
    }
}

/// CVE-2019-16884, CVE-2025-52881: a folder of somebody's choice lies over `/proc` or a part of it, and what is written
/// to set the container up (labels, parameters, scores) goes there: into nothing, or by links to the host's kernel.
#[test]
fn nothing_is_written_through_a_false_proc() {
    let parameter = "net.ipv4.ip_forward";
    for (place, file) in [
        ("/proc", "sys/net/ipv4/ip_forward"),
        ("/proc/sys", "net/ipv4/ip_forward"),
        ("/proc/sys/net", "ipv4/ip_forward"),
        ("/proc/self", "oom_score_adj"),
        ("/proc/self/attr", "exec"),
    ] {
        let Some(bundle) = Bundle::new() else { return };
        let marker = bundle.path("marker");
        std::fs::write(&marker, "untouched").unwrap();
        let link = bundle.path("false").join(file);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        // Leads to the host's file before the container has its root, and to one of its own afterwards.
        symlink(&marker, &link).unwrap();
        std::fs::create_dir_all(
            bundle.path("rootfs").join(marker.parent().unwrap().strip_prefix("/").unwrap()),
        )
        .unwrap();
        let inner = bundle.path("rootfs").join(marker.strip_prefix("/").unwrap());
        std::fs::write(&inner, "untouched").unwrap();
        bundle.push(
            "mounts",
            json!({ "destination": place, "type": "bind", "source": "false", "options": ["bind"] }),
        );
        bundle.spec("linux/sysctl", json!({ parameter: "1" }));
        bundle.spec("process/oomScoreAdj", json!(321));
        // A true one, to see what came of it.
        bundle.push("mounts", json!({ "destination": "/t", "type": "proc", "source": "proc" }));
        bundle.process(&["cat", "/t/sys/net/ipv4/ip_forward", "/t/self/oom_score_adj"]);
        let output = bundle.runtime().args(["run", "yado-test"]).output().unwrap();
        for file in [&marker, &inner] {
            assert_eq!(
                std::fs::read_to_string(file).unwrap(),
                "untouched",
                "{place}: {}",
                text(&output.stderr)
            );
        }
        let seen = text(&output.stdout);
        assert!(seen == "1\n321\n" || !output.status.success(), "{place}: {seen}");
    }
}

/// Links in the image, also ones that lead upward, catch no mount of the host.
#[test]
fn mount_targets_stay_in_the_tree() {
    let Some(bundle) = Bundle::new() else { return };
    let outside = bundle.path("outside");
    std::fs::create_dir(&outside).unwrap();
    let root = bundle.path("rootfs");
    symlink(format!("../../../../../../..{}", outside.display()), root.join("out")).unwrap();
    symlink(&outside, root.join("top")).unwrap();
    for place in ["/out/made", "/top/made"] {
        bundle.push("mounts", json!({ "destination": place, "type": "tmpfs", "source": "tmpfs" }));
    }
    bundle.process(&["cat", "/proc/self/mountinfo"]);
    let mounts = bundle.ok(&["run", "yado-test"]);
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0, "{mounts}");
    let host = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!host.contains(root.to_str().unwrap()));
}

/// CVE-2025-31133, CVE-2025-52565: a link at `/dev/console` or `/dev/null` is neither mounted on nor hidden with.
#[test]
fn links_in_dev_lead_nowhere() {
    let Some(bundle) = Bundle::new() else { return };
    let dev = bundle.path("dev");
    std::fs::create_dir(&dev).unwrap();
    symlink("/proc/sys/kernel/core_pattern", dev.join("console")).unwrap();
    symlink("/proc/sysrq-trigger", dev.join("null")).unwrap();
    std::fs::create_dir(dev.join("pts")).unwrap();
    bundle.spec(
        "mounts",
        json!([
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "bind", "source": "dev", "options": ["bind"] },
            { "destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["ptmxmode=0666"] },
        ]),
    );
    bundle.spec("process/terminal", json!(true));
    assert!(bundle.fails(&["run", "yado-test"]).contains("/dev/console"));
    bundle.spec("process/terminal", json!(false));
    bundle.process(&[
        "sh",
        "-c",
        "head -c 1 /proc/kcore | wc -c; grep -c sysrq-trigger /proc/self/mountinfo",
    ]);
    let output = bundle.runtime().args(["run", "yado-test"]).output().unwrap();
    assert!(text(&output.stdout).starts_with("0\n"), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// CVE-2022-0492: the kernel's switches that run programs on the host cannot be written, nor can cgroups be left or used for that.
#[test]
fn the_hosts_kernel_cannot_be_told_anything() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&[
        "sh",
        "-c",
        "for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sysrq-trigger /proc/sys/vm/drop_caches \
         /sys/kernel/uevent_helper $(find /sys/fs/cgroup -name release_agent -o -name cgroup.procs -o -name tasks); do \
         [ -e $f ] || continue; (echo 0 > $f) 2>/dev/null && echo wrote $f; done; \
         mkdir /tmp/c 2>/dev/null; mount -t cgroup -o memory x /tmp/c 2>/dev/null && echo mounted; \
         unshare -Ur true 2>/dev/null && echo unshared; mount -t proc x /tmp 2>/dev/null && echo proc; \
         cat /proc/keys /proc/timer_list | wc -c; echo end",
    ]);
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    assert_eq!(bundle.ok(&["run", "yado-test"]), "0\nend\n");
    assert_eq!(std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap(), pattern);
}

/// What hides a file is the host's `/dev/null`; from inside, its owner and mode stay as they are.
#[test]
fn masks_give_no_hold_on_the_hosts_null_device() {
    let Some(bundle) = Bundle::new() else { return };
    // The mode is the one that it has.
    bundle.process(&["sh", "-c", "chmod 0666 /proc/keys 2>&1; echo x > /proc/keys && wc -c < /proc/keys"]);
    let seen = bundle.ok(&["run", "yado-test"]);
    assert!(seen.contains("Read-only file system") && seen.ends_with("0\n"), "{seen}");
}
