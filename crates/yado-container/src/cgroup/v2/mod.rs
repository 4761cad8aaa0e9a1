//! The v2 controllers, a file for each.

mod cpu;
pub(super) mod delegation;
pub(super) mod freezer;
mod io;
mod memory;

use std::path::Path;

use super::files::write;
use super::v1;
use crate::error::{Context, Result};
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
    ]
    .into_iter()
    .filter(|(name, old)| v1::needed(old, resources) && available.iter().any(|known| known == name))
    .map(|(name, _)| name)
    .collect()
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
        let name = format!("hugetlb.{}.max", limit.page_size.replace('/', ""));
        write(&folder.join(name), &limit.limit.to_string())?;
    }
    for (name, value) in &resources.unified {
        write(&folder.join(name.replace('/', "")), value)?;
    }
    Ok(())
}
