//! The machine as QEMU builds it, and the command line that says so. What is kept of a machine's memory fits only the
//! hardware that it was taken from, so that is written down with it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use yado_core::Forward;
use yado_core::disk::{Boot, Bus};

use super::process::{self, CONSOLE, CONSOLE_SOCKET, PID};
use super::{firmware, qmp};

/// The program.
pub(super) const QEMU: &str = "qemu-system-x86_64";

/// Everything that a machine's memory depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hardware {
    pub(super) machine_type: String,
    /// `kvm` or `tcg`.
    pub(super) accelerator: String,
    pub(super) cpu_model: String,
    pub(super) cpus: u32,
    /// MiB.
    pub(super) memory: u64,
    pub(super) boot: Boot,
    /// The file of a firmware that is not QEMU's own.
    #[serde(default)]
    pub(super) firmware: Option<PathBuf>,
    pub(super) disks: Vec<Drive>,
    pub(super) cards: Vec<Card>,
    /// QEMU's own arguments from the Vagrantfile.
    pub(super) arguments: Vec<String>,
}

impl Hardware {
    /// Whether these are its cards in private networks, with the addresses that they had: hardware addresses are made
    /// from those.
    pub(super) fn is_in_networks_of<Told>(&self, private: &[(Card, Told)]) -> bool {
        let own = self.cards.iter().skip(1).map(Card::place);
        own.eq(private.iter().map(|(card, _)| card.place()))
    }
}

impl Card {
    /// Its address, and the network; ports of bridges are made anew at every start.
    fn place(&self) -> (&str, Cable) {
        let mut cable = self.cable.clone();
        if let Cable::Tap { name, .. } = &mut cable {
            name.clear();
        }
        (&self.mac, cable)
    }
}

/// A disk as the machine sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Drive {
    pub(super) file: PathBuf,
    /// `qcow2` or `raw`.
    pub(super) format: String,
    /// The serial number that tells it from others, and the name that QEMU knows it by.
    pub(super) name: String,
    pub(super) read_only: bool,
    pub(super) cdrom: bool,
    /// What it is connected to.
    #[serde(default)]
    pub(super) bus: Bus,
}

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Card {
    pub(super) model: String,
    pub(super) mac: String,
    pub(super) cable: Cable,
    /// The largest packet, of which drivers for virtual machines are told.
    #[serde(default)]
    pub(super) mtu: Option<u32>,
}

/// What a network card is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cable {
    /// QEMU's own network in user mode: the way out, and forwarded ports.
    User,
    /// Nothing.
    Loose,
    /// A group on the loopback interface, which the machines of a private network share.
    Group {
        /// A multicast address.
        address: std::net::Ipv4Addr,
        /// A UDP port.
        port: u16,
    },
    /// A port of a bridge of the host's.
    Tap {
        /// The port's name.
        name: String,
        /// The bridge's name.
        bridge: String,
        /// The card's hardware address.
        mac: [u8; 6],
    },
}

/// Memory for translated code, in MiB. By default QEMU takes a part of the host's memory for it, which is most of what
/// a small machine costs.
const TRANSLATIONS: u32 = 256;

