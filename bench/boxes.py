#!/usr/bin/env python3
"""Boxes: how long it takes to take one in, and to make one from packages, against those who do the same.

    sudo bench/boxes.py import    [--yado PATH] [--rounds 3] [--json FILE]
    sudo bench/boxes.py bootstrap [--yado PATH] [--suite bookworm] [--json FILE]

`import` packs about 1 GB of this computer's /usr as a `.box` (a gzipped root file system) and as an archive of
`docker save`'s kind, and lets yado and `vagrant box add` take the former, yado, `docker load` and `podman load` (if it is
there) the latter. Then machines are made of the large box and of a tiny one: making one (the step that `--timings` names)
must not depend on the box's size.
`bootstrap` makes a Debian system twice with yado (with nothing at hand, then with the packages cached) and with
`mmdebstrap --variant=minbase`, from the mirror that apt uses here. Commands run in turn; figures are wall time and the
command's own peak memory (Docker works in its daemon, whose memory is not in the figure).
"""
import argparse, hashlib, json, os, pathlib, shutil, statistics, subprocess, sys, tarfile, tempfile, time

ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "VAGRANT_CHECKPOINT_DISABLE": "1"}
for name in ("http_proxy", "https_proxy", "no_proxy"):
    if name in os.environ:
        ENVIRONMENT[name] = os.environ[name]


def run(argv, cwd=None, **environment):
    """Runs a command that must succeed; seconds and peak memory in MiB."""
    begin = time.monotonic()
    with open(os.devnull) as nothing, tempfile.TemporaryFile() as log:
        child = subprocess.Popen(argv, stdin=nothing, stdout=log, stderr=log, cwd=cwd,
                                 env={**ENVIRONMENT, **environment})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            log.seek(0)
            sys.exit(f"{argv}: {child.returncode}\n{log.read().decode(errors='replace')}")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


def pack(folder, size):
    """A tar of /usr's first files, up to this many bytes, and what is made of it."""
    rootfs = folder / "rootfs.tar"
    total = 0
    with tarfile.open(rootfs, "w", format=tarfile.GNU_FORMAT) as archive:
        archive.add("/etc/passwd", "etc/passwd")
        for place, directories, files in os.walk("/usr"):
            directories.sort()
            for name in sorted(files):
                path = os.path.join(place, name)
                if total > size or not (os.path.isfile(path) or os.path.islink(path)):
                    continue
                total += os.lstat(path).st_size
                archive.add(path, path.lstrip("/"), recursive=False)
    digest = hashlib.sha256()
    with open(rootfs, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest.hexdigest()]}})
    (folder / "config.json").write_text(config)
    (folder / "manifest.json").write_text(
        json.dumps([{"Config": "config.json", "RepoTags": ["bench:latest"], "Layers": ["rootfs.tar"]}]))
    (folder / "metadata.json").write_text('{"provider": "lxc", "version": "1.0.0"}')
    subprocess.run(["tar", "-cf", "image.tar", "manifest.json", "config.json", "rootfs.tar"], cwd=folder, check=True)
    subprocess.run(["gzip", "-1k", "rootfs.tar"], cwd=folder, check=True)
    subprocess.run(["tar", "-cf", "bench.box", "metadata.json", "rootfs.tar.gz"], cwd=folder, check=True)
    return total


