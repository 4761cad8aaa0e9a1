//! One virtual machine: `impl Provider`.

use std::path::Path;
use std::time::{Duration, Instant};

use yado_core::disk::{Boot, Bus, SeedInterface};
use yado_core::error::Doing;
use yado_core::provider::{Console, Log, Place, Snapshots, StopMode, Suspend};
use yado_core::ssh::{Access, Keys, Ssh};
use yado_core::{
    Communicator, Context, Error, ErrorKind, Exec, Forward, Image, MachineRecord, MachineSpec, MachineState,
    Provider, Result,
};

use super::hardware::{self, Begin, Cable, Card, Drive, Hardware};
use super::qmp::Qmp;
use super::settings::Settings;
use super::{
    accelerator, disks, firmware, folders, launch, memory, network, process, recollection, seed, user_data,
};
use crate::providers::networks::{addresses, names};

/// How long a machine that is to be told something may take to answer; one that boots is told later.
const SHORTLY: Duration = Duration::from_millis(300);
/// How long it may then take to do as it is told.
const TOLD: Duration = Duration::from_secs(60);
/// How long a QEMU that serves nobody any more may take to be gone.
const ENDING: Duration = Duration::from_secs(5);
/// Between two looks at it.
const GLANCE: Duration = Duration::from_millis(5);
/// The file with the names that the machine knows, in its directory.
const NAMES: &str = "names";
/// Says that the machine was never switched on, and why it does not go on from a kept boot.
pub(super) const FRESH: &str = "fresh";

/// A machine, wanted, recorded, or real.
pub(super) struct Machine {
    pub(super) record: MachineRecord,
    pub(super) spec: Option<MachineSpec>,
    pub(super) place: Place,
}

impl Machine {
    pub(super) fn open(record: &MachineRecord, spec: Option<&MachineSpec>, place: &Place) -> Self {
        // Without the Vagrantfile, what the machine was last started with.
        let spec = spec.cloned().or_else(|| serde_json::from_str(record.spec.as_deref()?).ok());
        Self { record: record.clone(), spec, place: place.clone() }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.place.machine
    }

    pub(super) fn id(&self) -> &str {
        &self.record.id
    }

