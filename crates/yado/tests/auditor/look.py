"""What a process inside a container finds that it could do to the host, as JSON on standard output.

It knows nothing of who made the container: it only tries. Every system call is tried in a process of its own, with
arguments that mean nothing, so that it does nothing either: what is refused says so (EPERM, EACCES, ENOSYS) before it
looks at them, and everything else has reached the kernel's code.
"""

import ctypes
import errno
import json
import os
import signal
import stat

LIBRARY = ctypes.CDLL(None, use_errno=True)
REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS)
# sync(2) takes no arguments and would wait for all disks of the host.
SYNC = 162 if os.uname().machine == "x86_64" else 81
LAST_CALL = 480


def is_refused(number, *arguments):
    """Whether a system call is refused."""
    child = os.fork()
    if child == 0:
        # What waits is let in.
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
        result = LIBRARY.syscall(ctypes.c_long(number), *words)
        os._exit(ctypes.get_errno() if result == -1 else 0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGSYS
    return os.WEXITSTATUS(status) in REFUSALS


def special_calls():
    """Calls that depend on their arguments."""
    new = {"mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000,
           "pid": 0x20000000, "net": 0x40000000}
    x86 = os.uname().machine == "x86_64"
    unshare, clone, socket, personality = (272, 56, 41, 135) if x86 else (97, 220, 198, 92)
    add_key, request_key, keyctl = (248, 249, 250) if x86 else (217, 218, 219)
    calls = {f"unshare({name})": (unshare, flag) for name, flag in new.items()}
    calls |= {f"clone({name})": (clone, flag | signal.SIGCHLD, 0, 0, 0, 0) for name, flag in new.items()}
    calls["socket(AF_VSOCK)"] = (socket, 40, 1, 0)
    calls["personality(ADDR_NO_RANDOMIZE)"] = (personality, 0x40000)
    calls["keyctl(session ring)"] = (keyctl, 0, -3, 0)
    calls["add_key"] = (add_key, b"user", b"yado-audit", b"x", 1, -3)
    calls["request_key"] = (request_key, b"user", b"yado-audit", None, -3)
    return sorted(name for name, call in calls.items() if not is_refused(*call))


def writable(top):
    """Files of a kernel file system that can be opened for writing, but for those of single processes."""
    found = []
    for folder, folders, files in os.walk(top):
        if folder == "/proc":
            folders[:] = [name for name in folders if not name.isdigit() and name not in ("self", "thread-self")]
        for name in files:
            path = os.path.join(folder, name)
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW))
                found.append(path)
            except OSError:
                pass
    return sorted(found)


def is_device(path):
    return stat.S_ISCHR(os.lstat(path).st_mode) or stat.S_ISBLK(os.lstat(path).st_mode)


def name_of(path):
    status = os.lstat(path)
    kind = "c" if stat.S_ISCHR(status.st_mode) else "b"
    return f"{kind} {os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"


def opens(path):
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY))
        return True
    except OSError as error:
        # There is no device behind the number, or no terminal: nobody held the door.
        return error.errno not in REFUSALS


def devices():
    """Devices that are in sight, and those of the host that can be made and opened."""
    seen = [os.path.join(folder, name) for folder, _, names in os.walk("/dev") for name in names]
    shown = {name_of(path) for path in seen if is_device(path) and opens(path)}
    for kind, major, minor in ((stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 10, 229), (stat.S_IFBLK, 8, 0), (stat.S_IFBLK, 254, 0)):
        path = "/tmp/yado-audit-node"
        try:
            os.mknod(path, kind | 0o600, os.makedev(major, minor))
        except OSError:
            continue
        if opens(path):
            shown.add(name_of(path))
        os.unlink(path)
    return sorted(shown)


def readable():
    """What tells of the host and can be read."""
    found = []
    for path in ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/interrupts", "/proc/kmsg"):
        try:
            with open(path, "rb", buffering=0) as file:
                os.set_blocking(file.fileno(), False)
                if file.read(1):
                    found.append(path)
        except OSError:
            pass
    for path in ("/sys/firmware", "/sys/devices/virtual/powercap", "/proc/acpi", "/proc/scsi", "/sys/kernel/debug"):
        if os.path.isdir(path) and os.listdir(path):
            found.append(path)
    return found


def main():
    with open("/proc/self/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    # What a process has is asked first: the rest makes files, which root may do everywhere.
    report = {name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    report |= {name: int(status[name]) for name in ("Seccomp", "NoNewPrivs")}
    report["namespaces"] = {
        name: os.readlink(f"/proc/self/ns/{name}") for name in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
    }
    report["calls"] = [
        number for number in range(LAST_CALL) if number != SYNC and not is_refused(number, -1, -1, -1, -1, -1, -1)
    ]
    report["special"] = special_calls()
    report["writable"] = writable("/proc") + writable("/sys")
    report["devices"] = devices()
    report["readable"] = readable()
    print(json.dumps(report))


main()
