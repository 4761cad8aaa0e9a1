//! Kept states: a box is booted once on given hardware, up to the point where somebody could enter it, and what its
//! memory, its disk and its devices have come to is kept beside the box's disk. Nobody has been in it; it has no keys.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fd::AsRawFd;
use serde_json::json;
use sha2::{Digest, Sha256};
use yado_core::disk::{MachineDisk, Seed};
use yado_core::error::Doing;
use yado_core::store::random_id;
use yado_core::{Context, Error, ErrorKind, Result};

use super::hardware::{self, Begin, Cable, Card, Hardware};
use super::identity::Identity;
use super::qmp::Qmp;
use super::{disks, launch, process, seed};

/// How long the boot may take whose state is kept.
const BOOT: Duration = Duration::from_secs(600);
/// What begins the names of kept states, and of those that are being made.
const KEPT: &str = "warm-";
const MAKING: &str = ".keeping-";
/// The state of the devices; its file is the last to be there.
const DEVICES: &str = "devices";
/// Says why a state is of no use.
const FAILED: &str = "failed";

/// A state that machines go on from.
pub(super) struct Kept {
    folder: PathBuf,
}

/// What is known of a state.
pub(super) enum Known {
    /// It is there.
    Kept(Kept),
    /// There was one that could not be gone on from: why.
    Failed(String),
}

impl Kept {
    /// The machine's memory.
    pub(super) fn memory(&self) -> PathBuf {
        self.folder.join("memory")
    }

    /// The layer over the box's disk.
    pub(super) fn disk(&self) -> PathBuf {
        self.folder.join(disks::BOOT)
    }

    /// What its console showed.
    pub(super) fn console(&self) -> PathBuf {
        self.folder.join(process::CONSOLE)
    }

    pub(super) fn devices(&self) -> Result<Vec<u8>> {
        let path = self.folder.join(DEVICES);
        std::fs::read(&path).doing(|| format!("reading '{}'", path.display()))
    }

    /// Notes that machines do not go on from it. Its disk stays, for those that already lie over it.
    pub(super) fn failed(&self, why: &str) {
        if let Err(problem) = std::fs::write(self.folder.join(FAILED), why) {
            tracing::warn!(%problem, "noting that a kept state is of no use");
        }
    }

    /// The state of a box's disk on this hardware, if there is one.
    pub(super) fn known(context: &Context, disk: &MachineDisk, hardware: &Hardware) -> Result<Option<Known>> {
        find(disk.image.parent().unwrap_or(Path::new(".")), &key(context, hardware))
    }

    /// The state of a box's disk on this hardware; made when there is none yet.
    pub(super) fn of(
        context: &Context,
        disk: &MachineDisk,
        hardware: &Hardware,
        user: &str,
    ) -> Result<Known> {
        let beside = disk.image.parent().unwrap_or(Path::new("."));
        let key = key(context, hardware);
        if let Some(known) = find(beside, &key)? {
            return Ok(known);
        }
        let _lock = alone(context, beside)?;
        if let Some(known) = find(beside, &key)? {
            return Ok(known);
        }
        remove_abandoned(beside)?;
        context
            .detail("Booting the box once, to keep what it has come to for machines with this hardware...");
        let id = random_id()?;
        let folder = beside.join(format!("{MAKING}{id}"));
        std::fs::create_dir(&folder).doing(|| format!("creating '{}'", folder.display()))?;
        let made = make(context, disk, hardware, user, &folder, &id);
        let ended = process::quit(&folder, &id);
        let kept = made.and(ended).and_then(|()| {
            let kept = beside.join(format!("{KEPT}{key}-{}", &id[..8]));
            std::fs::rename(&folder, &kept).doing(|| format!("creating '{}'", kept.display()))?;
            Ok(Known::Kept(Self { folder: kept }))
        });
        if kept.is_err() {
            drop(std::fs::remove_dir_all(&folder));
        }
        kept
    }
}

