#!/usr/bin/env python3
"""What is left of box commands that are killed by SIGKILL at random instants.

  sudo bench/box_kills.py [--kills 100] [--seed N] [--only WORDS] [--yado PROGRAM] [--json FILE]

Commands that download, import, convert and package boxes are begun in turn, each is killed after a random part of its
usual time, and the next run of the same command must finish. Then `box verify` must find every box intact, and there
must be as many layers, boxes and files as after a run that nobody killed: nothing doubled, nothing half made, no process.
A package must have the bytes that it has without kills. Only kills that met a running command count.

Needs root, nginx, qemu-utils, e2fsprogs and busybox-static. Everything is made in a folder of its own; it exits with 1
when something was wrong.
"""
import argparse, hashlib, json, os, pathlib, random, shutil, signal, socket, subprocess, sys, tarfile, tempfile, time

PROGRAMS = ["sh", "cat", "echo", "id", "ls", "mkdir", "rm", "sleep", "su", "true", "env", "pwd", "chown", "chmod"]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked(argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, **options)
    if done.returncode:
        sys.exit(f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}")


def make_root(folder, megabytes, word):
    """busybox, and files of noise that do not compress."""
    for name in ["bin", "etc", "proc", "sys", "dev", "tmp", "root", "home", "usr/share"]:
        (folder / name).mkdir(parents=True)
    shutil.copy("/usr/bin/busybox", folder / "bin/busybox")
    for name in PROGRAMS:
        (folder / "bin" / name).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\n")
    noise = random.Random(word)
    for number in range(megabytes * 8):
        (folder / f"usr/share/{number}").write_bytes(noise.randbytes(128 << 10))


def make_boxes(folder):
    """The same root file system in every form: `.box`, archive of an image with two layers, disk."""
    site = folder / "site"
    site.mkdir()
    root, upper = folder / "root", folder / "upper"
    make_root(root, 40, "lower")
    (upper / "usr/share").mkdir(parents=True)
    (upper / "usr/share/.wh.7").write_text("")
    (upper / "usr/share/more").write_bytes(random.Random("upper").randbytes(8 << 20))
    owners = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name"]
    checked(["tar", "-C", root, *owners, "-cf", folder / "rootfs.tar", "."])
    checked(["tar", "-C", upper, *owners, "-cf", folder / "upper.tar", "."])
    (folder / "metadata.json").write_text('{"provider": "lxc"}')
    checked(["tar", "-czf", site / "a.box", "metadata.json", "rootfs.tar"], cwd=folder)
    layers = ["rootfs.tar", "upper.tar"]
    (folder / "config.json").write_text(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + digest(folder / name) for name in layers]}}))
    (folder / "manifest.json").write_text(json.dumps([{"Config": "config.json", "RepoTags": ["a:b"], "Layers": layers}]))
    checked(["tar", "-cf", site / "image.tar", "manifest.json", "config.json", *layers], cwd=folder)
    raw, disk = folder / "raw", folder / "box.img"
    with open(raw, "wb") as file:
        file.truncate(200 << 20)
    checked(["mke2fs", "-q", "-F", "-t", "ext4", "-d", root, raw])
    checked(["qemu-img", "convert", "-O", "qcow2", raw, disk])
    (folder / "metadata.json").write_text('{"provider": "libvirt", "format": "qcow2", "virtual_size": 1}')
    checked(["tar", "-czf", site / "disk.box", "metadata.json", "box.img"], cwd=folder)
    return site


