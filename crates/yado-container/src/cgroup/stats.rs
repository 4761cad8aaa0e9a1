//! What a container uses, from whichever cgroup knows it, else from its processes.

use super::{Cgroups, files};

/// What a container uses at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes of memory.
    pub memory: u64,
    /// The most bytes that it may use, where there is a limit.
    pub memory_limit: Option<u64>,
    /// Nanoseconds of processor time since its start.
    pub cpu: u64,
    /// Number of processes (or of tasks, where they are what is counted).
    pub pids: u64,
    /// The most of them, where there is a limit.
    pub pids_limit: Option<u64>,
    /// How often something was killed for want of memory.
    pub out_of_memory_kills: u64,
}

/// v1 says "no limit" with a number close to the largest.
const NO_LIMIT: u64 = 1 << 62;

pub(super) fn collect(cgroups: &Cgroups) -> Stats {
    let legacy = |controller: &str| {
        cgroups
            .legacy
            .iter()
            .find(|(names, _)| names.split(',').any(|name| name == controller))
            .map(|(_, folder)| folder.as_path())
    };
    let mut stats = Stats::default();
    let processes = cgroups.processes();
    stats.pids = processes.len() as u64;
    if let Some(folder) = legacy("pids").or(cgroups.unified.as_deref()) {
        stats.pids = files::number(&folder.join("pids.current")).unwrap_or(stats.pids);
        stats.pids_limit = files::number(&folder.join("pids.max"));
    }
    let mut memory = None;
    if let Some(folder) = legacy("memory") {
        memory = files::number(&folder.join("memory.usage_in_bytes"));
        stats.memory_limit =
            files::number(&folder.join("memory.limit_in_bytes")).filter(|limit| *limit < NO_LIMIT);
        stats.out_of_memory_kills =
            files::field(&folder.join("memory.oom_control"), "oom_kill ").unwrap_or(0);
    } else if let Some(folder) = &cgroups.unified {
        memory = files::number(&folder.join("memory.current"));
        stats.memory_limit = files::number(&folder.join("memory.max"));
        stats.out_of_memory_kills = files::field(&folder.join("memory.events"), "oom_kill ").unwrap_or(0);
    }
    stats.memory = memory.unwrap_or_else(|| processes.iter().map(|pid| resident(*pid)).sum());
    let unified_cpu = cgroups
        .unified
        .as_ref()
        .and_then(|folder| files::field(&folder.join("cpu.stat"), "usage_usec "))
        .map(|microseconds| microseconds * 1000);
    let legacy_cpu = legacy("cpuacct").and_then(|folder| files::number(&folder.join("cpuacct.usage")));
    stats.cpu = legacy_cpu.or(unified_cpu).unwrap_or(0);
    stats
}

/// Bytes of a process in memory.
fn resident(pid: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