/// What a state depends on: the hardware, without what is a machine's own, and the QEMU that wrote it.
fn key(context: &Context, hardware: &Hardware) -> String {
    let cards: Vec<_> = hardware
        .cards
        .iter()
        .map(|card| (card.model.as_str(), matches!(card.cable, Cable::Tap { .. }), card.cable == Cable::User))
        .collect();
    let program = context.host.which(hardware::QEMU).and_then(|path| std::fs::metadata(path).ok());
    let program = program.map(|facts| (facts.len(), facts.modified().ok()));
    let said = format!(
        "{} {} {} {} {} {:?} {cards:?} {program:?}",
        hardware.machine_type,
        hardware.accelerator,
        hardware.cpu_model,
        hardware.cpus,
        hardware.memory,
        hardware.boot
    );
    let digest = Sha256::digest(said);
    digest[..8].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn find(beside: &Path, key: &str) -> Result<Option<Known>> {
    for folder in entries(beside, &format!("{KEPT}{key}-"))? {
        if let Ok(why) = std::fs::read_to_string(folder.join(FAILED)) {
            return Ok(Some(Known::Failed(why)));
        }
        if folder.join(DEVICES).is_file() {
            return Ok(Some(Known::Kept(Kept { folder })));
        }
    }
    Ok(None)
}

fn entries(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>> {
    let doing = || format!("reading '{}'", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).doing(doing)? {
        let entry = entry.doing(doing)?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// One state at a time is made of a box.
fn alone(context: &Context, beside: &Path) -> Result<File> {
    let path = beside.join(".keeping");
    let doing = || format!("locking '{}'", path.display());
    let file = File::options().create(true).truncate(false).write(true).open(&path).doing(doing)?;
    let mut was_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(problem)) => return Err(problem).doing(doing),
            Err(TryLockError::WouldBlock) => {}
        }
        if !was_told {
            context.detail("Waiting for another machine, which boots the box to keep its state...");
            was_told = true;
        }
        context.cancel.check()?;
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What a killed yado was making. Its QEMU has ended with it; where it has not, it does now.
fn remove_abandoned(beside: &Path) -> Result<()> {
    for folder in entries(beside, MAKING)?.into_iter().filter(|folder| folder.is_dir()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        process::quit(&folder, name.trim_start_matches(MAKING))?;
        std::fs::remove_dir_all(&folder).doing(|| format!("removing '{}'", folder.display()))?;
    }
    Ok(())
}

fn make(
    context: &Context,
    disk: &MachineDisk,
    hardware: &Hardware,
    user: &str,
    folder: &Path,
    id: &str,
) -> Result<()> {
    disks::make_overlay(context, &folder.join(disks::BOOT), disk, None)?;
    let seed = Seed {
        instance_id: id.to_owned(),
        hostname: "yado".to_owned(),
        user: user.to_owned(),
        ..Seed::default()
    };
    yado_boxes::write_seed(&seed, &folder.join(seed::FILE))?;
    let memory = folder.join("memory");
    let argv = hardware::command_line(id, folder, &nobodys(hardware, folder, id), &[], Begin::Keep(&memory));
    // It is of no use to anyone but us.
    let mut words = vec![];
    if context.host.which("setpriv").is_some() {
        words.extend(["setpriv", "--pdeathsig", "KILL"].map(str::to_owned));
    }
    words.extend(argv);
    launch::launch(context, folder, words)?;
    Identity::open(folder, id)?.ready(context, BOOT)?;
    let mut qmp = Qmp::open(folder)?
        .ok_or_else(|| Error::new(ErrorKind::System, "QEMU ended when a machine's state was to be kept."))?;
    qmp.run("stop", json!({}))?;
    qmp.leave_memory_out(true)?;
    let state = receive(&mut qmp, folder)?;
    qmp.transferred(BOOT)?;
    drop(qmp);
    // The rest is written by QEMU when it ends; this says that all of it is there.
    process::quit(folder, id)?;
    let path = folder.join(DEVICES);
    let doing = || format!("writing '{}'", path.display());
    let mut file = File::create(&path).doing(doing)?;
    file.write_all(&state).doing(doing)?;
    file.sync_all().doing(doing)
}

/// The hardware, with disks and cards that are nobody's.
fn nobodys(hardware: &Hardware, folder: &Path, id: &str) -> Hardware {
    let mut own = hardware.clone();
    for (drive, file) in own.disks.iter_mut().zip([disks::BOOT, seed::FILE]) {
        drive.file = folder.join(file);
    }
    let cards = own.cards.iter().enumerate().map(|(number, card)| {
        let cable = match &card.cable {
            Cable::User => Cable::User,
            // What a card can do depends on what it is connected to.
            Cable::Tap { bridge, mac, .. } => {
                Cable::Tap { name: format!("yadok{}{number}", &id[..8]), bridge: bridge.clone(), mac: *mac }
            }
            Cable::Group { .. } | Cable::Loose => Cable::Loose,
        };
        Card { mac: hardware::hardware_address(id, number), model: card.model.clone(), cable, mtu: card.mtu }
    });
    own.cards = cards.collect();
    own
}

/// What QEMU sends of a machine's state.
fn receive(qmp: &mut Qmp, folder: &Path) -> Result<Vec<u8>> {
    let doing = || "receiving a machine's state from QEMU";
    let name = "devices.sock";
    let directory = File::open(folder).doing(doing)?;
    let listener =
        UnixListener::bind(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd())).doing(doing)?;
    listener.set_nonblocking(true).doing(doing)?;
    qmp.run("migrate", json!({ "uri": format!("unix:{name}") }))?;
    let end = Instant::now() + Duration::from_secs(60);
    let mut stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(problem) if problem.kind() == std::io::ErrorKind::WouldBlock && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(problem) => return Err(problem).doing(doing),
        }
    };
    stream.set_nonblocking(false).doing(doing)?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).doing(doing)?;
    let mut state = Vec::new();
    stream.read_to_end(&mut state).doing(doing)?;
    std::fs::remove_file(folder.join(name)).doing(doing)?;
    Ok(state)
}
