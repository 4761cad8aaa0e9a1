#!/usr/bin/env python3
"""Environments of 1, 20 and 100 machines: `up` until every machine is ready, `destroy -f` until nothing is left.

  bench/machines.py [--counts 1,20,100] [--rounds N] [--vagrant] [--density] [--yado PROGRAM] [--json FILE]

Needs root, docker.io and busybox-static; with `--vagrant` Vagrant, whose docker provider does the same (it is slow:
it takes part in the first `--vagrant-rounds` rounds only). All make containers from the root file system of one static
busybox, each running `sleep infinity` or yado's own small init. Docker runs as one command after another and as four
at a time, with a daemon of its own in a network namespace of its own. Commands are run in turn; medians are compared.

`--density` adds what an idle machine costs: memory of its processes (private and its share of the rest), and what the
kernel's own counters rose by.
"""
import argparse, concurrent.futures, json, os, pathlib, platform, shutil, signal, statistics, subprocess, sys, tempfile, time

PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


def cpu_pressure():
    """Seconds so far in which somebody waited for a processor."""
    line = pathlib.Path("/proc/pressure/cpu").read_text().splitlines()[0]
    return int(line.rsplit("total=", 1)[1]) / 1e6


def root_file_system(folder):
    """One static busybox with its applets, a root user and a vagrant user."""
    busybox = shutil.which("busybox") or sys.exit("busybox-static is not installed")
    for name in ["bin", "sbin", "etc", "proc", "sys", "dev", "tmp", "root", "home/vagrant", "usr/bin", "run", "var"]:
        (folder / name).mkdir(parents=True)
    shutil.copy(busybox, folder / "bin/busybox")
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            (folder / "bin" / applet).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nvagrant:x:1000:1000::/home/vagrant:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\nvagrant:x:1000:\n")


class Docker:
    """A dockerd with its state in `folder`, in a network namespace of its own, that knows the image bench/busybox."""

    def __init__(self, folder, root):
        folder.mkdir()
        self.folder, self.address = folder, f"unix://{folder}/docker.sock"
        self.log = open(folder / "dockerd.log", "w")
        daemon = ["dockerd", "-H", self.address, "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
                  "--pidfile", str(folder / "pid")]
        script = 'ip link set lo up; exec "$@"'
        self.daemon = subprocess.Popen(["unshare", "--net", "sh", "-c", script, "sh", *daemon], stdout=self.log,
                                       stderr=self.log, env=os.environ | {"PATH": PATH})
        for _ in range(150):
            if subprocess.run(["/usr/bin/docker", "-H", self.address, "version"], capture_output=True).returncode == 0:
                break
            if self.daemon.poll() is not None:
                sys.exit("dockerd did not start:\n" + (folder / "dockerd.log").read_text()[-2000:])
            time.sleep(0.2)
        archive = folder / "root.tar"
        subprocess.run(["tar", "-C", str(root), "--numeric-owner", "-cf", str(archive), "."], check=True)
        self("import", str(archive), "bench/busybox")

    def __call__(self, *words):
        return subprocess.run(["/usr/bin/docker", "-H", self.address, *words], check=True, capture_output=True, text=True).stdout

    def end(self):
        if names := self("ps", "-aq").split():
            self("rm", "-f", *names)
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait()
        subprocess.run(["umount", "-q", "-R", str(self.folder)], capture_output=True)


def timed(argv, cwd, env):
    begin = time.perf_counter()
    done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    took = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return took


def vagrantfile(count):
    names = " ".join(f"m{number}" for number in range(count))
    return f"""
Vagrant.configure("2") do |config|
  config.vm.synced_folder ".", "/vagrant", disabled: true
  %w[{names}].each do |name|
    config.vm.define name do |machine|
      machine.vm.provider "docker" do |d|
        d.image = "bench/busybox"
        d.cmd = ["sleep", "infinity"]
        d.stop_timeout = 0
      end
      machine.vm.provider "container" do |_, override|
        override.vm.box = "bench/busybox"
      end
    end
  end
end
"""


class Yado:
    def __init__(self, program, top, archive):
        self.program = program
        self.env = {"PATH": PATH, "HOME": str(top), "LANG": "C.UTF-8", "YADO_HOME": str(top / "yado-home")}
        timed([program, "box", "add", str(archive), "--name", "bench/busybox"], top, self.env)

    def up(self, project, count):
        return timed([self.program, "up", "--provider", "container"], project, self.env)

    def destroy(self, project, count):
        return timed([self.program, "destroy", "-f"], project, self.env)


class Vagrant:
    def __init__(self, top, docker):
        self.env = {"PATH": PATH, "HOME": str(top), "LANG": "C.UTF-8", "VAGRANT_HOME": str(top / "vagrant-home"),
                    "DOCKER_HOST": docker.address, "VAGRANT_CHECKPOINT_DISABLE": "1"}

    def up(self, project, count):
        return timed(["/usr/bin/vagrant", "up", "--provider", "docker"], project, self.env)

    def destroy(self, project, count):
        return timed(["/usr/bin/vagrant", "destroy", "-f"], project, self.env)


