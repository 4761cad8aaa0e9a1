//! A running container's limits and its freezer: `update`, `pause`, `resume`.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use yado_container::Status;
use yado_container::spec::{self, BlockIo, Cpu, Memory, Pids, Resources};

use super::{Failure, Outcome, Place};

/// Stop all processes of a container for a while
#[derive(Debug, Args)]
pub(super) struct Pause {
    id: String,
}

/// Let a paused container go on
#[derive(Debug, Args)]
pub(super) struct Resume {
    id: String,
}

/// Change the limits of a running container
#[derive(Debug, Args)]
pub(super) struct Update {
    /// All of linux.resources as JSON; '-' reads it from standard input
    #[arg(short, long, value_name = "FILE")]
    resources: Option<PathBuf>,
    /// Bytes of memory, also as 64m or 1g; -1 for no limit
    #[arg(long, value_parser = bytes, allow_hyphen_values = true)]
    memory: Option<i64>,
    /// Bytes that are left to it when memory is short
    #[arg(long, value_parser = bytes, allow_hyphen_values = true)]
    memory_reservation: Option<i64>,
    /// Bytes of memory and swap together; -1 for no limit
    #[arg(long, value_parser = bytes, allow_hyphen_values = true)]
    memory_swap: Option<i64>,
    /// Microseconds of each period
    #[arg(long)]
    cpu_period: Option<u64>,
    /// Microseconds of processor time in each period; -1 for no limit
    #[arg(long, allow_hyphen_values = true)]
    cpu_quota: Option<i64>,
    /// Microseconds of processor time that may be saved up for later
    #[arg(long)]
    cpu_burst: Option<u64>,
    /// 1 when others come first
    #[arg(long, allow_hyphen_values = true)]
    cpu_idle: Option<i64>,
    /// Microseconds of each period for real-time processes
    #[arg(long)]
    cpu_rt_period: Option<u64>,
    /// Microseconds that real-time processes have in it
    #[arg(long, allow_hyphen_values = true)]
    cpu_rt_runtime: Option<i64>,
    /// Weight against others; 1024 is usual
    #[arg(long)]
    cpu_share: Option<u64>,
    /// Processors that may be used, as in 0-2,4
    #[arg(long)]
    cpuset_cpus: Option<String>,
    /// Memory nodes that may be used
    #[arg(long)]
    cpuset_mems: Option<String>,
    /// The most processes; -1 for no limit
    #[arg(long, allow_hyphen_values = true)]
    pids_limit: Option<i64>,
    /// Weight of disk access, 10 to 1000
    #[arg(long)]
    blkio_weight: Option<u16>,
    id: String,
}

/// A size with or without a unit.
fn bytes(text: &str) -> Result<i64, String> {
    let units = [('k', 10), ('m', 20), ('g', 30), ('t', 40)];
    let lower = text.to_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let unit = units.iter().find(|(letter, _)| lower.ends_with(*letter));
    let digits = unit.map_or(lower, |(letter, _)| lower.trim_end_matches(*letter));
    let number: i64 = digits.parse().map_err(|_| format!("'{text}' is not a number of bytes"))?;
    number
        .checked_mul(1 << unit.map_or(0, |(_, shift)| *shift))
        .ok_or_else(|| format!("'{text}' is too much"))
}

impl Pause {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let mut container = place.container(&self.id)?;
        match container.state() {
            Status::Running | Status::Created => container.pause()?,
            Status::Paused | Status::Stopped => return Err(Failure::new("container not running")),
        }
        Ok(0)
    }
}

impl Resume {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let mut container = place.container(&self.id)?;
        if container.state() != Status::Paused {
            return Err(Failure::new("container not paused"));
        }
        container.resume()?;
        Ok(0)
    }
}

impl Update {
    pub(super) fn run(&self, place: &Place) -> Outcome {
        let mut container = place.container(&self.id)?;
        if container.state() == Status::Stopped {
            return Err(Failure::new("container not running"));
        }
        container.update(&self.resources()?)?;
        Ok(0)
    }

    fn resources(&self) -> Result<Resources, Failure> {
        if let Some(path) = &self.resources {
            let mut text = String::new();
            if path.as_os_str() == "-" {
                std::io::stdin().read_to_string(&mut text)?;
            } else {
                text = std::fs::read_to_string(path)
                    .map_err(|error| Failure(format!("cannot read '{}': {error}", path.display())))?;
            }
            return spec::read(text.as_bytes())
                .map_err(|error| Failure(format!("these are not resources: {error}")));
        }
        let memory = Memory {
            limit: self.memory,
            reservation: self.memory_reservation,
            swap: self.memory_swap,
            ..Memory::default()
        };
        let cpu = Cpu {
            shares: self.cpu_share,
            quota: self.cpu_quota,
            period: self.cpu_period,
            cpus: self.cpuset_cpus.clone(),
            mems: self.cpuset_mems.clone(),
            burst: self.cpu_burst,
            idle: self.cpu_idle,
            realtime_period: self.cpu_rt_period,
            realtime_runtime: self.cpu_rt_runtime,
        };
        Ok(Resources {
            memory: (memory != Memory::default()).then_some(memory),
            cpu: (cpu != Cpu::default()).then_some(cpu),
            pids: self.pids_limit.map(|limit| Pids { limit }),
            block_io: self.blkio_weight.map(|weight| BlockIo { weight: Some(weight), ..BlockIo::default() }),
            ..Resources::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("64m"), Ok(64 << 20));
        assert_eq!(bytes("2GB"), Ok(2 << 30));
        assert_eq!(bytes("-1"), Ok(-1));
        assert!(bytes("many").is_err());
        assert!(bytes("9999999999g").is_err());
    }
}