    pub(super) fn spec(&self) -> Result<&MachineSpec> {
        self.spec.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Other, format!("'{}' has no configuration on record.", self.record.name))
        })
    }

    pub(super) fn image(&self) -> Result<Image> {
        let text = self.record.image.as_deref().unwrap_or("null");
        serde_json::from_str(text).doing(|| format!("reading what '{}' was made from", self.record.name))
    }

    pub(super) fn user(&self) -> String {
        let asked = self.spec.as_ref().and_then(|spec| spec.ssh.username.clone());
        asked.or_else(|| Some(self.image().ok()?.user)).unwrap_or_else(|| "vagrant".to_owned())
    }

    /// The conversation with its QEMU; `None` when the machine does not run.
    pub(super) fn control(&self) -> Result<Option<Qmp>> {
        let end = Instant::now() + ENDING;
        loop {
            if let Some(qmp) = Qmp::open(self.folder())? {
                return Ok(Some(qmp));
            }
            if !self.runs() {
                return Ok(None);
            }
            if Instant::now() > end {
                return Err(Error::new(ErrorKind::System, "QEMU runs, and nobody answers for it.")
                    .hinted("`yado halt --force` ends it."));
            }
            std::thread::sleep(GLANCE);
        }
    }

    pub(super) fn runs(&self) -> bool {
        process::find(self.folder(), self.id()).is_some()
    }

    /// The way in.
    pub(super) fn inside(&self) -> Result<Ssh> {
        let (folder, id, name) =
            (self.place.machine.clone(), self.record.id.clone(), self.record.name.clone());
        let watch = move || {
            if process::find(&folder, &id).is_some() {
                return Ok(());
            }
            Err(Error::new(
                ErrorKind::Other,
                format!(
                    "The machine '{name}' has switched itself off. The last lines of its console:\n{}",
                    process::last_words(&folder)
                ),
            ))
        };
        let (folder, advice) = (self.place.machine.clone(), self.login_advice());
        let shown =
            move || format!("{advice}\nThe last lines of its console:\n{}", process::last_words(&folder));
        Ok(Ssh::new(self.access()?, self.folder(), Box::new(watch)).with_last_words(Box::new(shown)))
    }

    fn access(&self) -> Result<Access> {
        let forwards: Vec<Forward> = self
            .record
            .forwards
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let port = self.spec.as_ref().and_then(|spec| spec.ssh.settings.get("guest_port")?.as_u64());
        let port = port.unwrap_or(22);
        let forward = forwards
            .iter()
            .find(|forward| forward.protocol == "tcp" && u64::from(forward.guest_port) == port)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Other,
                    format!(
                        "No port of this host leads to port {port} of '{}', where its SSH server is.",
                        self.record.name
                    ),
                )
                .hinted("Leave the forwarded port with 'id: \"ssh\"' as it is.")
            })?;
        let host = if forward.host_ip.is_unspecified() {
            "127.0.0.1".to_owned()
        } else {
            forward.host_ip.to_string()
        };
        let keys = Keys::beside(self.folder());
        let (identities, is_known) = self.identities();
        let known = if is_known { Some((keys.known_hosts(), keys.alias()?)) } else { None };
        Ok(Access {
            host,
            port: forward.host_port,
            user: self.user(),
            identities,
            known,
            options: Vec::new(),
        })
    }

    /// The hardware that the configuration asks for.
    pub(super) fn hardware(&self, context: &Context, private: &[(Card, SeedInterface)]) -> Result<Hardware> {
        let settings = Settings::of(self.spec()?);
        let image = self.image()?;
        let disk = image.disk.ok_or_else(|| {
            Error::new(ErrorKind::BoxNotFound, format!("The box '{}' has no disk to boot from.", image.name))
        })?;
        let (accelerator, cpu_model) = accelerator::choose(context, &settings)?;
        let folder = self.folder();
        let own = |file: &str, format: &str, name: &str, read_only| Drive {
            file: folder.join(file),
            format: format.to_owned(),
            name: name.to_owned(),
            read_only,
            cdrom: false,
            bus: Bus::Virtio,
        };
        let boot = boot(disk.boot, &settings);
        let firmware = firmware::prepare(context, &boot, &settings, folder)?;
        let mut drives =
            vec![own(disks::BOOT, "qcow2", "boot", false), own(seed::FILE, "raw", seed::SERIAL, true)];
        if matches!(boot, Boot::Firmware { .. }) {
            drives[0].bus = settings.bus.unwrap_or(disk.bus);
        }
        let before =
            recollection::hardware(folder, recollection::PRESENT)?.map(|it| it.disks).unwrap_or_default();
        let known =
            |file: &Path| before.iter().find(|disk| disk.file == file).map(|disk| disk.format.clone());
        for extra in &settings.disks {
            drives.push(match &extra.file {
                Some(file) => Drive {
                    file: file.clone(),
                    format: if extra.cdrom {
                        "raw".to_owned()
                    } else {
                        disks::format_of(context, file, known(file))?
                    },
                    name: extra.name.clone(),
                    read_only: extra.cdrom,
                    cdrom: extra.cdrom,
                    bus: Bus::Virtio,
                },
                None => own(&disks::file_of(extra), "qcow2", &extra.name, false),
            });
        }
        let mut cards = vec![Card {
            model: settings.network_card.clone(),
            mac: hardware::hardware_address(self.id(), 0),
            cable: Cable::User,
            mtu: None,
        }];
        cards.extend(private.iter().map(|(card, _)| card.clone()));
        Ok(Hardware {
            machine_type: settings.machine_type.clone(),
            accelerator,
            cpu_model,
            cpus: settings.cpus,
            memory: settings.memory,
            boot,
            firmware,
            disks: drives,
            cards,
            arguments: settings.arguments,
        })
    }

    /// The cards in private networks, and what the machine is told of them.
    pub(super) fn private_cards(&self) -> Result<Vec<(Card, SeedInterface)>> {
        let spec = self.spec()?;
        network::cards(&self.place.store, &self.record, spec, &Settings::of(spec).network_card)
    }

    fn power_on(&self, context: &Context, forwards: &[Forward]) -> Result<()> {
        let spec = self.spec()?;
        let settings = Settings::of(spec);
        self.finish_restoring(context)?;
        let private = self.private_cards()?;
        let mut kept = self.kept_memory()?;
        let mut had = kept.as_ref().map_or(Ok(None), |tag| self.hardware_of(tag))?;
        if had.as_ref().is_some_and(|had| !had.is_in_networks_of(&private)) {
            context.warn(
                "The machine's private networks have changed since the snapshot was made, and what it had in memory \
                 knows those of then: it boots anew from its disks.",
            );
            (kept, had) = (None, None);
        }
        memory::check(had.as_ref().map_or(settings.memory, |hardware| hardware.memory), None)?;
        if kept.is_none() {
            if let Some(size) = settings.disk_size {
                disks::grow(context, &self.folder().join(disks::BOOT), size, "boot disk")?;
            }
            disks::make_extra(context, self.folder(), &settings.disks)?;
        }
        network::prepare(&self.place.store, &self.record, spec)?;
        accelerator::tell(context, &settings)?;
        let hardware = had.map_or_else(|| self.hardware(context, &private), Ok)?;
        recollection::note_hardware(self.folder(), &hardware)?;
        let mut interfaces = vec![seed::way_out(hardware.cards[0].mac.clone())];
        interfaces.extend(private.into_iter().map(|(_, interface)| interface));
        let names = network::names(&self.place.store, &self.record)?;
        seed::write(&self.record, spec, &self.user(), self.folder(), interfaces, names)?;
        // Whether somebody else's system took its seed is not known: it is told the names when it can be entered.
        if !self.is_foreign() {
            let noted = self.folder().join(NAMES);
            let block = network::names_block(&self.place.store, &self.record, spec)?;
            std::fs::write(&noted, block).doing(|| format!("writing '{}'", noted.display()))?;
        }
        let fresh = self.folder().join(FRESH);
        let warm = std::fs::read_to_string(&fresh).ok().filter(|_| std::fs::remove_file(&fresh).is_ok());
        if let Some(tag) = kept {
            return self.go_on(context, &hardware, forwards, &tag);
        }
        if let Some(kept) = warm.filter(|_| settings.warm_start)
            && self.start_warm(context, &kept, &hardware, forwards)?
        {
            return Ok(());
        }
        self.launch(context, &hardware, forwards, Begin::Boot)
    }

    /// Starts QEMU. It has opened everything when this returns, and goes on by itself; with memory to load, it has that and
    /// stands still.
    pub(super) fn launch(
        &self,
        context: &Context,
        hardware: &Hardware,
        forwards: &[Forward],
        begin: Begin<'_>,
    ) -> Result<()> {
        // The console's text is that of the present run; a run that goes on has a beginning.
        if begin == Begin::Boot {
            let path = self.folder().join(process::CONSOLE);
            std::fs::write(&path, "").doing(|| format!("writing '{}'", path.display()))?;
        }
        let argv = hardware::command_line(self.id(), self.folder(), hardware, forwards, begin);
        let mut qmp = launch::launch(context, self.folder(), argv)?;
        network::connect(&hardware.cards)?;
        if let Begin::Saved(tag) = begin {
            self.load_memory(&mut qmp, tag)?;
        }
        Ok(())
    }

    /// Ends QEMU, and what is there on the host for it alone.
    pub(super) fn switch_off(&self) -> Result<()> {
        process::quit(self.folder(), self.id())?;
        network::release(&self.place.store, &self.record, self.spec.as_ref(), self.folder())
    }
}

