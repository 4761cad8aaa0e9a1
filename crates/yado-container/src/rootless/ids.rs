//! Which ids a user has: its own, and the subordinate ones that the administrator gave it.

use std::path::Path;

use crate::error::{Context, Result};
use crate::spec::IdMapping;

/// The user id that a container's ordinary user has nearly everywhere. It is the one that stands for the user outside,
/// so that files in shared folders belong to the same person on both sides.
const ORDINARY: u32 = 1000;

/// How many ids a container has at most.
const MOST: u32 = 65_536;

/// A run of subordinate ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u32,
    pub(super) count: u32,
}

/// A user's ids, for users and for groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) users: Option<Range>,
    pub(super) groups: Option<Range>,
}

impl Ids {
    /// What the administrator gave this user, when the programs are there that hand it out.
    pub(super) fn of_this_user() -> Self {
        let user = rustix::process::getuid().as_raw();
        let group = rustix::process::getgid().as_raw();
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let name = name_of(&read("/etc/passwd"), user);
        let range = |path: &str| largest_range(&read(path), user, name.as_deref());
        let (users, groups) = match (range("/etc/subuid"), range("/etc/subgid")) {
            (Some(users), Some(groups)) if program("newuidmap") && program("newgidmap") => {
                (Some(users), Some(groups))
            }
            _ => (None, None),
        };
        Self { user, group, users, groups }
    }

    /// The ids that are mapped in this process's user namespace.
    pub(super) fn of_this_namespace() -> Result<Self> {
        let read = |path: &str| std::fs::read_to_string(path).path("read", path);
        let user = rustix::process::getuid().as_raw();
        let group = rustix::process::getgid().as_raw();
        let (users, groups) = (read("/proc/self/uid_map")?, read("/proc/self/gid_map")?);
        Ok(Self { user, group, users: mapped(&users, user), groups: mapped(&groups, group) })
    }

    /// Whether containers have users beside their root.
    pub fn are_many(&self) -> bool {
        self.users.is_some() && self.groups.is_some()
    }

    /// The lowest subordinate user id, which is a container's root.
    pub fn first(&self) -> u32 {
        self.users.map_or(self.user, |range| range.first)
    }

    /// A container's user ids and what they are outside.
    pub fn user_mappings(&self) -> Vec<IdMapping> {
        mappings(self.user, self.users)
    }

    /// A container's group ids and what they are outside.
    pub fn group_mappings(&self) -> Vec<IdMapping> {
        mappings(self.group, self.groups)
    }

    /// What a container's user id is outside; `None` when there is no such id.
    pub fn user_outside(&self, inside: u32) -> Option<u32> {
        outside(&self.user_mappings(), inside)
    }

    /// What a container's group id is outside; `None` when there is no such id.
    pub fn group_outside(&self, inside: u32) -> Option<u32> {
        outside(&self.group_mappings(), inside)
    }

    /// What an id outside is in a container.
    pub fn user_inside(&self, outside: u32) -> Option<u32> {
        inside(&self.user_mappings(), outside)
    }

    /// What a group id outside is in a container.
    pub fn group_inside(&self, outside: u32) -> Option<u32> {
        inside(&self.group_mappings(), outside)
    }
}

fn mappings(own: u32, range: Option<Range>) -> Vec<IdMapping> {
    let Some(range) = range else { return vec![IdMapping { container_id: 0, host_id: own, size: 1 }] };
    let count = range.count.min(MOST);
    let piece =
        |from: u32, to: u32| IdMapping { container_id: from, host_id: range.first + from, size: to - from };
    if count <= ORDINARY + 1 {
        return vec![
            piece(0, count.min(ORDINARY)),
            IdMapping { container_id: ORDINARY, host_id: own, size: 1 },
        ];
    }
    vec![
        piece(0, ORDINARY),
        IdMapping { container_id: ORDINARY, host_id: own, size: 1 },
        piece(ORDINARY + 1, count),
    ]
}

fn outside(mappings: &[IdMapping], inside: u32) -> Option<u32> {
    let within =
        |mapping: &&IdMapping| inside >= mapping.container_id && inside - mapping.container_id < mapping.size;
    mappings.iter().find(within).map(|mapping| mapping.host_id + (inside - mapping.container_id))
}

fn inside(mappings: &[IdMapping], outside: u32) -> Option<u32> {
    let within =
        |mapping: &&IdMapping| outside >= mapping.host_id && outside - mapping.host_id < mapping.size;
    mappings.iter().find(within).map(|mapping| mapping.container_id + (outside - mapping.host_id))
}

/// The user's name, by the machine's own list; names that come from elsewhere are not needed.
fn name_of(passwd: &str, user: u32) -> Option<String> {
    let user = user.to_string();
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2) == Some(&user.as_str())).then(|| fields[0].to_owned())
    })
}

/// Lines are `NAME-OR-NUMBER:FIRST:COUNT` (subuid(5)).
fn largest_range(text: &str, user: u32, name: Option<&str>) -> Option<Range> {
    let number = user.to_string();
    let ranges = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let owner = fields.next()?;
        let (first, count) = (fields.next()?.trim().parse().ok()?, fields.next()?.trim().parse().ok()?);
        (owner == number || Some(owner) == name).then_some(Range { first, count })
    });
    ranges.filter(|range| range.count > 0).max_by_key(|range| range.count)
}

/// The run of ids beside the user's own in a namespace's map.
fn mapped(map: &str, own: u32) -> Option<Range> {
    map.lines().find_map(|line| {
        let numbers: Vec<u32> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [first, _, count] = numbers[..] else { return None };
        (first != own).then_some(Range { first, count })
    })
}

/// Whether a program is on the path.
pub(super) fn program(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| Path::new(&folder).join(name).is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_range_of_the_user_counts_by_name_or_number() {
        let text = "ann:100000:10\nbob:200000:65536\n1001:300000:65536\nann:400000:65536\n";
        assert_eq!(largest_range(text, 1000, Some("ann")), Some(Range { first: 400_000, count: 65_536 }));
        assert_eq!(largest_range(text, 1001, None), Some(Range { first: 300_000, count: 65_536 }));
        assert_eq!(largest_range(text, 7, Some("eve")), None);
    }

    #[test]
    fn the_ordinary_user_is_the_user_outside_and_ids_lead_back() {
        let range = Some(Range { first: 100_000, count: 65_536 });
        let ids = Ids { user: 501, group: 20, users: range, groups: range };
        assert_eq!(ids.user_outside(0), Some(100_000));
        assert_eq!(ids.user_outside(1000), Some(501));
        assert_eq!(ids.user_outside(1001), Some(101_001));
        assert_eq!(ids.user_outside(65_536), None);
        for id in [0, 33, 999, 1000, 1001, 65_535] {
            assert_eq!(ids.group_inside(ids.group_outside(id).unwrap()), Some(id));
        }
        let alone = Ids { user: 501, group: 20, users: None, groups: None };
        assert_eq!((alone.user_outside(0), alone.user_outside(1)), (Some(501), None));
    }

    #[test]
    fn the_map_of_a_namespace_tells_the_range() {
        let map = "      1001       1001          1\n    100000     100000      65536\n";
        assert_eq!(mapped(map, 1001), Some(Range { first: 100_000, count: 65_536 }));
        assert_eq!(mapped("1001 1001 1\n", 1001), None);
    }
}
