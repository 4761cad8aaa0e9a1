#!/usr/bin/env python3
"""What is left of containers whose makers are killed, and of a thousand that come and go.

  bench/endurance.py [--kills 200] [--cycles 1000] [--seed N] [--yado PROGRAM]

Kills: a command of a machine's or container's life (`up`, `ssh`, `halt`, `destroy`; `runtime create`, `start`, `exec`,
`kill`, `delete`) is begun, and after a random part of its usual time a random process of the engine that it consists of
is killed by SIGKILL. The next command must succeed, and after `destroy -f` or `delete --force` nothing may be left:
processes, mounts, cgroups, interfaces, rules, files, rows of the state.

Cycles: containers are created, started, killed and deleted, and machines brought up, halted and destroyed; what the
host counts before and after is compared.

Needs root, nft and busybox-static. Everything is made in a folder of its own and under names of its own; it exits with 1
when something was left.
"""
import argparse, json, os, pathlib, random, re, shutil, signal, sqlite3, subprocess, sys, tempfile, time

VAGRANTFILE = """Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.network "private_network", ip: "NETWORK.21"
end
"""


def processes_below(pid):
    """A process and all that come from it, as far as they are still its descendants."""
    found, queue = [], [pid]
    while queue:
        pid = queue.pop()
        found.append(pid)
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                queue += map(int, pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split())
        except OSError:
            pass
    return found


def is_engines(pid, yado):
    """Whether a process still runs the engine's program, and not what was to be run in the container."""
    try:
        return os.path.samefile(f"/proc/{pid}/exe", yado) or os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "yado"
    except OSError:
        return False


class Ground:
    """A folder with a project, a home, a bundle and the runtime's state."""

    def __init__(self, yado, folder):
        self.yado, self.folder, self.id = yado, folder, f"endure-{os.getpid()}"
        self.home, self.project, self.bundle = folder / "home", folder / "project", folder / "bundle"
        self.project.mkdir()
        (self.project / "Vagrantfile").write_text(VAGRANTFILE.replace("NETWORK", f"10.217.{os.getpid() % 250}"))
        root = self.bundle / "rootfs"
        for name in ["bin", "proc", "sys", "dev"]:
            (root / name).mkdir(parents=True)
        shutil.copy("/usr/bin/busybox", root / "bin/busybox")
        for name in ["sleep", "true"]:
            (root / "bin" / name).symlink_to("busybox")
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "YADO_HOME": str(self.home),
                            "LANG": "C.UTF-8", "VAGRANT_SERVER_URL": ""}
        self.ok("runtime", "spec", "-b", str(self.bundle))
        document = json.loads((self.bundle / "config.json").read_text())
        document["process"] |= {"terminal": False, "args": ["sleep", "1000"]}
        document["linux"]["resources"] |= {"pids": {"limit": 50}}
        (self.bundle / "config.json").write_text(json.dumps(document))

    def start(self, *words):
        # Containers keep the outputs that they are given: pipes would never end.
        return subprocess.Popen([self.yado, *words], cwd=self.project, env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=open(self.folder / "errors", "wb"))

    def run(self, *words):
        process = self.start(*words)
        return process.wait(timeout=120), (self.folder / "errors").read_text(errors="replace")

    def ok(self, *words):
        code, errors = self.run(*words)
        if code != 0:
            raise SystemExit(f"yado {' '.join(words)}: exit code {code}\n{errors}")

    def runtime(self, command, *words):
        return ("runtime", "--root", str(self.folder / "state"), command, *words)

    def rows(self):
        """Rows in the state, by table."""
        if not (self.home / "state.sqlite").exists():
            return {}
        with sqlite3.connect(self.home / "state.sqlite") as state:
            names = [row[0] for row in state.execute("select name from sqlite_master where type = 'table'")]
            return {name: state.execute(f'select count(*) from "{name}"').fetchone()[0] for name in names}

    def marks(self):
        """What names of things on the host contain when they are ours."""
        marks = [self.id]
        if (self.home / "state.sqlite").exists():
            with sqlite3.connect(self.home / "state.sqlite") as state:
                for identity, environment in state.execute("select id, environment from machine"):
                    marks += [identity, f"yado-{environment[:8]}"]
        return marks

    def left(self, marks):
        """What there still is of us."""
        found, places = [], [str(self.home), str(self.bundle), str(self.folder / "state")]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                mounts = pathlib.Path(f"/proc/{pid}/mountinfo").read_text()
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            except OSError:
                continue
            if int(pid) != os.getpid() and any(place in mounts or place in words for place in places):
                found.append(f"process {pid}: {' '.join(words)}")
        for folder, folders, _ in os.walk("/sys/fs/cgroup"):
            found += [f"cgroup {folder}/{name}" for name in folders if any(mark in name for mark in marks)]
        found += [f"interface {name}" for name in os.listdir("/sys/class/net") if any(mark in name for mark in marks)]
        rules = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
        found += [f"rules {line}" for line in rules.splitlines() if any(mark in line for mark in marks)]
        for folder in ["machines", "locks", "engine"]:
            for path in (self.home / folder).glob("*"):
                if not path.is_dir() or any(path.iterdir()):
                    found.append(f"file {path}")
        state = self.folder / "state"
        found += [f"record {path}" for path in state.glob("*") if path.name == self.id] if state.exists() else []
        if self.rows().get("machine"):
            found.append("a machine's row")
        return found

    def settled(self, marks):
        """The same, after killed processes had a moment to go."""
        for _ in range(50):
            if not (found := self.left(marks)):
                return []
            time.sleep(0.1)
        return found


