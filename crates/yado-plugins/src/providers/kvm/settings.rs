//! The settings of a virtual machine, from the blocks of three names: `kvm`, and those of the plugins that many
//! Vagrantfiles are written for (`libvirt`, `qemu`).

use std::path::PathBuf;

use serde_json::Value;
use yado_core::MachineSpec;
use yado_core::disk::Bus;
use yado_core::spec::{Origin, Problem, ProviderSettings};

use super::names::{self, Known};
use super::{borrowed, drives};

/// The largest disk, in GB: what a file of the host may have.
const LARGEST: u64 = (1 << 33) - 1;

/// What runs the machine's instructions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Accelerator {
    /// The processor if it can, else emulation.
    #[default]
    Auto,
    /// The processor.
    Kvm,
    /// Emulation.
    Tcg,
}

/// An additional disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExtraDisk {
    /// Its name, unique in the machine; becomes the serial number by which the machine can tell it.
    pub(super) name: String,
    /// Its size in bytes; of an existing file, what that has.
    pub(super) size: Option<u64>,
    /// An existing image to use instead of a new one.
    pub(super) file: Option<PathBuf>,
    /// A disc that can only be read.
    pub(super) cdrom: bool,
}

/// What the blocks say, defaults filled in.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// MiB.
    pub(super) memory: u64,
    pub(super) cpus: u32,
    pub(super) accelerator: Accelerator,
    pub(super) cpu_model: Option<String>,
    pub(super) machine_type: String,
    /// The boot disk's size in bytes, when another than the box's.
    pub(super) disk_size: Option<u64>,
    /// UEFI instead of a BIOS, or the other way round, when it is said.
    pub(super) efi: Option<bool>,
    /// The firmware's file and that of its empty variables, when they are said.
    pub(super) loader: Option<PathBuf>,
    pub(super) variables: Option<PathBuf>,
    /// What the boot disk is connected to, when it is said.
    pub(super) bus: Option<Bus>,
    pub(super) kernel: Option<PathBuf>,
    pub(super) initrd: Option<PathBuf>,
    pub(super) command_line: Option<String>,
    /// QEMU's own arguments, added at the end.
    pub(super) arguments: Vec<String>,
    pub(super) network_card: String,
    /// Whether machines go on from a kept state of the box instead of booting.
    pub(super) warm_start: bool,
    pub(super) disks: Vec<ExtraDisk>,
    pub(super) problems: Vec<Problem>,
    /// Settings that were understood and mean nothing here: a sentence each.
    pub(super) idle: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory: 512,
            cpus: 1,
            accelerator: Accelerator::Auto,
            cpu_model: None,
            machine_type: "q35".to_owned(),
            disk_size: None,
            efi: None,
            loader: None,
            variables: None,
            bus: None,
            kernel: None,
            initrd: None,
            command_line: None,
            arguments: Vec::new(),
            network_card: "virtio-net-pci".to_owned(),
            warm_start: false,
            disks: Vec::new(),
            problems: Vec::new(),
            idle: Vec::new(),
        }
    }
}

impl Settings {
    /// What a machine's blocks say; the `kvm` block, which is meant for this provider alone, has the last word.
    pub(super) fn of(spec: &MachineSpec) -> Self {
        let mut settings = Self::default();
        borrowed::take(&mut settings, spec);
        let (own, others): (Vec<_>, Vec<_>) = spec
            .providers
            .iter()
            .filter(|block| names::known(&block.name).is_some())
            .partition(|block| block.name == super::NAME);
        for block in others.into_iter().chain(own) {
            settings.take_block(spec, block);
        }
        drives::take(&mut settings, spec);
        settings
    }

    fn take_block(&mut self, spec: &MachineSpec, block: &ProviderSettings) {
        let place = |name: &str| {
            let own = block.origins.iter().find(|(setting, _)| setting == name);
            own.map(|(_, origin)| origin.clone()).or_else(|| block.origin.clone())
        };
        for (name, value) in &block.settings {
            if !matches!(value, Value::Null) {
                self.take(spec, &block.name, name, value, place(name));
            }
        }
        for call in &block.calls {
            let Some(words) = call.as_array() else { continue };
            let Some(name) = words.first().and_then(Value::as_str) else { continue };
            self.take_call(spec, &block.name, name, &words[1..], place(name));
        }
    }

    pub(super) fn refuse(&mut self, message: String, origin: Option<Origin>) {
        self.problems.push(Problem { message, origin, remedy: None });
    }

