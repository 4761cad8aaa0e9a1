#!/usr/bin/env python3
"""Virtual machines of yado against the same QEMU command line by hand: from exec to the answer of a command over SSH.

  bench/kvm.py [--rounds N] [--yado PROGRAM] [--json FILE]

Needs root, qemu-system-x86, qemu-utils and OpenSSH's client. yado's box and disk are made before anything is timed. By
hand means: an overlay by qemu-img, QEMU with the options that yado's own process has, and ssh in a loop until a command
answers. Both take turns. Memory is all that QEMU's process has, the guest's own included, once SSH answers. A warm start
is an `up` that goes on from the box's kept boot, which is made before. What a machine computes and writes is timed inside:
a loop of Perl's, SHA-256 of zeros, zeros to a file.
"""
import argparse, json, os, pathlib, re, shutil, signal, statistics, subprocess, tempfile, time

VAGRANTFILE = """
Vagrant.configure("2") do |config|
  config.vm.box = "debian/bookworm64"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider("kvm") { |v| v.memory = 512; v.warm_start = WARM }
end
"""

def timed_inside(work):
    """A command line for the shell that prints the seconds that `work` takes, last."""
    return (f"b=$(date +%s%N); {work}; t=$(( $(date +%s%N) - b )); "
            "printf '%d.%03d' $(( t / 1000000000 )) $(( t / 1000000 % 1000 ))")


# What a small system has: Perl without its modules, dd, sha256sum.
WORK = {
    "loop": timed_inside("perl -e '$x+=$_*2 for 1..3000000'"),
    "hash": timed_inside("dd if=/dev/zero bs=1M count=64 2>/dev/null | sha256sum >/dev/null"),
    "file": timed_inside("dd if=/dev/zero of=/tmp/zeros bs=1M count=64 conv=fsync 2>/dev/null"),
}


def run(argv, **options):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, **options)
    if done.returncode != 0:
        raise SystemExit(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def resident(pid):
    """MiB of a process that are no files."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", text)[1]) / 1024


def process_of(folder):
    return int((folder / "qemu.pid").read_text())


class Yado:
    def __init__(self, program, top):
        self.program, self.project, self.home = program, top / "project", top / "home"
        self.project.mkdir()
        self.warm(False)
        self.environment = dict(os.environ, YADO_HOME=str(self.home))

    def run(self, *words):
        return run([self.program, *words], cwd=self.project, env=self.environment)

    def warm(self, wanted):
        (self.project / "Vagrantfile").write_text(VAGRANTFILE.replace("WARM", "true" if wanted else "false"))

    def timed(self, *commands):
        begin = time.perf_counter()
        for words in commands:
            said = self.run(*words)
        return time.perf_counter() - begin, said

    def machine(self):
        return next(path for path in (self.home / "machines").iterdir())


def by_hand(words, seed, keys, top, number):
    """The same machine from its command line; seconds to the answer, and memory."""
    folder = top / f"hand-{number}"
    folder.mkdir()
    backing = json.loads(run(["qemu-img", "info", "-U", "--output=json", str(top / "yado-disk.qcow2")]))["full-backing-filename"]
    begin = time.perf_counter()
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", backing, str(folder / "disk.qcow2")])
    own = [word.replace(str(words["folder"]), str(folder)) for word in words["argv"]]
    shutil.copy(seed, folder / "seed.img")
    process = subprocess.Popen(own, cwd=folder, stdin=subprocess.DEVNULL)
    port = re.search(r"hostfwd=tcp:127\.0\.0\.1:(\d+)-:22", " ".join(own))[1]
    ssh = ["ssh", "-F", "none", "-p", port, "-i", str(keys / "private_key"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
           "-o", "BatchMode=yes", "-o", "ConnectTimeout=2", "-o", "LogLevel=ERROR", "vagrant@127.0.0.1", "true"]
    while subprocess.run(ssh, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        if time.perf_counter() - begin > 600:
            raise SystemExit("the machine does not answer")
        time.sleep(0.1)
    seconds = time.perf_counter() - begin
    memory = resident(process.pid)
    work = {name: float(run([*ssh[:-1], script])) for name, script in WORK.items()}
    process.send_signal(signal.SIGKILL)
    process.wait()
    shutil.rmtree(folder)
    return seconds, memory, work


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--yado", default="target/release/yado")
    options.add_argument("--json")
    options = options.parse_args()
    top = pathlib.Path(tempfile.mkdtemp(prefix="yado-bench-kvm-", dir="/var/tmp"))
    yado = Yado(str(pathlib.Path(options.yado).resolve()), top)
    names = ["yado", "by hand", "resume", "warm", "yado memory", "by hand memory", "warm memory"]
    figures = {name: [] for name in [*names, *(f"{who} {work}" for work in WORK for who in ("yado", "by hand"))]}
    try:
        yado.run("up", "--provider", "kvm")
        machine = yado.machine()
        argv = pathlib.Path(f"/proc/{process_of(machine)}/cmdline").read_bytes().decode().split("\0")[:-1]
        words = {"argv": argv, "folder": machine}
        keys = top / "keys"
        shutil.copytree(machine / "ssh", keys)
        shutil.copy(machine / "seed.img", top / "seed.img")
        yado.run("halt")
        shutil.copy(machine / "disk.qcow2", top / "yado-disk.qcow2")
        yado.run("destroy", "-f")
        for number in range(options.rounds):
            up = (["up", "--provider", "kvm"], ["ssh", "-c", "true"])
            figures["yado"].append(yado.timed(*up)[0])
            figures["yado memory"].append(resident(process_of(yado.machine())))
            for name, script in WORK.items():
                figures[f"yado {name}"].append(float(yado.run("ssh", "-c", script)))
            yado.run("suspend")
            figures["resume"].append(yado.timed(["resume"], ["ssh", "-c", "true"])[0])
            yado.run("destroy", "-f")
            seconds, memory, work = by_hand(words, top / "seed.img", keys, top, number)
            figures["by hand"].append(seconds)
            figures["by hand memory"].append(memory)
            for name, value in work.items():
                figures[f"by hand {name}"].append(value)
            yado.warm(True)
            if number == 0:
                yado.run("up", "--provider", "kvm")
                yado.run("destroy", "-f")
            seconds, said = yado.timed(*up)
            figures["warm"].append(seconds)
            figures["warm memory"].append(resident(process_of(yado.machine())))
            yado.run("destroy", "-f")
            yado.warm(False)
    finally:
        subprocess.run([yado.program, "destroy", "-f"], cwd=yado.project, env=yado.environment, capture_output=True)
        shutil.rmtree(top, ignore_errors=True)
    median = {name: statistics.median(values) for name, values in figures.items()}
    print(f"{'':18}{'median':>7}{'least':>9}{'most':>9}")
    for name, values in figures.items():
        unit = "MiB" if "memory" in name else "s"
        print(f"{name:16}{median[name]:8.2f} {min(values):8.2f} {max(values):8.2f} {unit}")
    print(f"yado up to an answer by SSH: {median['yado'] / median['by hand']:.2f} times by hand")
    print(f"resume to an answer by SSH: {median['resume'] / median['yado']:.2f} times a boot")
    print(f"warm start to an answer by SSH: {median['warm'] / median['yado']:.2f} times a boot")
    for name in WORK:
        print(f"{name} inside: {median[f'yado {name}'] / median[f'by hand {name}']:.2f} times by hand")
    print(f"memory of QEMU's process: {median['yado memory'] / median['by hand memory']:.2f} times by hand")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
