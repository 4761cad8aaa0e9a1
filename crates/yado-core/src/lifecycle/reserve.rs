//! Taking what only one machine can have: its record, host ports, addresses. Commands do this for all their machines
//! before the first one is made, so that a collision leaves everything as it was.

use super::Machine;
use crate::context::Context;
use crate::error::Result;
use crate::ports;
use crate::provider::MachineState;
use crate::store::LeaseKind;

impl Machine {
    /// Reserves for a machine that is going to be switched on. What is already reserved is kept.
    pub fn reserve(&mut self, context: &Context) -> Result<()> {
        let context = context.for_machine(&self.name);
        let spec = self.spec()?.clone();
        let store = self.workshop.store.clone();
        let fresh = self.record.is_none();
        if fresh {
            let environment = self.environment.ensure_id(&store)?;
            self.record = Some(store.add_machine(&environment, &self.name, self.kind.name())?);
        }
        let record = self.made()?.clone();
        let reserved = (|| {
            if !fresh && self.provider(&record)?.state(&context)? == MachineState::Running {
                return Ok(());
            }
            if self.forwards.is_empty() {
                let wanted = ports::wanted(&spec, self.kind.forwards_ssh())?;
                self.forwards =
                    ports::reserve(&context, &store, &record.id, &wanted, spec.usable_port_range)?;
            }
            self.provider(&record)?.reserve(&context)
        })();
        if reserved.is_err() {
            if fresh {
                store.remove_machine(&record.id)?;
                self.record = None;
            } else {
                store.release(LeaseKind::Port, &record.id)?;
            }
            self.forwards.clear();
        }
        reserved
    }

    /// Gives back what a machine that is going to be switched on has of an earlier configuration.
    pub fn let_go(&mut self) -> Result<()> {
        self.record.as_ref().map_or(Ok(()), |record| self.provider(record)?.let_go())
    }

    /// Refuses a restart after which the machine could not be switched on again, since another one has what it needs.
    pub fn check_reservation(&self) -> Result<()> {
        self.record.as_ref().map_or(Ok(()), |record| self.provider(record)?.check_reservation())
    }

    /// Gives back what [`Machine::reserve`] took for a machine that will not be made after all.
    pub fn give_back(&mut self) -> Result<()> {
        let store = &self.workshop.store;
        let Some(record) = self.record.clone() else { return self.environment.forget_if_empty(store) };
        let directory = super::machine_directory(store, &record.id);
        if store.unfinished(&record.id)?.is_some() && !directory.exists() {
            store.remove_machine(&record.id)?;
            self.record = None;
        } else if record.state == MachineState::Stopped.id() {
            store.release(LeaseKind::Port, &record.id)?;
        }
        self.forwards.clear();
        self.environment.forget_if_empty(store)
    }
}
