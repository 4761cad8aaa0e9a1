//! Private networks. Where the host's networks are this user's to change, machines are ports of the same bridges that
//! containers are connected to; elsewhere QEMU's own switch, a group of sockets on the loopback interface, connects the
//! virtual machines of an environment with each other.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use sha2::{Digest, Sha256};
use yado_core::disk::SeedInterface;
use yado_core::spec::{NetworkSpec, Problem};
use yado_core::store::Store;
use yado_core::{MachineRecord, MachineSpec, Result, ports};

use super::hardware::{Cable, Card};
use super::process;
use super::settings::plain;
use crate::providers::networks::{self, addresses};

/// What cannot be done.
pub(super) fn problems(spec: &MachineSpec) -> Vec<Problem> {
    let public = spec.networks.iter().filter(|network| network.kind == "public_network").map(refused);
    let mut problems = networks::problems(spec);
    // Forwarded ports are QEMU's, which takes other addresses than the kernel does.
    problems.retain(|problem| !problem.message.starts_with("A forwarded port cannot"));
    problems.retain(|problem| !problem.message.starts_with("A public_network"));
    problems.extend(public);
    // What is no port at all is told when ports are reserved.
    let forwards = ports::wanted(spec, true).unwrap_or_default();
    problems.extend(forwards.into_iter().filter_map(|wish| {
        let addresses = [Some(wish.forward.host_ip), wish.forward.guest_ip];
        let address = addresses.into_iter().flatten().find(IpAddr::is_ipv6)?;
        let message = format!(
            "A forwarded port cannot have the IPv6 address '{address}': QEMU leads to machines by IPv4."
        );
        let remedy = "Use 'host_ip: \"127.0.0.1\"', or 'host_ip: \"0.0.0.0\"' for other hosts.";
        Some(Problem { message, origin: wish.origin, remedy: Some(remedy.to_owned()) })
    }));
    problems.extend(spec.networks.iter().filter_map(large_packets));
    problems
}

/// The host's ends of the cards take what Ethernet has everywhere.
fn large_packets(network: &NetworkSpec) -> Option<Problem> {
    let wanted = plain(network.options.get("mtu").filter(|_| network.kind == "private_network")?);
    let is_large = wanted.parse::<u64>().is_ok_and(|mtu| (1501..=65_535).contains(&mtu));
    is_large.then(|| Problem {
        message: format!("'mtu: {wanted}' is not possible with this provider; there are up to 1500."),
        origin: network.origin.clone(),
        remedy: None,
    })
}

/// `mtu` of cards whose drivers are not told of it.
pub(super) fn idle(spec: &MachineSpec, model: &str) -> Vec<String> {
    let with_mtu = spec.networks.iter().filter(|network| {
        network.kind == "private_network" && network.options.get("mtu").is_some_and(|mtu| !mtu.is_null())
    });
    let told = with_mtu.filter(|_| !model.starts_with("virtio")).map(|network| {
        let place = network.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
        format!("'mtu' of a private_network has no effect with the network card '{model}'{place}.")
    });
    told.collect()
}

fn refused(network: &NetworkSpec) -> Problem {
    Problem {
        message: "A public_network is not possible with this provider; use a private_network, or a forwarded_port with \
                  'host_ip: \"0.0.0.0\"'."
            .to_owned(),
        origin: network.origin.clone(),
        remedy: None,
    }
}

/// The cards of a machine in private networks, in order, and what the machine is told of each.
pub(super) fn cards(
    store: &Store,
    record: &MachineRecord,
    spec: &MachineSpec,
    model: &str,
) -> Result<Vec<(Card, SeedInterface)>> {
    let mut cards = Vec::new();
    for interface in addresses::assign_private(store, record, &spec.networks)? {
        let (addresses::Link::Bridge { name, .. }, Some(subnet), Some(address), Some(mac)) =
            (&interface.link, interface.subnet, interface.address, interface.mac)
        else {
            continue;
        };
        let cable = if networks::are_ours() {
            Cable::Tap { name: networks::port_name(record)?, bridge: name.clone(), mac }
        } else {
            group(&record.environment, name)
        };
        let text = mac.map(|byte| format!("{byte:02x}")).join(":");
        let seed = SeedInterface {
            mac: text.clone(),
            addresses: interface.configured.then_some((address, subnet.prefix)).into_iter().collect(),
            mtu: interface.mtu,
            ..SeedInterface::default()
        };
        cards.push((Card { model: model.to_owned(), mac: text, cable, mtu: interface.mtu }, seed));
    }
    Ok(cards)
}

/// Before a start: the bridges are there.
pub(super) fn prepare(store: &Store, record: &MachineRecord, spec: &MachineSpec) -> Result<()> {
    let interfaces = addresses::assign_private(store, record, &spec.networks)?;
    if interfaces.is_empty() || !networks::are_ours() {
        return Ok(());
    }
    networks::prepare(store, record, &interfaces, &[])
}

/// After a start: the ports, which QEMU has made, are connected.
pub(super) fn connect(cards: &[Card]) -> Result<()> {
    cards.iter().try_for_each(|card| match &card.cable {
        Cable::Tap { name, bridge, mac } => networks::join(bridge, name, *mac),
        Cable::User | Cable::Loose | Cable::Group { .. } => Ok(()),
    })
}

/// After a stop: bridges that nobody uses any more go.
pub(super) fn release(
    store: &Store,
    record: &MachineRecord,
    spec: Option<&MachineSpec>,
    folder: &Path,
) -> Result<()> {
    if networks::networks_of(record, spec).is_empty() || !networks::are_ours() {
        return Ok(());
    }
    let machines = folder.parent().unwrap_or(folder);
    let is_up = |other: &MachineRecord| process::find(&machines.join(&other.id), &other.id).is_some();
    networks::without_machine(store, record, spec, &is_up)
}

/// Names and addresses of the environment's machines, as this one reaches them.
pub(super) fn names(store: &Store, record: &MachineRecord) -> Result<Vec<(IpAddr, String)>> {
    let known = networks::known_machines(store, record)?;
    Ok(known.into_iter().map(|(name, address)| (address, name)).collect())
}

/// The same as the part of `/etc/hosts` that is yado's.
pub(super) fn names_block(store: &Store, record: &MachineRecord, spec: &MachineSpec) -> Result<String> {
    let known = networks::known_machines(store, record)?;
    Ok(networks::names::block(&networks::names::hostname(Some(spec), &record.name), &known))
}

/// An environment's own group and port for a network.
fn group(environment: &str, network: &str) -> Cable {
    let digest = Sha256::digest(format!("{environment} {network}"));
    Cable::Group {
        address: Ipv4Addr::new(239, 0xC0 | (digest[0] & 0x3F), digest[1], digest[2]),
        port: 20_000 + u16::from_be_bytes([digest[3], digest[4]]) % 20_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_different_environments_are_different_groups_of_the_local_range() {
        assert_eq!(group("a", "n"), group("a", "n"));
        assert_ne!(group("a", "n"), group("b", "n"));
        let Cable::Group { address, port } = group("a", "n") else { panic!("a group") };
        // RFC 2365: addresses of an organisation's own, which no router passes on.
        assert!(
            address.octets()[0] == 239 && address.octets()[1] >= 192 && port >= 20_000,
            "{address} {port}"
        );
    }
}
