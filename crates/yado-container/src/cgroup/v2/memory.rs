//! v2 memory: bytes, and bytes of swap beside them.

use std::path::Path;

use crate::cgroup::files::{number, write, write_if_there};
use crate::error::{Error, Result};
use crate::spec::Memory;

fn text(limit: i64) -> String {
    if limit < 0 { "max".to_owned() } else { limit.to_string() }
}

pub(super) fn apply(folder: &Path, memory: &Memory) -> Result<()> {
    let refuse = |setting: &str, reason: &str| {
        Err(Error::invalid(format!("linux.resources.memory.{setting}"), reason))
    };
    if memory.swappiness.is_some() {
        return refuse("swappiness", "cgroups v2 have no such setting");
    }
    if memory.disable_oom_killer == Some(true) {
        return refuse("disableOOMKiller", "cgroups v2 cannot switch it off");
    }
    if memory.kernel.is_some() || memory.kernel_tcp.is_some() {
        return refuse("kernel", "cgroups v2 limit memory as a whole");
    }
    if let (Some(true), Some(limit)) = (memory.check_before_update, memory.limit)
        && let Some(used) = number(&folder.join("memory.current"))
        && limit >= 0
        && used > limit as u64
    {
        return refuse("limit", "more is in use, and checkBeforeUpdate asks to refuse that");
    }
    if let Some(limit) = memory.limit {
        write(&folder.join("memory.max"), &text(limit))?;
    }
    if let Some(swap) = swap(memory)? {
        write_if_there(&folder.join("memory.swap.max"), &text(swap))?;
    }
    if let Some(reservation) = memory.reservation {
        write(&folder.join("memory.low"), &text(reservation))?;
    }
    Ok(())
}

/// The specification counts memory and swap together; v2 counts swap alone.
fn swap(memory: &Memory) -> Result<Option<i64>> {
    match (memory.limit, memory.swap) {
        (_, Some(both)) if both < 0 => Ok(Some(-1)),
        (Some(limit), Some(both)) if limit >= 0 && both >= limit => Ok(Some(both - limit)),
        (Some(limit), None) if limit >= 0 => Ok(Some(0)),
        (_, None) => Ok(None),
        _ => Err(Error::invalid(
            "linux.resources.memory.swap",
            "it counts memory and swap together and so cannot be below the memory limit",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swap_of(limit: Option<i64>, both: Option<i64>) -> Result<Option<i64>> {
        swap(&Memory { limit, swap: both, ..Memory::default() })
    }

    #[test]
    fn swap_is_what_exceeds_memory() {
        assert_eq!(swap_of(Some(100), Some(150)).unwrap(), Some(50));
        assert_eq!(swap_of(Some(100), Some(-1)).unwrap(), Some(-1));
        assert_eq!(swap_of(Some(100), None).unwrap(), Some(0));
        assert_eq!(swap_of(None, None).unwrap(), None);
        assert!(swap_of(Some(100), Some(50)).is_err());
    }
}
