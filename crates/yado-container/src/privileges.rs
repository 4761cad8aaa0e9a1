//! From a process in the specification's words to the prepared plan of becoming it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::CString;

use crate::error::{Context, Error, Result};
use crate::seccomp::Instruction;
use crate::spec::{Capabilities, IoPriority, Personality, Process, Scheduler};
use crate::sys::become_process::{ALL_PROCESSORS, CapabilityMasks, Plan, ProcessorMask, Scheduling};
use crate::sys::clone::c_strings;

const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

const RLIMITS: [&str; 16] = [
    "CPU",
    "FSIZE",
    "DATA",
    "STACK",
    "CORE",
    "RSS",
    "NPROC",
    "NOFILE",
    "MEMLOCK",
    "AS",
    "LOCKS",
    "SIGPENDING",
    "MSGQUEUE",
    "NICE",
    "RTPRIO",
    "RTTIME",
];

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The number of a capability; `None` for what no kernel has.
fn capability(name: &str) -> Option<usize> {
    let short = name.strip_prefix("CAP_").unwrap_or(name);
    CAPABILITIES.iter().position(|known| *known == short)
}

/// What there is of these. What there is not cannot be given; [`warn_of_missing`] says so.
fn mask(names: &[String]) -> u64 {
    names.iter().filter_map(|name| capability(name)).fold(0, |mask, bit| mask | 1 << bit)
}

/// The sets as masks, without what this process does not have itself: nobody can hand on more.
///
/// A process that does not start as root gets in force only what is ambient, as exec would decide anyway.
fn masks(capabilities: &Capabilities) -> CapabilityMasks {
    CapabilityMasks {
        bounding: mask(&capabilities.bounding),
        effective: mask(&capabilities.effective),
        permitted: mask(&capabilities.permitted),
        inheritable: mask(&capabilities.inheritable),
        ambient: mask(&capabilities.ambient),
    }
}

/// Leaves out what is not in the bounding set that the container's processes start with.
fn within(mut masks: CapabilityMasks, possible: u64) -> CapabilityMasks {
    masks.bounding &= possible;
    masks.permitted &= possible;
    masks.inheritable &= possible;
    masks.effective &= masks.permitted;
    masks.ambient &= masks.permitted & masks.inheritable;
    masks
}

/// All that a process asks for, in whichever set.
fn asked(process: &Process) -> u64 {
    let asked = masks(process.capabilities.as_ref().unwrap_or(&Capabilities::default()));
    asked.bounding | asked.permitted | asked.inheritable
}

