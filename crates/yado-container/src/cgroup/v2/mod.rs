//! The v2 controllers, a file for each.

mod cpu;
pub(super) mod delegation;
pub(super) mod devices;
pub(super) mod freezer;
mod io;
mod memory;

use std::path::Path;

use super::files::{write, write_if_there};
use super::v1;
use crate::error::{Context, Error, Result};
use crate::spec::Resources;

/// Which of the available controllers these limits need.
pub(super) fn needed(resources: &Resources, available: &[String]) -> Vec<&'static str> {
    [
        ("memory", "memory"),
        ("cpu", "cpu"),
        ("pids", "pids"),
        ("io", "blkio"),
        ("cpuset", "cpuset"),
        ("hugetlb", "hugetlb"),
        ("rdma", "rdma"),
    ]
    .into_iter()
    .filter(|(name, old)| v1::needed(old, resources) || in_own_words(resources, name))
    .filter(|(name, _)| available.iter().any(|known| known == name))
    .map(|(name, _)| name)
    .collect()
}

/// Whether a controller's file is to be written as it is.
fn in_own_words(resources: &Resources, controller: &str) -> bool {
    resources.unified.keys().any(|name| name.split('.').next() == Some(controller))
}

/// Makes a cgroup and lets the controllers through, from the mount down to its parent.
pub(super) fn make(folder: &Path, mount: &Path, controllers: &[&str]) -> Result<()> {
    std::fs::create_dir_all(folder).path("make the cgroup", folder)?;
    if controllers.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = controllers.iter().map(|name| format!("+{name}")).collect();
    let above: Vec<&Path> = folder.ancestors().skip(1).take_while(|path| path.starts_with(mount)).collect();
    for parent in above.into_iter().rev() {
        write(&parent.join("cgroup.subtree_control"), &words.join(" "))?;
    }
    Ok(())
}

/// Writes the limits that the available controllers can hold.
pub(super) fn apply(folder: &Path, resources: &Resources, available: &[String]) -> Result<()> {
    let has = |name: &str| available.iter().any(|known| known == name);
    if let (true, Some(memory)) = (has("memory"), &resources.memory) {
        memory::apply(folder, memory)?;
    }
    if let Some(cpu) = &resources.cpu {
        if has("cpu") {
            cpu::apply(folder, cpu)?;
        }
        if has("cpuset") {
            cpu::apply_set(folder, cpu)?;
        }
    }
    if let (true, Some(pids)) = (has("pids"), resources.pids) {
        let limit = if pids.limit > 0 { pids.limit.to_string() } else { "max".to_owned() };
        write(&folder.join("pids.max"), &limit)?;
    }
    if let (true, Some(block)) = (has("io"), &resources.block_io) {
        io::apply(folder, block)?;
    }
    for limit in resources.hugepage_limits.iter().filter(|_| has("hugetlb")) {
        let name = |reserved: &str| format!("hugetlb.{}{reserved}.max", limit.page_size.replace('/', ""));
        write_if_there(&folder.join(name(".rsvd")), &limit.limit.to_string())?;
        write(&folder.join(name("")), &limit.limit.to_string())?;
    }
    if has("rdma") {
        v1::rdma(folder, resources)?;
    }
    for (name, value) in &resources.unified {
        let controller = name.split('.').next().unwrap_or_default();
        if controller != "cgroup" && !has(controller) {
            return Err(Error::invalid(
                format!("linux.resources.unified.{name}"),
                format!("the controller '{controller}' is not available in this machine's v2 tree"),
            ));
        }
        value.lines().try_for_each(|line| write(&folder.join(name), line))?;
    }
    Ok(())
}