class Docker:
    def __init__(self, folder):
        self.folder = folder
        self.address = f"unix://{folder}/socket"
        (folder / "daemon.json").write_text("{}")
        log = open(folder / "log", "w")
        self.process = subprocess.Popen(
            ["dockerd", "--config-file", folder / "daemon.json", "--iptables=false", "--ip6tables=false",
             "--bridge=none", "--data-root", folder / "data", "--exec-root", folder / "run",
             "--pidfile", folder / "pid", "--host", self.address], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(300):
            if subprocess.run(["docker", "version"], env={**ENVIRONMENT, "DOCKER_HOST": self.address},
                              capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        sys.exit("dockerd does not answer")

    def run(self, *words):
        return run(["docker", *words], DOCKER_HOST=self.address)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def imports(yado, rounds, size):
    results = {}
    with tempfile.TemporaryDirectory(prefix="yado-bench-") as name:
        folder = pathlib.Path(name)
        total = pack(folder, size)
        docker = None
        try:
            for turn in range(rounds + 1):
                measured = {}
                # Nothing is removed before everything has been measured: for minutes ext4 gives no inode of a removed file
                # to a new one, and passes by every one of them when it looks for a free one.
                ground = folder / f"turn{turn}"
                ground.mkdir()
                docker = Docker(ground)
                for number, (what, source) in enumerate([("yado box add, .box", "bench.box"),
                                                         ("yado box add, plain tar", "rootfs.tar"),
                                                         ("yado box add, image", "image.tar")]):
                    os.sync()
                    measured[what] = run([yado, "box", "add", folder / source, "--name", "a/b"],
                                         YADO_HOME=str(ground / f"home{number}"))
                vagrant = {"VAGRANT_HOME": str(ground / "vagrant"), "HOME": name}
                os.sync()
                measured["vagrant box add"] = run(
                    ["vagrant", "box", "add", folder / "bench.box", "--name", "a/b"], cwd=name, **vagrant)
                os.sync()
                measured["docker load"] = docker.run("load", "-i", str(folder / "image.tar"))
                if shutil.which("podman"):
                    podman = ["podman", "--root", ground / "podman", "--runroot", ground / "podman-run"]
                    os.sync()
                    measured["podman load"] = run([*podman, "load", "-i", folder / "image.tar"])
                docker.stop()
                docker = None
                for what, figures in measured.items() if turn else ():
                    results.setdefault(what, []).append(figures)
            home = folder / "home"
            # A machine of it: what there is to do must not depend on the box's size.
            for box, source in (("large", folder / "rootfs.tar"), ("tiny", folder / "tiny.tar")):
                if box == "tiny":
                    with tarfile.open(source, "w") as archive:
                        archive.add("/usr/bin/busybox", "bin/busybox")
                        archive.add("/etc/passwd", "etc/passwd")
                        link = tarfile.TarInfo("bin/sh")
                        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                        archive.addfile(link)
                project = folder / box
                project.mkdir()
                (project / "Vagrantfile").write_text(
                    f'Vagrant.configure("2") {{ |c| c.vm.box = "a/b"; c.ssh.shell = "sh" }}')
                at = {"YADO_HOME": str(home)}
                run([yado, "box", "add", source, "--name", "a/b"], **at)
                for turn in range(rounds + 1):
                    figures = run([yado, "up", "--timings=trace.json"], cwd=project, **at)
                    run([yado, "destroy", "-f"], cwd=project, **at)
                    if turn:
                        results.setdefault(f"yado up, {box} box", []).append(figures)
                        steps = json.loads((project / "trace.json").read_text())["traceEvents"]
                        making = [step["dur"] for step in steps if step.get("name") == "make the machine"]
                        results.setdefault(f"making a machine, {box} box", []).append((sum(making) / 1e6, 0))
                home = folder / "other-home"
        finally:
            if docker:
                docker.stop()
    return {"bytes": total, "rounds": rounds, "results": summary(results)}


def bootstraps(yado, suite, rounds):
    results, digests = {}, set()
    with tempfile.TemporaryDirectory(prefix="yado-bench-") as name:
        folder = pathlib.Path(name)
        for turn in range(rounds):
            home = folder / "home"
            for what in ("yado, cold", "yado, packages cached"):
                figures = run([yado, "box", "add", f"bootstrap:debian/{suite}"], YADO_HOME=str(home))
                results.setdefault(what, []).append(figures)
                record = next(home.glob("boxes/*/*/*/*/box.json"))
                made = json.loads(record.read_text())
                digests.add(made["digest"])
                run([yado, "box", "remove", made["name"], "--force"], YADO_HOME=str(home))
                run([yado, "box", "prune"], YADO_HOME=str(home))
            shutil.rmtree(home)
            target = folder / "root.tar"
            results.setdefault("mmdebstrap --variant=minbase", []).append(
                run(["mmdebstrap", "--variant=minbase", suite, target]))
            target.unlink()
            target = folder / "root"
            results.setdefault("mmdebstrap --variant=minbase, into a directory", []).append(
                run(["mmdebstrap", "--variant=minbase", suite, target]))
            shutil.rmtree(target)
    return {"suite": suite, "rounds": rounds, "digests": sorted(digests), "results": summary(results)}


def summary(results):
    return {what: {"seconds": round(statistics.median(f[0] for f in figures), 4),
                   "all": [round(f[0], 4) for f in figures],
                   "peak MiB": round(max(f[1] for f in figures), 1)} for what, figures in results.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["import", "bootstrap"])
    parser.add_argument("--yado", default=str(pathlib.Path(__file__).resolve().parent.parent / "target/release/yado"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=1 << 30)
    parser.add_argument("--suite", default="bookworm")
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.what == "import":
        figures = imports(options.yado, options.rounds, options.size)
    else:
        figures = bootstraps(options.yado, options.suite, options.rounds)
    figures["load"] = os.getloadavg()
    print(json.dumps(figures, indent=2))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")


main()
