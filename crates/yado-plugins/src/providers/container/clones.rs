//! A machine as a copy of another (`config.vm.clone`). What the other one has written becomes a read-only layer, as for a
//! snapshot, and the copy has the same files by names of its own: nothing is copied but directories, either machine may
//! go first, and both write to layers of their own. The writable layer of a machine that runs is copied while its
//! processes are frozen.

use yado_container::Status;
use yado_core::error::Doing;
use yado_core::provider::Place;
use yado_core::{Context, MachineRecord, Result};

use super::layers::{self, Layers};
use super::machine::Machine;
use super::{engine_error, layer_copy};

/// From this many read-only layers on, another one is not added to a machine only because it is copied: the kernel takes
/// 500 for a file system.
const MANY: usize = 64;

impl Machine {
    /// Makes this machine, which is on record with its image, from another one, whose lock is held.
    pub(super) fn copy(&mut self, context: &Context, model: &MachineRecord) -> Result<()> {
        let place =
            Place { machine: self.place.machine.with_file_name(&model.id), store: self.place.store.clone() };
        let mut model = Self::open(model, None, &place)?;
        let running = model.container()?.filter(|container| container.state() != Status::Stopped);
        let below = match running {
            None => {
                model.make_all_read_only()?;
                self.share(context, &model)?
            }
            Some(mut container) => {
                let frozen_before = container.state() == Status::Paused;
                if !frozen_before {
                    container.pause().map_err(engine_error)?;
                }
                let copied = self.share(context, &model);
                if !frozen_before {
                    container.resume().map_err(engine_error)?;
                }
                copied?
            }
        };
        let upper = layers::new_name()?;
        layers::make(&self.place.machine.join(&upper), &model.upper()?)?;
        let work = self.place.machine.join("work");
        std::fs::create_dir_all(&work).doing(|| format!("creating '{}'", work.display()))?;
        self.place.store.set_layers(&self.record.id, &Layers { upper, below }.text()?)?;
        self.reread()?;
        self.become_another()
    }

    /// Lets a machine at rest go on with an empty writable layer, so that everything it has can be shared.
    fn make_all_read_only(&mut self) -> Result<()> {
        let mut own = self.own_layers()?;
        if own.below.len() < MANY && !layers::is_empty(&self.place.machine.join(&own.upper)) {
            own.below.push(own.upper);
            let layers = self.with_empty_layer(own.below)?.text()?;
            self.place.store.set_layers(&self.record.id, &layers)?;
            self.reread()?;
        }
        Ok(())
    }

    /// Brings the other machine's layers into this one's directory; their names, lowest first.
    fn share(&self, context: &Context, model: &Self) -> Result<Vec<String>> {
        let own = model.own_layers()?;
        let mut names = Vec::new();
        let to = |names: &mut Vec<String>| -> Result<_> {
            let name = layers::new_name()?;
            names.push(name.clone());
            Ok(self.place.machine.join(name))
        };
        for name in &own.below {
            layer_copy::share(&context.cancel, &model.place.machine.join(name), &to(&mut names)?)?;
        }
        let upper = model.place.machine.join(&own.upper);
        if !layers::is_empty(&upper) {
            layer_copy::copy(&context.cancel, &upper, &to(&mut names)?)?;
        }
        Ok(names)
    }

    /// Two machines with one identity would be taken for the same by what runs in them; systemd makes a new one.
    fn become_another(&self) -> Result<()> {
        let files = self.files(&self.image()?)?;
        if files.read_etc("machine-id").trim().is_empty() {
            Ok(())
        } else {
            files.write_etc("machine-id", "")
        }
    }
}
