//! What is kept of a machine beside its container: snapshots, and the image of a package. Both are commits; they carry
//! the machine's label as its container does, by which they are found again when nobody needs them any more.

use yado_core::provider::Snapshots;
use yado_core::{Context, Error, ErrorKind, MachineState, Result};

use super::engine::KEPT_LABEL;
use super::image::Source;
use super::machine::Machine;

impl Machine {
    /// What snapshots of this machine are called in the engine: a name keeps them from its tidying.
    fn kept_name(&self, image: &str) -> String {
        let digits = image.trim_start_matches("sha256:");
        format!("yado-snapshot-{}:{}", self.record.id, digits.get(..24).unwrap_or(digits))
    }

    /// The image of a snapshot.
    fn content(&self, name: &str) -> Result<String> {
        let snapshots = self.place.store.snapshots(&self.record.id)?;
        let found = snapshots.into_iter().find(|snapshot| snapshot.name == name);
        found
            .map(|snapshot| snapshot.content)
            .ok_or_else(|| Error::new(ErrorKind::Usage, format!("The snapshot name '{name}' was not found.")))
    }

    /// Removes the images that were kept of this machine, but for these and what its container is made from.
    pub(super) fn remove_kept_images(&self, context: &Context, but: &[String]) -> Result<()> {
        let filter = format!("label={KEPT_LABEL}={}", self.record.id);
        let format = "{{.ID}} {{.Repository}}:{{.Tag}}";
        let listed =
            self.engine.run(context, &["images", "--no-trunc", "--filter", &filter, "--format", format])?;
        for line in listed.lines() {
            let Some((id, name)) = line.split_once(' ') else { continue };
            if but.iter().any(|kept| same_image(kept, id)) {
                continue;
            }
            // By its name when it has one: what the container is made from then only loses the name.
            let what = if name.contains("<none>") { id } else { name };
            drop(self.engine.try_run(context, &["rmi", "-f", what])?);
        }
        Ok(())
    }

    /// Removes what neither the machine nor a snapshot names.
    pub(super) fn collect(&self, context: &Context) -> Result<()> {
        self.remove_what_was_given_up(context)?;
        let mut used = vec![self.source()?.image];
        used.extend(
            self.place.store.snapshots(&self.record.id)?.into_iter().map(|snapshot| snapshot.content),
        );
        self.remove_kept_images(context, &used)
    }

    /// Removes the container whose content was given up for a snapshot's.
    pub(super) fn remove_what_was_given_up(&self, context: &Context) -> Result<()> {
        let source = self.source()?;
        if let Some(old) = &source.given_up {
            // It may be gone already.
            drop(self.engine.try_run(context, &["rm", "-f", old])?);
            self.note(&Source { given_up: None, ..source })?;
        }
        Ok(())
    }
}

/// The engines write the same id with and without what says how it was made.
pub(super) fn same_image(one: &str, other: &str) -> bool {
    one.trim_start_matches("sha256:") == other.trim_start_matches("sha256:")
}

impl Snapshots for Machine {
    fn list(&self, _context: &Context) -> Result<Vec<String>> {
        let snapshots = self.place.store.snapshots(&self.record.id)?;
        Ok(snapshots.into_iter().map(|snapshot| snapshot.name).collect())
    }

    fn save(&mut self, context: &Context, name: &str) -> Result<()> {
        let image = match self.find(context)? {
            // The engine freezes what runs meanwhile.
            Some(found) => self.engine.commit(context, &found.id, &self.record.id)?,
            None => self.source()?.image,
        };
        self.engine.run(context, &["tag", &image, &self.kept_name(&image)])?;
        self.place.store.put_snapshot(&self.record.id, name, &image, None)?;
        context.detail("Volumes and synced folders are no part of a snapshot.");
        // The snapshot of the same name may have been the last to need an image.
        self.collect(context)
    }

    fn restore(&mut self, context: &Context, name: &str) -> Result<()> {
        let image = self.content(name)?;
        let given_up = self.engine.find(context, &self.record.id)?.map(|found| found.id);
        self.note(&Source { image, built: true, given_up, ..self.source()? })?;
        self.collect(context)
    }

    fn delete(&mut self, context: &Context, name: &str) -> Result<()> {
        self.place.store.remove_snapshot(&self.record.id, name, None)?;
        self.collect(context)
    }

    fn tidy(&mut self, context: &Context, running: bool) -> Result<()> {
        if let Some(found) = self.find(context)?
            && running
            && found.state == MachineState::Suspended
        {
            self.engine.run(context, &["unpause", &found.id])?;
        }
        self.collect(context)
    }
}
