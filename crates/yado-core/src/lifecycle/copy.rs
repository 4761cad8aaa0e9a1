//! Making a machine as a copy of another project's (`config.vm.clone`). The other machine is held while it is copied,
//! and its journal says that something is done to its data, as for a snapshot.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Machine, place, recover};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::MachineLock;
use crate::provider::MachineState;
use crate::spec::{CloneSpec, MachineSpec};
use crate::store::{MachineRecord, Operation};

/// How long others may take who do something to the machine that is to be copied; other copies, most of all.
const PATIENCE: Duration = Duration::from_secs(60);

impl Machine {
    /// The machine that this one is to be a copy of.
    pub(super) fn find_model(&self, wanted: &CloneSpec) -> Result<MachineRecord> {
        let at = wanted.project.display();
        let store = &self.workshop.store;
        let environment = self.environment.neighbour(&wanted.project, store)?;
        if environment.project == self.environment.project {
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                "A machine cannot be a copy of one of its own project.",
            )
            .hinted("Move the machine to copy to a project of its own.")
            .at(wanted.origin.clone()));
        }
        let mut found = match environment.id() {
            Some(id) => store.machines(Some(id))?,
            None => Vec::new(),
        };
        found.retain(|record| record.state != MachineState::NotCreated.id());
        let names: Vec<String> = found.iter().map(|record| record.name.clone()).collect();
        let asked = |record: &MachineRecord| match &wanted.machine {
            Some(name) => record.name == *name,
            None => names.len() == 1 || is_primary(record),
        };
        let Some(model) = found.into_iter().find(asked) else {
            let error = |message| Error::new(ErrorKind::MachineNotFound, message).at(wanted.origin.clone());
            return Err(match &wanted.machine {
                _ if names.is_empty() => {
                    error(format!("There is no machine in '{at}' that could be copied."))
                        .hinted("Make it first: run `yado up` there.")
                }
                Some(name) => error(format!(
                    "There is no machine '{name}' in '{at}' that could be copied, but: {}.",
                    names.join(", ")
                )),
                None => error(format!(
                    "There are several machines in '{at}', and none of them is the primary one."
                ))
                .hinted(format!("Say which one is meant: '{at}#{}'.", names[0])),
            });
        };
        if model.provider != self.kind.name() {
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!(
                    "The machine '{}' in '{at}' was made with the provider '{}', and a copy of it can be no machine of \
                     '{}'.",
                    model.name,
                    model.provider,
                    self.kind.name()
                ),
            )
            .at(wanted.origin.clone()));
        }
        Ok(model)
    }

    /// Makes the machine of `record`, whose making is in the journal.
    pub(super) fn copy_model(
        &self,
        context: &Context,
        record: &MachineRecord,
        wanted: &CloneSpec,
    ) -> Result<()> {
        let store = &self.workshop.store;
        let _lock = self.hold(context, &self.find_model(wanted)?, &wanted.project)?;
        // What somebody left half done was finished or undone, and took place before this machine had the lock.
        let model = self.find_model(wanted)?;
        context.info(format!("Cloning the machine '{}' of '{}'...", model.name, wanted.project.display()));
        if let Some(image) = &model.image {
            store.set_image(&record.id, image)?;
        }
        let copied = MachineRecord { image: model.image.clone(), ..record.clone() };
        store.begin(&model.id, Operation::Snapshot)?;
        let done = self.provider(&copied)?.create_as_copy(context, &model);
        if done.is_err() {
            let mut provider = self.kind.open(&model, None, &place(store, &model))?;
            if let Some(snapshots) = provider.snapshots() {
                snapshots.tidy(context, model.state == MachineState::Running.id())?;
            }
        }
        store.end(&model.id)?;
        done
    }

    /// Takes the lock of the machine that is to be copied.
    fn hold(&self, context: &Context, model: &MachineRecord, project: &Path) -> Result<MachineLock> {
        let home = self.workshop.store.home();
        let limit = Instant::now() + PATIENCE;
        loop {
            context.cancel.check()?;
            match MachineLock::try_take(home, &model.environment, &model.name, "clone")? {
                Ok(lock) => {
                    recover::recover(context, &self.workshop, &model.environment, &model.name)?;
                    return Ok(lock);
                }
                Err(holder) if Instant::now() > limit => {
                    return Err(Error::new(
                        ErrorKind::Locked,
                        format!(
                            "The machine '{}' of '{}' cannot be copied now:\nanother process ({holder}) is executing an \
                             action on it.",
                            model.name,
                            project.display()
                        ),
                    )
                    .hinted("Try again when it has finished."));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

/// Whether the Vagrantfile called the machine primary when it was started last.
fn is_primary(record: &MachineRecord) -> bool {
    let spec = record.spec.as_deref().and_then(|text| serde_json::from_str::<MachineSpec>(text).ok());
    spec.is_some_and(|spec| spec.primary)
}