    fn take(&mut self, spec: &MachineSpec, block: &str, name: &str, value: &Value, origin: Option<Origin>) {
        let text = plain(value);
        let path = || spec.project.join(&text);
        let wrong = |what: &str| format!("'{name}' of the '{block}' block must be {what}, not '{text}'.");
        match names::meaning(block, name) {
            Known::Memory => match memory(value) {
                Some(mebibytes) if mebibytes >= 32 => self.memory = mebibytes,
                _ => self.refuse(wrong("an amount of memory, 32 MiB or more"), origin),
            },
            Known::Processors => match text.parse() {
                Ok(count @ 1..=255) => self.cpus = count,
                _ => self.refuse(wrong("a number of processors, 1 to 255"), origin),
            },
            Known::Accelerator => match text.as_str() {
                "auto" => self.accelerator = Accelerator::Auto,
                "kvm" => self.accelerator = Accelerator::Kvm,
                "tcg" | "qemu" => self.accelerator = Accelerator::Tcg,
                _ => self.refuse(wrong("'auto', 'kvm' or 'tcg'"), origin),
            },
            Known::ProcessorModel => self.cpu_model = Some(text).filter(|text| !text.is_empty()),
            Known::MachineType => match text.split(',').next().unwrap_or_default() {
                kind if kind.starts_with("q35") || kind.starts_with("pc") => {
                    kind.clone_into(&mut self.machine_type);
                }
                _ => self.refuse(wrong("'q35' or 'pc'"), origin),
            },
            Known::DiskGigabytes => match value.as_u64().or_else(|| text.parse().ok()) {
                Some(size) if (1..=LARGEST).contains(&size) => self.disk_size = Some(size << 30),
                _ => self.refuse(wrong(&format!("a number of GB, 1 to {LARGEST}")), origin),
            },
            Known::DiskSize => match super::disks::bytes(&text) {
                Some(size) => self.disk_size = Some(size),
                None => self.refuse(wrong("a size, such as '20G'"), origin),
            },
            Known::Firmware => match text.as_str() {
                "bios" | "seabios" => self.efi = Some(false),
                "efi" | "uefi" | "ovmf" => self.efi = Some(true),
                _ => self.refuse(wrong("'bios' or 'efi'"), origin),
            },
            Known::Loader => {
                self.efi = Some(path().extension().is_none_or(|extension| extension != "bin"));
                self.loader = Some(path());
            }
            Known::Variables => self.variables = Some(path()),
            Known::DiskBus => match text.as_str() {
                "virtio" => self.bus = Some(Bus::Virtio),
                "sata" | "ide" => self.bus = Some(Bus::Sata),
                _ => self.refuse(wrong("'virtio' or 'sata'"), origin),
            },
            Known::Kernel => self.kernel = Some(path()),
            Known::FirstFileSystem => self.initrd = Some(path()),
            Known::CommandLine => self.command_line = Some(text),
            Known::Arguments => match value {
                Value::Array(words) => self.arguments.extend(words.iter().map(plain)),
                _ => self.refuse(wrong("a list of arguments"), origin),
            },
            Known::WarmStart => match value {
                Value::Bool(wanted) => self.warm_start = *wanted,
                _ => self.refuse(wrong("true or false"), origin),
            },
            Known::NetworkCard => self.network_card = network_card(&text),
            Known::Refused(why) => {
                self.refuse(format!("'{name}' of the '{block}' block cannot be honoured: {why}."), origin);
            }
            Known::Idle => self.say_idle(block, name, origin.as_ref()),
            Known::Call | Known::Unknown => self.unknown(block, name, origin),
        }
    }

    fn take_call(
        &mut self,
        spec: &MachineSpec,
        block: &str,
        name: &str,
        words: &[Value],
        origin: Option<Origin>,
    ) {
        let options = words.iter().find_map(Value::as_object).cloned().unwrap_or_default();
        match (name, names::meaning(block, name)) {
            ("storage", Known::Call) => {
                let kind = words.first().map(plain).unwrap_or_default();
                match super::disks::of_libvirt(spec, &kind, &options, self.disks.len()) {
                    Ok(disk) => self.disks.push(disk),
                    Err(message) => self.refuse(message, origin),
                }
            }
            ("qemuargs", Known::Call) => {
                self.arguments.extend(option(&options, "value").map(plain));
            }
            (_, Known::Idle) => self.say_idle(block, name, origin.as_ref()),
            (_, Known::Refused(why)) => {
                self.refuse(format!("'{name}' of the '{block}' block cannot be honoured: {why}."), origin);
            }
            _ => self.unknown(block, name, origin),
        }
    }

    fn say_idle(&mut self, block: &str, name: &str, origin: Option<&Origin>) {
        let place = origin.map(|origin| format!(" ({origin})")).unwrap_or_default();
        self.idle
            .push(format!("'{name}' of the '{block}' block has no effect: QEMU is driven directly{place}."));
    }

    fn unknown(&mut self, block: &str, name: &str, origin: Option<Origin>) {
        let known = names::known(block).unwrap_or_default();
        let near = yado_core::registry::nearest(name, known.iter().map(|(known, _)| *known));
        let hint = near.map(|near| format!(" Did you mean '{near}'?")).unwrap_or_default();
        self.refuse(format!("The provider '{block}' has no setting '{name}'.{hint}"), origin);
    }
}

