//! After a process was killed: the journal says what it was doing; here that is finished or undone.

use crate::context::Context;
use crate::environment::Environment;
use crate::error::{Doing, ErrorKind, Result};
use crate::lock::MachineLock;
use crate::provider::{MachineState, Provider, ProviderKind, StopMode};
use crate::spec::MachineSpec;
use crate::store::{MachineRecord, Operation};

use super::{Workshop, kind_of, machine_directory, place};

/// Recovers every machine of every environment whose process died. Machines that a living process works on are left
/// to it. Cheap when there is nothing to do.
pub fn recover_interrupted(context: &Context, workshop: &Workshop) -> Result<()> {
    for id in workshop.store.machines_in_progress()? {
        let Some(record) = workshop.store.machines(None)?.into_iter().find(|record| record.id == id) else {
            continue;
        };
        let home = workshop.store.home();
        if let Ok(lock) = MachineLock::try_take(home, &record.environment, &record.name, "recover")? {
            // Another project's machine, maybe: what hinders its recovery must not hinder this command. Its own
            // next command meets the hindrance again.
            if let Err(problem) = recover(context, workshop, &record.environment, &record.name) {
                let project = record.project.display();
                context.warn(format!("'{}' of '{project}' is left as it was: {problem}", record.name));
            }
            drop(lock);
        }
    }
    crate::lock::remove_abandoned(workshop.store.home());
    Ok(())
}

/// Recovers one machine; its lock is held.
pub(super) fn recover(context: &Context, workshop: &Workshop, environment: &str, name: &str) -> Result<()> {
    let store = &workshop.store;
    let Some(record) = store.machine(environment, name)? else { return Ok(()) };
    let Some(operation) = store.unfinished(&record.id)? else { return Ok(()) };
    let context = context.for_machine(name);
    let kind = kind_of(&workshop.registry, &record)?;
    match operation {
        Operation::Create | Operation::Destroy => {
            context.info(format!(
                "An earlier command was interrupted in '{}'. Removing the half-made machine...",
                record.project.display()
            ));
            remove(&context, workshop, kind, &record, None)?;
            Environment::of_machine(&record).forget_if_empty(store)
        }
        Operation::Snapshot => {
            context.info(format!(
                "An earlier command was interrupted in '{}' while it worked on snapshots. Tidying up...",
                record.project.display()
            ));
            let mut provider = kind.open(&record, None, &place(store, &record))?;
            if let Some(snapshots) = provider.snapshots() {
                snapshots.tidy(&context, record.state == MachineState::Running.id())?;
            }
            store.end(&record.id)
        }
        Operation::Suspend | Operation::Resume => {
            context.info(format!(
                "An earlier command was interrupted in '{}' while it suspended or resumed the machine. Looking after \
                 it...",
                record.project.display()
            ));
            let mut provider = kind.open(&record, None, &place(store, &record))?;
            mend(&context, workshop, &record, &mut *provider)
        }
        Operation::Start | Operation::Stop => {
            context.info(format!(
                "An earlier command was interrupted in '{}'. Switching the machine off...",
                record.project.display()
            ));
            kind.open(&record, None, &place(store, &record))?.stop(&context, StopMode::Force)?;
            store.finish_stopped(&record.id)
        }
    }
}

/// Lets a machine go on, or be frozen, that was on the way between the two; then what it does is what is on record. One
/// that cannot be looked after must not be kept from being switched off or removed.
pub(super) fn mend(
    context: &Context,
    workshop: &Workshop,
    record: &MachineRecord,
    provider: &mut dyn Provider,
) -> Result<()> {
    let mended = provider.suspend().map_or(Ok(()), |power| power.mend(context));
    match mended {
        Err(problem) if problem.kind() == ErrorKind::Interrupted => return Err(problem),
        Err(problem) => context.warn(format!(
            "What a suspension left could not be put in order: {problem} `yado halt --force` switches the machine off."
        )),
        Ok(()) => {}
    }
    let state = provider.state(context)?;
    workshop.store.finish(&record.id, state)
}

/// Removes a machine in whatever state, then its directory, then its record: in this order, so that a kill in between
/// leaves the record that leads back here.
pub(super) fn remove(
    context: &Context,
    workshop: &Workshop,
    kind: &dyn ProviderKind,
    record: &MachineRecord,
    spec: Option<&MachineSpec>,
) -> Result<()> {
    let store = &workshop.store;
    kind.open(record, spec, &place(store, record))?.destroy(context)?;
    let directory = machine_directory(store, &record.id);
    match std::fs::remove_dir_all(&directory) {
        Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
            return Err(problem).doing(|| format!("removing '{}'", directory.display()));
        }
        _ => {}
    }
    store.remove_machine(&record.id)
}
