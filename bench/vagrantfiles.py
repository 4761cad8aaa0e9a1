#!/usr/bin/env python3
"""How long `yado validate` takes over a folder of Vagrantfiles, and against Vagrant on a few of them in the same run.

  bench/vagrantfiles.py FOLDER [--yado PROGRAM] [--rounds N] [--against N] [--instructions] [--trust] [--json FILE]

Every Vagrantfile at or below FOLDER is read in a copy of its folder. What counts is processor time of the process
(user and system), because machines that measure are seldom idle; wall time is given too, and what starting a program
that does nothing (`/bin/true`) takes here in the same rounds. With --against, Vagrant (if it is installed) validates
that many of them, evenly chosen, in turn with yado. With --instructions, valgrind counts what each file takes, which no
other load disturbs.
"""
import argparse, json, os, pathlib, platform, re, shutil, statistics, subprocess, tempfile, time


def measure(argv, folder, env):
    begin = time.perf_counter()
    child = subprocess.Popen(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return {"cpu_ms": (usage.ru_utime + usage.ru_stime) * 1000, "wall_ms": (time.perf_counter() - begin) * 1000,
            "peak_kib": usage.ru_maxrss, "status": child.returncode}


def instructions(argv, folder, env):
    """How many instructions the process executes, by callgrind; None if it does not run."""
    watched = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *argv]
    ended = subprocess.run(watched, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    counted = re.search(r"Collected : (\d+)", ended.stderr)
    # What a signal ended was counted up to there only.
    return int(counted[1]) if counted and ended.returncode >= 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--yado", default="yado")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=int, default=0, metavar="N")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--trust", action="store_true", help="let them run programs, as Vagrant does")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    yado = [str(pathlib.Path(shutil.which(options.yado) or options.yado).resolve()), "validate", "-p"]
    yado += ["--trust"] if options.trust else []
    vagrant = shutil.which("vagrant") if options.against else None
    rows, idle = [], []
    paths = sorted(options.folder.rglob("Vagrantfile"))
    distance = max(1, len(paths) // options.against) if options.against else 1
    for number, path in enumerate(paths):
        with tempfile.TemporaryDirectory() as room:
            folder = pathlib.Path(room, "project")
            shutil.copytree(path.parent, folder, symlinks=True, ignore_dangling_symlinks=True)
            env = {"PATH": os.environ["PATH"], "HOME": room, "YADO_HOME": room + "/home", "LANG": "C.UTF-8",
                   "VAGRANT_HOME": room + "/vagrant", "VAGRANT_CHECKPOINT_DISABLE": "1"}
            measure(yado, folder, env)
            rounds, others = [], []
            compared = vagrant and number % distance == 0 and number // distance < options.against
            for _ in range(options.rounds):
                idle.append(measure(["/bin/true"], folder, env)["cpu_ms"])
                rounds.append(measure(yado, folder, env))
                if compared:
                    others.append(measure([vagrant, "validate", "-p"], folder, env))
            middle = lambda runs, key: statistics.median(run[key] for run in runs)
            row = {"case": str(path.parent.relative_to(options.folder)), "status": rounds[0]["status"],
                   **{key: middle(rounds, key) for key in ("cpu_ms", "wall_ms", "peak_kib")}}
            if options.instructions:
                row["instructions"] = instructions(yado, folder, env)
            if others and others[0]["status"] == rounds[0]["status"]:
                row["vagrant"] = {key: middle(others, key) for key in ("cpu_ms", "wall_ms", "peak_kib")}
            rows.append(row)
    if not rows:
        raise SystemExit(f"no Vagrantfile at or below {options.folder}")
    for key, unit in (("cpu_ms", "ms of processor time"), ("wall_ms", "ms of wall time"), ("peak_kib", "KiB at most")):
        values = [row[key] for row in rows]
        worst = max(rows, key=lambda row: row[key])
        print(f"{len(rows)} files: median {statistics.median(values):.2f}, worst {worst[key]:.2f} {unit} ({worst['case']})")
    print(f"a program that does nothing: median {statistics.median(idle):.2f} ms of processor time")
    counted = [row for row in rows if row.get("instructions")]
    if counted:
        worst = max(counted, key=lambda row: row["instructions"])
        middle = statistics.median(row["instructions"] for row in counted)
        print(f"{len(counted)} files: median {middle / 1e6:.2f}, worst {worst['instructions'] / 1e6:.2f} million instructions "
              f"({worst['case']})")
    compared = [row for row in rows if "vagrant" in row]
    for key, what in (("cpu_ms", "processor time"), ("wall_ms", "wall time")) if compared else ():
        ratio = statistics.median(row["vagrant"][key] / row[key] for row in compared)
        theirs = statistics.median(row["vagrant"][key] for row in compared)
        print(f"Vagrant on {len(compared)} of them: median {theirs:.0f} ms, {ratio:.0f} times yado's ({what})")
    if options.json:
        host = {"machine": platform.machine(), "kernel": platform.release(), "processors": os.cpu_count()}
        options.json.write_text(json.dumps({"host": host, "rounds": options.rounds, "files": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
