//! The v1 controllers, a file for each.

mod blkio;
mod cpu;
mod cpuset;
mod devices;
pub(super) mod freezer;
mod memory;
mod pids;

use std::path::Path;

use super::files::write;
use crate::error::{Context, Result};
use crate::spec::Resources;

/// Whether the container must be in this controller's hierarchy for these limits.
pub(super) fn needed(controller: &str, resources: &Resources) -> bool {
    match controller {
        "memory" => resources.memory.as_ref().is_some_and(|memory| *memory != crate::spec::Memory::default()),
        "cpu" => resources.cpu.as_ref().is_some_and(cpu::asked),
        "cpuset" => resources.cpu.as_ref().is_some_and(|cpu| cpu.cpus.is_some() || cpu.mems.is_some()),
        "pids" => resources.pids.is_some_and(|pids| pids.limit != 0),
        "blkio" => resources.block_io.as_ref().is_some_and(|io| *io != crate::spec::BlockIo::default()),
        "hugetlb" => !resources.hugepage_limits.is_empty(),
        "devices" => !resources.devices.is_empty(),
        _ => false,
    }
}

/// Makes a cgroup with the folders above it.
pub(super) fn make(folder: &Path, controllers: &str) -> Result<()> {
    if controllers.split(',').any(|name| name == "cpuset") {
        return cpuset::make(folder);
    }
    std::fs::create_dir_all(folder).path("make the cgroup", folder)
}

/// Writes one controller's limits.
pub(super) fn apply(controller: &str, folder: &Path, resources: &Resources) -> Result<()> {
    match controller {
        "memory" => resources.memory.as_ref().map_or(Ok(()), |memory| memory::apply(folder, memory)),
        "cpu" => resources.cpu.as_ref().map_or(Ok(()), |cpu| cpu::apply(folder, cpu)),
        "cpuset" => resources.cpu.as_ref().map_or(Ok(()), |cpu| cpuset::apply(folder, cpu)),
        "pids" => resources.pids.map_or(Ok(()), |pids| pids::apply(folder, pids)),
        "blkio" => resources.block_io.as_ref().map_or(Ok(()), |io| blkio::apply(folder, io)),
        "hugetlb" => resources.hugepage_limits.iter().try_for_each(|limit| {
            let name = format!("hugetlb.{}.limit_in_bytes", limit.page_size.replace('/', ""));
            write(&folder.join(name), &limit.limit.to_string())
        }),
        "devices" => devices::apply(folder, &resources.devices),
        _ => Ok(()),
    }
}
