//! Snapshots of a machine: `impl Snapshots`. A snapshot is a list of layers. Of a machine that is switched off, its
//! writable layer becomes the snapshot's and it goes on with an empty one on top: nothing is copied. The writable layer
//! of a machine that runs cannot be changed for another one, so it is copied while all processes are frozen; what they
//! had not written to their files is not in it, as after a loss of power.

use std::collections::BTreeSet;

use yado_container::Status;
use yado_core::error::Doing;
use yado_core::provider::Snapshots;
use yado_core::{Context, Error, ErrorKind, Result};

use super::layers::{self, Layers};
use super::machine::Machine;
use super::{engine_error, layer_copy};

impl Machine {
    /// The layers of a snapshot, lowest first.
    fn content(&self, name: &str) -> Result<Vec<String>> {
        let snapshots = self.place.store.snapshots(&self.record.id)?;
        let found = snapshots.into_iter().find(|snapshot| snapshot.name == name).ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("The snapshot name '{name}' was not found."))
        })?;
        serde_json::from_str(&found.content).doing(|| format!("reading the snapshot '{name}'"))
    }

    /// The machine's layers with an empty writable one above `below`.
    pub(super) fn with_empty_layer(&self, below: Vec<String>) -> Result<Layers> {
        let upper = layers::new_name()?;
        layers::make(&self.place.machine.join(&upper), &self.upper()?)?;
        Ok(Layers { upper, below })
    }

    /// Takes away what neither the machine nor a snapshot names.
    fn collect(&mut self) -> Result<()> {
        self.reread()?;
        let own = self.own_layers()?;
        let mut used: BTreeSet<String> = own.below.into_iter().chain([own.upper]).collect();
        for snapshot in self.place.store.snapshots(&self.record.id)? {
            used.extend(self.content(&snapshot.name)?);
        }
        layers::collect(&self.place.machine, &used)
    }

    fn save_at_rest(&mut self, name: &str) -> Result<()> {
        let own = self.own_layers()?;
        let mut below = own.below;
        // An untouched layer is nothing to keep.
        if below.is_empty() || !layers::is_empty(&self.place.machine.join(&own.upper)) {
            below.push(own.upper);
        }
        let content = serde_json::to_string(&below).doing(|| "recording the snapshot")?;
        let layers = self.with_empty_layer(below)?.text()?;
        self.place.store.put_snapshot(&self.record.id, name, &content, Some(&layers))
    }

    fn save_running(&self, context: &Context, name: &str) -> Result<()> {
        let mut content = self.own_layers()?.below;
        let copy = layers::new_name()?;
        layer_copy::copy(&context.cancel, &self.upper()?, &self.place.machine.join(&copy))?;
        content.push(copy);
        let content = serde_json::to_string(&content).doing(|| "recording the snapshot")?;
        self.place.store.put_snapshot(&self.record.id, name, &content, None)
    }
}

impl Snapshots for Machine {
    fn list(&self, _context: &Context) -> Result<Vec<String>> {
        let snapshots = self.place.store.snapshots(&self.record.id)?;
        Ok(snapshots.into_iter().map(|snapshot| snapshot.name).collect())
    }

    fn save(&mut self, context: &Context, name: &str) -> Result<()> {
        match self.container()?.filter(|container| container.state() != Status::Stopped) {
            None => self.save_at_rest(name)?,
            Some(mut container) => {
                let frozen_before = container.state() == Status::Paused;
                if !frozen_before {
                    container.pause().map_err(engine_error)?;
                }
                let saved = self.save_running(context, name);
                if !frozen_before {
                    container.resume().map_err(engine_error)?;
                }
                saved?;
            }
        }
        // The snapshot of the same name may have been the last to use a layer.
        self.collect()
    }

    fn restore(&mut self, _context: &Context, name: &str) -> Result<()> {
        let layers = self.with_empty_layer(self.content(name)?)?.text()?;
        self.place.store.set_layers(&self.record.id, &layers)?;
        self.collect()
    }

    fn delete(&mut self, _context: &Context, name: &str) -> Result<()> {
        let mut own = self.own_layers()?;
        let snapshots = self.place.store.snapshots(&self.record.id)?;
        let others: Vec<&str> =
            snapshots.iter().map(|snapshot| snapshot.name.as_str()).filter(|other| *other != name).collect();
        let mut used = BTreeSet::new();
        for other in others {
            used.extend(self.content(other)?);
        }
        // The layer right below, when nobody else has it, is written to again: going back and forth makes no tower.
        let at_rest = self.container()?.is_none_or(|container| container.state() == Status::Stopped);
        let merged = at_rest
            && layers::is_empty(&self.place.machine.join(&own.upper))
            && own.below.last().is_some_and(|last| {
                !used.contains(last) && !layers::is_shared(&self.place.machine.join(last))
            });
        if merged && let Some(last) = own.below.pop() {
            own.upper = last;
        }
        let layers = merged.then(|| own.text()).transpose()?;
        self.place.store.remove_snapshot(&self.record.id, name, layers.as_deref())?;
        self.collect()
    }

    fn tidy(&mut self, _context: &Context, running: bool) -> Result<()> {
        if let Some(mut container) =
            self.container()?.filter(|container| running && container.state() == Status::Paused)
        {
            container.resume().map_err(engine_error)?;
        }
        self.collect()
    }
}
