//! Whose files on disk are: which ids of this host are a machine's.
//!
//! Made by root, files on disk carry the machine's own ids, and idmapped mounts show them as a range that nobody else
//! has. For other users the kernel makes no such mounts: there, files on disk carry the ids that the machine has outside,
//! which are the user's subordinate ones, and the machine's ordinary user (1000) is the user itself.

use std::os::fd::AsFd;

use yado_container::rootless;
use yado_container::spec::{self, IdMapping, Spec};

use super::folders::IDS;

/// Whether mounts can show owners as others than they are.
pub(super) fn are_translated() -> bool {
    !rootless::is_needed()
}

/// Gives a specification the machine's ids; `first` is the range's begin where there is a free choice.
pub(super) fn map(spec: &mut Spec, first: u32) {
    let linux = spec.linux.get_or_insert_default();
    if let Some(ground) = rootless::ground() {
        linux.uid_mappings = ground.ids().user_mappings();
        linux.gid_mappings = ground.ids().group_mappings();
        if let ([user], [group]) = (&linux.uid_mappings[..], &linux.gid_mappings[..]) {
            let (user, group) = (user.host_id, group.host_id);
            spec::map_to_one(spec, user, group);
        }
    } else {
        let ids = vec![IdMapping { container_id: 0, host_id: first, size: IDS }];
        linux.uid_mappings.clone_from(&ids);
        linux.gid_mappings = ids;
    }
}

/// The lowest host id of a machine.
pub(super) fn first(chosen: u32) -> u32 {
    rootless::ground().map_or(chosen, |ground| ground.ids().first())
}

/// Whether a machine has users beside its root.
pub(super) fn are_many() -> bool {
    rootless::ground().is_none_or(|ground| ground.ids().are_many())
}

/// Gives an open file or directory of a machine to its root.
pub(super) fn give_to_root(file: impl AsFd) -> std::io::Result<()> {
    let Some(ground) = rootless::ground() else { return Ok(()) };
    std::os::unix::fs::fchown(file, ground.ids().user_outside(0), ground.ids().group_outside(0))
}
