//! A machine's networks: a bridge per environment with a way out, a bridge per private network, forwarded ports by the
//! kernel's own address translation. No process stands between.

use std::net::Ipv4Addr;

use yado_core::error::Doing;
use yado_core::spec::Problem;
use yado_core::{Forward, MachineRecord, MachineSpec, Result, Store};

use super::addresses::{self, Interface};
use yado_container::network::MachineNetwork;

/// What this provider cannot do with a machine's networks.
pub(super) fn problems(spec: &MachineSpec) -> Vec<Problem> {
    let refused = |message: String, network: &yado_core::spec::NetworkSpec| Problem {
        message,
        origin: network.origin.clone(),
    };
    spec.networks
        .iter()
        .filter_map(|network| match network.kind.as_str() {
            "public_network" => Some(refused(
                "A public_network (a machine on the host's own network) is not possible with the 'container' \
                 provider yet. Use a private_network, or a forwarded_port with 'host_ip: \"0.0.0.0\"'."
                    .to_owned(),
                network,
            )),
            "private_network"
                if network.options.get("ip").and_then(|ip| ip.as_str()).is_some_and(|ip| ip.contains(':')) =>
            {
                Some(refused("IPv6 addresses of private networks are not possible yet.".to_owned(), network))
            }
            _ => None,
        })
        .collect()
}

/// Names and addresses of an environment's machines, also of those that are only about to be made.
pub(super) fn known_machines(store: &Store, environment: &str) -> Result<Vec<(String, Ipv4Addr)>> {
    let mut known = Vec::new();
    for record in store.machines(Some(environment))? {
        let Some(address) = addresses::known_address(store, &record)? else { continue };
        let spec: Option<MachineSpec> = record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let hostname = super::specification::hostname(spec.as_ref(), &record.name);
        known.push((record.name.clone(), address));
        if hostname != record.name {
            known.push((hostname, address));
        }
    }
    Ok(known)
}

/// The text of `/etc/resolv.conf`: the host's name servers, as far as they can be reached from a machine.
pub(super) fn resolver() -> String {
    let own = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let text = if reachable(&own).is_empty() {
        // A local stub resolver; what it asks is written down beside it.
        std::fs::read_to_string("/run/systemd/resolve/resolv.conf").unwrap_or(own)
    } else {
        own
    };
    let mut lines = reachable(&text);
    lines.extend(text.lines().filter(|line| line.starts_with("search ") || line.starts_with("options ")));
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

fn reachable(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.starts_with("nameserver "))
        .filter(|line| {
            let address = line.trim_start_matches("nameserver ").trim();
            !address.starts_with("127.") && address != "::1"
        })
        .collect()
}

/// What the engine is told about the machine's interfaces.
pub(super) fn of_machine(interfaces: &[Interface]) -> MachineNetwork {
    let _ = interfaces;
    MachineNetwork::default()
}

/// Before a machine starts: its bridges are there, and its forwarded ports lead to where it will be.
pub(super) fn prepare(
    store: &Store,
    record: &MachineRecord,
    interfaces: &[Interface],
    forwards: &[Forward],
) -> Result<()> {
    let _ = (store, record, interfaces, forwards);
    Ok(())
}

/// After a machine has stopped: its forwarded ports and bridges that nobody uses any more go.
pub(super) fn without_machine(store: &Store, record: &MachineRecord, spec: Option<&MachineSpec>) -> Result<()> {
    let _ = (store, record, spec);
    Ok(())
}
