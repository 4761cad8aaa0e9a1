#!/usr/bin/env python3
"""What `cpus = 0.5` does to a CPU-bound program: the same loop in two machines, one limited, in turn.

  bench/cpu_limit.py [--rounds N] [--yado PROGRAM]

Needs root. The machines are made from this computer's own /usr. What is compared are medians of the loops' rates; the
limited one should be half of the other.
"""
import argparse, os, pathlib, statistics, subprocess, tempfile, time

VAGRANTFILE = """
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.define "free"
  config.vm.define "half" do |machine|
    machine.vm.provider("container") { |container| container.cpus = 0.5 }
  end
end
"""
# Counts for two seconds of wall time and prints how far it came.
LOOP = "perl -MTime::HiRes=time -e '$e=time+2; do { $n++ for 1..10000; $c++ } while time < $e; print $c'"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--yado", default=str(pathlib.Path(__file__).resolve().parent.parent / "target/release/yado"))
    options = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="yado-bench-") as top:
        project = pathlib.Path(top) / "project"
        project.mkdir()
        (project / "Vagrantfile").write_text(VAGRANTFILE)
        environment = dict(os.environ, YADO_HOME=f"{top}/home")
        yado = lambda *words: subprocess.run([options.yado, *words], cwd=project, env=environment, check=True,
                                             capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
        yado("up")
        try:
            rates = {"free": [], "half": []}
            for _ in range(options.rounds):
                for machine, list_ in rates.items():
                    list_.append(int(yado("ssh", machine, "-T", "-c", LOOP)))
                    time.sleep(0.2)
        finally:
            yado("destroy", "-f")
    free, half = statistics.median(rates["free"]), statistics.median(rates["half"])
    print(f"unlimited {free:.0f}, cpus = 0.5 {half:.0f}: ratio {half / free:.2f}   (rounds: {rates})")


if __name__ == "__main__":
    main()
