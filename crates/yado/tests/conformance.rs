//! The OCI runtime specification, demand by demand: a table of changes to a document and what must come of each. The
//! table is run with yado and, where it is installed, with crun; `docs/oci-conformance.md` says where each demand stands.
//!
//! Skipped, with the reason, without root or busybox.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../yado-container/tests/support/skipped.rs"]
mod skipped;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// What must come of a document.
enum Expected {
    /// The program prints this.
    Prints(&'static str),
    /// No container is made, and the complaint has this word.
    Refused(&'static str),
}
use Expected::{Prints, Refused};

struct Case {
    name: &'static str,
    /// Places in the document and what stands there instead; a place that ends in `+` is a list that gets one more.
    changes: Value,
    line: &'static str,
    expected: Expected,
    /// Why crun, in the version that Debian has, differs.
    crun: Option<&'static str>,
}

fn case(name: &'static str, changes: Value, line: &'static str, expected: Expected) -> Case {
    Case { name, changes, line, expected, crun: None }
}

impl Case {
    fn unlike_crun(mut self, why: &'static str) -> Self {
        self.crun = Some(why);
        self
    }
}

fn processes() -> Vec<Case> {
    let cap = json!(["CAP_KILL"]);
    vec![
        case("process.cwd", json!({ "process/cwd": "/tmp" }), "pwd", Prints("/tmp\n")),
        case("process.cwd is absolute", json!({ "process/cwd": "tmp" }), "true", Refused("cwd"))
            .unlike_crun("it is taken as it is"),
        case("process.env", json!({ "process/env+": "WORD=a b" }), "echo $WORD", Prints("a b\n")),
        case(
            "process.user",
            json!({ "process/user": { "uid": 7, "gid": 8, "additionalGids": [9] } }),
            "id",
            Prints("uid=7 gid=8 groups=9\n"),
        ),
        case("process.user.umask", json!({ "process/user/umask": 0o77 }), "umask", Prints("0077\n")),
        case(
            "process.capabilities",
            json!({ "process/capabilities": { "bounding": cap, "effective": cap, "permitted": cap,
                "inheritable": cap, "ambient": cap } }),
            "grep Cap /proc/self/status | tr -s '0\\n\\t' '0  '",
            Prints("CapInh: 020 CapPrm: 020 CapEff: 020 CapBnd: 020 CapAmb: 020 "),
        ),
        // The specification wants a warning; that one comes is looked at elsewhere.
        case(
            "process.capabilities unknown",
            json!({ "process/capabilities": { "bounding": ["CAP_TEST", "CAP_KILL"] } }),
            "grep CapBnd /proc/self/status | tr -s '0\\t' '0 '",
            Prints("CapBnd: 020\n"),
        ),
        case(
            "process.rlimits",
            json!({ "process/rlimits": [{ "type": "RLIMIT_NOFILE", "soft": 50, "hard": 60 }] }),
            "ulimit -Sn; ulimit -Hn",
            Prints("50\n60\n"),
        ),
        case(
            "process.rlimits twice",
            json!({ "process/rlimits": [{ "type": "RLIMIT_NOFILE", "soft": 50, "hard": 60 },
                { "type": "RLIMIT_NOFILE", "soft": 5, "hard": 6 }] }),
            "true",
            Refused("twice"),
        )
        .unlike_crun("both are set, one after the other"),
        case(
            "process.rlimits unknown",
            json!({ "process/rlimits": [{ "type": "RLIMIT_TEST", "soft": 1, "hard": 1 }] }),
            "true",
            Refused("RLIMIT_TEST"),
        ),
        case(
            "process.noNewPrivileges",
            json!({ "process/noNewPrivileges": false }),
            "grep -o 'NoNewPrivs:.[01]' /proc/self/status | tr -d '\\t'",
            Prints("NoNewPrivs:0\n"),
        ),
        case(
            "process.oomScoreAdj",
            json!({ "process/oomScoreAdj": 99 }),
            "cat /proc/self/oom_score_adj",
            Prints("99\n"),
        ),
        case(
            "process.selinuxLabel",
            json!({ "process/selinuxLabel": "system_u:system_r:x:s0" }),
            "true",
            Refused("elinux"),
        )
        .unlike_crun("the kernel's complaint does not say what about"),
        case("process.apparmorProfile", json!({ "process/apparmorProfile": "x" }), "true", Refused("rmor")),
    ]
}

fn mounts() -> Vec<Case> {
    let tmpfs = |options: Value| json!({ "mounts+": { "destination": "/t", "type": "tmpfs", "source": "s", "options": options } });
    let shown = "grep ' /t ' /proc/self/mountinfo | cut -d' ' -f6";
    vec![
        case(
            "mounts.options noatime",
            tmpfs(json!(["noatime", "nodev"])),
            shown,
            Prints("rw,nodev,noatime\n"),
        ),
        case(
            "mounts.options relatime",
            tmpfs(json!(["noatime", "relatime", "sync", "loud"])),
            shown,
            Prints("rw,relatime\n"),
        )
        .unlike_crun("the kernel refuses what it makes of these words"),
        case(
            "mounts.source",
            tmpfs(json!([])),
            "grep -o ' - tmpfs s ' /proc/self/mountinfo",
            Prints(" - tmpfs s \n"),
        ),
        case(
            "mounts are listed in their order",
            json!({ "mounts+": { "destination": "/t", "source": "/etc", "options": ["bind"] } }),
            "cut -d' ' -f5 /proc/self/mountinfo | grep -x '/dev/shm\\|/sys\\|/t' | sort -u | wc -l;
                cut -d' ' -f5 /proc/self/mountinfo | grep -x '/dev/shm\\|/t' | tail -1",
            Prints("3\n/t\n"),
        ),
        case(
            "mounts.destination counts from the root",
            json!({ "mounts+": { "destination": "t", "type": "tmpfs", "source": "s" } }),
            "ls /t | wc -l",
            Prints("0\n"),
        ),
        case(
            "mounts.options tmpcopyup",
            tmpfs(json!(["tmpcopyup"])),
            "cat /t/below; stat -c %a /t/below",
            Prints("below\n640\n"),
        ),
        case(
            "mounts.options rro",
            json!({ "mounts+": { "destination": "/t", "type": "bind", "source": "rootfs/t", "options": ["rbind", "rro"] } }),
            "touch /t/x 2>/dev/null || echo kept",
            Prints("kept\n"),
        ),
        case(
            "mounts.uidMappings without gidMappings",
            json!({ "mounts+": { "destination": "/t", "type": "bind", "source": "rootfs/t", "options": ["bind"],
                "uidMappings": [{ "containerID": 0, "hostID": 0, "size": 1 }] } }),
            "true",
            Refused("appings"),
        ),
        case("root.path", json!({ "root/path": "missing" }), "true", Refused("missing")),
        case(
            "root.readonly",
            json!({ "root/readonly": true }),
            "touch /x 2>/dev/null || echo kept",
            Prints("kept\n"),
        ),
    ]
}

fn linux() -> Vec<Case> {
    vec![
        case("linux.namespaces twice", json!({ "linux/namespaces+": { "type": "pid" } }), "true", Refused("twice"))
            .unlike_crun("the second one is passed over"),
        case(
            "linux.namespaces of another type",
            json!({ "linux/namespaces+": { "type": "time", "path": "/proc/self/ns/uts" } }),
            "true",
            Refused(""),
        ),
        case("hostname", json!({ "hostname": "named" }), "hostname", Prints("named\n")),
        case("domainname", json!({ "domainname": "area" }), "cat /proc/sys/kernel/domainname", Prints("area\n")),
        case(
            "linux.devices",
            json!({ "linux/devices": [{ "path": "/dev/made", "type": "c", "major": 1, "minor": 3, "fileMode": 384, "uid": 5, "gid": 6 }] }),
            "stat -c '%a %u %g %t %T' /dev/made",
            Prints("600 5 6 1 3\n"),
        ),
        case(
            "linux.devices where something else is",
            json!({ "root/readonly": false, "linux/devices": [{ "path": "/t/below", "type": "c", "major": 1, "minor": 3 }] }),
            "true",
            Refused("/t/below"),
        )
        .unlike_crun("what is there stays"),
        case("linux.sysctl", json!({ "linux/sysctl": { "net.ipv4.ip_forward": "1" } }), "cat /proc/sys/net/ipv4/ip_forward", Prints("1\n")),
        case("linux.sysctl of the host", json!({ "linux/sysctl": { "vm.swappiness": "60" } }), "true", Refused("vm.swappiness")),
        case("linux.maskedPaths", json!({ "linux/maskedPaths": ["/t/below"] }), "cat /t/below | wc -c", Prints("0\n")),
        case("linux.maskedPaths are absolute", json!({ "linux/maskedPaths": ["t"] }), "true", Refused("maskedPaths"))
            .unlike_crun("they are taken as they are"),
        case("linux.readonlyPaths", json!({ "linux/readonlyPaths": ["/t"] }), "touch /t/x 2>/dev/null || echo kept", Prints("kept\n")),
        case(
            "linux.seccomp errnoRet",
            json!({ "linux/seccomp": { "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95 }] } }),
            "mkdir /t/x 2>&1 | grep -o 'not supported'",
            Prints("not supported\n"),
        ),
        case(
            "linux.seccomp errnoRet with an action that has none",
            json!({ "linux/seccomp": { "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{ "names": ["mkdir"], "action": "SCMP_ACT_KILL", "errnoRet": 1 }] } }),
            "true",
            Refused("rrno"),
        ),
        case("linux.personality", json!({ "linux/personality": { "domain": "LINUX32" } }), "uname -m", Prints("i686\n")),
        case("linux.mountLabel", json!({ "linux/mountLabel": "system_u:object_r:x:s0" }), "true", Refused("mountLabel"))
            .unlike_crun("without SELinux it is passed over"),
        case(
            "linux.resources.hugepageLimits of no size",
            json!({ "linux/resources": { "hugepageLimits": [{ "pageSize": "3MB", "limit": 1 }] } }),
            "true",
            Refused("huge"),
        ),
        case("linux.intelRdt", json!({ "linux/intelRdt": { "closID": "x" } }), "true", Refused("dt"))
            .unlike_crun("this version passes it over"),
        case("ociVersion", json!({ "ociVersion": "invalid" }), "true", Refused("ersion")),
        case("unknown properties", json!({ "unknown": { "x": 1 }, "annotations": { "org.example": "" } }), "echo ran", Prints("ran\n")),
        case("hooks.path is absolute", json!({ "hooks": { "poststop": [{ "path": "bin/true" }] } }), "true", Refused("absolute"))
            .unlike_crun("it is not looked at before the hook is run"),
        case("hooks that fail", json!({ "hooks": { "createRuntime": [{ "path": "/bin/false" }] } }), "true", Refused("")),
        case(
            "late hooks that fail",
            json!({ "hooks": { "poststart": [{ "path": "/bin/false" }], "poststop": [{ "path": "/bin/false" }] } }),
            "echo ran",
            Prints("ran\n"),
        ),
    ]
}

fn bundle() -> Option<tempfile::TempDir> {
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/busybox").is_file() {
        skipped::for_want_of_a_peer("conformance", "it needs root and busybox");
        return None;
    }
    let folder = tempfile::Builder::new().prefix("yado-conformance-").tempdir().unwrap();
    let root = folder.path().join("rootfs");
    for name in ["bin", "proc", "sys", "dev", "tmp", "t"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    std::fs::write(root.join("t/below"), "below\n").unwrap();
    std::fs::set_permissions(root.join("t/below"), std::os::unix::fs::PermissionsExt::from_mode(0o640))
        .unwrap();
    std::fs::copy("/usr/bin/busybox", root.join("bin/busybox")).unwrap();
    let list = Command::new("/usr/bin/busybox").arg("--list").output().unwrap();
    for name in String::from_utf8(list.stdout).unwrap().lines().filter(|name| *name != "busybox") {
        symlink("busybox", root.join("bin").join(name)).unwrap();
    }
    let made = Command::new(env!("CARGO_BIN_EXE_yado"))
        .args(["runtime", "spec", "-b"])
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(made.success());
    Some(folder)
}

fn document(folder: &Path, case: &Case) -> Value {
    let text = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    // crun 1.8 takes no later one.
    document["ociVersion"] = json!("1.0.0");
    document["process"]["terminal"] = json!(false);
    // Cases that want a user namespace say so; with one, devices and mounts are made in other ways.
    let linux = document["linux"].as_object_mut().unwrap();
    linux.retain(|name, _| !["uidMappings", "gidMappings", "resources"].contains(&name.as_str()));
    linux["namespaces"].as_array_mut().unwrap().retain(|namespace| namespace["type"] != "user");
    document["process"]["args"] = json!(["sh", "-c", case.line]);
    for (place, value) in case.changes.as_object().unwrap() {
        let (place, more) = place.strip_suffix('+').map_or((place.as_str(), false), |place| (place, true));
        let spot = place.split('/').fold(&mut document, |spot, name| &mut spot[name]);
        if more { spot.as_array_mut().unwrap().push(value.clone()) } else { *spot = value.clone() }
    }
    document
}

/// Cgroups of a container that has ended.
fn left_cgroups(id: &str) -> Vec<PathBuf> {
    let hierarchies = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    let places = hierarchies.flat_map(|hierarchy| {
        [id.to_owned(), format!("yado-{id}"), format!("yado/{id}")].map(|name| hierarchy.path().join(name))
    });
    places.filter(|path| path.is_dir()).collect()
}

/// Runs every case; the names of those that fail, with what came instead. Whatever `must_clear_up` says, no cgroup stays.
fn failures(runtime: &[&str], cases: &[Case], must_clear_up: bool) -> Vec<String> {
    let Some(folder) = bundle() else { return Vec::new() };
    let mut failures = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let place: PathBuf = folder.path().join(format!("case-{number}"));
        std::fs::create_dir(&place).unwrap();
        symlink("../rootfs", place.join("rootfs")).unwrap();
        std::fs::write(place.join("config.json"), document(folder.path(), case).to_string()).unwrap();
        // Two runtimes are tried at the same time, and cgroups are found by their names.
        let who = Path::new(runtime[0]).file_name().unwrap().to_string_lossy();
        let id = format!("yado-case-{}-{who}-{number}", std::process::id());
        let output = Command::new("timeout")
            .args(["-k", "5", "30"])
            .args(runtime)
            .arg("--root")
            .arg(folder.path().join("state"))
            .args(["run", "--bundle"])
            .arg(&place)
            .arg(&id)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let good = match case.expected {
            Prints(wanted) => out == wanted,
            Refused(word) => !output.status.success() && out.is_empty() && err.contains(word),
        };
        if !good {
            failures.push(format!("{}: {out:?} {err:?}", case.name));
        }
        let left = left_cgroups(&id);
        if must_clear_up && !left.is_empty() {
            failures.push(format!("{}: left {left:?}", case.name));
        }
        for path in &left {
            drop(std::fs::remove_dir(path));
        }
    }
    failures
}

fn all() -> Vec<Case> {
    processes().into_iter().chain(mounts()).chain(linux()).collect()
}

#[test]
fn yado_meets_every_demand_of_the_table() {
    let failures = failures(&[env!("CARGO_BIN_EXE_yado"), "runtime"], &all(), true);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// crun takes no hybrid cgroups, so it runs in a mount namespace without the v2 tree.
#[test]
fn crun_does_the_same_where_the_table_says_so() {
    if !Command::new("crun").arg("--version").output().is_ok_and(|output| output.status.success()) {
        skipped::for_want_of_a_peer("conformance of crun", "there is no crun");
        return;
    }
    let line = "umount /sys/fs/cgroup/unified 2>/dev/null; exec crun \"$@\"";
    let cases: Vec<Case> = all().into_iter().filter(|case| case.crun.is_none()).collect();
    let crun = ["unshare", "-m", "sh", "-c", line, "crun"];
    let unexpected = failures(&crun, &cases, false);
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    let cases: Vec<Case> = all().into_iter().filter(|case| case.crun.is_some()).collect();
    let different = failures(&crun, &cases, false);
    // Where it has come to do the same, the table is to say so.
    assert_eq!(different.len(), cases.len(), "{}", different.join("\n"));
}