/// An option by its name, whether that is text or a symbol.
pub(super) fn option<'a>(options: &'a serde_json::Map<String, Value>, name: &str) -> Option<&'a Value> {
    options.get(name).or_else(|| options.get(&format!(":{name}"))).filter(|value| !value.is_null())
}

/// Values as Ruby programs give them: numbers and symbols for text.
pub(super) fn plain(value: &Value) -> String {
    let value = value.get("$symbol").unwrap_or(value);
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim_start_matches(':').to_owned(),
        other => other.to_string(),
    }
}

/// MiB: a number, or text with a unit.
fn memory(value: &Value) -> Option<u64> {
    let text = plain(value);
    match text.trim().parse::<u64>() {
        Ok(mebibytes) => Some(mebibytes),
        Err(_) => super::disks::bytes(&text).map(|bytes| bytes >> 20),
    }
}

/// libvirt says `virtio`, QEMU `virtio-net-pci`.
fn network_card(text: &str) -> String {
    match text {
        "virtio" => "virtio-net-pci",
        "e1000" => "e1000",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(in super::super) fn spec(blocks: Value) -> MachineSpec {
        serde_json::from_value(json!({
            "name": "vm", "project": "/p", "primary": true, "autostart": true, "providers": blocks,
            "image": {"name": "b", "version": null, "urls": [], "checksum": null, "check_update": false, "origin": null},
            "hostname": null, "guest": null, "communicator": null, "networks": [], "provisioners": [],
            "synced_folders": [], "ssh": {"username": null, "shell": "bash -l", "sudo_command": "", "settings": {}},
            "boot_timeout": 60, "graceful_halt_timeout": 5, "post_up_message": "", "usable_port_range": [2200, 2250],
            "allow_hosts_modification": true, "problems": []
        }))
        .unwrap()
    }

    fn block(name: &str, settings: Value, calls: Value) -> Value {
        json!({"name": name, "settings": settings, "calls": calls,
            "origins": [["memroy", {"file": "/p/Vagrantfile", "line": 7, "column": 1}]], "origin": null})
    }

    #[test]
    fn blocks_of_the_plugins_are_understood_and_the_own_one_wins() {
        let settings = Settings::of(&spec(json!([
            block("kvm", json!({"cpus": 2, "accel": "tcg"}), json!([])),
            block(
                "libvirt",
                json!({"memory": 1024, "cpus": 8, "machine_virtual_size": 20, "title": "t"}),
                json!([["storage", ":file", {"size": "10G", "serial": "data"}], ["qemuargs", {"value": "-s"}]])
            ),
            block("qemu", json!({"memory": "2G"}), json!([])),
            block("virtualbox", json!({"memory": 1}), json!([])),
        ])));
        assert!(settings.problems.is_empty(), "{:?}", settings.problems);
        assert_eq!((settings.memory, settings.cpus, settings.disk_size), (2048, 2, Some(20 << 30)));
        assert_eq!(
            (settings.accelerator, settings.arguments.as_slice()),
            (Accelerator::Tcg, &["-s".to_owned()][..])
        );
        assert_eq!(settings.disks[0].size, Some(10 << 30));
        assert!(settings.idle[0].contains("'title'"), "{:?}", settings.idle);
    }

    #[test]
    fn sizes_that_are_no_disks_are_refused() {
        for size in [0, 1 << 33, 1 << 34, u64::MAX] {
            let settings = Settings::of(&spec(json!([block(
                "libvirt",
                json!({"machine_virtual_size": size}),
                json!([])
            )])));
            assert!(settings.problems[0].message.contains("a number of GB"), "{:?}", settings.problems);
        }
    }

    #[test]
    fn memory_and_processors_are_taken_from_virtualbox_where_nothing_else_is_said() {
        let virtualbox = block(
            "virtualbox",
            json!({"memory": 2048, "gui": true}),
            json!([
                ["customize", ["modifyvm", ":id", "--cpus", "3"]],
                ["customize", ["modifyvm", ":id", "--ioapic", "on"]]
            ]),
        );
        let settings = Settings::of(&spec(json!([virtualbox])));
        assert_eq!((settings.memory, settings.cpus), (2048, 3));
        let own = block("kvm", json!({"memory": 256}), json!([]));
        let settings = Settings::of(&spec(json!([own, virtualbox])));
        assert_eq!((settings.memory, settings.cpus), (256, 3));
        assert!(settings.problems.is_empty() && settings.idle.is_empty());
    }

    #[test]
    fn what_nobody_knows_is_refused_with_its_place_and_the_nearest_name() {
        let settings =
            Settings::of(&spec(json!([block("libvirt", json!({"memroy": 1, "cpus": "many"}), json!([]))])));
        let said: Vec<&str> = settings.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(said[0].contains("Did you mean 'memory'"), "{said:?}");
        assert_eq!(settings.problems[0].origin.as_ref().unwrap().line, 7);
        assert!(said[1].contains("'cpus'") && said[1].contains("'many'"), "{said:?}");
    }
}
