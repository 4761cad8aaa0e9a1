#!/usr/bin/env python3
"""The private network of virtual machines and containers, against the same made by hand: throughput and latency.

  sudo bench/vm_network.py [--rounds N] [--megabytes N] [--yado PROGRAM] [--json FILE]

Two virtual machines and a container of one Vagrantfile share a private network. A stream of zeros by TCP and 20 pings go
from the first machine to the second and to the container. By hand means: the same command lines of QEMU with ports on
a bridge that was made by `ip`, and a network namespace on it in place of the container. Both take turns, and nothing of
yado's runs while it is done by hand.

Needs root, qemu-system-x86, qemu-utils, iproute2, perl and OpenSSH's client.
"""
import argparse, json, os, pathlib, re, shutil, statistics, subprocess, tempfile, time

VAGRANTFILE = """
Vagrant.configure("2") do |config|
  config.vm.box = "debian/bookworm64"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider("kvm") { |v| v.memory = 256 }
  ["a", "b"].each_with_index do |name, number|
    config.vm.define(name) { |m| m.vm.network "private_network", ip: "172.24.77.#{number + 11}" }
  end
  config.vm.define("c") { |m| m.vm.network "private_network", ip: "172.24.77.13" }
end
"""
TAKE = ("use IO::Socket::INET; $s=IO::Socket::INET->new(LocalPort=>5001,Listen=>1,ReuseAddr=>1) or die; alarm 600; "
        "$c=$s->accept; while(sysread($c,$b,1<<20)){$n+=length $b} print {$c} \"$n\\n\"; close $c")
SEND = ("use IO::Socket::INET; use POSIX; sub now {(POSIX::times())[0]/100} for(1..200){$s=IO::Socket::INET->new(PeerAddr=>q(%s),"
        "PeerPort=>5001) and last; select undef,undef,undef,0.1} $s or die; $b=now; $z=qq(\\0)x65536; "
        "for(1..%d*16){syswrite($s,$z)} shutdown $s,1; <$s>; print %d/(now()-$b)")


