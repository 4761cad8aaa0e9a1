//! v1 blkio: weight and rates of disks.

use std::path::{Path, PathBuf};

use crate::cgroup::files::write;
use crate::error::Result;
use crate::spec::BlockIo;

/// A file of the disk scheduler that knows weights: the old one's, or else BFQ's.
fn scheduler_file(folder: &Path, name: &str) -> PathBuf {
    let old = folder.join(format!("blkio.{name}"));
    if old.exists() { old } else { folder.join(format!("blkio.bfq.{name}")) }
}

pub(super) fn apply(folder: &Path, io: &BlockIo) -> Result<()> {
    if let Some(weight) = io.weight {
        write(&scheduler_file(folder, "weight"), &weight.to_string())?;
    }
    if let Some(weight) = io.leaf_weight {
        write(&scheduler_file(folder, "leaf_weight"), &weight.to_string())?;
    }
    for device in &io.weight_device {
        for (name, weight) in [("weight_device", device.weight), ("leaf_weight_device", device.leaf_weight)] {
            if let Some(weight) = weight {
                let line = format!("{}:{} {weight}", device.major, device.minor);
                write(&scheduler_file(folder, name), &line)?;
            }
        }
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
