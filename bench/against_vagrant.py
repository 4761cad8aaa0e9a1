#!/usr/bin/env python3
"""yado against Vagrant: the same Vagrantfile, side by side, in one run.

  bench/against_vagrant.py [--rounds N] [--yado PROGRAM] [--json FILE]

Needs root and Debian's packages vagrant, docker.io and busybox-static (--install gets them). A dockerd of its own is
started in a folder of its own and stopped at the end. Commands are run in turn (yado, vagrant, yado, ...), and what is
compared are medians of whole processes, from exec to exit.

Both make one container from a root file system of one busybox and go through status, up, destroy:
Vagrant with its docker provider, yado with its own engine. Neither downloads anything.
"""
import argparse, json, os, pathlib, platform, shutil, signal, statistics, subprocess, sys, tempfile, time

VAGRANTFILE = """
Vagrant.configure("2") do |config|
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider "docker" do |d|
    d.image = "bench/busybox"
    d.cmd = ["sleep", "infinity"]
    d.stop_timeout = 0
  end
  config.vm.provider "container" do |_, override|
    override.vm.box = "bench/busybox"
  end
end
"""


def run(argv, cwd, env, timeout=300):
    begin = time.perf_counter()
    done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds


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


def start_docker(folder):
    """A dockerd with its state in `folder`; returns it and the address it listens on."""
    address = f"unix://{folder}/docker.sock"
    log = open(folder / "dockerd.log", "w")
    daemon = subprocess.Popen(
        ["dockerd", "-H", address, "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
         "--pidfile", str(folder / "pid"), "--iptables=false", "--ip6tables=false", "--bridge=none"],
        stdout=log, stderr=log)
    for _ in range(150):
        if subprocess.run(["docker", "-H", address, "version"], capture_output=True).returncode == 0:
            return daemon, address
        if daemon.poll() is not None:
            break
        time.sleep(0.2)
    sys.exit("dockerd did not start:\n" + (folder / "dockerd.log").read_text()[-2000:])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--yado", default=str(pathlib.Path(__file__).resolve().parent.parent / "target/release/yado"))
    options.add_argument("--json")
    options.add_argument("--install", action="store_true")
    options = options.parse_args()
    if options.install:
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "vagrant", "docker.io", "busybox-static"], check=True)
    for program in [options.yado, "vagrant", "dockerd", "docker"]:
        shutil.which(program) or sys.exit(f"{program} is not there")

    top = pathlib.Path(tempfile.mkdtemp(prefix="yado-bench-"))
    daemon = None
    try:
        (top / "docker").mkdir()
        daemon, address = start_docker(top / "docker")
        root_file_system(top / "rootfs")
        archive = top / "rootfs.tar"
        subprocess.run(["tar", "-C", str(top / "rootfs"), "--numeric-owner", "-cf", str(archive), "."], check=True)
        subprocess.run(["docker", "-H", address, "import", str(archive), "bench/busybox"], check=True, capture_output=True)

        homes, projects = {}, {}
        for name in ["yado", "vagrant"]:
            projects[name] = top / f"project-{name}"
            projects[name].mkdir()
            (projects[name] / "Vagrantfile").write_text(VAGRANTFILE)
        # Of all the docker programs on PATH, the one that belongs to the daemon.
        base = {"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(top), "LANG": "C.UTF-8"}
        environment = {
            "yado": base | {"YADO_HOME": str(top / "yado-home")},
            "vagrant": base | {"VAGRANT_HOME": str(top / "vagrant-home"), "DOCKER_HOST": address,
                               "VAGRANT_CHECKPOINT_DISABLE": "1"},
        }
        provider = {"yado": "container", "vagrant": "docker"}
        program = {"yado": options.yado, "vagrant": "/usr/bin/vagrant"}
        run([options.yado, "box", "add", str(archive), "--name", "bench/busybox"], top, environment["yado"])

        commands = [("status, not created", ["status"]), ("validate", ["validate"]), ("up", ["up", "--provider", "{}"]),
                    ("status, running", ["status"]), ("destroy -f", ["destroy", "-f"])]
        times = {(who, what): [] for who in program for what, _ in commands}
        for number in range(options.rounds + 1):
            for what, words in commands:
                for who in ["yado", "vagrant"]:
                    argv = [program[who]] + [word.format(provider[who]) for word in words]
                    seconds = run(argv, projects[who], environment[who])
                    if number > 0:  # the first round warms caches and counts for nobody
                        times[who, what].append(seconds)

        median = {key: statistics.median(list_) for key, list_ in times.items()}
        rows = [(what, median["yado", what], median["vagrant", what]) for what, _ in commands]
        rows.append(("up + destroy -f", median["yado", "up"] + median["yado", "destroy -f"],
                     median["vagrant", "up"] + median["vagrant", "destroy -f"]))
        print(f"{'command':<22}{'yado ms':>10}{'vagrant ms':>12}{'times':>8}")
        for what, ours, theirs in rows:
            print(f"{what:<22}{ours * 1000:>10.1f}{theirs * 1000:>12.1f}{theirs / ours:>8.0f}")
        if options.json:
            version = lambda argv: subprocess.run(argv, capture_output=True, text=True, env=base).stdout.strip()
            facts = {"kernel": platform.release(), "cores": os.cpu_count(), "rounds": options.rounds,
                     "vagrant": version(["/usr/bin/vagrant", "--version"]), "docker": version(["/usr/bin/docker", "--version"]),
                     "yado": version([options.yado, "--version"])}
            raw = {f"{who}: {what}": list_ for (who, what), list_ in times.items()}
            pathlib.Path(options.json).write_text(json.dumps({"facts": facts, "seconds": raw}, indent=1) + "\n")
    finally:
        # Also after a failure nothing of the machines may stay.
        project = top / "project-yado"
        if project.is_dir():
            subprocess.run([options.yado, "destroy", "-f"], cwd=project, capture_output=True,
                           env=os.environ | {"YADO_HOME": str(top / "yado-home")})
        if daemon:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()
            subprocess.run(["umount", "-q", "-R", str(top / "docker")], capture_output=True)
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    main()
