//! v1 net_cls and net_prio: marks and priorities of network packets.

use std::path::Path;

use crate::cgroup::files::write;
use crate::error::Result;
use crate::spec::Network;

pub(super) fn apply(controller: &str, folder: &Path, network: &Network) -> Result<()> {
    if controller == "net_prio" {
        return network.priorities.iter().try_for_each(|entry| {
            write(&folder.join("net_prio.ifpriomap"), &format!("{} {}", entry.name, entry.priority))
        });
    }
    network.class_id.map_or(Ok(()), |class| write(&folder.join("net_cls.classid"), &class.to_string()))
}
