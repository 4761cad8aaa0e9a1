//! The default system call filter: an allow list at least as strict as Docker's for a container
//! without extra capabilities.

use super::{Seccomp, SyscallArgument, SyscallRule};

/// Calls that every program may make.
const ALLOWED: &str = "
accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime
clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1
epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2
fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait
futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid
getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid
getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage getsid getsockname getsockopt
get_thread_area gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init
inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64
ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self
lchown lchown32 lgetxattr link linkat listen listxattr listxattrat llistxattr _llseek lremovexattr lseek
lsetxattr lstat lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod
mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive
mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync
munlock munlockall munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open
pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv
preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink
readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename
renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity
sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler
sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile
sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32
setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32
setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address setuid setuid32 setxattr setxattrat
shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn socketcall socketpair
splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range syncfs sysinfo tee
tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill
truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork
vmsplice wait4 waitid waitpid write writev
arch_prctl modify_ldt process_vm_readv process_vm_writev ptrace chroot";

/// `CLONE_NEW…` bits: new namespaces need rights that a container does not have by default.
const NAMESPACE_FLAGS: u64 = 0x7E02_0000;

/// Values of personality(2) that do not weaken address space randomisation checks.
const PERSONALITIES: [u64; 5] = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF];

fn rule(names: &[&str], action: &str, errno: Option<u32>, args: Vec<SyscallArgument>) -> SyscallRule {
    SyscallRule {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        action: action.to_owned(),
        errno_ret: errno,
        args,
    }
}

fn argument(index: u32, op: &str, value: u64, value_two: u64) -> SyscallArgument {
    SyscallArgument { index, value, value_two, op: op.to_owned() }
}

/// The default filter: what is not known to be harmless fails with `EPERM`.
pub fn default_seccomp() -> Seccomp {
    let names: Vec<&str> = ALLOWED.split_whitespace().collect();
    let mut syscalls = vec![rule(&names, "SCMP_ACT_ALLOW", None, Vec::new())];
    // AF_VSOCK (40) reaches the hypervisor; every other family obeys the network namespace.
    syscalls.push(rule(&["socket"], "SCMP_ACT_ALLOW", None, vec![argument(0, "SCMP_CMP_NE", 40, 0)]));
    for value in PERSONALITIES {
        let equal = argument(0, "SCMP_CMP_EQ", value, 0);
        syscalls.push(rule(&["personality"], "SCMP_ACT_ALLOW", None, vec![equal]));
    }
    let no_namespaces = argument(0, "SCMP_CMP_MASKED_EQ", NAMESPACE_FLAGS, 0);
    syscalls.push(rule(&["clone"], "SCMP_ACT_ALLOW", None, vec![no_namespaces]));
    // clone3's flags are behind a pointer; ENOSYS makes libraries fall back to clone.
    syscalls.push(rule(&["clone3"], "SCMP_ACT_ERRNO", Some(38), Vec::new()));
    // They tell more of mounts than Docker's default lets anybody know; libraries then read /proc/self/mountinfo.
    syscalls.push(rule(&["listmount", "statmount"], "SCMP_ACT_ERRNO", Some(38), Vec::new()));
    Seccomp {
        default_action: "SCMP_ACT_ERRNO".to_owned(),
        default_errno_ret: Some(1),
        architectures: Vec::new(),
        syscalls,
        ..Seccomp::default()
    }
}