/// What QEMU begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin<'a> {
    /// A boot.
    Boot,
    /// Memory that a disk's file has under this name. The machine stands still until it is told to go on.
    Saved(&'a str),
    /// A boot whose state is to be kept: the machine's memory is this file.
    Keep(&'a Path),
    /// What was kept so: the memory is read from this file, and what is written stays with the machine. The rest comes
    /// over a socket that QEMU is told of.
    Kept(&'a Path),
}

/// The command line of a machine whose files lie in `folder`. Sockets' names are relative: their paths must be short.
pub(super) fn command_line(
    machine: &str,
    folder: &Path,
    hardware: &Hardware,
    forwards: &[Forward],
    begin: Begin<'_>,
) -> Vec<String> {
    let mut words = vec![QEMU.to_owned()];
    let mut option = |name: &str, value: String| words.extend([format!("-{name}"), value]);
    option("name", process::name(machine));
    option("uuid", uuid(machine));
    // Without a screen, a BIOS says on the serial console what it does.
    let screen = if hardware.boot == (Boot::Firmware { efi: false }) { ",graphics=off" } else { "" };
    match begin {
        Begin::Boot | Begin::Saved(_) => option("machine", format!("{}{screen}", hardware.machine_type)),
        Begin::Keep(file) | Begin::Kept(file) => {
            // By this name it is what the machine has without a file, too: either goes on with the other's state.
            option("machine", format!("{},memory-backend=pc.ram", hardware.machine_type));
            let share = if matches!(begin, Begin::Keep(_)) { "on" } else { "off" };
            let (size, file) = (hardware.memory, escaped(file));
            option(
                "object",
                format!("memory-backend-file,id=pc.ram,size={size}M,share={share},mem-path={file}"),
            );
        }
    }
    option(
        "accel",
        match hardware.accelerator.as_str() {
            "tcg" => format!("tcg,thread=multi,tb-size={TRANSLATIONS}"),
            other => other.to_owned(),
        },
    );
    option("cpu", hardware.cpu_model.clone());
    option("smp", hardware.cpus.to_string());
    option("m", hardware.memory.to_string());
    option("display", "none".to_owned());
    option("rtc", "base=utc".to_owned());
    option("qmp", format!("unix:{},server=on,wait=off", qmp::SOCKET));
    let log = escaped(&folder.join(CONSOLE));
    option(
        "chardev",
        format!("socket,id=console,path={CONSOLE_SOCKET},server=on,wait=off,logfile={log},logappend=on"),
    );
    option("serial", "chardev:console".to_owned());
    // Over it, a machine that goes on from a kept state is told who it is.
    option("chardev", format!("socket,id=identity,path={IDENTITY},server=on,wait=off"));
    option("serial", "chardev:identity".to_owned());
    option("pidfile", folder.join(PID).to_string_lossy().into_owned());
    // What a machine could do with its QEMU once it has broken out of it is little.
    option("sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny".to_owned());
    option("device", "virtio-rng-pci".to_owned());
    option("device", "virtio-balloon-pci".to_owned());
    if hardware.disks.iter().any(|drive| drive.cdrom) {
        option("device", "virtio-scsi-pci,id=discs".to_owned());
    }
    for (number, drive) in hardware.disks.iter().enumerate() {
        option("blockdev", node(drive, number));
        let is_first = number == 0 && matches!(hardware.boot, Boot::Firmware { .. });
        option("device", disk_device(drive, number, is_first, &hardware.machine_type));
    }
    for (number, card) in hardware.cards.iter().enumerate() {
        option("netdev", cable(card, number, forwards));
        let mtu = card.mtu.filter(|_| card.model.starts_with("virtio"));
        let mtu = mtu.map(|mtu| format!(",host_mtu={mtu}")).unwrap_or_default();
        option("device", format!("{},netdev=net{number},mac={},romfile={mtu}", card.model, card.mac));
    }
    match &hardware.boot {
        Boot::Kernel { kernel, initrd, command_line } => {
            option("kernel", kernel.to_string_lossy().into_owned());
            if let Some(initrd) = initrd {
                option("initrd", initrd.to_string_lossy().into_owned());
            }
            let keep = if matches!(begin, Begin::Keep(_)) { " yado.keep" } else { "" };
            option("append", format!("{command_line} console=ttyS0{keep}"));
        }
        Boot::Firmware { efi: false } => {
            if let Some(file) = &hardware.firmware {
                option("bios", file.to_string_lossy().into_owned());
            }
        }
        Boot::Firmware { efi: true } => {
            let code = hardware.firmware.as_deref().map(escaped).unwrap_or_default();
            option("drive", format!("if=pflash,unit=0,format=raw,readonly=on,file={code}"));
            let variables = escaped(&folder.join(firmware::VARIABLES));
            option("drive", format!("if=pflash,unit=1,format=qcow2,file={variables}"));
        }
    }
    if let Begin::Kept(_) = begin {
        option("incoming", "defer".to_owned());
    }
    words.extend(["-no-user-config", "-nodefaults"].map(str::to_owned));
    // Memory that a disk's file has is read by a command, before anything runs.
    if let Begin::Saved(_) = begin {
        words.push("-S".to_owned());
    }
    words.extend(hardware.arguments.iter().cloned());
    words
}

/// The socket of the second serial port, in the machine's directory.
pub(super) const IDENTITY: &str = "identity.sock";

/// A block node: the image, by its layout.
fn node(drive: &Drive, number: usize) -> String {
    let file = escaped(&drive.file);
    let access = if drive.read_only { ",read-only=on" } else { ",discard=unmap" };
    format!("driver={},node-name=disk{number},file.driver=file,file.filename={file}{access}", drive.format)
}

/// The disk that firmware looks at first is marked; without firmware, a kernel that is handed over has that mark.
fn disk_device(drive: &Drive, number: usize, is_first: bool, machine_type: &str) -> String {
    let first = if is_first { ",bootindex=0" } else { "" };
    if drive.cdrom {
        // Kernels for virtual machines have no driver for the controllers of computers.
        format!("scsi-cd,drive=disk{number},bus=discs.0,serial={}", drive.name)
    } else if drive.bus == Bus::Sata {
        // The ports of the machine's own controller.
        format!("ide-hd,drive=disk{number},{},serial={}{first}", port(machine_type, number), drive.name)
    } else {
        format!("virtio-blk-pci,drive=disk{number},serial={}{first}", drive.name)
    }
}

/// A port of the machine's own controller: six of SATA, or two of IDE with room for two each.
fn port(machine_type: &str, number: usize) -> String {
    if machine_type.starts_with("q35") || machine_type.starts_with("pc-q35") {
        format!("bus=ide.{}", number % 6)
    } else {
        format!("bus=ide.{},unit={}", number / 2 % 2, number % 2)
    }
}

fn cable(card: &Card, number: usize, forwards: &[Forward]) -> String {
    match &card.cable {
        Cable::User => {
            let mut text = format!("user,id=net{number}");
            for forward in forwards {
                text.push_str(",hostfwd=");
                text.push_str(&host_forward(forward));
            }
            text
        }
        Cable::Loose => format!("hubport,id=net{number},hubid={number}"),
        Cable::Group { address, port } => {
            format!("socket,id=net{number},mcast={address}:{port},localaddr=127.0.0.1")
        }
        Cable::Tap { name, .. } => format!("tap,id=net{number},ifname={name},script=no,downscript=no"),
    }
}

fn host_forward(forward: &Forward) -> String {
    let address = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let host = address(forward.host_ip);
    let guest = forward.guest_ip.filter(|ip| !ip.is_loopback() && !ip.is_unspecified());
    let guest = guest.map(address).unwrap_or_default();
    format!("{}:{host}:{}-{guest}:{}", forward.protocol, forward.host_port, forward.guest_port)
}

/// Commas part options.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

/// A machine's id in the form of a UUID.
fn uuid(machine: &str) -> String {
    let part = |from: usize, to: usize| machine.get(from..to).unwrap_or("00000000");
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// A hardware address of a machine's own, of the range that QEMU's are from.
pub(super) fn hardware_address(machine: &str, number: usize) -> String {
    let byte = |at: usize| machine.get(at..at + 2).unwrap_or("00");
    let last = u8::from_str_radix(byte(4), 16).unwrap_or(0).wrapping_add(number as u8);
    format!("52:54:00:{}:{}:{last:02x}", byte(0), byte(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_forwarded_where_they_were_reserved() {
        let forward = |host: &str, guest: Option<&str>| Forward {
            protocol: "tcp".to_owned(),
            host_ip: host.parse().unwrap(),
            host_port: 8080,
            guest_ip: guest.map(|ip| ip.parse().unwrap()),
            guest_port: 80,
        };
        assert_eq!(host_forward(&forward("127.0.0.1", None)), "tcp:127.0.0.1:8080-:80");
        assert_eq!(host_forward(&forward("0.0.0.0", Some("10.0.2.15"))), "tcp:0.0.0.0:8080-10.0.2.15:80");
    }

    #[test]
    fn kept_memory_is_of_the_networks_and_addresses_that_it_was_taken_in() {
        let ports = std::cell::Cell::new(0);
        let card = |mac: &str, bridge: &str| Card {
            model: "virtio-net-pci".to_owned(),
            mac: mac.to_owned(),
            cable: Cable::Tap {
                name: format!("port{}", ports.replace(ports.get() + 1)),
                bridge: bridge.to_owned(),
                mac: [2; 6],
            },
            mtu: None,
        };
        let hardware = Hardware {
            machine_type: "q35".to_owned(),
            accelerator: "tcg".to_owned(),
            cpu_model: "max".to_owned(),
            cpus: 1,
            memory: 128,
            boot: Boot::Firmware { efi: false },
            firmware: None,
            disks: Vec::new(),
            cards: vec![card("way out", "none"), card("a", "one")],
            arguments: Vec::new(),
        };
        assert!(hardware.is_in_networks_of(&[(card("a", "one"), ())]));
        assert!(!hardware.is_in_networks_of(&[(card("b", "one"), ())]));
        assert!(!hardware.is_in_networks_of(&[(card("a", "two"), ())]));
        assert!(!hardware.is_in_networks_of::<()>(&[]));
    }

    #[test]
    fn disks_of_the_machines_own_controller_are_on_ports_that_it_has() {
        let disk = |machine_type: &str, number: usize| {
            let name = format!("{number}");
            let drive = Drive {
                file: "d".into(),
                format: "raw".to_owned(),
                name,
                read_only: true,
                cdrom: false,
                bus: Bus::Sata,
            };
            disk_device(&drive, number, false, machine_type)
        };
        assert_eq!(disk("q35", 2), "ide-hd,drive=disk2,bus=ide.2,serial=2");
        assert_eq!(disk("pc-q35-7.2", 3), "ide-hd,drive=disk3,bus=ide.3,serial=3");
        assert_eq!(disk("pc", 2), "ide-hd,drive=disk2,bus=ide.1,unit=0,serial=2");
        assert_eq!(disk("pc-i440fx-7.2", 5), "ide-hd,drive=disk5,bus=ide.0,unit=1,serial=5");
    }

    #[test]
    fn every_card_has_an_address_of_its_own() {
        let machine = "a1b2ff445566778899aabbccddeeff00";
        assert_eq!(hardware_address(machine, 0), "52:54:00:a1:b2:ff");
        assert_eq!(hardware_address(machine, 1), "52:54:00:a1:b2:00");
        assert_eq!(uuid(machine), "a1b2ff44-5566-7788-99aa-bbccddeeff00");
    }
}
