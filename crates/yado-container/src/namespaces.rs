//! The namespaces that a specification asks for: which are made, which are joined.

use std::fs::File;

use crate::error::{Context, Error, Result};
use crate::spec::{Linux, NamespaceKind};

/// `CLONE_NEW…` and the specification's name of each kind.
pub(crate) fn namespace_flag(kind: NamespaceKind) -> i32 {
    match kind {
        NamespaceKind::Pid => libc::CLONE_NEWPID,
        NamespaceKind::Network => libc::CLONE_NEWNET,
        NamespaceKind::Mount => libc::CLONE_NEWNS,
        NamespaceKind::Ipc => libc::CLONE_NEWIPC,
        NamespaceKind::Uts => libc::CLONE_NEWUTS,
        NamespaceKind::User => libc::CLONE_NEWUSER,
        NamespaceKind::Cgroup => libc::CLONE_NEWCGROUP,
        NamespaceKind::Time => libc::CLONE_NEWTIME,
    }
}

/// The namespaces of a specification, sorted.
pub(crate) struct Namespaces {
    /// To make with the first process.
    pub(crate) make: i32,
    /// To join, the user namespace last: entering it gives up the rights to enter the host's others.
    pub(crate) join: Vec<(File, i32)>,
    /// All that are not the host's.
    pub(crate) own: i32,
}

/// Opens the namespaces to join and adds up the others.
pub(crate) fn sort_namespaces(linux: &Linux) -> Result<Namespaces> {
    let mut sorted = Namespaces { make: 0, join: Vec::new(), own: 0 };
    for namespace in &linux.namespaces {
        let flag = namespace_flag(namespace.kind);
        if sorted.own & flag != 0 {
            return Err(Error::invalid(
                "linux.namespaces",
                format!("{:?} stands there twice", namespace.kind),
            ));
        }
        sorted.own |= flag;
        match &namespace.path {
            Some(path) => sorted.join.push((File::open(path).path("open the namespace", path)?, flag)),
            None => sorted.make |= flag,
        }
    }
    sorted.join.sort_by_key(|(_, flag)| *flag == libc::CLONE_NEWUSER);
    Ok(sorted)
}