class PlainDocker:
    """`docker run -d` for each machine, so many at a time; `docker rm -f` of all."""

    def __init__(self, docker, at_once):
        self.docker, self.at_once = docker, at_once

    def up(self, project, count):
        begin = time.perf_counter()
        run = lambda number: self.docker("run", "-d", "--name", f"m{number}", "bench/busybox", "sleep", "infinity")
        with concurrent.futures.ThreadPoolExecutor(self.at_once) as pool:
            list(pool.map(run, range(count)))
        return time.perf_counter() - begin

    def destroy(self, project, count):
        begin = time.perf_counter()
        self.docker("rm", "-f", *[f"m{number}" for number in range(count)])
        return time.perf_counter() - begin


def kernel_kib():
    words = {line.split(":")[0]: int(line.split()[1]) for line in pathlib.Path("/proc/meminfo").read_text().splitlines()}
    return {name: words[name] for name in ["SUnreclaim", "KernelStack", "PageTables"]}


def processes_kib(home):
    """Private and proportional memory of all processes whose cgroup is a machine's, in KiB, and their number."""
    ids = {entry.name for entry in (home / "machines").iterdir()}
    private = shared = count = 0
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if not any(machine in (process / "cgroup").read_text() for machine in ids):
                continue
            lines = (process / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        value = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
        count += 1
        private += value["Private_Clean"] + value["Private_Dirty"]
        shared += value["Pss"]
    return {"processes": count, "private": private, "PSS": shared}


def density(yado, top, count):
    project = top / "density"
    project.mkdir()
    (project / "Vagrantfile").write_text(vagrantfile(count))
    time.sleep(1)
    before = kernel_kib()
    yado.up(project, count)
    time.sleep(1)
    after = kernel_kib()
    found = processes_kib(top / "yado-home")
    yado.destroy(project, count)
    found |= {name: after[name] - before[name] for name in before}
    return {name: value / count for name, value in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", default="1,20")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vagrant", action="store_true")
    parser.add_argument("--vagrant-rounds", type=int, default=2)
    parser.add_argument("--no-docker", action="store_true")
    parser.add_argument("--density", type=int, metavar="COUNT")
    parser.add_argument("--yado", default=str(pathlib.Path(__file__).resolve().parent.parent / "target/release/yado"))
    parser.add_argument("--json")
    options = parser.parse_args()
    options.yado = os.path.abspath(options.yado)
    top = pathlib.Path(tempfile.mkdtemp(prefix="yado-bench-"))
    docker = None
    try:
        root = top / "rootfs"
        root_file_system(root)
        archive = top / "rootfs.tar"
        subprocess.run(["tar", "-C", str(root), "--numeric-owner", "-cf", str(archive), "."], check=True)
        who = {"yado": Yado(options.yado, top, archive)}
        if not options.no_docker or options.vagrant:
            docker = Docker(top / "docker", root)
        if docker and not options.no_docker:
            who |= {"docker, one by one": PlainDocker(docker, 1), "docker, 4 at a time": PlainDocker(docker, 4)}
        if options.vagrant:
            who["vagrant"] = Vagrant(top, docker)
        counts = [int(count) for count in options.counts.split(",")]
        times = {}
        waited, begin = cpu_pressure(), time.perf_counter()
        for count in counts:
            for turn in range(options.rounds + 1):
                for name, contestant in who.items():
                    if turn > (options.vagrant_rounds if name == "vagrant" else options.rounds):
                        continue
                    if count == 1 and name == "docker, 4 at a time":
                        continue
                    project = top / f"{name.split(',')[0]}-{count}"
                    project.mkdir(exist_ok=True)
                    (project / "Vagrantfile").write_text(vagrantfile(count))
                    for command in ["up", "destroy"]:
                        took = getattr(contestant, command)(project, count)
                        if turn > 0:  # the first round warms caches and counts for nobody
                            times.setdefault((count, command, name), []).append(took)
        busy = (cpu_pressure() - waited) / (time.perf_counter() - begin)
        rest = density(who["yado"], top, options.density) if options.density else None
        show(times, busy, rest)
        if options.json:
            facts = {"kernel": platform.release(), "cores": os.cpu_count(), "somebody waited for a processor": round(busy, 2)}
            raw = {f"{count} machines | {command} | {name}": list_ for (count, command, name), list_ in times.items()}
            document = {"facts": facts, "seconds": raw} | ({"KiB per idle machine": rest} if rest else {})
            pathlib.Path(options.json).write_text(json.dumps(document, indent=1) + "\n")
    finally:
        # Also after a failure nothing of the machines may stay.
        for project in top.glob("*/Vagrantfile"):
            subprocess.run([options.yado, "destroy", "-f"], cwd=project.parent, capture_output=True,
                           env=os.environ | {"YADO_HOME": str(top / "yado-home")})
        if docker:
            docker.end()
        shutil.rmtree(top, ignore_errors=True)


def show(times, busy, rest):
    print(f"{'machines':>8}  {'command':<9}{'who':<22}{'median ms':>11}{'ms each':>9}{'min':>9}{'max':>9}{'/ yado':>8}")
    for (count, command, name), list_ in times.items():
        median, ours = statistics.median(list_), statistics.median(times[count, command, "yado"])
        print(f"{count:>8}  {command:<9}{name:<22}{median * 1e3:>11.1f}{median * 1e3 / count:>9.2f}{min(list_) * 1e3:>9.1f}"
              f"{max(list_) * 1e3:>9.1f}{median / ours:>8.1f}")
    print(f"somebody waited for a processor {busy:.0%} of the time")
    if rest:
        print("per idle machine: " + ", ".join(f"{name} {value:.1f}" for name, value in rest.items()) + " (KiB)")


if __name__ == "__main__":
    main()
