//! v1 blkio: weight and rates of disks.

use std::path::Path;

use crate::cgroup::files::{write, write_if_there};
use crate::error::Result;
use crate::spec::BlockIo;

pub(super) fn apply(folder: &Path, io: &BlockIo) -> Result<()> {
    if let Some(weight) = io.weight {
        write_if_there(&folder.join("blkio.weight"), &weight.to_string())?;
    }
    for (name, rates) in [
        ("blkio.throttle.read_bps_device", &io.throttle_read_bps_device),
        ("blkio.throttle.write_bps_device", &io.throttle_write_bps_device),
        ("blkio.throttle.read_iops_device", &io.throttle_read_iops_device),
        ("blkio.throttle.write_iops_device", &io.throttle_write_iops_device),
    ] {
        for rate in rates {
            write(&folder.join(name), &format!("{}:{} {}", rate.major, rate.minor, rate.rate))?;
        }
    }
    Ok(())
}
