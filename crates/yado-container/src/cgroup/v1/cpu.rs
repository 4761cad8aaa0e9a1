//! v1 cpu: shares, and a quota of time in each period.

use std::path::Path;

use crate::cgroup::files::{write, write_if_there};
use crate::error::Result;
use crate::spec::Cpu;

pub(super) fn asked(cpu: &Cpu) -> bool {
    cpu.shares.is_some()
        || cpu.quota.is_some()
        || cpu.period.is_some()
        || cpu.burst.is_some()
        || cpu.idle.is_some()
        || cpu.realtime_runtime.is_some()
        || cpu.realtime_period.is_some()
}

/// Whether a little can be done at once: neither quota nor weight makes everybody wait.
pub(super) fn leaves_time(cpu: &Cpu) -> bool {
    const SHARES: u64 = 128;
    // What the kernel takes for a period when none is named, in microseconds.
    const PERIOD: u64 = 100_000;
    let period = cpu.period.unwrap_or(PERIOD) as i64;
    let quota = cpu.quota.is_none_or(|quota| quota < 0 || quota >= period / 10);
    quota && cpu.shares.is_none_or(|shares| shares >= SHARES) && cpu.idle.is_none_or(|idle| idle == 0)
}

pub(super) fn apply(folder: &Path, cpu: &Cpu) -> Result<()> {
    if let Some(shares) = cpu.shares {
        write(&folder.join("cpu.shares"), &shares.to_string())?;
    }
    let quota = || match cpu.quota {
        Some(quota) => write(&folder.join("cpu.cfs_quota_us"), &quota.to_string()),
        None => Ok(()),
    };
    let period = || match cpu.period {
        Some(period) => write(&folder.join("cpu.cfs_period_us"), &period.to_string()),
        None => Ok(()),
    };
    // With the old value of the one, the new one of the other may be more than the cgroup above allows.
    if period().is_err() {
        quota()?;
        period()?;
    } else {
        quota()?;
    }
    if let Some(period) = cpu.realtime_period {
        write(&folder.join("cpu.rt_period_us"), &period.to_string())?;
    }
    if let Some(runtime) = cpu.realtime_runtime {
        write(&folder.join("cpu.rt_runtime_us"), &runtime.to_string())?;
    }
    if let Some(burst) = cpu.burst {
        write_if_there(&folder.join("cpu.cfs_burst_us"), &burst.to_string())?;
    }
    if let Some(idle) = cpu.idle {
        write_if_there(&folder.join("cpu.idle"), &idle.to_string())?;
    }
    Ok(())
}
