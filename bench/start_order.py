#!/usr/bin/env python3
"""Which functions run in the shortest commands, for the linker, which puts them beside each other.

  CARGO_PROFILE_RELEASE_STRIP=none cargo build --release --target-dir /tmp/named
  sudo bench/start_order.py --yado /tmp/named/release/yado > crates/yado/start_order.ld

Needs root, x86_64, a static busybox and binutils. `yado runtime run` of the bundles that runtime.py has, and then what is
typed most, is run with a breakpoint at each of the program's functions. The first come first, and are mapped at once when
the program begins (crates/yado-container/src/sys/entry.rs). At their head are those that a container's first process
calls, which finds nothing mapped: the kernel maps sixteen pages for it wherever it goes. They are named without what
changes with each build (hashes of crates and of type arguments), so that the list stays true while the code changes: a
function that is new is missing from it, one that is gone matches nothing, and neither does harm.
"""
import argparse, ctypes, os, pathlib, re, shutil, signal, subprocess, sys, tempfile

import runtime
from machines import root_file_system, vagrantfile

TRACEME, PEEKUSER, POKEUSER, CONTINUE, SET_OPTIONS, EVENT_MESSAGE = 0, 3, 6, 7, 0x4200, 0x4201
# Follow what it forks, stop when it becomes another program, kill all when this ends.
OPTIONS = 0x2 | 0x4 | 0x8 | 0x10 | 0x100000
EXEC, INSTRUCTION_POINTER = 4, 16 * 8
BREAKPOINT = 0xCC
TYPED = [["validate"], ["status"], ["up", "--provider", "container"], ["status"], ["ssh", "-c", "true"], ["destroy", "-f"]]
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def functions_of(program):
    """{address: names} of the program's functions."""
    found = {}
    for line in subprocess.run(["readelf", "-sW", program], capture_output=True, text=True).stdout.splitlines():
        words = line.split()
        if len(words) == 8 and words[3] in ("FUNC", "IFUNC") and words[6] != "UND":
            found.setdefault(int(words[1], 16), set()).add(words[7])
    return found


def first_address(program):
    """Where the program begins as it was linked."""
    listed = subprocess.run(["readelf", "-lW", program], capture_output=True, text=True, check=True).stdout
    return min(int(line.split()[2], 16) for line in listed.splitlines() if line.split()[:1] == ["LOAD"])


def load_address(pid, program):
    """How far from there it lies in this process."""
    with open(f"/proc/{pid}/maps") as maps:
        begin = next((int(line.split("-")[0], 16) for line in maps if line.rstrip().endswith(program)), None)
    return None if begin is None else begin - first_address(program)


