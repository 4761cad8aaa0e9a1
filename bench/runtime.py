#!/usr/bin/env python3
"""`yado runtime run` of /bin/true against the kernel's floor and against other runtimes, in one run.

  bench/runtime.py [--rounds N] [--floor PROGRAM] [--yado PROGRAM] [--docker] [--only WORD] [--json FILE]

Needs root and a static busybox. `--floor` names a program that does what the kernel itself needs and nothing else:
`floor run FLAGS ROOTFS STATEDIR CMD`, with the letters N (network namespace), U (user namespace), M (the OCI set of
mounts), p (/proc alone), s (system call filter), 2 (a cgroup of version 2), 1 (cpu, memory and pids of version 1).
crun and runc take part where they are installed; with `--docker` a dockerd of its own is started for `docker run`.

Commands are run in turn, A B C A B C ..., each from a pause; whole processes are timed from spawn to exit, and what is
compared are medians. The share of time in which somebody waited for a processor is printed with the result.

yado and the floor's program are copied first, each with a single write: a linker leaves a program in memory in its smallest
pieces, until it is read from the disk again, which makes each start of it a twentieth dearer.

The runtimes keep their state in memory, where they have it by default: /run is a tmpfs on every computer that systemd
runs. What they need of a disk is the bundle, which they read.

crun 1.8 refuses machines that have a cgroup v2 tree beside v1: it is run in a mount namespace without that tree.
"""
import argparse, copy, json, os, pathlib, platform, shutil, statistics, subprocess, sys, tempfile, time

from machines import Docker, cpu_pressure, root_file_system

CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
                "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
                "CAP_SYS_CHROOT"]
MOUNTS = [
    ("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    ("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
    ("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
    ("/dev/mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
    ("/sys", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
]
MASKED = ["/proc/kcore", "/proc/timer_list", "/proc/keys", "/proc/interrupts", "/proc/sysrq-trigger"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"]
LIMITS = {"cpu": {"quota": 100000, "period": 100000}, "memory": {"limit": 536870912}, "pids": {"limit": 512}}


def filter_of(count):
    """A profile of the first `count` system calls by name, as default profiles have them."""
    names = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if names.exists():
        words = [line.split() for line in names.read_text().splitlines() if line.startswith("#define __NR_")]
        known = [word[1][len("__NR_"):] for word in words][:count]
    else:
        known = ["read", "write", "execve", "exit_group", "brk", "mmap", "openat", "close", "arch_prctl"]
    return {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": known, "action": "SCMP_ACT_ALLOW"}]}


def bundle(folder, root, *, network=False, mounts=False, seccomp=False, limits=False, user=False):
    """A bundle that asks for the same as the floor's flags."""
    kinds = ["mount", "pid", "uts", "ipc", "cgroup"] + ["network"] * network + ["user"] * user
    config = {
        "ociVersion": "1.0.2", "hostname": "floor", "root": {"path": str(root)},
        "process": {"args": ["/bin/true"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0},
                    "noNewPrivileges": True,
                    "capabilities": {kind: CAPABILITIES for kind in ["bounding", "effective", "permitted"]}},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]}],
        "linux": {"namespaces": [{"type": kind} for kind in kinds]},
    }
    if mounts:
        config["mounts"] += [{"destination": where, "type": kind, "source": kind, "options": options}
                             for where, kind, options in MOUNTS]
        config["linux"] |= {"maskedPaths": MASKED, "readonlyPaths": READ_ONLY}
    if seccomp:
        config["linux"]["seccomp"] = filter_of(300)
    if limits:
        config["linux"]["resources"] = LIMITS
    if user:
        mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        config["linux"] |= {"uidMappings": mapping, "gidMappings": mapping}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))


# Name, the floor's flags (without and with limits the cgroup's letter), what the bundle asks for.
KINDS = [
    ("namespaces", "p2", {}),
    ("namespaces, network", "Np2", {"network": True}),
    ("OCI mounts, filter", "NMs2", {"network": True, "mounts": True, "seccomp": True}),
    ("OCI mounts, filter, user namespace", None, {"network": True, "mounts": True, "seccomp": True, "user": True}),
    ("OCI mounts, filter, limits", "NMs1", {"network": True, "mounts": True, "seccomp": True, "limits": True}),
]


def serve():
    """The part that starts and times commands: one line of JSON in, one out. It is small, and the same for all."""
    if "--without-v2" in sys.argv:
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=False, stderr=subprocess.DEVNULL)
    null = os.open("/dev/null", os.O_RDWR)
    streams = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
    for line in sys.stdin:
        argv = json.loads(line)
        begin = time.perf_counter()
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=streams)
        _, status, usage = os.wait4(pid, 0)
        took = time.perf_counter() - begin
        print(json.dumps([took, usage.ru_utime + usage.ru_stime, status]), flush=True)


