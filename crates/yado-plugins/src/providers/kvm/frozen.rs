//! Machines that are switched off with their memory kept: `suspend` writes it into the boot disk beside the disk's own
//! content, `resume` starts QEMU with it. Between the two, the machine costs no memory and survives the host's restart.

use std::time::Duration;

use serde_json::{Value, json};
use yado_core::provider::Suspend;
use yado_core::ssh::Ssh;
use yado_core::{Communicator, Context, Error, ErrorKind, Exec, Forward, Result};

use super::hardware::{Begin, Hardware};
use super::machine::Machine;
use super::qmp::Qmp;
use super::settings::Settings;
use super::{accelerator, disks, network, recollection};

/// The name of the memory in the boot disk.
const TAG: &str = "yado-suspended";
/// Says that there is one, and what hardware it is of.
pub(super) const MARK: &str = "suspended";
/// What QEMU calls the boot disk.
const BOOT_NODE: &str = "disk0";
/// How long a machine that goes on may take to be entered, for its clock.
const HEARD: Duration = Duration::from_secs(30);
/// What writing or reading memory may take.
pub(super) const WRITING: Duration = Duration::from_secs(600);

impl Machine {
    /// Writes memory and the state of all writable disks into the boot disk under this name. The machine stands still
    /// meanwhile, and goes on only when told.
    pub(super) fn save_memory(&self, qmp: &mut Qmp, tag: &str) -> Result<()> {
        let arguments = json!({
            "job-id": "yado-save", "tag": tag, "vmstate": BOOT_NODE, "devices": writable(qmp)?,
        });
        qmp.job("snapshot-save", arguments, WRITING)
    }

    /// Takes a machine that stands still back to what was saved under this name.
    pub(super) fn load_memory(&self, qmp: &mut Qmp, tag: &str) -> Result<()> {
        let arguments = json!({
            "job-id": "yado-load", "tag": tag, "vmstate": BOOT_NODE, "devices": writable(qmp)?,
        });
        qmp.job("snapshot-load", arguments, WRITING)
    }

    /// Removes what was saved under this name from a machine that runs.
    pub(super) fn forget_memory(&self, qmp: &mut Qmp, tag: &str) -> Result<()> {
        let devices = writable(qmp)?;
        qmp.job(
            "snapshot-delete",
            json!({ "job-id": "yado-delete", "tag": tag, "devices": devices }),
            WRITING,
        )
    }

    /// Starts QEMU with memory that was kept, and lets the machine go on.
    pub(super) fn go_on(
        &self,
        context: &Context,
        hardware: &Hardware,
        forwards: &[Forward],
        tag: &str,
    ) -> Result<()> {
        self.launch(context, hardware, forwards, Begin::Saved(tag))?;
        if let Some(mut qmp) = self.control()? {
            qmp.run("cont", json!({}))?;
        }
        self.set_clock(context);
        Ok(())
    }

    /// Starts QEMU with what a suspension kept. The machine stands still.
    fn load_suspended(&self, context: &Context) -> Result<()> {
        let forwards: Vec<Forward> = self
            .record
            .forwards
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        network::prepare(&self.place.store, &self.record, self.spec()?)?;
        let had = recollection::hardware(self.folder(), MARK)?;
        let hardware =
            had.map_or_else(|| self.private_cards().and_then(|cards| self.hardware(context, &cards)), Ok)?;
        recollection::note_hardware(self.folder(), &hardware)?;
        self.launch(context, &hardware, &forwards, Begin::Saved(TAG))
    }

    /// Keeps what a suspended machine has under another name, too: QEMU reads it, writes it, and ends.
    pub(super) fn save_suspended(&self, context: &Context, tag: &str) -> Result<()> {
        let gone = || Error::new(ErrorKind::System, "QEMU ended while a snapshot was made.");
        let saved = self
            .load_suspended(context)
            .and_then(|()| self.save_memory(&mut self.control()?.ok_or_else(gone)?, tag));
        self.switch_off()?;
        saved
    }

    /// Tells a machine that slept what time it is. One that cannot be entered keeps the time that it had.
    fn set_clock(&self, context: &Context) {
        let told = self.inside().and_then(|inside| {
            inside.ready(context, HEARD)?;
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let command = Exec {
                argv: ["date", "-u", "-s", &format!("@{}", now.as_secs())].map(str::to_owned).to_vec(),
                user: Some("root".to_owned()),
                directory: Some("/".to_owned()),
                ..Exec::default()
            };
            inside.exec(context, &command, &mut |_, _| {})
        });
        if let Err(problem) = told {
            tracing::warn!(%problem, "setting the clock of a machine that slept");
        }
    }

