//! How many machines fit: a few are started beside each other, and what they hold together says what one more costs.
//! Memory is the limit that is looked at; processors are shared by machines that idle, and disk is a measure of its own.

use yado_core::{Context, Result};

use crate::footprint::Processes;
use crate::made::Made;

/// How many run beside each other. Fewer would not show what they share, more take long where they are heavy.
pub(crate) const BESIDE: usize = 3;

/// Machines per GiB, by what some hold that run beside each other: the memory of their processes, and what the kernel's
/// own has grown by, for its part of a container is the larger one. `None` when it has not grown: then others gave
/// back more than the machines took, and the figure would be too good.
pub(crate) fn measure(context: &Context, made: &Made) -> Result<Option<f64>> {
    let mut machines = Vec::new();
    let before = kernel_memory();
    let measured = hold(context, made, &mut machines);
    let after = kernel_memory();
    let mut removed = Ok(());
    for mut machine in machines {
        removed = machine.remove(context).and(removed);
    }
    let measured = measured?;
    removed?;
    let (Some(held), Some(before), Some(after)) = (measured, before, after) else { return Ok(None) };
    Ok((after > before).then(|| 1024.0 * BESIDE as f64 / (held + after - before)))
}

/// Starts them; what they hold together, in MiB.
fn hold(context: &Context, made: &Made, machines: &mut Vec<Made>) -> Result<Option<f64>> {
    for _ in 0..BESIDE {
        context.cancel.check()?;
        machines.push(made.another(context, &made.workshop)?);
        if let Some(machine) = machines.last_mut() {
            machine.must_run(context)?;
        }
    }
    let mut all = 0.0;
    for machine in machines {
        let Some(held) = Processes::of(context, machine)?.memory() else { return Ok(None) };
        all += held;
    }
    Ok(Some(all))
}

/// Memory of the kernel's own that it cannot give back, in MiB.
fn kernel_memory() -> Option<f64> {
    sum_of(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn sum_of(information: &str) -> Option<f64> {
    let field = |name: &str| -> Option<f64> {
        let line = information.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    };
    let kibibytes = field("SUnreclaim")? + field("KernelStack")? + field("PageTables")? + field("Percpu")?;
    Some(kibibytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_own_memory_is_summed_up() {
        let text =
            "MemTotal: 10 kB\nSUnreclaim: 1024 kB\nKernelStack: 512 kB\nPageTables: 256 kB\nPercpu: 256 kB\n";
        assert_eq!(sum_of(text), Some(2.0));
        assert_eq!(sum_of("MemTotal: 10 kB\n"), None);
        assert!(kernel_memory().is_some_and(|memory| memory > 1.0));
    }
}
