#!/usr/bin/env python3
"""sysbench in a machine against sysbench beside it: cpu, memory, and files on the overlay.

  bench/overhead.py [--rounds N] [--seconds S] [--size MIB] [--yado PROGRAM] [--json FILE]

Needs root and Debian's sysbench. The machine is made from this computer's own /usr, so that both run the same program.
The files inside lie in the machine's writable layer, those outside on the same file system beside it. To tell what the
kernel's overlay costs from what a machine costs, the same is done on a plain overlay that `mount` makes over the same
file system. All take turns, and who begins changes with each round; what is compared are medians of what sysbench
counts, for each second of processor time that it got: on a machine that does other work at the same time, that still
tells. Where sysbench waits for the disk, as it does for files unless it is told not to, it is counted by the clock.
"""
import argparse, json, os, pathlib, platform, re, shutil, statistics, subprocess, sys, tempfile, time

from machines import cpu_pressure

VAGRANTFILE = """
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.synced_folder ".", "/vagrant", disabled: true
end
"""


def tests(seconds, size):
    """Name, sysbench's arguments, the pattern of the figure. Those "by the clock" wait for the disk."""
    files = f"fileio --file-total-size={size}M --file-num=8 --time={seconds}"
    return [
        ("cpu, events/s", f"cpu --cpu-max-prime=20000 --time={seconds}", r"events per second:\s+([\d.]+)"),
        ("memory, MiB/s", f"memory --memory-block-size=1M --memory-total-size=1T --time={seconds}", r"\(([\d.]+) MiB/sec\)"),
        ("fileio seqrd, reads/s", f"{files} --file-test-mode=seqrd", r"reads/s:\s+([\d.]+)"),
        ("fileio rndrw, reads/s", f"{files} --file-test-mode=rndrw --file-fsync-freq=0 --file-fsync-end=off", r"reads/s:\s+([\d.]+)"),
        ("fileio rndrw by the clock", f"{files} --file-test-mode=rndrw", r"reads/s:\s+([\d.]+)"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--size", type=int, default=128, metavar="MIB")
    parser.add_argument("--yado", default=str(pathlib.Path(__file__).resolve().parent.parent / "target/release/yado"))
    parser.add_argument("--json")
    options = parser.parse_args()
    if not shutil.which("sysbench"):
        sys.exit("sysbench is not installed")
    with tempfile.TemporaryDirectory(prefix="yado-bench-") as top:
        project, outside = pathlib.Path(top) / "project", pathlib.Path(top) / "files"
        overlay = pathlib.Path(top) / "overlay"
        for folder in [project, outside, *(overlay / name for name in ["lower", "upper", "work", "all"])]:
            folder.mkdir(parents=True)
        (project / "Vagrantfile").write_text(VAGRANTFILE)
        environment = dict(os.environ, YADO_HOME=f"{top}/home")
        yado = lambda *words: subprocess.run([os.path.abspath(options.yado), *words], cwd=project, env=environment, check=True,
                                             capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
        places = {
            # A shell of its own counts what it ran, and not what the login shell did before.
            "inside": lambda line: yado("ssh", "-T", "-c", f"mkdir -p ~/files && cd ~/files && sh -c '{line}'"),
            "outside": lambda line: beside(outside, line),
            "overlay": lambda line: beside(overlay / "all", line),
        }
        layers = ",".join(f"{name}dir={overlay / name}" for name in ["lower", "upper", "work"])
        subprocess.run(["mount", "-t", "overlay", "-o", layers, "overlay", str(overlay / "all")], check=True)
        try:
            yado("up")
            found = measure(options, places)
        finally:
            yado("destroy", "-f")
            subprocess.run(["umount", str(overlay / "all")], check=True)
    show(found, options)


def beside(folder, line):
    return subprocess.run(["sh", "-c", line], cwd=folder, check=True, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL).stdout


def measure(options, places):
    kinds = tests(options.seconds, options.size)
    found = {name: {place: [] for place in places} for name, _, _ in kinds}
    for run in places.values():
        run(f"sysbench fileio --file-total-size={options.size}M --file-num=8 prepare")
    waited, begin = cpu_pressure(), time.perf_counter()
    for turn in range(options.rounds + 1):
        order = list(places)[turn % len(places):] + list(places)[:turn % len(places)]
        for name, line, pattern in kinds:
            for place in order:
                # The shell's last line has the processor time of what it ran: in user mode, in the kernel.
                output = places[place](f"sysbench {line} run; times")
                rate = float(re.search(pattern, output).group(1))
                took = float(re.search(r"total time:\s+([\d.]+)s", output).group(1))
                spent = sum(60 * int(minutes) + float(seconds)
                            for minutes, seconds in re.findall(r"(\d+)m([\d.]+)s", output.splitlines()[-1]))
                if turn > 0:  # the first round warms caches and counts for nobody
                    found[name][place].append(rate if "by the clock" in name else rate * took / spent)
    options.busy = (cpu_pressure() - waited) / (time.perf_counter() - begin)
    return found


def show(found, options):
    print(f"{'test':<26}{'outside':>10}{'of pairs: p10':>29}{'median':>8}{'p90':>7}")
    for name, lists in found.items():
        print(f"{name:<26}{statistics.median(lists['outside']):>10.0f}")
        for one, other in [("inside", "outside"), ("overlay", "outside"), ("inside", "overlay")]:
            pairs = sorted(mine / theirs for mine, theirs in zip(lists[one], lists[other]))
            p10, p90 = pairs[len(pairs) // 10], pairs[len(pairs) * 9 // 10]
            print(f"    {one + ' / ' + other:<49}{p10:>12.3f}{statistics.median(pairs):>8.3f}{p90:>7.3f}")
    print(f"somebody waited for a processor {options.busy:.0%} of the time")
    if options.json:
        facts = {"kernel": platform.release(), "cores": os.cpu_count(), "rounds": options.rounds,
                 "somebody waited for a processor": round(options.busy, 2)}
        pathlib.Path(options.json).write_text(json.dumps({"facts": facts, "per second of processor time": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
