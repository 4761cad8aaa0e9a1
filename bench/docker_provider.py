#!/usr/bin/env python3
"""yado's docker provider against Vagrant's: the same Vagrantfile, the same daemon, side by side.

  bench/docker_provider.py [--rounds N] [--counts 1,20] [--yado PROGRAM] [--json FILE]

Needs root and Debian's packages vagrant, docker.io and busybox-static. A dockerd of its own runs in a folder and a
network namespace of its own and ends with the script. The tools take turns, and what is compared are medians of whole
processes, from exec to exit. `docker run -d` and `docker rm -f` of as many containers at once are the floor.
"""
import argparse, json, os, pathlib, platform, shutil, signal, statistics, subprocess, sys, tempfile, time

VAGRANTFILE = """
Vagrant.configure("2") do |config|
  (1..%d).each do |number|
    config.vm.define "m#{number}" do |machine|
      machine.vm.provider "docker" do |d|
        d.image = "bench"
        d.cmd = ["sh", "-c", "trap exit TERM; while true; do sleep 1 & wait $!; done"]
      end
    end
  end
end
"""


def run(argv, environment, cwd="/", may_fail=False):
    begin = time.perf_counter()
    done = subprocess.run(argv, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    if done.returncode != 0 and not may_fail:
        raise SystemExit(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - begin, done.stdout


def start_docker(top, environment):
    log = open(top / "log", "w")
    daemon = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec dockerd "$@"', "dockerd", "--host", f"unix://{top}/socket",
         "--data-root", f"{top}/data", "--exec-root", f"{top}/run", "--pidfile", f"{top}/pid"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    for _ in range(300):
        if subprocess.run(["docker", "version"], env=environment, capture_output=True).returncode == 0:
            return daemon
        time.sleep(0.2)
    daemon.terminate()
    raise SystemExit("the daemon does not answer:\n" + (top / "log").read_text())


def import_busybox(top, environment):
    root = top / "root"
    for name in ["bin", "etc", "proc", "sys", "dev", "tmp"]:
        (root / name).mkdir(parents=True)
    shutil.copy("/usr/bin/busybox", root / "bin/busybox")
    for command in ["sh", "sleep"]:
        (root / "bin" / command).symlink_to("busybox")
    run(["tar", "-C", str(root), "-cf", str(top / "root.tar"), "."], environment)
    run(["docker", "import", str(top / "root.tar"), "bench"], environment)


def floor(count, environment):
    """All at once, as both tools do it."""
    begin = time.perf_counter()
    started = [subprocess.Popen(["docker", "run", "-d", "--name", f"floor-{number}", "bench", "sh", "-c", "trap exit TERM; while true; do sleep 1 & wait $!; done"],
                                env=environment, stdout=subprocess.DEVNULL) for number in range(count)]
    if any(process.wait() for process in started):
        raise SystemExit("docker run failed")
    up = time.perf_counter() - begin
    down, _ = run(["docker", "rm", "-f"] + [f"floor-{number}" for number in range(count)], environment)
    return up, down


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--counts", default="1,20")
    options.add_argument("--yado", default=str(pathlib.Path(__file__).resolve().parent.parent / "target/release/yado"))
    options.add_argument("--json")
    options = options.parse_args()
    top = pathlib.Path(tempfile.mkdtemp(prefix="yado-bench-"))
    base = {"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(top), "LANG": "C.UTF-8",
            "DOCKER_HOST": f"unix://{top}/socket", "VAGRANT_HOME": f"{top}/vagrant-home", "VAGRANT_CHECKPOINT_DISABLE": "1",
            "YADO_HOME": f"{top}/yado-home"}
    programs = {"vagrant": "/usr/bin/vagrant", "yado": options.yado}
    daemon, seconds = start_docker(top, base), {}
    try:
        import_busybox(top, base)
        for count in map(int, options.counts.split(",")):
            for who in programs:
                (top / f"{who}-{count}").mkdir()
                (top / f"{who}-{count}" / "Vagrantfile").write_text(VAGRANTFILE % count)
            for number in range(options.rounds + 1):
                took = {}
                for who, program in programs.items():
                    project = top / f"{who}-{count}"
                    took[who, "up"], _ = run([program, "up", "--provider", "docker"], base, project)
                    took[who, "status"], said = run([program, "status"], base, project)
                    if said.count("running") < count:
                        raise SystemExit(f"not all machines of {who} run:\n{said}")
                    took[who, "destroy"], _ = run([program, "destroy", "-f"], base, project)
                took["docker", "up"], took["docker", "destroy"] = floor(count, base)
                if number > 0:  # the first round warms caches and counts for nobody
                    for (who, what), value in took.items():
                        seconds.setdefault((count, who, what), []).append(value)
        print(f"{'machines':>8} {'command':<10}{'docker s':>10}{'yado s':>10}{'Vagrant s':>11}{'Vagrant / yado':>16}")
        for count in map(int, options.counts.split(",")):
            for what in ["up", "status", "destroy"]:
                median = lambda who: statistics.median(seconds.get((count, who, what), [float("nan")]))
                print(f"{count:>8} {what:<10}{median('docker'):>10.2f}{median('yado'):>10.2f}{median('vagrant'):>11.2f}"
                      f"{median('vagrant') / median('yado'):>16.1f}")
        if options.json:
            version = lambda argv: subprocess.run(argv, capture_output=True, text=True, env=base).stdout.strip()
            facts = {"kernel": platform.release(), "cores": os.cpu_count(), "rounds": options.rounds, "load": os.getloadavg(),
                     "vagrant": version(["/usr/bin/vagrant", "--version"]), "docker": version(["docker", "--version"]),
                     "yado": version([options.yado, "--version"])}
            raw = {f"{count} {who} {what}": values for (count, who, what), values in seconds.items()}
            pathlib.Path(options.json).write_text(json.dumps({"facts": facts, "seconds": raw}, indent=1) + "\n")
    finally:
        _, left = run(["docker", "ps", "-aq"], base, may_fail=True)
        if left.split():
            run(["docker", "rm", "-f"] + left.split(), base, may_fail=True)
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    main()