/// How the machine boots: what the box says, unless the Vagrantfile says otherwise.
fn boot(of_box: Boot, settings: &Settings) -> Boot {
    match (of_box, &settings.kernel) {
        (Boot::Kernel { command_line, .. }, Some(kernel)) => Boot::Kernel {
            kernel: kernel.clone(),
            initrd: settings.initrd.clone(),
            command_line: settings.command_line.clone().unwrap_or(command_line),
        },
        (Boot::Firmware { .. }, Some(kernel)) => Boot::Kernel {
            kernel: kernel.clone(),
            initrd: settings.initrd.clone(),
            command_line: settings.command_line.clone().unwrap_or_default(),
        },
        (Boot::Kernel { kernel, initrd, command_line }, None) => Boot::Kernel {
            kernel,
            initrd: settings.initrd.clone().or(initrd),
            command_line: settings.command_line.clone().unwrap_or(command_line),
        },
        (Boot::Firmware { efi }, None) => firmware::wanted(efi, settings),
    }
}

impl Provider for Machine {
    fn state(&self, _context: &Context) -> Result<MachineState> {
        Ok(if self.runs() {
            MachineState::Running
        } else if self.is_suspended() {
            MachineState::Suspended
        } else if self.folder().join(disks::BOOT).is_file() {
            MachineState::Stopped
        } else {
            MachineState::NotCreated
        })
    }

    fn reserve(&mut self, _context: &Context) -> Result<()> {
        self.private_cards().map(drop)
    }

    fn let_go(&mut self) -> Result<()> {
        addresses::let_go(&self.place.store, &self.record, &self.spec()?.networks)
    }

    fn check_reservation(&self) -> Result<()> {
        addresses::check_free(&self.place.store, &self.record, &self.spec()?.networks)
    }

