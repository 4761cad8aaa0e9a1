//! Whose files on disk are. Root keeps a box's own ids; for other users, who may give files to few ids, the program says
//! which id on disk stands for which of a box.

use std::sync::OnceLock;

use rustix::fs::{Gid, Uid};

/// How ids of a box and ids on disk belong together. `None` stands for an id that there is none for: the file then stays
/// with whoever makes it.
#[derive(Debug, Clone, Copy)]
pub struct Owners {
    /// The id on disk of a box's user.
    pub user_on_disk: fn(u32) -> Option<u32>,
    /// The id on disk of a box's group.
    pub group_on_disk: fn(u32) -> Option<u32>,
    /// The box's user of an id on disk.
    pub user_of_box: fn(u32) -> Option<u32>,
    /// The box's group of an id on disk.
    pub group_of_box: fn(u32) -> Option<u32>,
}

static OWNERS: OnceLock<Owners> = OnceLock::new();

/// Says how owners are translated from now on; without this, and a second time, nothing changes.
pub fn translate_owners(owners: Owners) {
    let _first_counts = OWNERS.set(owners);
}

/// Whether they are translated at all.
pub(crate) fn are_translated() -> bool {
    OWNERS.get().is_some()
}

/// Owner and group on disk of a box's file.
pub(crate) fn on_disk(user: u32, group: u32) -> (Option<Uid>, Option<Gid>) {
    let (user, group) = match OWNERS.get() {
        Some(owners) => ((owners.user_on_disk)(user), (owners.group_on_disk)(group)),
        None => (Some(user), Some(group)),
    };
    // The highest number means "nobody in particular" to the kernel, and is none that a file can have.
    let is_possible = |id: &u32| *id != u32::MAX;
    (user.filter(is_possible).map(Uid::from_raw), group.filter(is_possible).map(Gid::from_raw))
}

/// Owner and group in the box of a file on disk.
pub(crate) fn of_box(user: u32, group: u32) -> (u32, u32) {
    match OWNERS.get() {
        Some(owners) => {
            ((owners.user_of_box)(user).unwrap_or(user), (owners.group_of_box)(group).unwrap_or(group))
        }
        None => (user, group),
    }
}
