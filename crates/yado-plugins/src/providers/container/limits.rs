//! What a machine may use, and changing it while the machine runs: `impl LiveLimits`. What it was started with, or last
//! changed to, is on record; a change that was interrupted is therefore simply made again.

use yado_container::rootless;
use yado_container::spec::{self, Cpu, Memory, Pids, Resources};
use yado_core::provider::{LiveLimits, MachineState};
use yado_core::{Context, MachineSpec, Provider, Result};

use super::machine::Machine;
use super::{engine_error, number, specification};

/// Length of the period that processor time is counted in, in microseconds (the kernel's own default).
const PERIOD: u64 = 100_000;

/// How many processes a machine may have when nobody says more.
const PROCESSES: i64 = 8192;

/// The limits that a Vagrantfile asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limits {
    /// In bytes.
    memory: Option<i64>,
    /// In processors.
    cpus: Option<f64>,
    pids: i64,
}

impl Limits {
    pub(super) fn of(spec: &MachineSpec) -> Self {
        let setting = |name: &str| {
            specification::settings(spec).and_then(|provider| provider.settings.get(name)).and_then(number)
        };
        Self {
            memory: setting("memory").map(|mebibytes| (mebibytes * f64::from(1 << 20)) as i64),
            cpus: setting("cpus"),
            pids: setting("pids").map_or(PROCESSES, |pids| pids as i64),
        }
    }

    /// Without those that nothing here can hold.
    pub(super) fn without(mut self, kinds: &[&str]) -> Self {
        self.memory = self.memory.filter(|_| !kinds.contains(&"memory"));
        self.cpus = self.cpus.filter(|_| !kinds.contains(&"cpu"));
        self.pids = if kinds.contains(&"pids") { 0 } else { self.pids };
        self
    }

    /// For a machine that is about to be made.
    pub(super) fn resources(self) -> Resources {
        Resources {
            devices: spec::default_device_rules(),
            memory: self.memory.map(memory),
            cpu: self.cpus.map(|cpus| processor_time((cpus * PERIOD as f64) as i64)),
            pids: (self.pids > 0).then_some(Pids { limit: self.pids }),
            ..Resources::default()
        }
    }

    /// What has to be written for a machine that runs with `before`; a limit that is gone is lifted.
    fn instead_of(self, before: Self) -> Resources {
        let wanted = self.resources();
        Resources {
            memory: (self.memory != before.memory).then(|| wanted.memory.unwrap_or_else(|| memory(-1))),
            cpu: (self.cpus != before.cpus).then(|| wanted.cpu.unwrap_or_else(|| processor_time(-1))),
            pids: (self.pids != before.pids).then_some(Pids { limit: self.pids }),
            ..Resources::default()
        }
    }

    /// The differences, for people.
    fn changes_from(self, before: Self) -> Vec<String> {
        let mebibytes = |bytes: Option<i64>| {
            bytes.map_or_else(|| "no limit".to_owned(), |bytes| format!("{} MiB", bytes >> 20))
        };
        let processors =
            |cpus: Option<f64>| cpus.map_or_else(|| "no limit".to_owned(), |cpus| cpus.to_string());
        [
            ("memory", mebibytes(self.memory), mebibytes(before.memory)),
            ("cpus", processors(self.cpus), processors(before.cpus)),
            ("pids", self.pids.to_string(), before.pids.to_string()),
        ]
        .into_iter()
        .filter(|(_, now, before)| now != before)
        .map(|(name, now, before)| format!("{name}: {now} instead of {before}"))
        .collect()
    }
}

/// The same for memory and swap together: a limit that swap does not soften.
fn memory(bytes: i64) -> Memory {
    Memory { limit: Some(bytes), swap: Some(bytes), ..Memory::default() }
}

fn processor_time(quota: i64) -> Cpu {
    Cpu { quota: Some(quota), period: Some(PERIOD), ..Cpu::default() }
}

impl Machine {
    /// The limits that count, and those that the Vagrantfile asks for.
    fn limits_before_and_now(&self) -> Result<Option<(Limits, Limits)>> {
        let before: Option<MachineSpec> =
            self.record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let Some(before) = before else { return Ok(None) };
        let (mut before, mut now) = (Limits::of(&before), Limits::of(self.spec()?));
        if rootless::ground().is_some() {
            let unlimited = self.engine.cannot_limit().map_err(engine_error)?;
            (before, now) = (before.without(&unlimited), now.without(&unlimited));
        }
        Ok(Some((before, now)))
    }
}

impl LiveLimits for Machine {
    fn pending(&self, context: &Context) -> Result<Vec<String>> {
        if self.state(context)? != MachineState::Running {
            return Ok(Vec::new());
        }
        Ok(self.limits_before_and_now()?.map_or_else(Vec::new, |(before, now)| now.changes_from(before)))
    }

    fn apply(&mut self, _context: &Context) -> Result<()> {
        let Some((before, now)) = self.limits_before_and_now()? else { return Ok(()) };
        self.running()?.update(&now.instead_of(before)).map_err(engine_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_written_and_what_is_gone_is_lifted() {
        let before = Limits { memory: Some(64 << 20), cpus: Some(0.5), pids: 100 };
        let now = Limits { memory: Some(128 << 20), cpus: None, pids: 100 };
        assert_eq!(
            now.changes_from(before),
            ["memory: 128 MiB instead of 64 MiB", "cpus: no limit instead of 0.5"]
        );
        let written = now.instead_of(before);
        assert_eq!(written.memory.unwrap().limit, Some(128 << 20));
        assert_eq!(written.cpu.unwrap().quota, Some(-1));
        assert!(written.pids.is_none() && written.devices.is_empty());
        assert!(now.changes_from(now).is_empty());
    }
}
