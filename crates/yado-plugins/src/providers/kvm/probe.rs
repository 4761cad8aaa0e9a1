//! Whether the processor can really run machines. A `/dev/kvm` that opens says little: on hosts that are virtual
//! machines themselves it may interpret its guests at two million instructions a second, or break off in the middle.
//! So a small guest is run, once per boot of this host and version of QEMU, and what came of it is noted.

use std::time::Duration;

use yado_core::error::Doing;
use yado_core::{Cancel, Host, Result};

use super::hardware::QEMU;

/// What may be said of KVM here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kvm {
    /// It runs guests at the processor's speed.
    Works,
    /// It does not, and why.
    No(String),
}

/// How long the guest may take; the processor needs some hundredths of a second, and a host that is busy some more.
const WITHIN: Duration = Duration::from_secs(5);

/// What the guest writes to the port by which it ends QEMU; QEMU's exit code is twice that plus one.
const DONE: u8 = 0x10;

/// Looks, or remembers.
pub(super) fn kvm(host: &Host) -> Result<Kvm> {
    if let Err(problem) = std::fs::File::options().read(true).write(true).open("/dev/kvm") {
        return Ok(Kvm::No(why_closed(&problem)));
    }
    let note = host.home().join("cache").join("kvm-probe");
    let now = identity(host);
    if let Ok(text) = std::fs::read_to_string(&note)
        && let Some((noted, outcome)) = text.split_once('\n')
        && noted == now
    {
        return Ok(match outcome.trim() {
            "" => Kvm::Works,
            why => Kvm::No(why.to_owned()),
        });
    }
    let found = run_guest(host)?;
    let why = match &found {
        Kvm::Works => "",
        Kvm::No(why) => why,
    };
    if let Some(folder) = note.parent() {
        std::fs::create_dir_all(folder).doing(|| format!("creating '{}'", folder.display()))?;
    }
    std::fs::write(&note, format!("{now}\n{why}\n")).doing(|| format!("writing '{}'", note.display()))?;
    Ok(found)
}

/// Why the device cannot be opened.
fn why_closed(problem: &std::io::Error) -> String {
    match problem.kind() {
        std::io::ErrorKind::NotFound => "this host has no /dev/kvm".to_owned(),
        std::io::ErrorKind::PermissionDenied => {
            "only members of the group 'kvm' may use /dev/kvm (`sudo usermod -aG kvm $USER`)".to_owned()
        }
        _ => format!("/dev/kvm cannot be opened: {problem}"),
    }
}

/// This boot, and this QEMU.
fn identity(host: &Host) -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let program = host.which(QEMU).and_then(|path| std::fs::metadata(path).ok());
    let changed = program.and_then(|facts| facts.modified().ok());
    format!("{} {changed:?}", boot.trim())
}

/// Runs the guest: a firmware of 64 KiB that counts to sixteen million and ends QEMU.
fn run_guest(host: &Host) -> Result<Kvm> {
    let firmware = tempfile::NamedTempFile::new().doing(|| "making a guest to try KVM with")?;
    std::fs::write(firmware.path(), image()).doing(|| "making a guest to try KVM with")?;
    let path = firmware.path().to_string_lossy().into_owned();
    let argv = command_line("kvm", "host", &path);
    let output = match host.run(&Cancel::new(), argv, WITHIN) {
        Ok(output) => output,
        Err(problem) => {
            tracing::debug!(%problem, "trying KVM");
            return Ok(Kvm::No(format!(
                "a guest that needs hundredths of a second did not end within {} s",
                WITHIN.as_secs()
            )));
        }
    };
    if output.status.code() == Some(i32::from(DONE) * 2 + 1) {
        return Ok(Kvm::Works);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = said.lines().next().unwrap_or("it broke off without a word").to_owned();
    Ok(Kvm::No(format!("a small guest failed: {said}")))
}

/// A machine with nothing but this firmware and the port by which it ends QEMU.
fn command_line<'a>(accelerator: &'a str, processor: &'a str, firmware: &'a str) -> Vec<&'a str> {
    let mut words =
        vec![QEMU, "-no-user-config", "-nodefaults", "-no-reboot", "-display", "none", "-m", "16"];
    words.extend(["-machine", "pc", "-accel", accelerator, "-cpu", processor, "-bios", firmware]);
    words.extend(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]);
    words
}

/// The firmware: at its end, where processors begin, a jump to its beginning.
fn image() -> Vec<u8> {
    let mut image = vec![0xf4_u8; 64 << 10];
    let [low, ..] = DONE.to_le_bytes();
    // mov ecx, 0x1000000; again: dec ecx; jnz again; mov al, DONE; out 0xf4, al; hlt
    let program = [0x66, 0xb9, 0x00, 0x00, 0x00, 0x01, 0x66, 0x49, 0x75, 0xfc, 0xb0, low, 0xe6, 0xf4, 0xf4];
    image[..program.len()].copy_from_slice(&program);
    // jmp 0xf000:0x0000, at sixteen bytes before the end
    let begin = image.len() - 16;
    image[begin..begin + 5].copy_from_slice(&[0xea, 0x00, 0x00, 0x00, 0xf0]);
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_ends_qemu_when_it_is_emulated() {
        let host = Host::new("/nonexistent");
        if host.which(QEMU).is_none() {
            eprintln!("skipped: there is no {QEMU}");
            return;
        }
        let firmware = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(firmware.path(), image()).unwrap();
        let path = firmware.path().to_string_lossy().into_owned();
        let argv = command_line("tcg", "max", &path);
        let output = host.run(&Cancel::new(), argv, Duration::from_secs(60)).unwrap();
        assert_eq!(output.status.code(), Some(33), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn a_device_that_is_closed_names_the_group_that_may_open_it() {
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert!(why_closed(&denied).contains("group 'kvm'"));
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        assert!(why_closed(&missing).contains("no /dev/kvm"));
    }

    #[test]
    fn what_was_found_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(folder.path());
        if host.which(QEMU).is_none() || std::fs::File::options().write(true).open("/dev/kvm").is_err() {
            return;
        }
        let first = kvm(&host).unwrap();
        let begin = std::time::Instant::now();
        assert_eq!(kvm(&host).unwrap(), first);
        assert!(begin.elapsed() < Duration::from_millis(500), "no guest was run again");
    }
}
