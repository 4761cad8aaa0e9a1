#!/usr/bin/env python3
"""Whether the truth is told, and nothing is left, when yado or QEMU is killed by SIGKILL at random instants.

  sudo bench/vm_kills.py [--kills 50] [--seed N] [--warm] [--yado PROGRAM] [--json FILE]

A machine of the provider `kvm` is started, suspended, resumed, has a snapshot made, is halted; in turn, yado is killed
after a random part of the command's usual time, or the machine's QEMU is while the command runs. After each kill `status`
must say what QEMU's process says, and the next `up` must lead to a machine that answers, or, where what was kept of its
memory is broken, say so and boot it after `halt`. After every fifth kill the machine is destroyed: no process, no network
interface, no file of it may be left. With --warm, machines go on from a kept boot.

Needs root, qemu-system-x86, qemu-utils and OpenSSH's client. It exits with 1 when something was wrong.
"""
import argparse, json, os, pathlib, random, shutil, subprocess, sys, tempfile, time

VAGRANTFILE = """
Vagrant.configure("2") do |config|
  config.vm.box = "debian/bookworm64"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.network "private_network", ip: "172.31.THIRD.10"
  config.vm.provider("kvm") { |v| v.memory = 256; v.warm_start = WARM }
end
"""
COMMANDS = [["up", "--provider", "kvm"], ["suspend"], ["resume"], ["snapshot", "save", "--force", "here"],
            ["snapshot", "restore", "here"], ["halt"], ["up", "--provider", "kvm"]]


class Ground:
    def __init__(self, program, top, warm):
        self.program, self.project, self.home = program, top / "project", top / "home"
        self.project.mkdir()
        text = VAGRANTFILE.replace("THIRD", str(os.getpid() % 256)).replace("WARM", "true" if warm else "false")
        (self.project / "Vagrantfile").write_text(text)
        self.environment = dict(os.environ, YADO_HOME=str(self.home))

    def start(self, words):
        return subprocess.Popen([self.program, *words], cwd=self.project, env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self, *words):
        done = subprocess.run([self.program, *words], cwd=self.project, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=900)
        return done.returncode, done.stdout + done.stderr

    def ok(self, *words):
        code, said = self.run(*words)
        if code:
            sys.exit(f"yado {' '.join(words)} ended with {code}:\n{said}")
        return said

    def processes(self):
        """QEMUs whose files lie in this home, by what they were started with."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else [b""]
            except OSError:
                continue
            if b"qemu" in words[0] and any(str(self.home).encode() in word for word in words):
                found.append(int(entry.name))
        return found

    def truth(self):
        """Whether what `status` says becomes what is: QEMU may be ending or coming up just now."""
        for _ in range(100):
            said = self.ok("status")
            if ("running (kvm)" in said) == bool(self.processes()):
                return True, said
            time.sleep(0.1)
        return False, said

    def left(self):
        found = [f"process {pid}" for pid in self.processes()]
        found += [str(path) for path in (self.home / "machines").iterdir()]
        return found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options.add_argument("--warm", action="store_true")
    options.add_argument("--yado", default="target/release/yado")
    options.add_argument("--json")
    options = options.parse_args()
    random.seed(options.seed)
    top = pathlib.Path(tempfile.mkdtemp(prefix="yado-vm-kills-", dir="/var/tmp"))
    ground = Ground(str(pathlib.Path(options.yado).resolve()), top, options.warm)
    interfaces = lambda: set(os.listdir("/sys/class/net"))
    wrong, told, kills, missed, again, usual = [], 0, 0, 0, 0, {}
    try:
        for words in COMMANDS:
            begin = time.monotonic()
            ground.ok(*words)
            usual[" ".join(words)] = time.monotonic() - begin
        ground.ok("destroy", "-f")
        before = interfaces()
        turn = 0
        while kills < options.kills:
            words = COMMANDS[turn % len(COMMANDS)]
            turn += 1
            command = ground.start(words)
            time.sleep(random.random() * usual[" ".join(words)])
            running = command.poll() is None
            victim = random.choice(["yado", "qemu"])
            if not running:
                missed += 1
                continue
            if victim == "yado":
                command.kill()
            else:
                for pid in ground.processes():
                    os.kill(pid, 9)
            kills += 1
            command.wait(timeout=900)
            where = f"kill {kills} ({victim} in '{' '.join(words)}')"
            agrees, said = ground.truth()
            if not agrees:
                wrong.append(f"{where}: status says\n{said}")
            code, said = ground.run("up", "--provider", "kvm")
            if code:
                # A memory that was half written is told of, and the machine boots without it.
                again += 1
                ground.run("halt")
                code, said = ground.run("up", "--provider", "kvm")
            inside = (code, "") if code else ground.run("ssh", "-c", "true")
            if inside[0]:
                wrong.append(f"{where}: the machine does not come back:\n{said}{inside[1]}")
            if kills % 5 == 0:
                ground.run("destroy", "-f")
                left = ground.left() + sorted(interfaces() - before)
                if left:
                    wrong.append(f"{where}: left after destroy: {left}")
            print("\n".join([f"{where}: {len(wrong)} wrong so far", *wrong[told:]]), flush=True)
            told = len(wrong)
    finally:
        ground.run("destroy", "-f")
        shutil.rmtree(top, ignore_errors=True)
    print(f"seed {options.seed}: {kills} kills, {missed} came too late and do not count, {again} needed a `halt` before "
          f"`up`, {len(wrong)} wrong")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"kills": kills, "wrong": wrong}, indent=1) + "\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