/// Warns of capabilities that a process asks for and cannot get, with `possible` as in [`plan`], or that there are not.
pub(crate) fn warn_of_missing(process: &Process, possible: u64) {
    let missing = asked(process) & !possible;
    let names = CAPABILITIES.iter().enumerate().filter(|(bit, _)| missing >> bit & 1 == 1);
    let mut names: Vec<String> = names.map(|(_, name)| format!("CAP_{name}")).collect();
    if let Some(Capabilities { bounding, effective, permitted, inheritable, ambient }) = &process.capabilities
    {
        let all = [bounding, effective, permitted, inheritable, ambient].into_iter().flatten();
        for name in all.filter(|name| capability(name).is_none()) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    if !names.is_empty() {
        tracing::warn!("process.capabilities: {} cannot be granted here", names.join(", "));
    }
    let sets = within(masks(process.capabilities.as_ref().unwrap_or(&Capabilities::default())), possible);
    for name in process.capabilities.iter().flat_map(|sets| &sets.ambient) {
        if capability(name).is_some_and(|bit| sets.ambient >> bit & 1 == 0) {
            tracing::warn!("can't raise ambient capability {name}: it is not both permitted and inheritable");
        }
    }
}

/// The environment as the program finds it: of several words about one name the last one counts, and somebody without
/// a home gets the one that `home` says.
pub(crate) fn environment(given: &[String], home: impl FnOnce() -> String) -> Vec<String> {
    let name = |pair: &'_ str| pair.split_once('=').map_or(pair.len(), |(name, _)| name.len());
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut words: Vec<String> = Vec::with_capacity(given.len() + 1);
    for pair in given {
        match places.entry(&pair[..name(pair)]) {
            Entry::Occupied(place) => words[*place.get()].clone_from(pair),
            Entry::Vacant(place) => {
                place.insert(words.len());
                words.push(pair.clone());
            }
        }
    }
    words.retain(|pair| pair != "HOME=");
    if !words.iter().any(|pair| pair.starts_with("HOME=")) {
        words.push(format!("HOME={}", home()));
    }
    words
}

fn limits(process: &Process) -> Result<Vec<(u32, u64, u64)>> {
    process
        .rlimits
        .iter()
        .map(|limit| {
            let short = limit.kind.strip_prefix("RLIMIT_").unwrap_or(&limit.kind);
            let resource = RLIMITS.iter().position(|known| *known == short).ok_or_else(|| {
                Error::invalid("process.rlimits", format!("'{}' is not a resource limit", limit.kind))
            })?;
            Ok((resource as u32, limit.soft, limit.hard))
        })
        .collect()
}

/// The position of a word among those that a setting knows, which is the kernel's number for it.
fn choose(setting: &str, word: &str, known: &[&str]) -> Result<u32> {
    known
        .iter()
        .position(|name| *name == word)
        .map(|position| position as u32)
        .ok_or_else(|| Error::invalid(setting, format!("'{word}' is not known")))
}

fn scheduling(scheduler: &Scheduler) -> Result<Scheduling> {
    // The number of SCHED_ISO was reserved and never used.
    let policies =
        ["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE"];
    let flags = ["RESET_ON_FORK", "RECLAIM", "DL_OVERRUN", "KEEP_POLICY", "KEEP_PARAMS"];
    let bits = scheduler.flags.iter().try_fold(0, |bits, name| {
        let short = name.strip_prefix("SCHED_FLAG_").unwrap_or(name);
        choose("process.scheduler.flags", short, &flags).map(|bit| bits | 1 << bit)
    })?;
    Ok(Scheduling {
        size: std::mem::size_of::<Scheduling>() as u32,
        policy: choose("process.scheduler.policy", &scheduler.policy, &policies)?,
        flags: bits,
        nice: scheduler.nice,
        priority: scheduler.priority.max(0) as u32,
        runtime: scheduler.runtime,
        deadline: scheduler.deadline,
        period: scheduler.period,
    })
}

fn io_priority(priority: &IoPriority) -> Result<u32> {
    let classes = ["IOPRIO_CLASS_NONE", "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"];
    let class = choose("process.ioPriority.class", &priority.class, &classes)?;
    Ok(class << 13 | priority.priority.clamp(0, 7) as u32)
}

/// The number of an execution domain.
pub(crate) fn personality(personality: &Personality) -> Result<u64> {
    match personality.domain.as_str() {
        "LINUX" => Ok(0),
        "LINUX32" => Ok(8),
        other => Err(Error::invalid("linux.personality.domain", format!("'{other}' is not known"))),
    }
}

/// Where a program may be, by its name and the process's own `PATH`.
fn candidates(program: &str, environment: &[String]) -> Vec<String> {
    if program.contains('/') {
        return vec![program.to_owned()];
    }
    environment
        .iter()
        .find_map(|pair| pair.strip_prefix("PATH="))
        .unwrap_or(DEFAULT_PATH)
        .split(':')
        .map(|folder| {
            let folder = if folder.is_empty() { "." } else { folder };
            format!("{folder}/{program}")
        })
        .collect()
}

/// Prepares a process of a container whose processes can have at most the capabilities `possible`.
pub(crate) fn plan(
    process: &Process,
    filter: Vec<Instruction>,
    filter_flags: u32,
    possible: u64,
) -> Result<Plan> {
    let Some(program) = process.args.first() else {
        return Err(Error::invalid("process.args", "there is no program to run"));
    };
    let texts = |list: &[String], what: &str| {
        c_strings(list.iter().map(String::as_str)).doing(format!("pass {what} with a zero byte"))
    };
    let directory = process.cwd.to_str().filter(|path| path.starts_with('/')).unwrap_or("/");
    let found = candidates(program, &process.env);
    Ok(Plan {
        candidates: texts(&found, "a program's path")?,
        arguments: texts(&process.args, "arguments")?,
        environment: texts(&process.env, "an environment")?,
        directory: CString::new(directory)
            .map_err(|_| Error::invalid("process.cwd", "it holds a zero byte"))?,
        uid: process.user.uid,
        gid: process.user.gid,
        groups: process.user.additional_gids.clone(),
        umask: Some(process.user.umask.unwrap_or(0o022)),
        limits: limits(process)?,
        personality: None,
        memory_policy: None,
        scheduling: process.scheduler.as_ref().map(scheduling).transpose()?,
        io_priority: process.io_priority.as_ref().map(io_priority).transpose()?,
        profile: None,
        oom_score_adjustment: process.oom_score_adj.and_then(|score| CString::new(score.to_string()).ok()),
        capabilities: within(
            masks(process.capabilities.as_ref().unwrap_or(&Capabilities::default())),
            possible,
        ),
        no_new_privileges: process.no_new_privileges,
        filter,
        filter_flags,
        listener: None,
        processors: processors(process)?,
        terminal: process.terminal,
        terminal_size: process.console_size.map(|size| (size.height, size.width)),
        stdio: None,
        preserved: 0,
        keep_keyring: false,
    })
}

/// The processors of `execCPUAffinity`: while entering, and from then on. Without a word about them a command may run on
/// all that its cgroup has, and not only on those of who enters.
fn processors(process: &Process) -> Result<[Option<ProcessorMask>; 2]> {
    let Some(affinity) = &process.exec_cpu_affinity else { return Ok([None, Some(ALL_PROCESSORS)]) };
    let read = |name: &str, list: &Option<String>| {
        list.as_deref()
            .filter(|list| !list.trim().is_empty())
            .map(|list| processor_mask(&format!("process.execCPUAffinity.{name}"), list))
            .transpose()
    };
    Ok([read("initial", &affinity.initial)?, read("final", &affinity.last)?])
}

/// A list such as `0-2,4` as a mask.
fn processor_mask(setting: &str, list: &str) -> Result<ProcessorMask> {
    mask_of_list(list)
        .ok_or_else(|| Error::invalid(setting, format!("'{list}' is not a list of processors such as 0-2,4")))
}

/// A list of numbers below 1024 and of ranges as a mask; `None` for what is none.
pub(crate) fn mask_of_list(list: &str) -> Option<[u64; 16]> {
    let mut mask = [0_u64; 16];
    for part in list.split(',') {
        let (first, last) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last >= mask.len() * 64 {
            return None;
        }
        for number in first..=last {
            mask[number / 64] |= 1 << (number % 64);
        }
    }
    Some(mask)
}

/// The capabilities that can be given, by their names in the specification.
pub fn capability_names() -> Vec<String> {
    CAPABILITIES.iter().map(|name| format!("CAP_{name}")).collect()
}

/// Those of the capabilities that a process asks for which the calling process could hand on: what is in its bounding
/// set. The kernel tells one at a time.
pub(crate) fn possible(process: &Process) -> u64 {
    let asked = asked(process);
    (0..CAPABILITIES.len())
        .filter(|bit| asked >> bit & 1 == 1)
        .filter(|bit| {
            let one = rustix::thread::CapabilitySet::from_bits_retain(1 << bit);
            rustix::thread::capability_is_in_bounding_set(one).unwrap_or(false)
        })
        .fold(0, |mask, bit| mask | 1 << bit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Rlimit, default_process};

    #[test]
    fn the_default_capabilities_are_dockers() {
        let masks = masks(default_process(["sh"]).capabilities.as_ref().unwrap());
        assert_eq!(masks.bounding, 0xA804_25FB);
        assert_eq!(masks.ambient, 0);
    }

    #[test]
    fn what_the_engine_lacks_is_not_promised() {
        let all = CapabilityMasks {
            bounding: 0b111,
            effective: 0b111,
            permitted: 0b110,
            inheritable: 0b010,
            ambient: 0b110,
        };
        let left = within(all, 0b011);
        assert_eq!(
            (left.bounding, left.permitted, left.effective, left.ambient),
            (0b011, 0b010, 0b010, 0b010)
        );
    }

    #[test]
    fn programs_are_looked_for_along_the_processes_own_path() {
        let environment = ["PATH=/a:/b".to_owned()];
        assert_eq!(candidates("x", &environment), ["/a/x", "/b/x"]);
        assert_eq!(candidates("./x", &environment), ["./x"]);
        assert!(candidates("x", &[]).contains(&"/usr/bin/x".to_owned()));
    }

    #[test]
    fn the_last_word_about_a_name_counts_and_nobody_is_without_a_home() {
        let given = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let seen = |words: &[&str]| environment(&given(words), || "/root".to_owned());
        assert_eq!(seen(&["A=1", "B=", "A=2=3"]), ["A=2=3", "B=", "HOME=/root"]);
        assert_eq!(seen(&["HOME=/x"]), ["HOME=/x"]);
        assert_eq!(seen(&["HOME=/x", "HOME="]), ["HOME=/root"]);
        assert_eq!(seen(&["odd", "odd"]), ["odd", "HOME=/root"]);
    }

    #[test]
    fn capabilities_that_no_kernel_has_are_left_out() {
        assert_eq!(mask(&["CAP_LUCK".to_owned(), "CAP_KILL".to_owned()]), 1 << 5);
    }

    #[test]
    fn lists_of_processors_are_masks() {
        assert_eq!(processor_mask("x", "0-2, 4,64").unwrap()[..2], [0b1_0111, 1]);
        for wrong in ["", "a", "3-1", "99999", "1-"] {
            assert!(processor_mask("x", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        let mut process = default_process(["sh"]);
        process.rlimits = vec![Rlimit { kind: "RLIMIT_LUCK".to_owned(), soft: 1, hard: 1 }];
        assert!(plan(&process, Vec::new(), 0, u64::MAX).unwrap_err().to_string().contains("RLIMIT_LUCK"));
    }
}
