//! `container`: machines on yado's own engine. Needs no daemon and no other program.
//!
//! A machine is its box's layers with a writable one on top, an own set of namespaces, and a small first process; its
//! own files lie in the machine's directory. Switching it off ends its processes and keeps the writable layer.

mod accounts;
mod builder;
mod clones;
mod communicator;
mod first_process;
mod folders;
mod layer_copy;
mod layers;
mod limits;
mod machine;
mod notices;
mod owners;
mod root_files;
mod snapshots;
mod specification;

use yado_core::provider::Place;
use yado_core::spec::Problem;
use yado_core::{
    Host, Kind, MachineRecord, MachineSpec, Provider, ProviderKind, Result, Schema, Setting, SettingType,
    Usable,
};

pub use builder::Builder;

use crate::providers::networks::{self, engine_error};
use crate::providers::values::number;

/// The kind.
pub(super) static CONTAINER: ContainerKind = ContainerKind;

pub(super) struct ContainerKind;

static SCHEMA: Schema = Schema {
    settings: &[
        Setting {
            name: "memory",
            kind: SettingType::Integer,
            default: "",
            doc: "Most memory, in MiB; a program that takes more is killed. Unlimited when unset.",
        },
        Setting {
            name: "cpus",
            kind: SettingType::Number,
            default: "",
            doc: "Most processor time, in processors: 0.5 is half of one. Unlimited when unset.",
        },
        Setting {
            name: "pids",
            kind: SettingType::Integer,
            default: "8192",
            doc: "Most processes and threads at a time.",
        },
        Setting {
            name: "init",
            kind: SettingType::Text,
            default: "\"auto\"",
            doc: "The machine's first process: 'systemd', 'yado' (a small one), or 'auto', which is the box's systemd \
                  where it has one.",
        },
    ],
};

impl Kind for ContainerKind {
    fn name(&self) -> &'static str {
        "container"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn usable(&self, _host: &Host) -> Usable {
        if let Some(reason) = yado_container::rootless::failure() {
            return Usable::No(format!(
                "Machines of the 'container' provider cannot be made by this user: {reason}"
            ));
        }
        if !std::path::Path::new("/proc/self/ns/user").exists() {
            return Usable::No("This kernel has no user namespaces (CONFIG_USER_NS).".to_owned());
        }
        Usable::Yes
    }
}

impl ProviderKind for ContainerKind {
    fn summary(&self) -> &'static str {
        "containers on yado's own engine"
    }

    fn is_made_by_this_process(&self) -> bool {
        true
    }

    fn priority(&self) -> Option<u32> {
        Some(100)
    }

    fn forwards_ssh(&self) -> bool {
        false
    }

    fn can_clone(&self) -> bool {
        true
    }

    fn check(&self, spec: &MachineSpec) -> Vec<Problem> {
        let mut problems = folders::problems(&spec.synced_folders);
        problems.extend(specification::problems(spec));
        problems.extend(networks::problems(spec));
        if let Some(communicator) =
            spec.communicator.as_deref().filter(|name| *name != "ssh" && !name.is_empty())
        {
            problems.push(Problem {
                message: format!(
                    "The communicator '{communicator}' is for machines with another system; containers run Linux."
                ),
                origin: None,
                remedy: None,
            });
        }
        problems
    }

    fn open(
        &self,
        record: &MachineRecord,
        spec: Option<&MachineSpec>,
        place: &Place,
    ) -> Result<Box<dyn Provider>> {
        Ok(Box::new(machine::Machine::open(record, spec, place)?))
    }
}