class Runner:
    def __init__(self, without_v2):
        prefix = ["unshare", "--mount", "--propagation", "private"] if without_v2 else []
        word = ["--without-v2"] if without_v2 else []
        self.process = subprocess.Popen([*prefix, sys.executable, __file__, "--serve", *word], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, argv):
        self.process.stdin.write(json.dumps(argv) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def memory():
    """A folder in memory for what the runtimes put on record."""
    places = [place for place in ["/run", "/dev/shm"]
              if subprocess.run(["stat", "-fc", "%T", place], capture_output=True, text=True).stdout.strip() == "tmpfs"]
    return pathlib.Path(tempfile.mkdtemp(prefix="yado-bench-", dir=places[0] if places else None))


def contestants(options, top, root, state, docker):
    """(kind, who, argv with {} for a fresh number) of every command."""
    (top / "state").mkdir()
    found = []
    for number, (kind, flags, asked) in enumerate(KINDS):
        if options.only and options.only not in kind:
            continue
        folder = top / f"bundle{number}"
        bundle(folder, root, **asked)
        place = str(folder)
        if options.floor and flags:
            found.append((kind, "floor", [options.floor, "run", flags, str(root), str(top / "state"), "/bin/true"]))
        found.append((kind, "yado", [options.yado, "runtime", "--root", str(state / "yado"), "run", "-b", place, "b{}"]))
        if crun := shutil.which("crun"):
            found.append((kind, "crun", [crun, "--root", str(state / "crun"), "run", "-b", place, "c{}"]))
        if runc := shutil.which("runc"):
            found.append((kind, "runc", [runc, "--root", str(state / "runc"), "run", "-b", place, "r{}"]))
    if docker:
        run = ["/usr/bin/docker", "-H", docker.address, "run", "--rm", "--network", "none"]
        found.append((KINDS[2][0], "docker run", [*run, "bench/busybox", "/bin/true"]))
        limited = ["--cpus", "1", "--memory", "512m", "--memory-swap", "512m", "--pids-limit", "512"]
        found.append((KINDS[4][0], "docker run", [*run, *limited, "bench/busybox", "/bin/true"]))
    return [entry for entry in found if not options.without or entry[1] not in options.without.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds of rest before each command")
    parser.add_argument("--yado", default=str(pathlib.Path(__file__).resolve().parent.parent / "target/release/yado"))
    parser.add_argument("--floor")
    parser.add_argument("--docker", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--without", help="leave these out, as in 'runc,crun'")
    parser.add_argument("--json")
    options = parser.parse_args()
    top, state = pathlib.Path(tempfile.mkdtemp(prefix="yado-bench-")), memory()
    docker, runners = None, {}
    top.chmod(0o755)  # A container's root in a user namespace must find its way to its root file system.
    try:
        root = top / "rootfs"
        root_file_system(root)
        if options.docker:
            docker = Docker(top / "docker", root)
        for who in ["yado", "floor"]:
            if program := getattr(options, who):
                copy_of = top / who
                copy_of.write_bytes(pathlib.Path(program).read_bytes())
                copy_of.chmod(0o755)
                setattr(options, who, str(copy_of))
        commands = contestants(options, top, root, state, docker)
        runners = {True: Runner(True), False: Runner(False)}
        times = {(kind, who): [] for kind, who, _ in commands}
        usage, failures = copy.deepcopy(times), {}
        waited = cpu_pressure()
        begin = time.perf_counter()
        for turn in range(options.rounds + 1):
            for kind, who, argv in commands:
                time.sleep(options.pause)
                line = [word.format(turn) for word in argv]
                took, cpu, status = runners[who == "crun"].run(line)
                if status != 0:
                    failures[kind, who] = failures.get((kind, who), 0) + 1
                elif turn > 0:  # the first round warms caches and counts for nobody
                    times[kind, who].append(took)
                    usage[kind, who].append(cpu)
        busy = (cpu_pressure() - waited) / (time.perf_counter() - begin)
        show(times, usage, failures, busy)
        if options.json:
            facts = {"kernel": platform.release(), "cores": os.cpu_count(), "rounds": options.rounds,
                     "somebody waited for a processor": round(busy, 2)}
            raw = {f"{kind} | {who}": list_ for (kind, who), list_ in times.items()}
            pathlib.Path(options.json).write_text(json.dumps({"facts": facts, "seconds": raw}, indent=1) + "\n")
    finally:
        for runner in runners.values():
            runner.end()
        if docker:
            docker.end()
        for folder in [top, state]:
            shutil.rmtree(folder, ignore_errors=True)


def show(times, usage, failures, busy):
    print(f"{'kind':<36}{'who':<12}{'min ms':>8}{'median':>8}{'p90':>8}{'cpu ms':>8}{'/ floor':>9}{'cpu / fl.':>10}{'yado /':>8}{'cpu':>7}")
    for (kind, who), list_ in times.items():
        if not list_:
            print(f"{kind:<36}{who:<12}  every run failed")
            continue
        median = statistics.median(list_)
        ratio = lambda a, b: f"{a / b:.2f}" if b else "-"
        other = lambda name: statistics.median(times[kind, name]) if times.get((kind, name)) else None
        ours = other("yado")
        cpu_of = lambda name: statistics.median(usage[kind, name]) if usage.get((kind, name)) else None
        cpu, our_cpu = cpu_of(who), cpu_of("yado")
        print(f"{kind:<36}{who:<12}{min(list_) * 1e3:>8.2f}{median * 1e3:>8.2f}{sorted(list_)[len(list_) * 9 // 10] * 1e3:>8.2f}"
              f"{cpu * 1e3:>8.2f}{ratio(median, other('floor')):>9}"
              f"{ratio(cpu, cpu_of('floor')):>10}{ratio(ours, median) if ours else '-':>8}{ratio(our_cpu, cpu) if our_cpu else '-':>7}" + (f"  {failures[kind, who]} failed" if (kind, who) in failures else ""))
    print(f"somebody waited for a processor {busy:.0%} of the time")


if __name__ == "__main__":
    serve() if "--serve" in sys.argv else main()