class Web:
    """nginx, which sends slowly enough to be interrupted."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "web").mkdir()
        at = folder / "web"
        temporary = " ".join(f"{name}_temp_path {at}/{name};" for name in
                             ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        (at / "nginx.conf").write_text(
            f"daemon off; master_process off; user root; pid {at}/pid; error_log {at}/error.log; events {{}} http {{ access_log off; "
            f"{temporary} default_type application/octet-stream; server {{ listen 127.0.0.1:{self.port}; "
            f"root {folder}/site; limit_rate 12m; }} }}")
        self.process = subprocess.Popen(["nginx", "-c", at / "nginx.conf", "-e", at / "error.log", "-p", at],
                                        stdin=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as test:
                if test.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        sys.exit("nginx does not answer")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Case:
    """A command, what has to be done before each of its runs, and what it leaves beside the store."""

    def __init__(self, name, command, before=(), after=(), output=None, is_add=False):
        self.name, self.command, self.before, self.after = name, command, before, after
        self.output, self.is_add = output, is_add
        self.usual, self.expected, self.package = None, None, None


class Ground:
    def __init__(self, yado, folder, port):
        self.yado, self.folder, self.home, self.project = yado, folder, folder / "home", folder / "project"
        self.project.mkdir()
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "YADO_HOME": str(self.home),
                            "LANG": "C.UTF-8", "VAGRANT_SERVER_URL": ""}
        (self.project / "Vagrantfile").write_text(
            f"Vagrant.configure('2') do |c|\n c.ssh.shell = 'sh'\n c.vm.synced_folder '.', '/vagrant', disabled: true\n"
            f" c.vm.define('made') {{ |m| m.vm.box = 'base/box' }}\n"
            f" c.vm.define('new', autostart: false) {{ |m| m.vm.box = 'new/box'; "
            f"m.vm.box_url = 'http://127.0.0.1:{port}/a.box' }}\nend\n")

    def start(self, words):
        with open(self.folder / "output", "wb") as output:
            return subprocess.Popen([self.yado, *words], cwd=self.project, env=self.environment, stdout=output,
                                    stderr=output, stdin=subprocess.DEVNULL)

    def run(self, words):
        code = self.start(words).wait(timeout=300)
        return code, (self.folder / "output").read_text(errors="replace")

    def ok(self, *words):
        code, said = self.run(words)
        if code:
            sys.exit(f"yado {' '.join(words)}: {code}\n{said}")
        return said

    def clean(self, case):
        for words in case.before:
            self.run(words)
        if case.output:
            (self.project / case.output).unlink(missing_ok=True)

    def state(self):
        """What there is: boxes, layers, files of the project, half-made things, processes."""
        found = {"boxes": sorted(self.ok("box", "list").splitlines()),
                 "layers": sorted(path.name for path in (self.home / "layers").iterdir()),
                 "project": sorted(path.name for path in self.project.iterdir()),
                 "downloads": sorted(path.name for path in (self.home / "cache/downloads").iterdir()
                                     if path.suffix != ".lock"),
                 "scratch": sorted(str(path) for path in self.folder.rglob(".scratch-*")
                                   if not path.is_relative_to(self.home / "layers") or path.parent == self.home / "layers")}
        found["processes"] = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                where = os.readlink(f"/proc/{pid}/cwd")
            except OSError:
                continue
            if int(pid) != os.getpid() and (str(self.home).encode() in words or where == str(self.project)):
                found["processes"].append(words.replace(b"\0", b" ").decode(errors="replace"))
        return found

    def settled(self, expected):
        for _ in range(100):
            found = self.state()
            if found == expected:
                break
            # A program that a killed command had started may still be ending.
            time.sleep(0.1)
        return found


def cases(ground, site, port):
    add = lambda source, name: ["box", "add", str(source), "--name", name]
    gone = lambda name: [["box", "remove", name, "--force"]]
    package = lambda more, output: Case(" ".join(["package", *more]), ["package", "made", *more, "--output", output], output=output)
    return [
        Case("box add, from a URL", add(f"http://127.0.0.1:{port}/a.box", "url/box"), gone("url/box"), is_add=True),
        Case("up, with a download", ["up", "new"], [["destroy", "-f", "new"], *gone("new/box")], [["destroy", "-f", "new"]]),
        Case("box add, .box", add(site / "a.box", "file/box"), gone("file/box"), is_add=True),
        Case("box add, image", add(site / "image.tar", "image/box"), gone("image/box"), is_add=True),
        Case("box add, disk", add(site / "disk.box", "disk/box"), gone("disk/box"), is_add=True),
        package([], "package.box"), package(["--format", "oci"], "image.tar"), package(["--format", "libvirt"], "libvirt.box"),
        Case("box repackage", ["box", "repackage", "base/box", "container", "0"], output="package.box"),
    ]


def learn(ground, case):
    """How long it takes, and what there is afterwards, when nobody kills it."""
    for turn in range(2):
        ground.clean(case)
        begin = time.monotonic()
        ground.ok(*case.command)
        case.usual = time.monotonic() - begin
    for words in case.after:
        ground.ok(*words)
    case.expected = ground.state()
    # Disks have random identities in them; everything else comes out the same.
    if case.output and "libvirt" not in case.name:
        case.package = digest(ground.project / case.output)


def kill(ground, case, chance):
    """One kill; `None` when it came too late, else what was wrong."""
    ground.clean(case)
    process = ground.start(case.command)
    time.sleep(chance.random() * case.usual)
    met = process.poll() is None
    process.send_signal(signal.SIGKILL) if met else None
    process.wait()
    if not met:
        return None
    if case.output:
        # Under its own name a package is whole or not there.
        (ground.project / case.output).unlink(missing_ok=True)
    wrong = []
    code, said = ground.run(case.command)
    if code and not (case.is_add and "already exists" in said):
        wrong.append(f"the next run ended with {code}: {said}")
    for words in case.after:
        ground.ok(*words)
    code, said = ground.run(["box", "verify", "-n"])
    if code or said.count("is intact") != len(case.expected["boxes"]):
        wrong.append(f"verify: {said}")
    found = ground.settled(case.expected)
    wrong += [f"{what}: {found[what]} instead of {case.expected[what]}" for what in found if found[what] != case.expected[what]]
    if case.package and digest(ground.project / case.output) != case.package:
        wrong.append("the package has other bytes")
    if "libvirt" in case.name:
        checked(["tar", "-xf", case.output, "-C", str(ground.folder), "box.img"], cwd=ground.project)
        checked(["qemu-img", "check", "-q", ground.folder / "box.img"])
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yado", default=str(pathlib.Path(__file__).resolve().parent.parent / "target/release/yado"))
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--only", default="", help="only the commands that have these words in their names")
    parser.add_argument("--json")
    options = parser.parse_args()
    chance, failed, counts = random.Random(options.seed), 0, {}
    with tempfile.TemporaryDirectory(prefix="yado-box-kills-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        site = make_boxes(folder)
        web = Web(folder)
        ground = Ground(options.yado, folder, web.port)
        try:
            ground.ok("box", "add", str(site / "a.box"), "--name", "base/box")
            ground.ok("up", "made")
            ground.ok("halt", "made")
            todo = [case for case in cases(ground, site, web.port) if options.only in case.name]
            for number, case in enumerate(todo):
                learn(ground, case)
                wanted = options.kills * (number + 1) // len(todo) - options.kills * number // len(todo)
                figures = counts[case.name] = {"usual seconds": round(case.usual, 2), "kills": 0, "too late": 0}
                while figures["kills"] < wanted:
                    wrong = kill(ground, case, chance)
                    figures["too late" if wrong is None else "kills"] += 1
                    if wrong:
                        failed += 1
                        print(f"{case.name}, kill {figures['kills']}:", *wrong, sep="\n  ", flush=True)
                print(f"{case.name}: {figures}", flush=True)
                ground.clean(case)
        finally:
            ground.run(["destroy", "-f"])
            web.stop()
    summary = {"seed": options.seed, "kills": sum(figures["kills"] for figures in counts.values()), "wrong": failed,
               "commands": counts, "load": os.getloadavg()}
    print(json.dumps(summary, indent=2))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(summary, indent=2) + "\n")
    sys.exit(1 if failed else 0)


main()
