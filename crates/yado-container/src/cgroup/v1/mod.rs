//! The v1 controllers, a file for each.

mod blkio;
mod cpu;
mod cpuset;
mod devices;
pub(super) mod freezer;
mod memory;
mod network;
mod pids;

use std::fs::File;
use std::path::Path;

use super::files::{write, write_if_there};
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
        "net_cls" => resources.network.as_ref().is_some_and(|network| network.class_id.is_some()),
        "net_prio" => resources.network.as_ref().is_some_and(|network| !network.priorities.is_empty()),
        "rdma" => !resources.rdma.is_empty(),
        _ => false,
    }
}

/// Limits on remote direct memory access, which both versions of cgroups word alike.
pub(super) fn rdma(folder: &Path, resources: &Resources) -> Result<()> {
    resources.rdma.iter().try_for_each(|(device, limit)| {
        let part = |name: &str, value: Option<u32>| {
            value.map_or_else(String::new, |value| format!(" {name}={value}"))
        };
        let (handles, objects) =
            (part("hca_handle", limit.hca_handles), part("hca_object", limit.hca_objects));
        write(&folder.join("rdma.max"), &format!("{device}{handles}{objects}"))
    })
}

/// The file that a thread writes "0" to in order to join, opened. Of `cgroup.procs`, which moves whole processes, the
/// first use in a while waits for a grace period of the kernel's, for the sake of threads that are just being made.
pub(super) fn entrance(folder: &Path) -> Result<File> {
    let path = folder.join("tasks");
    File::options().write(true).open(&path).path("open", &path)
}

/// Whether somebody else of this program's size can be there for a moment, and do a little, without meeting the limits.
pub(super) fn leave_room_for_a_guest(resources: &Resources) -> bool {
    const PROCESSES: i64 = 4;
    const MEMORY: i64 = 32 << 20;
    let processes = resources.pids.is_none_or(|pids| pids.limit <= 0 || pids.limit >= PROCESSES);
    let memory = resources.memory.as_ref().is_none_or(|memory| {
        let limits = [memory.limit, memory.swap, memory.kernel];
        limits.into_iter().flatten().all(|limit| limit <= 0 || limit >= MEMORY)
    });
    processes && memory && resources.cpu.as_ref().is_none_or(cpu::leaves_time)
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
            let name = |reserved: &str| {
                format!("hugetlb.{}{reserved}.limit_in_bytes", limit.page_size.replace('/', ""))
            };
            write_if_there(&folder.join(name(".rsvd")), &limit.limit.to_string())?;
            write(&folder.join(name("")), &limit.limit.to_string())
        }),
        "net_cls" | "net_prio" => {
            resources.network.as_ref().map_or(Ok(()), |network| network::apply(controller, folder, network))
        }
        "rdma" => rdma(folder, resources),
        "devices" => devices::apply(folder, &resources.devices),
        _ => Ok(()),
    }
}
