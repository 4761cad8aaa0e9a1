//! v2 io: weight and rates of disks.

use std::path::Path;

use crate::cgroup::files::{write, write_if_there};
use crate::error::Result;
use crate::spec::BlockIo;

pub(super) fn apply(folder: &Path, block: &BlockIo) -> Result<()> {
    if let Some(weight) = block.weight {
        let weight = 1 + (u64::from(weight).clamp(10, 1000) - 10) * 9999 / 990;
        write_if_there(&folder.join("io.weight"), &format!("default {weight}"))?;
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
