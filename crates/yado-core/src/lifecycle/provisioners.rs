//! Running a machine's provisioners: which are due, whether they may, and what is remembered of them.

use super::{Machine, Options};
use crate::context::Context;
use crate::error::Result;
use crate::plan::Step;
use crate::provisioner::{Aftermath, Guest, Neighbour};
use crate::provisioning::{self, Due, Wish};
use crate::spec::{ProvisionerSpec, RunWhen};
use crate::store::ProvisionRecord;

impl Machine {
    fn runs_on_host(&self, provisioner: &ProvisionerSpec) -> bool {
        self.workshop.registry.provisioner(&provisioner.kind).is_some_and(|kind| kind.runs_on_host())
    }

    /// Whether any provisioner could be refused before it runs; nearly no machine has one.
    pub(super) fn has_questionable_provisioners(&self) -> bool {
        let provisioners = self.spec.iter().flat_map(|spec| &spec.provisioners);
        provisioners.into_iter().any(|provisioner| {
            self.workshop.registry.provisioner(&provisioner.kind).is_none_or(|kind| kind.runs_on_host())
        })
    }

    /// Refuses what is due and is not done here, or would run programs on this computer without the user's permission,
    /// or could not.
    pub(super) fn check_due(&self, options: &Options) -> Result<()> {
        let Some(spec) = &self.spec else { return Ok(()) };
        for position in self.due(options)?.positions {
            let provisioner = &spec.provisioners[position];
            self.require_trust_in(provisioner, options)?;
            let Some(kind) = self.workshop.registry.provisioner(&provisioner.kind) else {
                return Err(provisioning::not_done(provisioner));
            };
            // A trigger that runs before may be what makes its files.
            if kind.runs_on_host() && spec.triggers.is_empty() {
                kind.open(provisioner, spec)?;
            }
        }
        Ok(())
    }

    fn require_trust_in(&self, provisioner: &ProvisionerSpec, options: &Options) -> Result<()> {
        if !self.runs_on_host(provisioner) {
            return Ok(());
        }
        let who = format!("The '{}' provisioner", provisioner.kind);
        self.require_trust_for(&who, provisioner.origin.as_ref(), options)
    }

    fn due(&self, options: &Options) -> Result<Due> {
        let spec = self.spec()?;
        let (provisioned, records) = match &self.record {
            Some(record) => (record.provisioned, self.workshop.store.provision_records(&record.id)?),
            None => (false, Vec::new()),
        };
        Ok(provisioning::due(&spec.provisioners, provisioned, &records, &options.provision))
    }

    /// The machines of its environment that exist.
    pub(super) fn neighbours(&self) -> Result<Vec<Neighbour>> {
        let records = self.workshop.store.machines_as_known(Some(&self.made()?.environment))?;
        let neighbours = records.iter();
        Ok(neighbours.map(|record| Neighbour { name: record.name.clone(), id: record.id.clone() }).collect())
    }

    /// Runs what is due.
    pub(super) fn provision(&mut self, context: &Context, options: &Options) -> Result<()> {
        let record = self.made()?.clone();
        let spec = self.spec()?.clone();
        let due = self.due(options)?;
        if let Some(notice) = due.notice {
            context.info(notice);
        }
        for position in due.positions {
            context.cancel.check()?;
            self.require_trust_in(&spec.provisioners[position], options)?;
            self.run_provisioner(context, position)?;
        }
        if options.provision == Wish::Skip {
            return Ok(());
        }
        let records = self.workshop.store.provision_records(&record.id)?;
        let complete = spec.provisioners.iter().enumerate().all(|(position, provisioner)| {
            provisioner.run == RunWhen::Never
                || records.iter().any(|record| {
                    record.position as usize == position && record.label == provisioning::label(provisioner)
                })
        });
        if complete || record.provisioned {
            self.workshop.store.set_provisioned(&record.id, true)?;
        }
        self.reread()
    }

    fn run_provisioner(&mut self, context: &Context, position: usize) -> Result<()> {
        let spec = self.spec()?.clone();
        let provisioner = &spec.provisioners[position];
        let _time = context.time(&format!("provisioner {}", provisioning::label(provisioner)));
        let kind = self
            .workshop
            .registry
            .provisioner(&provisioner.kind)
            .ok_or_else(|| provisioning::not_done(provisioner))?;
        let mut worker = kind.open(provisioner, &spec)?;
        provisioning::announce(context, provisioner);
        let communicator = self.connect(context)?;
        let neighbours = self.neighbours()?;
        let guest = Guest {
            communicator: &*communicator,
            spec: &spec,
            user: communicator.user(),
            neighbours: &neighbours,
        };
        let aftermath = worker.run(context, &guest)?;
        let id = self.made()?.id.clone();
        let record = ProvisionRecord {
            position: position as u32,
            label: provisioning::label(provisioner),
            fingerprint: worker.fingerprint()?,
        };
        self.workshop.store.put_provision_record(&id, &record)?;
        if aftermath == Aftermath::Reboot {
            drop(communicator);
            self.take(context, Step::Stop, &Options::default())?;
            self.take(context, Step::Start, &Options::default())?;
            self.take(context, Step::WaitReady, &Options::default())?;
        }
        Ok(())
    }
}
