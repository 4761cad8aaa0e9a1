#!/usr/bin/env python3
"""How long `yado validate` takes over a folder of Vagrantfiles, and against Vagrant on a few of them in the same run.

  bench/vagrantfiles.py FOLDER [--yado PROGRAM] [--rounds N] [--against N] [--trust] [--json FILE]

Every Vagrantfile at or below FOLDER is read in a copy of its folder. What counts is processor time of the process
(user and system), because machines that measure are seldom idle; wall time is given too. With --against, Vagrant
(if it is installed) validates that many of them, in turn with yado.
"""
import argparse, json, os, pathlib, platform, shutil, statistics, subprocess, tempfile, time


def measure(argv, folder, env):
    begin = time.perf_counter()
    child = subprocess.Popen(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return {"cpu_ms": (usage.ru_utime + usage.ru_stime) * 1000, "wall_ms": (time.perf_counter() - begin) * 1000,
            "peak_kib": usage.ru_maxrss, "status": child.returncode}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--yado", default="yado")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=int, default=0, metavar="N")
    parser.add_argument("--trust", action="store_true", help="let them run programs, as Vagrant does")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    yado = [str(pathlib.Path(shutil.which(options.yado) or options.yado).resolve()), "validate", "-p"]
    yado += ["--trust"] if options.trust else []
    vagrant = shutil.which("vagrant") if options.against else None
    rows = []
    for path in sorted(options.folder.rglob("Vagrantfile")):
        with tempfile.TemporaryDirectory() as room:
            folder = pathlib.Path(room, "project")
            shutil.copytree(path.parent, folder, symlinks=True, ignore_dangling_symlinks=True)
            env = {"PATH": os.environ["PATH"], "HOME": room, "YADO_HOME": room + "/home", "LANG": "C.UTF-8",
                   "VAGRANT_HOME": room + "/vagrant", "VAGRANT_CHECKPOINT_DISABLE": "1"}
            measure(yado, folder, env)
            rounds, others = [], []
            compared = vagrant and sum("vagrant" in row for row in rows) < options.against
            for _ in range(options.rounds):
                rounds.append(measure(yado, folder, env))
                if compared:
                    others.append(measure([vagrant, "validate", "-p"], folder, env))
            middle = lambda runs, key: statistics.median(run[key] for run in runs)
            row = {"case": str(path.parent.relative_to(options.folder)), "status": rounds[0]["status"],
                   **{key: middle(rounds, key) for key in ("cpu_ms", "wall_ms", "peak_kib")}}
            if others and others[0]["status"] == rounds[0]["status"]:
                row["vagrant"] = {key: middle(others, key) for key in ("cpu_ms", "wall_ms", "peak_kib")}
            rows.append(row)
    if not rows:
        raise SystemExit(f"no Vagrantfile at or below {options.folder}")
    for key, unit in (("cpu_ms", "ms of processor time"), ("wall_ms", "ms of wall time"), ("peak_kib", "KiB at most")):
        values = [row[key] for row in rows]
        worst = max(rows, key=lambda row: row[key])
        print(f"{len(rows)} files: median {statistics.median(values):.2f}, worst {worst[key]:.2f} {unit} ({worst['case']})")
    ratios = [row["vagrant"]["wall_ms"] / row["wall_ms"] for row in rows if "vagrant" in row]
    if ratios:
        print(f"against Vagrant on {len(ratios)} of them: {statistics.median(ratios):.0f} times as fast (wall time, median)")
    if options.json:
        host = {"machine": platform.machine(), "kernel": platform.release(), "processors": os.cpu_count()}
        options.json.write_text(json.dumps({"host": host, "rounds": options.rounds, "files": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
