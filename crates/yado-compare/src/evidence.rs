//! Which kind of virtualization a machine is, and what lies between its applications and the processor: seen, not
//! claimed. Whether the kernel is this computer's own tells containers from virtual machines; whether the program that
//! runs a virtual machine holds one of the kernel's (KVM) tells virtualization from emulation.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use yado_core::{Context, Result};

use crate::footprint::Processes;
use crate::made::{Made, as_root};
use crate::subject::ask;

/// The kinds that are usually told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// No machine at all.
    Bare,
    /// A virtual machine whose processor is a program on the operating system: "host type".
    Host,
    /// A virtual machine that the processor itself runs, under a hypervisor in or below the kernel.
    Hypervisor,
    /// Processes of the one kernel, set apart.
    Container,
}

/// What a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The processor.
    Hardware,
    /// What this computer itself runs in, when it is a virtual machine.
    Beneath,
    /// The kernel of this computer.
    Kernel,
    /// The hypervisor that is part of the kernel.
    Hypervisor,
    /// The program that is the machine's processor, or its devices.
    Machine,
    /// What makes containers.
    Engine,
    /// A kernel inside.
    GuestKernel,
    /// The system's programs and libraries inside.
    System,
}

/// One layer, with its name and version as found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// What it is.
    pub role: Role,
    /// Its name and version.
    pub name: String,
}

/// What was seen of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// The subject's name.
    pub subject: String,
    /// Its kind.
    pub family: Family,
    /// Whether its processor is emulated by a program: much slower, and no measure of virtualization.
    pub emulated: bool,
    /// The layers, the lowest first.
    pub layers: Vec<Layer>,
}

/// Asked inside; a line each.
const QUESTIONS: &str = "cat /proc/sys/kernel/random/boot_id /proc/sys/kernel/osrelease; \
    sed -n 's/^PRETTY_NAME=//p' /etc/os-release";

/// The layers that are below every subject.
pub(crate) fn here(context: &Context) -> Architecture {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let information = text("/proc/cpuinfo");
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let mut layers = vec![layer(Role::Hardware, model.map_or("", |(_, name)| name))];
    let flags = information.lines().find(|line| line.starts_with("flags"));
    if flags.is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")) {
        let vendor = answer(context, &["lscpu"]);
        let vendor =
            vendor.lines().find_map(|line| line.strip_prefix("Hypervisor vendor:")).unwrap_or_default();
        let maker = [text("/sys/class/dmi/id/sys_vendor"), text("/sys/class/dmi/id/product_name")].join(" ");
        layers.push(layer(Role::Beneath, format!("{} {maker}", vendor.trim()).trim()));
    }
    layers.push(layer(Role::Kernel, &format!("Linux {}", text("/proc/sys/kernel/osrelease"))));
    let system = answer(context, &["sed", "-n", "s/^PRETTY_NAME=//p", "/etc/os-release"]);
    layers.push(layer(Role::System, system.trim().trim_matches('"')));
    Architecture { subject: "bare".to_owned(), family: Family::Bare, emulated: false, layers }
}

/// What a machine that runs is.
pub(crate) fn of(
    context: &Context,
    made: &Made,
    processes: &Processes,
    bare: &Architecture,
) -> Result<Architecture> {
    let (_, said) = ask(context, made, &as_root(QUESTIONS))?;
    let mut answers = said.lines().map(str::trim);
    let mut next = || answers.next().unwrap_or_default().to_owned();
    let (boot, kernel, system) = (next(), next(), next());
    let ours = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let system = layer(Role::System, system.trim_matches('"'));
    let below = bare.layers.iter().filter(|layer| layer.role != Role::System).cloned();
    let mut layers: Vec<Layer> = below.collect();
    let mut architecture = |family, emulated, more: Vec<Layer>| {
        layers.extend(more);
        layers.push(system.clone());
        let subject = made.wanted.name.clone();
        Architecture { subject, family, emulated, layers: std::mem::take(&mut layers) }
    };
    if boot == ours.trim() {
        let engine = layer(Role::Engine, &engine(context, made.kind.name()));
        return Ok(architecture(Family::Container, false, vec![engine]));
    }
    let guest = layer(Role::GuestKernel, &format!("Linux {kernel}"));
    // What holds the machine is the largest: connections and the like are beside it.
    let programs = processes.outside.iter().filter_map(|pid| {
        let path = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        let facts = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let resident: u64 = facts.split(' ').nth(1)?.parse().ok()?;
        Some((resident, path))
    });
    let Some((_, path)) = programs.max_by_key(|(resident, _)| *resident) else {
        // Somewhere else: nothing more can be seen from here.
        return Ok(architecture(Family::Hypervisor, false, vec![guest]));
    };
    let machine = layer(Role::Machine, &version(context, &path));
    if processes.outside.iter().any(|pid| holds_kvm(*pid)) {
        let hypervisor = layer(Role::Hypervisor, "KVM");
        Ok(architecture(Family::Hypervisor, false, vec![hypervisor, machine, guest]))
    } else {
        Ok(architecture(Family::Host, true, vec![machine, guest]))
    }
}

fn layer(role: Role, name: &str) -> Layer {
    Layer { role, name: name.to_owned() }
}

/// Whether a process runs a virtual machine of the kernel's.
fn holds_kvm(pid: u32) -> bool {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files
        .filter_map(|file| std::fs::read_link(file.path()).ok())
        .any(|target| target.to_string_lossy().contains("anon_inode:kvm-vm"))
}

/// What makes containers: the program of the provider's name, or this one.
fn engine(context: &Context, provider: &str) -> String {
    match context.host.which(provider) {
        Some(path) => version(context, &path),
        None => format!("yado {}", env!("CARGO_PKG_VERSION")),
    }
}

/// The first line that a program says of its version.
fn version(context: &Context, program: &Path) -> String {
    let said = answer(context, &[&program.display().to_string(), "--version"]);
    let line = said.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    }
    line.to_owned()
}

/// What a program of this computer prints; nothing when it is not there.
fn answer(context: &Context, argv: &[&str]) -> String {
    let said = context.host.run(&context.cancel, argv, Duration::from_secs(10));
    said.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
}