    fn create(&mut self, context: &Context, image: Option<&Image>) -> Result<()> {
        let disk = image
            .and_then(|image| image.disk.as_ref())
            .ok_or_else(|| Error::new(ErrorKind::BoxNotFound, "The box has no disk to boot from."))?;
        Keys::of(context, self.folder(), &self.record.name)?;
        self.prepare_login()?;
        let settings = self.spec.as_ref().map(Settings::of).unwrap_or_default();
        if settings.efi.is_some() && !self.is_foreign() {
            context.warn(
                "What is said of firmware has no effect: the box's kernel is handed to the machine directly.",
            );
        }
        disks::make_overlay(context, &self.folder().join(disks::BOOT), disk, settings.disk_size)?;
        // Now, since the ports of this host that lead to the machine are chosen next, and not to be lost meanwhile.
        let kept = self.keep_boot(context)?;
        let fresh = self.folder().join(FRESH);
        std::fs::write(&fresh, kept).doing(|| format!("writing '{}'", fresh.display()))
    }

    fn create_as_copy(&mut self, context: &Context, model: &MachineRecord) -> Result<()> {
        self.copy(context, model)
    }

    fn start(&mut self, context: &Context, forwards: &[Forward]) -> Result<()> {
        let started = self.power_on(context, forwards);
        if started.is_err()
            && let Err(problem) = self.switch_off()
        {
            // The first failure is the one to tell.
            tracing::warn!(%problem, "cleaning up after a failed start");
        }
        started
    }

    fn stop(&mut self, context: &Context, how: StopMode) -> Result<()> {
        if let StopMode::Graceful(patience) = how
            && self.runs()
            && !self.ask_to_power_off(context, patience)?
        {
            context.detail("The machine did not switch itself off in time; it is switched off now.");
        }
        Ssh::close(context, self.folder());
        self.switch_off()?;
        self.forget_restored()?;
        self.forget_suspension(context)
    }

    fn destroy(&mut self, context: &Context) -> Result<()> {
        Ssh::close(context, self.folder());
        self.switch_off()?;
        match std::fs::remove_dir_all(self.folder()) {
            Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                Err(problem).doing(|| format!("removing '{}'", self.folder().display()))
            }
            _ => Ok(()),
        }
    }

    fn learn_names(&mut self, context: &Context) -> Result<()> {
        let inside = self.inside()?;
        if !self.spec()?.allow_hosts_modification || !self.runs() || !inside.greets(SHORTLY)? {
            return Ok(());
        }
        let block = network::names_block(&self.place.store, &self.record, self.spec()?)?;
        let noted = self.folder().join(NAMES);
        if std::fs::read_to_string(&noted).is_ok_and(|known| known == block) {
            return Ok(());
        }
        let script = format!("[ ! -f /etc/hosts ] || {{ {}; }}", names::update_script(&block));
        let command = Exec {
            argv: vec!["sh".to_owned(), "-c".to_owned(), script],
            user: Some("root".to_owned()),
            ..Exec::default()
        };
        let limited = Context { cancel: context.cancel.within(TOLD), ..context.clone() };
        let status = inside.exec(&limited, &command, &mut |_, _| {}).map_err(|problem| {
            if problem.kind() == ErrorKind::Interrupted && !context.cancel.is_cancelled() {
                let text =
                    format!("It did not take the names of other machines within {} s.", TOLD.as_secs());
                return Error::new(ErrorKind::Other, text);
            }
            problem
        })?;
        if !status.success() {
            let text = format!("It could not write the names of other machines (code {}).", status.code());
            return Err(Error::new(ErrorKind::Other, text));
        }
        std::fs::write(&noted, block).doing(|| format!("writing '{}'", noted.display()))
    }

    fn bring(&mut self, context: &Context, copies: bool) -> Result<()> {
        self.settle(context, &self.inside()?)?;
        self.learn_names(context)?;
        if !copies {
            return Ok(());
        }
        user_data::wait(context, self.spec()?, &self.inside()?)?;
        folders::copy_all(context, self.spec()?, &self.inside()?, &self.user())
    }

    fn connect(&self, _context: &Context) -> Result<Box<dyn Communicator>> {
        Ok(Box::new(self.inside()?))
    }

    fn ssh(&self) -> Result<Option<Access>> {
        self.access().map(Some)
    }

    fn suspend(&mut self) -> Option<&mut dyn Suspend> {
        Some(self)
    }

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        Some(self)
    }

    fn log(&self, _context: &Context, _follow: bool) -> Result<Option<Log>> {
        Ok(Some(Log::File(self.folder().join(process::CONSOLE))))
    }

    fn console(&self, _context: &Context) -> Result<Option<Console>> {
        process::console(self.folder(), self.id(), &self.record.name).map(Some)
    }
}
