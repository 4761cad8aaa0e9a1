//! From which memory nodes a container's memory comes (`linux.memoryPolicy`), in the kernel's numbers.

use crate::error::{Error, Result};
use crate::privileges::mask_of_list;
use crate::spec::MemoryPolicy;

/// A mode with its flags, and a bit for each node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodePolicy {
    pub(crate) mode: i32,
    /// `None` where no node is named.
    pub(crate) nodes: Option<[u64; 16]>,
}

/// The modes in the order of their numbers.
const MODES: [&str; 7] = [
    "MPOL_DEFAULT",
    "MPOL_PREFERRED",
    "MPOL_BIND",
    "MPOL_INTERLEAVE",
    "MPOL_LOCAL",
    "MPOL_PREFERRED_MANY",
    "MPOL_WEIGHTED_INTERLEAVE",
];

const FLAGS: [(&str, i32); 3] = [
    ("MPOL_F_NUMA_BALANCING", 1 << 13),
    ("MPOL_F_RELATIVE_NODES", 1 << 14),
    ("MPOL_F_STATIC_NODES", 1 << 15),
];

/// Whether the modes and flags go together is for the kernel to say.
pub(crate) fn parse(policy: &MemoryPolicy) -> Result<Option<NodePolicy>> {
    if *policy == MemoryPolicy::default() {
        return Ok(None);
    }
    let refuse = |what: &str, word: &str| {
        Error::invalid("linux.memoryPolicy", format!("invalid memory policy {what} '{word}'"))
    };
    let mode = MODES.iter().position(|known| *known == policy.mode);
    let mut mode = mode.ok_or_else(|| refuse("mode", &policy.mode))? as i32;
    for flag in &policy.flags {
        let known = FLAGS.iter().find(|(name, _)| name == flag);
        mode |= known.ok_or_else(|| refuse("flag", flag))?.1;
    }
    let nodes = (!policy.nodes.is_empty())
        .then(|| mask_of_list(&policy.nodes).ok_or_else(|| refuse("node", &policy.nodes)))
        .transpose()?;
    Ok(Some(NodePolicy { mode, nodes }))
}

/// The words that are known, for `features`.
pub fn memory_policy_words() -> (Vec<String>, Vec<String>) {
    let flags = FLAGS.iter().map(|(name, _)| (*name).to_owned());
    (MODES.iter().map(|&name| name.to_owned()).collect(), flags.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_numbers() {
        let policy = |mode: &str, nodes: &str, flags: &[&str]| {
            let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
            parse(&MemoryPolicy { mode: mode.to_owned(), nodes: nodes.to_owned(), flags })
        };
        assert_eq!(policy("", "", &[]).unwrap(), None);
        let bind = policy("MPOL_BIND", "0,2", &["MPOL_F_STATIC_NODES"]).unwrap().unwrap();
        assert_eq!((bind.mode, bind.nodes.unwrap()[0]), (2 | 1 << 15, 0b101));
        assert_eq!(policy("MPOL_LOCAL", "", &[]).unwrap(), Some(NodePolicy { mode: 4, nodes: None }));
        assert!(policy("MPOL_BIND", "9876543210", &[]).is_err());
    }
}
