#!/usr/bin/env python3
"""`up` of one virtual machine by yado and by Vagrant's provider for libvirt, from the same box: until SSH answers.

  sudo bench/vagrant_libvirt.py [--rounds N] [--disk IMAGE] [--yado PROGRAM] [--json FILE]

The disk has a boot loader, an SSH server and the key that boxes for Vagrant let in; yado's tests make one (`cargo test
-p yado --test foreign_disks`), which is taken when none is named. Both have the same Vagrantfile with a block for
libvirt (driver `qemu`: emulated), know the box before anything is timed, and put a key of the machine's own in the place
of the shared one. `up` ends when SSH has answered. A third column is yado's own box, whose kernel is handed over.

Needs root, qemu-system-x86, and vagrant-libvirt with a libvirtd that runs and has a pool `default`. On Debian 12 without
systemd, and without what `libvirt-daemon-system` would bring of it:

  apt-get install --no-install-recommends vagrant-libvirt libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients dnsmasq-base
  useradd --system --user-group libvirt-qemu; mkdir -p /var/log/libvirt /run/libvirt /var/lib/libvirt/images
  # /etc/libvirt/qemu.conf: user = "root", group = "root", security_driver = "none", stdio_handler = "file",
  # namespaces = [], cgroup_controllers = []
  libvirtd -d
  virsh -c qemu:///system pool-define-as default dir --target /var/lib/libvirt/images
  virsh -c qemu:///system pool-start default
"""
import argparse, json, os, pathlib, shutil, statistics, subprocess, tarfile, tempfile, time

VAGRANTFILE = """
Vagrant.configure("2") do |config|
  config.vm.box = "BOX"
  config.vm.boot_timeout = 900
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider("libvirt") { |v| v.driver = "qemu"; v.memory = 512; v.cpus = 1 }
end
"""
BOX = "bench/foreign"


def run(argv, **options):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800, **options)
    if done.returncode != 0:
        raise SystemExit(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def pack(disk, top):
    """A box of the provider libvirt with this disk in it."""
    image = top / "box.img"
    run(["qemu-img", "convert", "-O", "qcow2", str(disk), str(image)])
    size = json.loads(run(["qemu-img", "info", "--output=json", str(image)]))["virtual-size"]
    (top / "metadata.json").write_text(json.dumps({"provider": "libvirt", "format": "qcow2", "virtual_size": -(-size >> 30)}))
    with tarfile.open(top / "foreign.box", "w:gz", compresslevel=1) as box:
        for name in ("metadata.json", "box.img"):
            box.add(top / name, name)
    image.unlink()
    return top / "foreign.box"


class Side:
    """A program that takes the same words, with a project and a state of its own."""

    def __init__(self, program, provider, home, box, top, name):
        self.program, self.provider, self.project = program, provider, top / name
        self.project.mkdir()
        (self.project / "Vagrantfile").write_text(VAGRANTFILE.replace("BOX", box))
        self.environment = dict(os.environ, VAGRANT_DEFAULT_PROVIDER=provider, **home)

    def run(self, *words):
        return run([self.program, *words], cwd=self.project, env=self.environment)

    def up(self):
        """Seconds until SSH answers, and what was said."""
        begin = time.perf_counter()
        self.run("up", "--provider", self.provider)
        seconds = time.perf_counter() - begin
        assert self.run("ssh", "-c", "echo in").strip().endswith("in")
        return seconds

    def destroy(self):
        begin = time.perf_counter()
        self.run("destroy", "-f")
        return time.perf_counter() - begin


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--disk", default="target/tmp/foreign-disks-1/vagrant.vmdk")
    options.add_argument("--yado", default="target/release/yado")
    options.add_argument("--json")
    options = options.parse_args()
    top = pathlib.Path(tempfile.mkdtemp(prefix="yado-bench-libvirt-", dir="/var/tmp"))
    yado = str(pathlib.Path(options.yado).resolve())
    state = {"YADO_HOME": str(top / "home")}
    sides = {
        "yado": Side(yado, "kvm", state, BOX, top, "yado"),
        "Vagrant": Side("vagrant", "libvirt", {"VAGRANT_HOME": str(top / "vagrant-home")}, BOX, top, "vagrant"),
        "yado, own box": Side(yado, "kvm", state, "debian/bookworm64", top, "own"),
    }
    figures = {f"{side} {what}": [] for side in sides for what in ("up", "destroy")}
    try:
        box = pack(options.disk, top)
        for side in ("yado", "Vagrant"):
            sides[side].run("box", "add", "--name", BOX, "--provider", "libvirt", str(box))
        box.unlink()
        for number in range(-1, options.rounds):
            for name, side in sides.items():
                up, destroy = side.up(), side.destroy()
                # The first of each makes what the box's machines share.
                if number >= 0:
                    figures[f"{name} up"].append(up)
                    figures[f"{name} destroy"].append(destroy)
                print(f"{number} {name}: {up:.2f} {destroy:.2f}", flush=True)
    finally:
        for side in sides.values():
            subprocess.run([side.program, "destroy", "-f"], cwd=side.project, env=side.environment, capture_output=True)
        shutil.rmtree(top, ignore_errors=True)
    median = {name: statistics.median(values) for name, values in figures.items()}
    for name, value in median.items():
        print(f"{name:24}{value:8.2f} s")
    for what in ("up", "destroy"):
        print(f"{what}: yado takes {median[f'yado {what}'] / median[f'Vagrant {what}']:.2f} times what Vagrant takes, "
              f"{median[f'yado, own box {what}'] / median[f'Vagrant {what}']:.2f} with a box of its own")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
