//! v1 cpuset: which processors and memory nodes.

use std::path::Path;

use crate::cgroup::files::write;
use crate::error::{Context, Result};
use crate::spec::Cpu;

/// Makes a cpuset and those above it. A new one is empty and takes no process until it has processors and
/// memory nodes, so it gets its parent's.
pub(super) fn make(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(parent) = folder.parent() else { return Ok(()) };
    make(parent)?;
    std::fs::create_dir(folder).path("make the cgroup", folder)?;
    for name in ["cpuset.cpus", "cpuset.mems"] {
        if let Ok(value) = std::fs::read_to_string(parent.join(name)) {
            write(&folder.join(name), value.trim())?;
        }
    }
    Ok(())
}

pub(super) fn apply(folder: &Path, cpu: &Cpu) -> Result<()> {
    if let Some(cpus) = &cpu.cpus {
        write(&folder.join("cpuset.cpus"), cpus)?;
    }
    if let Some(mems) = &cpu.mems {
        write(&folder.join("cpuset.mems"), mems)?;
    }
    Ok(())
}
