//! `kvm`: machines with a kernel of their own. QEMU is driven directly, without libvirt and without root; the processor
//! runs the machine where it can (KVM), else its instructions are translated (TCG).
//!
//! A machine is a directory: an overlay over its box's disk, a seed that tells it who it is, keys, its console's text,
//! and while it runs QEMU's sockets. QEMU outlives yado; whether a machine runs is what QEMU itself says.

mod accelerator;
mod borrowed;
mod clones;
mod disks;
mod drives;
mod firmware;
mod folders;
mod frozen;
mod hardware;
mod identity;
mod keeping;
mod launch;
mod links;
mod login;
mod machine;
mod memory;
mod names;
mod network;
mod power;
mod probe;
mod process;
mod qmp;
mod reach;
mod recollection;
mod seed;
mod settings;
mod snapshots;
mod user_data;
mod warm;

use yado_core::provider::{Place, Reach};
use yado_core::spec::Problem;
use yado_core::{Host, Kind, MachineRecord, MachineSpec, Provider, ProviderKind, Result, Schema, Usable};

use settings::Settings;

/// The provider's name.
const NAME: &str = "kvm";

/// The kind.
pub(super) static KVM: VirtualMachines = VirtualMachines;

/// Virtual machines of QEMU.
pub(super) struct VirtualMachines;

/// Programs without which there are no machines, and the packages that have them.
const PROGRAMS: &[(&str, &str)] = &[
    (hardware::QEMU, "qemu-system-x86"),
    ("qemu-img", "qemu-utils"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("rsync", "rsync"),
];

impl Kind for VirtualMachines {
    fn name(&self) -> &'static str {
        NAME
    }

    fn schema(&self) -> &'static Schema {
        &names::SCHEMA
    }

    fn usable(&self, host: &Host) -> Usable {
        if !cfg!(target_arch = "x86_64") {
            return Usable::No("Virtual machines are made on x86-64 hosts alone so far.".to_owned());
        }
        for (program, package) in PROGRAMS {
            if host.which(program).is_none() {
                return Usable::No(format!(
                    "There is no '{program}' on the PATH; on Debian, `apt-get install {package}` brings it."
                ));
            }
        }
        Usable::Yes
    }
}

impl ProviderKind for VirtualMachines {
    fn summary(&self) -> &'static str {
        "virtual machines of QEMU, by KVM where it works"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["libvirt", "qemu"]
    }

    fn maps_owners(&self) -> bool {
        false
    }

    fn can_clone(&self) -> bool {
        true
    }

    fn copies_folders(&self) -> bool {
        true
    }

    fn wants_disk(&self) -> bool {
        true
    }

    fn reach(&self, spec: &MachineSpec) -> Reach {
        reach::of(spec)
    }

    fn check(&self, spec: &MachineSpec) -> Vec<Problem> {
        let mut problems = Settings::of(spec).problems;
        problems.extend(seed::problems(spec));
        problems.extend(user_data::problems(spec));
        problems.extend(network::problems(spec));
        problems
    }

    fn without_effect(&self, spec: &MachineSpec) -> Vec<String> {
        let settings = Settings::of(spec);
        let mut sentences = settings.idle;
        sentences.extend(network::idle(spec, &settings.network_card));
        sentences.extend(folders::idle(spec));
        sentences.extend(login::idle(spec));
        sentences
    }

    fn open(
        &self,
        record: &MachineRecord,
        spec: Option<&MachineSpec>,
        place: &Place,
    ) -> Result<Box<dyn Provider>> {
        Ok(Box::new(machine::Machine::open(record, spec, place)))
    }
}