def run(argv, **options):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, **options)
    if done.returncode != 0:
        raise SystemExit(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def measure(enter, beside, megabytes):
    """MB/s and milliseconds from the first machine to the second and to what stands beside it. `enter` runs a script in a
    machine, `beside` is a command line that does so in the container or what takes its place."""
    found = {}
    for name, address, taker in [("VM to VM", "172.24.77.12", enter("b")), ("VM to container", "172.24.77.13", beside)]:
        server = subprocess.Popen([*taker, f"perl -e '{TAKE}'"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        sent = run([*enter("a"), f"perl -e '{SEND % (address, megabytes, megabytes)}'"])
        server.wait(timeout=60)
        pings = run([*enter("a"), f"ping -q -c 20 -i 0.2 {address}"])
        found[f"{name} MB/s"] = float(sent)
        found[f"{name} ms"] = float(re.search(r"= [\d.]+/([\d.]+)/", pings)[1])
    return found


class Yado:
    def __init__(self, program, top):
        self.program, self.project, self.home = program, top / "project", top / "home"
        self.project.mkdir()
        (self.project / "Vagrantfile").write_text(VAGRANTFILE)
        self.environment = dict(os.environ, YADO_HOME=str(self.home))

    def run(self, *words):
        return run([self.program, *words], cwd=self.project, env=self.environment)

    def up(self):
        # Names of machines before --provider's would be for those alone.
        self.run("up", "a", "b", "--provider", "kvm")
        self.run("up", "c", "--provider", "container")

    def enter(self, name):
        return ["env", "-C", str(self.project), f"YADO_HOME={self.home}", self.program, "ssh", name, "-c"]

    def machines(self):
        """The folders of the virtual machines, by name."""
        found = {}
        for folder in (self.home / "machines").iterdir():
            if (folder / "qemu.pid").exists():
                text = (folder / "ssh/host_key.pub").read_text()
                found[text.split()[-1]] = folder
        return found


class ByHand:
    """Copies of what yado's machines are made of, with a bridge and a namespace of their own."""

    def __init__(self, yado, top):
        self.folder, self.argv, self.port = top / "hand", {}, {}
        self.folder.mkdir()
        for name, source in yado.machines().items():
            pid = int((source / "qemu.pid").read_text())
            argv = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
            own = self.folder / name
            own.mkdir()
            words = [re.sub(r"ifname=[^,]+", f"ifname=yhand{name}", word.replace(str(source), str(own))) for word in argv]
            self.argv[name] = words
            self.port[name] = re.search(r"hostfwd=tcp:127\.0\.0\.1:(\d+)-:22", " ".join(argv))[1]
            shutil.copytree(source / "ssh", own / "ssh")
            shutil.copy(source / "seed.img", own / "seed.img")
            info = json.loads(run(["qemu-img", "info", "-U", "--output=json", str(source / "disk.qcow2")]))
            self.backing = info["full-backing-filename"]

    def enter(self, name):
        return ["ssh", "-F", "none", "-p", self.port[name], "-i", str(self.folder / name / "ssh/private_key"),
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
                "-o", "ConnectTimeout=2", "-o", "LogLevel=ERROR", "vagrant@127.0.0.1"]

    def __enter__(self):
        self.processes = []
        for words in ["link add yhand type bridge", "link set yhand up", "netns add yhand",
                      "link add yhandc type veth peer name eth0 netns yhand", "link set yhandc master yhand up",
                      "-n yhand address add 172.24.77.13/24 dev eth0", "-n yhand link set eth0 up", "-n yhand link set lo up"]:
            run(["ip", *words.split()])
        for name, argv in self.argv.items():
            own = self.folder / name
            (own / "disk.qcow2").unlink(missing_ok=True)
            run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", self.backing, str(own / "disk.qcow2")])
            self.processes.append(subprocess.Popen(argv, cwd=own, stdin=subprocess.DEVNULL))
        for name in self.argv:
            for _ in range(600):
                if os.path.exists(f"/sys/class/net/yhand{name}"):
                    break
                time.sleep(0.05)
            run(["ip", "link", "set", f"yhand{name}", "master", "yhand", "up"])
        for name in self.argv:
            begin = time.perf_counter()
            while subprocess.run([*self.enter(name), "true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
                if time.perf_counter() - begin > 600:
                    raise SystemExit("a machine does not answer")
                time.sleep(0.2)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        for words in ["netns delete yhand", "link delete yhand"]:
            subprocess.run(["ip", *words.split()], stderr=subprocess.DEVNULL)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--megabytes", type=int, default=64)
    options.add_argument("--yado", default="target/release/yado")
    options.add_argument("--json")
    options = options.parse_args()
    top = pathlib.Path(tempfile.mkdtemp(prefix="yado-vm-network-", dir="/var/tmp"))
    yado = Yado(str(pathlib.Path(options.yado).resolve()), top)
    rounds = {"yado": [], "by hand": []}
    try:
        yado.up()
        hand = ByHand(yado, top)
        for _ in range(options.rounds):
            rounds["yado"].append(measure(yado.enter, yado.enter("c"), options.megabytes))
            yado.run("halt")
            with hand:
                beside = ["ip", "netns", "exec", "yhand", "sh", "-c"]
                rounds["by hand"].append(measure(hand.enter, beside, options.megabytes))
            yado.run("up")
    finally:
        subprocess.run([yado.program, "destroy", "-f"], cwd=yado.project, env=yado.environment, capture_output=True)
        shutil.rmtree(top, ignore_errors=True)
    print(f"{'':24}{'yado':>9}{'by hand':>9}{'ratio':>7}")
    for name in rounds["yado"][0]:
        own, other = (statistics.median(one[name] for one in rounds[who]) for who in ("yado", "by hand"))
        print(f"{name:24}{own:9.2f}{other:9.2f}{own / other:7.2f}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rounds, indent=1) + "\n")


if __name__ == "__main__":
    main()
