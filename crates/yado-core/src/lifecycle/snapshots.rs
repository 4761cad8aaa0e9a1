//! Snapshots: keeping a machine's data under a name, and going back to it. Journalled, so that a killed process leaves
//! either what was before or what was asked for.

use super::{Machine, Options};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Goal, Step, plan};
use crate::provider::{MachineState, Snapshots};
use crate::store::Operation;

impl Machine {
    /// The names of its snapshots, the oldest first.
    pub fn snapshots(&self, context: &Context) -> Result<Vec<String>> {
        let mut provider = self.provider(self.made()?)?;
        self.power(provider.snapshots())?.list(context)
    }

    /// Keeps the machine's data as it is now. A snapshot of the same name is replaced when `replace` says so.
    pub fn save_snapshot(&mut self, context: &Context, name: &str, replace: bool) -> Result<()> {
        let context = &context.for_machine(&self.name);
        if !replace && self.snapshots(context)?.iter().any(|known| known == name) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("The machine '{}' already has a snapshot named '{name}'.", self.name),
            )
            .hinted("Use `--force` to replace it, or delete it first."));
        }
        context.info(format!("Snapshotting the machine as '{name}'..."));
        self.journalled(context, |snapshots| snapshots.save(context, name))?;
        context.info(
            "Snapshot saved! You can restore the snapshot at any time by\nusing `yado snapshot restore`. You can \
             delete it using\n`yado snapshot delete`.",
        );
        Ok(())
    }

    /// Goes back to a snapshot. The machine is switched off for it, and with `start` on again afterwards.
    pub fn restore_snapshot(
        &mut self,
        context: &Context,
        name: &str,
        options: &Options,
        start: bool,
    ) -> Result<()> {
        let context = &context.for_machine(&self.name);
        self.require_snapshot(context, name)?;
        if matches!(self.state(context)?, MachineState::Running | MachineState::Suspended) {
            self.take(context, Step::Stop, &Options { force: true, ..options.clone() })?;
        }
        context.info(format!("Restoring the snapshot '{name}'..."));
        self.journalled(context, |snapshots| snapshots.restore(context, name))?;
        if !start {
            return Ok(());
        }
        plan(MachineState::Stopped, Goal::Running).iter().try_for_each(|step| {
            context.cancel.check()?;
            self.take(context, *step, options)
        })
    }

    /// Forgets a snapshot.
    pub fn delete_snapshot(&mut self, context: &Context, name: &str) -> Result<()> {
        let context = &context.for_machine(&self.name);
        self.require_snapshot(context, name)?;
        context.info(format!("Deleting the snapshot '{name}'..."));
        self.journalled(context, |snapshots| snapshots.delete(context, name))?;
        context.info("Snapshot deleted!");
        Ok(())
    }

    fn require_snapshot(&self, context: &Context, name: &str) -> Result<()> {
        let known = self.snapshots(context)?;
        if known.iter().any(|snapshot| snapshot == name) {
            return Ok(());
        }
        let error = Error::new(
            ErrorKind::Usage,
            format!("The snapshot name '{name}' was not found for the\nmachine '{}'.", self.name),
        );
        Err(match crate::registry::nearest(name, known.iter().map(String::as_str)) {
            Some(near) => error.hinted(format!("Did you mean '{near}'?")),
            None => error.hinted("`yado snapshot list` shows those that there are."),
        })
    }

    /// Does something with the journal saying so. After a failure, what is on record counts.
    fn journalled(
        &mut self,
        context: &Context,
        work: impl FnOnce(&mut dyn Snapshots) -> Result<()>,
    ) -> Result<()> {
        let record = self.made()?.clone();
        let mut provider = self.provider(&record)?;
        let power = self.power(provider.snapshots())?;
        let store = &self.workshop.store;
        store.begin(&record.id, Operation::Snapshot)?;
        let done = work(power);
        if done.is_err() {
            power.tidy(context, record.state == MachineState::Running.id())?;
        }
        store.end(&record.id)?;
        self.reread()?;
        done
    }

    fn power<'a>(&self, power: Option<&'a mut dyn Snapshots>) -> Result<&'a mut dyn Snapshots> {
        power.ok_or_else(|| {
            Error::new(
                ErrorKind::Other,
                format!("The provider '{}' does not support snapshots.", self.kind.name()),
            )
        })
    }
}
