//! A machine as a copy of another (`config.vm.clone`): what the other one wrote is copied, the box below stays shared, and
//! the copy is told who it is as every new machine is. Of a machine that runs, what it holds in memory is written out
//! first, and it stands still while its disks are read. Nothing ties the two together afterwards.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use yado_core::error::Doing;
use yado_core::provider::Place;
use yado_core::ssh::Keys;
use yado_core::{Communicator, Context, Exec, MachineRecord, Result};

use super::machine::Machine;
use super::settings::Settings;
use super::{disks, firmware, login};

/// How long a machine may take to write out what it holds in memory.
const WRITTEN: Duration = Duration::from_secs(60);
/// What copying a disk may take.
const COPYING: Duration = Duration::from_secs(3600);

impl Machine {
    /// Makes this machine, which is on record with its image, from another one, whose lock is held.
    pub(super) fn copy(&self, context: &Context, model: &MachineRecord) -> Result<()> {
        let place =
            Place { machine: self.place.machine.with_file_name(&model.id), store: self.place.store.clone() };
        let model = Self::open(model, None, &place);
        Keys::of(context, self.folder(), &self.record.name)?;
        self.take_keys(&model)?;
        if model.runs() {
            model.write_out(context)?;
        } else if model.is_suspended() {
            context.warn(
                "The machine that is copied is suspended: what it holds in memory is not part of the copy, which boots \
                 as if its power had failed.",
            );
        }
        // Others may want to talk to its QEMU meanwhile: no conversation is kept.
        let stood_still = match model.control()? {
            Some(mut qmp) => qmp.run("stop", json!({})).map(|_| true)?,
            None => false,
        };
        let copied = self.copy_disks(context, &model);
        if stood_still && let Some(mut qmp) = model.control()? {
            qmp.run("cont", json!({}))?;
        }
        copied
    }

    /// Has what is in the machine's memory and belongs on its disks written there.
    fn write_out(&self, context: &Context) -> Result<()> {
        let command = Exec { argv: vec!["sync".to_owned()], ..Exec::default() };
        let limited = Context { cancel: context.cancel.within(WRITTEN), ..context.clone() };
        let written = self.inside().and_then(|inside| inside.exec(&limited, &command, &mut |_, _| {}));
        context.cancel.check()?;
        match written {
            Ok(status) if status.success() => {}
            Ok(status) => context.warn(unwritten(&format!("code {}", status.code()))),
            Err(problem) => context.warn(unwritten(problem.message())),
        }
        Ok(())
    }

    /// A system of somebody else's lets the copy in as it let the other machine in, until it has a key of its own.
    fn take_keys(&self, model: &Self) -> Result<()> {
        if !self.is_foreign() {
            return Ok(());
        }
        for (from, to) in login::keys_for_a_copy(model.folder()) {
            let path = self.folder().join(to);
            let doing = || format!("writing '{}'", path.display());
            std::fs::copy(from, &path).doing(doing)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).doing(doing)?;
        }
        Ok(())
    }

    /// Copies what the other machine wrote to the disks that this one has, too. By its boot disk a machine is there, so
    /// that comes last.
    fn copy_disks(&self, context: &Context, model: &Self) -> Result<()> {
        let settings = self.spec.as_ref().map(Settings::of).unwrap_or_default();
        let mut wanted: Vec<String> =
            settings.disks.iter().filter(|disk| disk.size.is_some()).map(disks::file_of).collect();
        wanted.push(firmware::VARIABLES.to_owned());
        for disk in disks::own(model.folder())? {
            let name = disk.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if wanted.contains(&name) {
                copy_disk(context, &disk, self.folder())?;
            } else if name != disks::BOOT {
                context.detail(format!(
                    "The disk '{}' is not copied: this Vagrantfile names none of that name.",
                    name.trim_start_matches("extra-").trim_end_matches(".qcow2")
                ));
            }
        }
        copy_disk(context, &model.folder().join(disks::BOOT), self.folder())
    }
}

fn unwritten(why: &str) -> String {
    format!(
        "The machine that is copied could not be asked to write out what it holds in memory ({}): the copy has what is \
         on its disks.",
        why.trim_end_matches('.')
    )
}

/// Copies a machine's disk into another's directory, as a layer over the same one, without snapshots.
fn copy_disk(context: &Context, disk: &Path, folder: &Path) -> Result<()> {
    let facts = disks::facts(context, disk)?;
    let text = |name: &str| facts.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut argv: Vec<String> =
        ["qemu-img", "convert", "-U", "-f", "qcow2", "-O", "qcow2"].map(str::to_owned).to_vec();
    if let Some(below) = text("full-backing-filename").or_else(|| text("backing-filename")) {
        argv.extend(["-B".to_owned(), below]);
        argv.extend(text("backing-filename-format").into_iter().flat_map(|format| ["-F".to_owned(), format]));
    }
    let path = folder.join(disk.file_name().unwrap_or_default());
    let fresh = path.with_extension("new");
    argv.extend([disk, &fresh].map(|file| file.to_string_lossy().into_owned()));
    disks::image_tool_within(context, &argv, COPYING)?;
    std::fs::rename(&fresh, &path).doing(|| format!("writing '{}'", path.display()))
}