def commands(ground):
    """Commands whose maker is killed: what comes before, the command, what comes next and ends it."""
    up, down = ("up",), [("status",), ("destroy", "-f")]
    runtime, identity, bundle = ground.runtime, ground.id, ("--bundle", str(ground.bundle))
    create, begin, end = runtime("create", *bundle, identity), runtime("start", identity), [runtime("list"), runtime("delete", "--force", identity)]
    return [
        ([], up, down), ([up], ("ssh", "-c", "sleep 0.1"), down), ([up], ("halt",), down), ([up], ("destroy", "-f"), down),
        ([], create, end), ([create], begin, end), ([create, begin], runtime("exec", identity, "sleep", "0.05"), end),
        ([create, begin], runtime("kill", identity, "KILL"), end), ([create, begin], runtime("delete", "--force", identity), end),
    ]


def kills(ground, count, chance):
    """Kills until `count` kills met a process alive; by command, how many were tried, met one, and met a child."""
    table, met, failures = commands(ground), {}, []
    usual = []
    for before, command, after in table:
        # The first time takes longer than usual: boxes are prepared, programs are read from disk.
        for _ in range(2):
            for words in before:
                ground.ok(*words)
            begin = time.monotonic()
            ground.run(*command)
            took = time.monotonic() - begin
            for words in after:
                ground.ok(*words)
        usual.append(took)
    number = 0
    while sum(alive for _, alive, _ in met.values()) < count:
        kind, number = number % len(table), number + 1
        before, command, after = table[kind]
        for words in before:
            ground.ok(*words)
        marks = ground.marks()
        process = ground.start(*command)
        time.sleep(chance.random() * usual[kind])
        candidates = [pid for pid in processes_below(process.pid) if is_engines(pid, ground.yado)]
        name = " ".join(word for word in command if word in
                        {"up", "ssh", "halt", "destroy", "create", "start", "exec", "kill", "delete"})
        whole = met.setdefault(name, [0, 0, 0])
        whole[0] += 1
        if candidates and process.poll() is None:
            victim = chance.choice(candidates)
            whole[1] += 1
            whole[2] += victim != process.pid
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait(timeout=120)
        marks += ground.marks()
        for words in after:
            code, errors = ground.run(*words)
            if code != 0:
                failures.append(f"{name}, then {words}: {errors}")
        if found := ground.settled(marks):
            failures.append(f"{name}: left behind: {found}")
            break
    return met, failures


def counts(ground):
    """What the host counts, and must not grow."""
    cgroups = sum(len(folders) for _, folders, _ in os.walk("/sys/fs/cgroup"))
    slab = re.search(r"^Slab:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)
    dying = sum(int(line.split()[1]) for path in pathlib.Path("/sys/fs/cgroup").glob("*/cgroup.stat")
                for line in path.read_text().splitlines() if line.startswith("nr_dying_descendants"))
    return {
        "mounts": len(pathlib.Path("/proc/self/mountinfo").read_text().splitlines()),
        "cgroups": cgroups,
        "cgroups dying": dying,
        "interfaces": len(os.listdir("/sys/class/net")),
        "open files": int(pathlib.Path("/proc/sys/fs/file-nr").read_text().split()[0]),
        "slab KiB": int(slab[1]),
        "processes": sum(name.isdigit() for name in os.listdir("/proc")),
        "rows": sum(ground.rows().values()),
        "files of the home": sum(len(files) for _, _, files in os.walk(ground.home)),
        "KiB of the home": sum(path.lstat().st_blocks for path in ground.home.rglob("*")) // 2,
    }


def cycles(ground, count):
    """Goes through whole lives; the counts before and after, each after a few lives to warm up."""
    runtime, identity = ground.runtime, ground.id

    def life(number):
        ground.ok(*runtime("create", "--bundle", str(ground.bundle), identity))
        ground.ok(*runtime("start", identity))
        ground.ok(*runtime("kill", identity, "KILL"))
        ground.ok(*runtime("delete", "--force", identity))
        if number % 10 == 0:
            for words in [("up",), ("halt",), ("destroy", "-f")]:
                ground.ok(*words)

    for number in range(20):
        life(number)
    before, begin = counts(ground), time.monotonic()
    for number in range(count):
        life(number)
    return before, counts(ground), time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--yado", default=str(pathlib.Path(__file__).resolve().parent.parent / "target/release/yado"))
    arguments = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory(prefix="yado-endurance-") as folder:
        ground = Ground(arguments.yado, pathlib.Path(folder))
        try:
            if arguments.kills:
                met, failures = kills(ground, arguments.kills, random.Random(arguments.seed))
                for name, (tried, alive, others) in met.items():
                    print(f"{name}: {tried} instants, {alive} met it alive, {others} of them hit a process that it had started")
                print("after each, the next command cleaned up and nothing was left" if not failures else "\n".join(failures))
            if arguments.cycles and not failures:
                before, after, seconds = cycles(ground, arguments.cycles)
                print(f"{arguments.cycles} cycles in {seconds:.0f} s")
                for name in before:
                    print(f"  {name}: {before[name]} -> {after[name]}")
        finally:
            ground.run("destroy", "-f")
            ground.run(*ground.runtime("delete", "--force", ground.id))
    sys.exit(bool(failures))


main()
