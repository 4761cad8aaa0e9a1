//! v2 cpu and cpuset: weight, quota, processors.

use std::path::Path;

use crate::cgroup::files::{write, write_if_there};
use crate::error::{Error, Result};
use crate::spec::Cpu;

/// Shares (2 to 262144) as weight (1 to 10000), as the specification converts them.
fn weight(shares: u64) -> u64 {
    match shares {
        0 => 100,
        shares => 1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142,
    }
}

pub(super) fn apply(folder: &Path, cpu: &Cpu) -> Result<()> {
    if cpu.realtime_runtime.is_some() || cpu.realtime_period.is_some() {
        return Err(Error::invalid("linux.resources.cpu.realtimeRuntime", "cgroups v2 have no such setting"));
    }
    if let Some(shares) = cpu.shares {
        write(&folder.join("cpu.weight"), &weight(shares).to_string())?;
    }
    if cpu.quota.is_some() || cpu.period.is_some() {
        let quota = match cpu.quota {
            Some(quota) if quota > 0 => quota.to_string(),
            _ => "max".to_owned(),
        };
        let period = cpu.period.unwrap_or(100_000);
        write(&folder.join("cpu.max"), &format!("{quota} {period}"))?;
    }
    if let Some(burst) = cpu.burst {
        write_if_there(&folder.join("cpu.max.burst"), &burst.to_string())?;
    }
    if let Some(idle) = cpu.idle {
        write_if_there(&folder.join("cpu.idle"), &idle.to_string())?;
    }
    Ok(())
}

pub(super) fn apply_set(folder: &Path, cpu: &Cpu) -> Result<()> {
    if let Some(cpus) = &cpu.cpus {
        write(&folder.join("cpuset.cpus"), cpus)?;
    }
    if let Some(mems) = &cpu.mems {
        write(&folder.join("cpuset.mems"), mems)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn shares_become_weights() {
        assert_eq!([2, 1024, 262_144].map(super::weight), [1, 39, 10_000]);
    }
}
