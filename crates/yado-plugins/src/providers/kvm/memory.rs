//! Whether this host has the memory that a machine is to have, asked before it is switched on.

use yado_core::spec::Origin;
use yado_core::{Error, ErrorKind, Result};

/// What QEMU itself takes besides the machine's memory, in MiB.
const BESIDES: u64 = 100;

/// Refuses a machine with this many MiB where the host has less left.
pub(super) fn check(mebibytes: u64, origin: Option<Origin>) -> Result<()> {
    let facts = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    match available(&facts) {
        Some(left) if left < mebibytes.saturating_add(BESIDES) => Err(Error::new(
            ErrorKind::System,
            format!(
                "The machine is to have {mebibytes} MiB of memory, and this host has {left} MiB left (QEMU itself takes \
                 about {BESIDES})."
            ),
        )
        .hinted("Give it less ('memory' in its provider block), or end something else first.")
        .at(origin)),
        _ => Ok(()),
    }
}

fn available(facts: &str) -> Option<u64> {
    let line = facts.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes >> 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_refused_and_an_unreadable_host_is_believed() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:   2097152 kB\n"), Some(2048));
        assert_eq!(available(""), None);
        assert!(check(1 << 30, None).unwrap_err().message().contains("MiB left"));
        assert!(check(u64::MAX, None).is_err());
        assert!(check(32, None).is_ok());
    }
}
