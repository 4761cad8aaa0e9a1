//! v1 pids: the most processes.

use std::path::Path;

use crate::cgroup::files::write;
use crate::error::Result;
use crate::spec::Pids;

pub(super) fn apply(folder: &Path, pids: Pids) -> Result<()> {
    let limit = if pids.limit > 0 { pids.limit.to_string() } else { "max".to_owned() };
    write(&folder.join("pids.max"), &limit)
}
