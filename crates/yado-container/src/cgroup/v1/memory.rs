//! v1 memory: bytes, and bytes of memory and swap together.

use std::path::Path;

use crate::cgroup::files::{number, write, write_if_there};
use crate::error::Result;
use crate::spec::Memory;

const BOTH: &str = "memory.memsw.limit_in_bytes";
const MEMORY: &str = "memory.limit_in_bytes";

pub(super) fn apply(folder: &Path, memory: &Memory) -> Result<()> {
    // Memory alone may never exceed both together, so which is written first depends on the direction.
    // Without a word about swap, none is given beyond the limit.
    let swap = memory.swap.or(memory.limit);
    let both_first = match (memory.limit, number(&folder.join(BOTH))) {
        (Some(limit), Some(current)) => limit < 0 || limit as u64 > current,
        _ => false,
    };
    if let (true, Some(swap)) = (both_first, swap) {
        write_if_there(&folder.join(BOTH), &swap.to_string())?;
    }
    if let Some(limit) = memory.limit {
        write(&folder.join(MEMORY), &limit.to_string())?;
    }
    if let (false, Some(swap)) = (both_first, swap) {
        write_if_there(&folder.join(BOTH), &swap.to_string())?;
    }
    if let Some(reservation) = memory.reservation {
        write(&folder.join("memory.soft_limit_in_bytes"), &reservation.to_string())?;
    }
    if let Some(swappiness) = memory.swappiness {
        write_if_there(&folder.join("memory.swappiness"), &swappiness.to_string())?;
    }
    if memory.kernel.is_some() {
        // Kernels since 5.16 count it with the rest and take no limit of its own.
        tracing::warn!("linux.resources.memory.kernel has no effect: the kernel limits memory as a whole");
    }
    if let Some(limit) = memory.kernel_tcp {
        write(&folder.join("memory.kmem.tcp.limit_in_bytes"), &limit.to_string())?;
    }
    if memory.disable_oom_killer == Some(true) {
        write(&folder.join("memory.oom_control"), "1")?;
    }
    Ok(())
}