def trace(program, words, addresses, folder=None, environment=None, copies=None):
    """Which of the functions at these addresses are called, by breakpoints that are taken away when they are met. With a
    set for `copies`, every process is taken for a copy of the one that made it, and what it calls is put there, too."""
    first = os.fork()
    if first == 0:
        null = os.open("/dev/null", os.O_RDWR)
        for number in range(2):
            os.dup2(null, number)
        libc.ptrace(TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.chdir(folder or ".")
        os.execve(program, [program, *words], environment or os.environ)
    os.waitpid(first, 0)
    libc.ptrace(SET_OPTIONS, first, None, OPTIONS)
    libc.ptrace(CONTINUE, first, None, None)
    begin, length = min(addresses), max(addresses) - min(addresses) + 1
    called, bases, message, text, marked = set(), {}, ctypes.c_ulong(), b"", b""
    while True:
        pid, status = os.waitpid(-1, 0x40000000)
        if not os.WIFSTOPPED(status):
            if pid == first:
                if status != 0:
                    sys.exit(f"{' '.join(words)}: status {status}")
                return called
            continue
        stop, event, deliver = os.WSTOPSIG(status), status >> 16, 0
        if event == EXEC:
            bases[pid] = base = load_address(pid, program)
            if base is not None:
                with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
                    text = os.pread(memory.fileno(), length, base + begin)
                    marked = bytearray(text)
                    for address in addresses:
                        marked[address - begin] = BREAKPOINT
                    os.pwrite(memory.fileno(), marked, base + begin)
        elif event:
            libc.ptrace(EVENT_MESSAGE, pid, None, ctypes.addressof(message))
            bases[message.value] = base = bases.get(pid)
            if copies is not None and base is not None:
                with open(f"/proc/{message.value}/mem", "r+b", buffering=0) as memory:
                    os.pwrite(memory.fileno(), marked, base + begin)
        elif stop == signal.SIGTRAP and bases.setdefault(pid, load_address(pid, program)) is not None:
            pointer = libc.ptrace(PEEKUSER, pid, INSTRUCTION_POINTER, None) - 1
            address = pointer - bases[pid]
            called.add(address)
            if copies is not None and pid != first:
                copies.add(address)
            with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
                os.pwrite(memory.fileno(), text[address - begin:address - begin + 1], pointer)
            libc.ptrace(POKEUSER, pid, INSTRUCTION_POINTER, pointer)
        elif stop not in (signal.SIGTRAP, signal.SIGSTOP):
            deliver = stop
        libc.ptrace(CONTINUE, pid, None, deliver)


def lasting(name):
    """The name without what another build has otherwise."""
    name = re.sub(r"17h[0-9a-f]{16}E", "17h*E", name)
    name = re.sub(r"Cs[0-9a-zA-Z]+_", "Cs*_", name)
    name = re.sub(r"\.llvm\.\d+", ".llvm.*", name)
    return re.sub(r"\.\d+$", ".*", name)


def objects_of_the_c_library(names):
    archive = subprocess.run(["cc", "-print-file-name=libc.a"], capture_output=True, text=True, check=True).stdout.strip()
    listed = subprocess.run(["nm", "--defined-only", archive], capture_output=True, text=True).stdout
    found, member = set(), None
    for line in listed.splitlines():
        words = line.split()
        if line.endswith(".o:"):
            member = line[:-1]
        elif len(words) == 3 and words[1] in "tTwWiV" and words[2] in names:
            found.add(member)
    return sorted(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yado", required=True, help="built with its names")
    program = os.path.realpath(parser.parse_args().yado)
    functions = functions_of(program)
    if len(functions) < 10000:
        sys.exit(f"{program} has no names: build it with CARGO_PROFILE_RELEASE_STRIP=none")
    top = pathlib.Path(tempfile.mkdtemp(prefix="yado-bench-"))
    top.chmod(0o755)
    called, first_processes = set(), set()
    try:
        root_file_system(top / "rootfs")
        for number, (kind, _, asked) in enumerate(runtime.KINDS):
            folder = top / f"bundle{number}"
            runtime.bundle(folder, top / "rootfs", **asked)
            words = ["runtime", "--root", str(top / "state"), "run", "-b", str(folder), f"b{number}"]
            called |= trace(program, words, functions.keys(), copies=first_processes)
            print(f"{kind}: {len(called)} functions so far", file=sys.stderr)
        (top / "project").mkdir()
        (top / "project/Vagrantfile").write_text(vagrantfile(1) + "Vagrant.configure('2') { |config| config.ssh.shell = 'sh' }\n")
        subprocess.run(["tar", "-C", str(top / "rootfs"), "--numeric-owner", "-cf", str(top / "root.tar"), "."], check=True)
        environment = os.environ | {"YADO_HOME": str(top / "home")}
        box = [program, "box", "add", str(top / "root.tar"), "--name", "bench/busybox"]
        subprocess.run(box, env=environment, check=True, stdout=subprocess.DEVNULL)
        typed = set()
        for words in TYPED:
            typed |= trace(program, words, functions.keys(), top / "project", environment)
            print(f"{' '.join(words)}: {len(typed)} functions so far", file=sys.stderr)
    finally:
        try:
            # A machine that is left is traced still, and goes when that ends.
            if (top / "project/.yado").exists():
                trace(program, ["destroy", "-f"], functions.keys(), top / "project", environment)
        finally:
            shutil.rmtree(top, ignore_errors=True)
    print("/* What the shortest commands call, side by side: made by bench/start_order.py. */")
    print("SECTIONS {\n  .text.start : {\n    yado_start_order = .;\n    *(.text.yado_start)")
    show(functions, first_processes)
    show(functions, called - first_processes)
    print("    yado_start_order_end = .;")
    show(functions, typed - called)
    print("  }\n} INSERT BEFORE .text;")


def show(functions, addresses):
    """These functions as the linker's patterns."""
    names = {name for address in addresses for name in functions.get(address, ())}
    for member in objects_of_the_c_library(names):
        print(f"    *libc.a:{member}(.text .text.*)")
    for name in sorted({lasting(name) for name in names if name.startswith("_R") or "_ZN" in name}):
        print(f"    *(.text.{name})")


if __name__ == "__main__":
    main()