    /// Removes what a suspension left in the disks of a machine that runs. Where it cannot be, the next one does it.
    fn forget_suspended(&self, qmp: &mut Qmp) {
        if let Err(problem) = self.forget_memory(qmp, TAG) {
            tracing::warn!(%problem, "removing memory that is not needed any more");
        }
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.folder().join(MARK).is_file()
    }

    /// Forgets the memory of a machine that is not running: it boots anew next time.
    pub(super) fn forget_suspension(&self, context: &Context) -> Result<()> {
        let mark = self.folder().join(MARK);
        if !mark.is_file() {
            return Ok(());
        }
        for (disk, _) in self.attached()? {
            let path = disk.to_string_lossy().into_owned();
            // A disk that was added since has none.
            drop(disks::image_tool(context, &["qemu-img", "snapshot", "-q", "-d", TAG, &path]));
        }
        recollection::forget(self.folder(), MARK)
    }
}

/// The nodes of disks that the machine writes to and that can keep what they held: where none is written to between a
/// suspension and its end, the others hold the same anyway.
fn writable(qmp: &mut Qmp) -> Result<Vec<String>> {
    let nodes = qmp.run("query-named-block-nodes", json!({ "flat": true }))?;
    let nodes = nodes.as_array().into_iter().flatten();
    let keeps = |node: &&Value| node.get("drv").and_then(Value::as_str) == Some("qcow2");
    let names = nodes.filter(|node| node.get("ro") == Some(&Value::Bool(false))).filter(keeps);
    let names = names.filter_map(|node| node.get("node-name").and_then(Value::as_str));
    Ok(names.filter(|name| name.starts_with("disk")).map(str::to_owned).collect())
}

impl Suspend for Machine {
    fn suspend(&mut self, context: &Context) -> Result<()> {
        if self.is_suspended() && !self.runs() {
            return Ok(());
        }
        // Connections would hang when the machine goes on.
        Ssh::close(context, self.folder());
        let Some(mut qmp) = self.control()? else {
            return Err(Error::new(ErrorKind::System, "The machine has switched itself off."));
        };
        // Of an earlier attempt.
        recollection::forget(self.folder(), MARK)?;
        self.forget_memory(&mut qmp, TAG)?;
        let hardware = recollection::read(self.folder(), recollection::PRESENT)?.unwrap_or_default();
        qmp.run("stop", json!({}))?;
        if let Err(problem) = self.save_memory(&mut qmp, TAG) {
            qmp.run("cont", json!({}))?;
            return Err(problem);
        }
        recollection::note(self.folder(), MARK, &hardware)?;
        drop(qmp);
        self.switch_off()
    }

    fn resume(&mut self, context: &Context) -> Result<()> {
        if self.runs() {
            return Ok(());
        }
        accelerator::tell(context, &Settings::of(self.spec()?))?;
        if let Err(problem) = self.load_suspended(context) {
            // What was kept stays, for another attempt.
            self.switch_off()?;
            return Err(problem.hinted("`yado halt` forgets the machine's memory; it then boots anew."));
        }
        if let Some(mut qmp) = self.control()? {
            qmp.run("cont", json!({}))?;
            // What it writes from now on would be lost if it went on from there again.
            recollection::forget(self.folder(), MARK)?;
            self.forget_suspended(&mut qmp);
        }
        self.set_clock(context);
        Ok(())
    }

    fn mend(&mut self, _context: &Context) -> Result<()> {
        let Some(mut qmp) = self.control()? else {
            // Without the mark, the memory in the disks is of no use; the next suspension removes it.
            return self.switch_off();
        };
        qmp.settle(WRITING)?;
        let status = qmp.run("query-status", json!({}))?;
        let goes_on = status.get("running") == Some(&Value::Bool(true));
        if self.is_suspended() && !goes_on {
            // All of it is kept, or was loaded and has not gone on.
            drop(qmp);
            return self.switch_off();
        }
        recollection::forget(self.folder(), MARK)?;
        qmp.run("cont", json!({}))?;
        self.forget_suspended(&mut qmp);
        Ok(())
    }
}
