//! Memory and processors from blocks for other providers of virtual machines. Most Vagrantfiles say them for VirtualBox
//! alone, and mean whatever runs the machine.

use serde_json::Value;
use yado_core::MachineSpec;
use yado_core::spec::ProviderSettings;

use super::settings::{Settings, plain};

/// Providers whose blocks are looked at, the best known last: it has the last word.
const OTHERS: &[&str] =
    &["hyperv", "parallels", "vmware_fusion", "vmware_workstation", "vmware_desktop", "virtualbox"];

/// Takes them over; this provider's own blocks come after.
pub(super) fn take(settings: &mut Settings, spec: &MachineSpec) {
    for block in OTHERS.iter().filter_map(|name| spec.providers.iter().find(|block| block.name == *name)) {
        if let Some(mebibytes) = number(block, "memory").filter(|mebibytes| *mebibytes >= 32) {
            settings.memory = mebibytes;
        }
        if let Some(count @ 1..=255) = number(block, "cpus") {
            settings.cpus = count as u32;
        }
    }
}

/// A setting, or what `customize ["modifyvm", :id, "--memory", …]` or `vmx["memsize"]` says of it.
fn number(block: &ProviderSettings, name: &str) -> Option<u64> {
    let hyperv = if name == "memory" { block.settings.get("maxmemory") } else { None };
    let plainly = block.settings.get(name).or(hyperv).and_then(|value| plain(value).parse().ok());
    let mut customized = block.calls.iter().filter_map(|call| {
        let words: Vec<&Value> = call.as_array()?.iter().flat_map(flat).collect();
        let at = words.iter().position(|word| plain(word) == format!("--{name}"))?;
        plain(words.get(at + 1)?).parse().ok()
    });
    customized.next_back().or(plainly)
}

/// The words of a call, which may stand in a list of their own.
fn flat(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        other => vec![other],
    }
}
