//! v2 io: weight and rates of disks.

use std::path::Path;

use crate::cgroup::files::write;
use crate::error::{Error, Result};
use crate::spec::BlockIo;

/// Writes a weight in the scale of the disk scheduler that is at work: BFQ has kept the old one.
fn write_weight(folder: &Path, what: &str, weight: u16) -> Result<()> {
    let bfq = folder.join("io.bfq.weight");
    if bfq.exists() {
        return write(&bfq, &format!("{what} {weight}"));
    }
    let weight = 1 + (u64::from(weight).clamp(10, 1000) - 10) * 9999 / 990;
    write(&folder.join("io.weight"), &format!("{what} {weight}"))
}

pub(super) fn apply(folder: &Path, block: &BlockIo) -> Result<()> {
    let leaf = block.leaf_weight.is_some();
    if leaf || block.weight_device.iter().any(|device| device.leaf_weight.is_some()) {
        return Err(Error::invalid("linux.resources.blockIO.leafWeight", "cgroups v2 have no such setting"));
    }
    if let Some(weight) = block.weight {
        write_weight(folder, "default", weight)?;
    }
    for device in &block.weight_device {
        if let Some(weight) = device.weight {
            write_weight(folder, &format!("{}:{}", device.major, device.minor), weight)?;
        }
    }
    for (key, rates) in [
        ("rbps", &block.throttle_read_bps_device),
        ("wbps", &block.throttle_write_bps_device),
        ("riops", &block.throttle_read_iops_device),
        ("wiops", &block.throttle_write_iops_device),
    ] {
        for rate in rates {
            let line = format!("{}:{} {key}={}", rate.major, rate.minor, rate.rate);
            write(&folder.join("io.max"), &line)?;
        }
    }
    Ok(())
}
