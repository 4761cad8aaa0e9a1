//! Warm starts: instead of booting, a new machine goes on from [what its box came to](super::keeping) when it was
//! booted on the same hardware, and becomes a machine of its own before anyone can enter it.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yado_core::disk::{Boot, DiskFormat, MachineDisk};
use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Forward, Result};

use super::hardware::{Begin, Hardware};
use super::identity::Identity;
use super::keeping::{Kept, Known};
use super::machine::Machine;
use super::qmp::{self, Qmp};
use super::settings::Settings;
use super::{disks, process, seed};

/// How long a machine may take to become one of its own.
const BECOMING: Duration = Duration::from_secs(120);
/// How long QEMU may take to read the state.
const READING: Duration = Duration::from_secs(60);

impl Machine {
    /// Makes sure, where it is wanted, that what the machine's box comes to is kept; why it is not, if so.
    pub(super) fn keep_boot(&self, context: &Context) -> Result<String> {
        let settings = self.spec.as_ref().map(Settings::of).unwrap_or_default();
        if !settings.warm_start {
            return Ok(String::new());
        }
        let private = self.private_cards()?;
        let hardware = self.hardware(context, &private)?;
        if let Some(why) = obstacle(&settings, &hardware) {
            return Ok(why.to_owned());
        }
        match Kept::of(context, &self.disk()?, &hardware, &self.user()) {
            Ok(Known::Kept(_)) => Ok(String::new()),
            Ok(Known::Failed(why)) => Ok(why),
            Err(problem) if problem.kind() == ErrorKind::Interrupted => Err(problem),
            Err(problem) => Ok(problem.message().trim_end_matches('.').to_owned()),
        }
    }

    fn disk(&self) -> Result<MachineDisk> {
        let missing = || Error::new(ErrorKind::BoxNotFound, "The box has no disk to boot from.");
        self.image()?.disk.ok_or_else(missing)
    }

    /// Lets a new machine go on from what its box has come to; false when it has to boot, after saying why. `unkept` is
    /// why that is not kept, if it is not.
    pub(super) fn start_warm(
        &self,
        context: &Context,
        unkept: &str,
        hardware: &Hardware,
        forwards: &[Forward],
    ) -> Result<bool> {
        let boots = |why: &str| {
            context.detail(format!("The machine boots, and does not go on from a kept state: {why}."));
            Ok(false)
        };
        if !unkept.is_empty() {
            return boots(unkept);
        }
        let seed = self.folder().join(seed::FILE);
        let size = std::fs::metadata(&seed).doing(|| format!("reading '{}'", seed.display()))?.len();
        if size != yado_boxes::SEED_UNIT {
            return boots("it is told more than fits");
        }
        let facts = disks::facts(context, &self.folder().join(disks::BOOT))?;
        if !disks::tags(&facts).is_empty() {
            return boots("it has snapshots");
        }
        let disk = self.disk()?;
        let Some(Known::Kept(kept)) = Kept::known(context, &disk, hardware)? else {
            return boots("its hardware has changed since it was made");
        };
        let layer =
            MachineDisk { image: kept.disk(), format: DiskFormat::Qcow2, boot: disk.boot, bus: disk.bus };
        disks::make_overlay(context, &self.folder().join(disks::BOOT), &layer, None)?;
        let state = kept.devices()?;
        let console = self.folder().join(process::CONSOLE);
        std::fs::copy(kept.console(), &console).doing(|| format!("writing '{}'", console.display()))?;
        // What keeps QEMU from starting is not the state's fault.
        self.launch(context, hardware, forwards, Begin::Kept(&kept.memory()))?;
        match self.go_on_from(context, &state) {
            Ok(()) => Ok(true),
            Err(problem) if problem.kind() == ErrorKind::Interrupted => Err(problem),
            Err(problem) => {
                // What it wrote until then is as if its power had failed, which a boot gets over.
                let why = problem.message().trim_end_matches('.').to_owned();
                process::quit(self.folder(), self.id())?;
                kept.failed(&why);
                boots(&why)
            }
        }
    }

    /// Gives QEMU the kept state of its devices, and the machine what makes it one of its own.
    fn go_on_from(&self, context: &Context, state: &[u8]) -> Result<()> {
        let gone = || Error::new(ErrorKind::System, "QEMU ended while it read a kept state.");
        let mut qmp = Qmp::open(self.folder())?.ok_or_else(gone)?;
        qmp.leave_memory_out(true)?;
        let name = "devices.sock";
        qmp.run("migrate-incoming", json!({ "uri": format!("unix:{name}") }))?;
        let doing = || "giving QEMU a kept state";
        let mut stream = qmp::connect(self.folder(), name, READING).doing(doing)?;
        stream.write_all(state).doing(doing)?;
        drop(stream);
        let end = Instant::now() + READING;
        loop {
            let facts = qmp.run("query-status", json!({}))?;
            if facts.get("status").and_then(Value::as_str) != Some("inmigrate") {
                break;
            }
            if Instant::now() > end {
                return Err(Error::new(ErrorKind::System, "QEMU did not read the kept state in time."));
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        // From now on, what it writes of its memory is all of it.
        qmp.leave_memory_out(false)?;
        qmp.run("cont", json!({}))?;
        drop(qmp);
        // QEMU leaves it behind.
        drop(std::fs::remove_file(self.folder().join(name)));
        Identity::open(self.folder(), self.id())?.go(context, BECOMING)
    }
}

/// Why machines with these settings cannot go on from a kept state.
fn obstacle(settings: &Settings, hardware: &Hardware) -> Option<&'static str> {
    let has_own_kernel =
        settings.kernel.is_some() || settings.initrd.is_some() || settings.command_line.is_some();
    if has_own_kernel || !matches!(hardware.boot, Boot::Kernel { .. }) {
        Some("it does not boot by the kernel that yado handed over with the box")
    } else if hardware.disks.len() > 2 || settings.disk_size.is_some() {
        Some("its disks are not those of the box alone")
    } else if !settings.arguments.is_empty() {
        Some("'qemu_args' changes its hardware")
    } else if hardware.cards.iter().any(|card| card.model != "virtio-net-pci") {
        Some("only network cards of the model 'virtio' take another address")
    } else {
        None
    }
}
