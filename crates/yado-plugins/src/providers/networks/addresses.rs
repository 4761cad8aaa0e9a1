//! Who has which address: a subnet per environment for the way out, the private networks that the Vagrantfile asks
//! for, and one address per machine in each. All are leases, so no two machines of this user can have the same; asking
//! again gives the same answer, so nothing else needs to be remembered.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;
use yado_core::spec::NetworkSpec;
use yado_core::store::{LeaseKind, Owner};
use yado_core::{Error, ErrorKind, MachineRecord, Result, Store};

use super::options::{fixed_address, hardware_address, is_configured, mtu, prefix, text};
use super::subnet::{Subnet, hardware_address_of, host_routes};

/// Where addresses of private networks come from when none is asked for: the range of Vagrant's DHCP servers.
pub(super) const DHCP: Ipv4Addr = Ipv4Addr::new(172, 28, 128, 0);

/// A machine's place in one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::providers) struct Interface {
    /// Where it is connected.
    pub(in crate::providers) link: Link,
    /// The network's range.
    pub(in crate::providers) subnet: Option<Subnet>,
    /// The machine's address.
    pub(in crate::providers) address: Option<IpAddr>,
    /// Hardware address.
    pub(in crate::providers) mac: Option<[u8; 6]>,
    /// The largest packet, when it is not the usual one.
    pub(in crate::providers) mtu: Option<u32>,
    /// Whether it is given its address; with `auto_config: false` the user does that.
    pub(in crate::providers) configured: bool,
}

/// Where an interface is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::providers) enum Link {
    /// A bridge of ours, with this address of the host; whether the way out leads through here.
    Bridge { name: String, host: IpAddr, gateway: bool },
    /// The network that an interface of the host is on.
    Public(NetworkSpec),
}

/// The machine's interfaces in private networks, in order, for machines that have a way out of their own.
pub(in crate::providers) fn assign_private(
    store: &Store,
    record: &MachineRecord,
    networks: &[NetworkSpec],
) -> Result<Vec<Interface>> {
    let mut used: Vec<IpAddr> = networks.iter().filter_map(fixed_address).collect();
    let mut interfaces = Vec::new();
    for network in networks.iter().filter(|network| network.kind == "private_network") {
        let interface = private(store, record, network, &used)?;
        used.extend(interface.address);
        interfaces.push(interface);
    }
    give_back(store, record, &interfaces)?;
    Ok(interfaces)
}

/// The machine's interfaces in order (the first is `eth0`, with the way out); leases what is not leased yet.
pub(in crate::providers) fn assign(
    store: &Store,
    record: &MachineRecord,
    networks: &[NetworkSpec],
) -> Result<Vec<Interface>> {
    let mut interfaces = vec![way_out(store, record)?];
    let mut used: Vec<IpAddr> = networks.iter().filter_map(fixed_address).collect();
    for network in networks {
        match network.kind.as_str() {
            "private_network" => {
                let interface = private(store, record, network, &used)?;
                used.extend(interface.address);
                interfaces.push(interface);
            }
            "public_network" => interfaces.push(public(network)?),
            _ => {}
        }
    }
    give_back(store, record, &interfaces)?;
    Ok(interfaces)
}

/// An error that names who has an address that these networks ask for, if somebody else has.
pub(in crate::providers) fn check_free(
    store: &Store,
    record: &MachineRecord,
    networks: &[NetworkSpec],
) -> Result<()> {
    for network in networks.iter().filter(|network| network.kind == "private_network") {
        let Some(address) = fixed_address(network).map(|address| address.to_string()) else { continue };
        let mine = store.leases(LeaseKind::Address, Owner::Machine(&record.id))?;
        if !mine.contains(&address) && store.all_leases(LeaseKind::Address)?.contains(&address) {
            return Err(taken(store, record, &address)?.at(network.origin.clone()));
        }
    }
    Ok(())
}

/// Gives back fixed addresses that these networks do not ask for, before anybody takes what they ask for: so the
/// machines of a command can exchange theirs.
pub(in crate::providers) fn let_go(
    store: &Store,
    record: &MachineRecord,
    networks: &[NetworkSpec],
) -> Result<()> {
    let way_out = environment_subnet(store, &record.environment)?;
    let private: Vec<_> = networks.iter().filter(|network| network.kind == "private_network").collect();
    for held in store.leases(LeaseKind::Address, Owner::Machine(&record.id))? {
        let Ok(address) = held.parse::<IpAddr>() else { continue };
        let is_asked_for = private.iter().any(|network| match fixed_address(network) {
            Some(fixed) => fixed == address,
            // It was given one there, and keeps it.
            None => prefix(network.options.get("netmask"), true)
                .is_some_and(|bits| Subnet::of(IpAddr::V4(DHCP), bits).contains(address)),
        });
        if !is_asked_for && !way_out.is_some_and(|subnet| subnet.contains(address)) {
            store.release_one(LeaseKind::Address, &held, &record.id)?;
        }
    }
    Ok(())
}

/// Gives back the addresses that the Vagrantfile asked for once and no longer does, so that others may have them.
fn give_back(store: &Store, record: &MachineRecord, interfaces: &[Interface]) -> Result<()> {
    for held in store.leases(LeaseKind::Address, Owner::Machine(&record.id))? {
        let used =
            interfaces.iter().filter_map(|interface| interface.address).any(|ip| ip.to_string() == held);
        if !used {
            store.release_one(LeaseKind::Address, &held, &record.id)?;
        }
    }
    Ok(())
}

/// The environment's subnet for the way out, when it has one.
pub(super) fn environment_subnet(store: &Store, environment: &str) -> Result<Option<Subnet>> {
    let leases = store.leases(LeaseKind::Subnet, Owner::Environment(environment))?;
    Ok(leases.first().and_then(|text| Subnet::parse(text)))
}

/// The name of the environment's bridge; interface names have at most 15 characters.
pub(super) fn environment_bridge(environment: &str) -> String {
    format!("yado-{}", &environment[..environment.len().min(8)])
}

pub(super) fn private_bridge(subnet: Subnet) -> String {
    format!("yado-n{:08x}", subnet.short())
}

fn way_out(store: &Store, record: &MachineRecord) -> Result<Interface> {
    let subnet = match environment_subnet(store, &record.environment)? {
        Some(subnet) => subnet,
        None => lease_subnet(store, &record.environment)?,
    };
    let address = lease_in(store, &record.id, subnet, &[])?;
    let name = environment_bridge(&record.environment);
    Ok(Interface {
        link: Link::Bridge { name, host: subnet.nth(1), gateway: true },
        subnet: Some(subnet),
        address: Some(address),
        mac: Some(hardware_address_of(address)),
        mtu: None,
        configured: true,
    })
}

/// A place in the network of one of the host's interfaces. Its address is the user's business, and no lease of ours.
fn public(network: &NetworkSpec) -> Result<Interface> {
    let invalid = |what: String| Error::new(ErrorKind::ConfigInvalid, what).at(network.origin.clone());
    let address = fixed_address(network);
    let subnet = address.and_then(|address| {
        Some(Subnet::of(address, prefix(network.options.get("netmask"), address.is_ipv4())?))
    });
    Ok(Interface {
        link: Link::Public(network.clone()),
        subnet,
        address,
        mac: text(network, "mac").and_then(|mac| hardware_address(&mac)),
        mtu: mtu(network).map_err(invalid)?,
        configured: is_configured(network),
    })
}

/// A /24 below 10.128.0.0/9 that neither another environment nor a route of this host uses. Where the search begins
/// depends on the environment, so that separate homes on one host rarely meet.
fn lease_subnet(store: &Store, environment: &str) -> Result<Subnet> {
    const COUNT: u32 = 1 << 15;
    let start = u32::from_str_radix(&environment[..8.min(environment.len())], 16).unwrap_or(0) % COUNT;
    let routes = host_routes();
    for offset in 0..COUNT {
        let number = (start + offset) % COUNT;
        let subnet = Subnet::of(Ipv4Addr::from_bits((10 << 24) | (1 << 23) | (number << 8)), 24);
        let used = routes.iter().any(|(_, route)| route.overlaps(subnet));
        if !used && store.lease(LeaseKind::Subnet, &subnet.to_string(), Owner::Environment(environment))? {
            return Ok(subnet);
        }
    }
    Err(Error::new(ErrorKind::Collision, "No free subnet is left below 10.128.0.0/9 for this environment."))
}

/// The lowest address that the machine has in a subnet beside those that other interfaces use, or a fresh one.
/// Network, host and broadcast addresses are left out.
fn lease_in(store: &Store, machine: &str, subnet: Subnet, used: &[IpAddr]) -> Result<IpAddr> {
    let mine = store.leases(LeaseKind::Address, Owner::Machine(machine))?;
    let mine = mine.iter().filter_map(|text| text.parse().ok());
    if let Some(address) = mine.filter(|ip| subnet.contains(*ip) && !used.contains(ip)).min() {
        return Ok(address);
    }
    // Trying each is a write that all others wait for.
    let leased = store.all_leases(LeaseKind::Address)?;
    let taken: HashSet<IpAddr> = leased.iter().filter_map(|text| text.parse().ok()).collect();
    for n in 2..subnet.size().saturating_sub(1) {
        let address = subnet.nth(n);
        let free = !used.contains(&address) && !taken.contains(&address);
        if free && store.lease(LeaseKind::Address, &address.to_string(), Owner::Machine(machine))? {
            return Ok(address);
        }
    }
    Err(Error::new(ErrorKind::Collision, format!("All addresses of {subnet} are taken.")))
}

fn private(
    store: &Store,
    record: &MachineRecord,
    network: &NetworkSpec,
    used: &[IpAddr],
) -> Result<Interface> {
    let invalid = |what: String| Error::new(ErrorKind::ConfigInvalid, what).at(network.origin.clone());
    let asked = text(network, "ip");
    let fixed = match &asked {
        Some(ip) => Some(ip.parse().map_err(|_| invalid(format!("'{ip}' is no IP address.")))?),
        None => None,
    };
    let base = fixed.unwrap_or(IpAddr::V4(DHCP));
    let prefix = prefix(network.options.get("netmask"), base.is_ipv4()).ok_or_else(|| {
        let mask = network.options.get("netmask").unwrap_or(&Value::Null);
        invalid(format!("'{mask}' is neither a netmask nor a prefix length."))
    })?;
    let subnet = Subnet::of(base, prefix);
    let address = match fixed {
        Some(address) => {
            let key = address.to_string();
            if !store.lease(LeaseKind::Address, &key, Owner::Machine(&record.id))? {
                return Err(taken(store, record, &key)?.at(network.origin.clone()));
            }
            address
        }
        None => lease_in(store, &record.id, subnet, used)?,
    };
    let bridge = private_bridge(subnet);
    if let Some((other, _)) =
        host_routes().iter().find(|(name, route)| *name != bridge && route.overlaps(subnet))
    {
        return Err(Error::new(
            ErrorKind::Collision,
            format!("The private network {subnet} overlaps with a network that this host reaches through '{other}'."),
        )
        .at(network.origin.clone())
        .hinted("Choose addresses of another range, such as 192.168.56.0/24."));
    }
    // The host is the network's first address; a machine that wants it for itself gets it.
    let host = if address == subnet.nth(1) { subnet.nth(subnet.size() - 2) } else { subnet.nth(1) };
    let mac = text(network, "mac").and_then(|mac| hardware_address(&mac));
    Ok(Interface {
        link: Link::Bridge { name: bridge, host, gateway: false },
        subnet: Some(subnet),
        address: Some(address),
        mac: Some(mac.unwrap_or_else(|| hardware_address_of(address))),
        mtu: mtu(network).map_err(invalid)?,
        configured: is_configured(network),
    })
}

fn taken(store: &Store, record: &MachineRecord, ip: &str) -> Result<Error> {
    let holder = store.lease_holder(LeaseKind::Address, ip)?;
    let user = holder.as_ref().map_or_else(
        || "another machine".to_owned(),
        |(name, project)| format!("the machine '{name}' of '{project}'"),
    );
    let hint = match holder {
        Some((name, project)) if record.project == std::path::Path::new(&project) => format!(
            "If the Vagrantfile gives '{name}' another address now, switch both off and start them together: `yado \
             halt {name} {own} && yado up {name} {own}`.",
            own = record.name
        ),
        _ => "Choose another address, or reload that machine if it has another one now, or destroy it."
            .to_owned(),
    };
    Ok(Error::new(ErrorKind::Collision, format!("The address {ip} already belongs to {user}.")).hinted(hint))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::holdings::Holdings;
    use super::*;

    fn private_network(options: Value) -> NetworkSpec {
        let Value::Object(options) = options else { panic!("an object") };
        NetworkSpec { kind: "private_network".into(), options, origin: None }
    }

    #[test]
    fn asking_again_gives_the_same_addresses_and_machines_share_the_subnet() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.put_environment("00ff00ff00", Path::new("/p"), "Vagrantfile").unwrap();
        let a = store.add_machine("00ff00ff00", "a", "container").unwrap();
        let b = store.add_machine("00ff00ff00", "b", "container").unwrap();
        let networks = [
            private_network(serde_json::json!({"ip": "192.168.56.10"})),
            private_network(serde_json::json!({"type": "dhcp"})),
        ];
        let first = assign(&store, &a, &networks).unwrap();
        assert_eq!(first, assign(&store, &a, &networks).unwrap());
        assert_eq!(first[1].address, Some(Ipv4Addr::new(192, 168, 56, 10).into()));
        assert!(matches!(first[1].link, Link::Bridge { host, .. } if host == Ipv4Addr::new(192, 168, 56, 1)));
        assert_eq!(first[2].subnet.unwrap().to_string(), "172.28.128.0/24");
        let second = assign(&store, &b, &networks[1..]).unwrap();
        assert_eq!(second[0].subnet, first[0].subnet);
        assert_ne!(second[0].address, first[0].address);
        assert_ne!(second[1].address, first[2].address);
        let refusal = assign(&store, &b, &networks[..1]).unwrap_err();
        assert!(refusal.message().contains("the machine 'a' of '/p'"), "{refusal}");
        // What 'a' asks for no longer, others may have; what it was given, it keeps.
        let less = assign(&store, &a, &networks[1..]).unwrap();
        assert_eq!((&less[0], &less[1]), (&first[0], &first[2]));
        let now = assign(&store, &b, &networks).unwrap();
        assert_eq!(now[1].address, first[1].address);
    }

    #[test]
    fn machines_exchange_addresses_when_both_have_let_go_of_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.put_environment("00ff00ff00", Path::new("/p"), "Vagrantfile").unwrap();
        let a = store.add_machine("00ff00ff00", "a", "container").unwrap();
        let b = store.add_machine("00ff00ff00", "b", "container").unwrap();
        let with = |ip: &str| {
            [
                private_network(serde_json::json!({ "ip": ip })),
                private_network(serde_json::json!({"type": "dhcp"})),
            ]
        };
        let (one, two) = (with("192.168.56.10"), with("192.168.56.11"));
        let before = [assign(&store, &a, &one).unwrap(), assign(&store, &b, &two).unwrap()];
        let refusal = check_free(&store, &a, &two).unwrap_err();
        assert!(refusal.hints()[0].contains("`yado halt b a && yado up b a`"), "{:?}", refusal.hints());
        check_free(&store, &a, &one).unwrap();
        let_go(&store, &a, &two).unwrap();
        let_go(&store, &b, &one).unwrap();
        let after = [assign(&store, &a, &two).unwrap(), assign(&store, &b, &one).unwrap()];
        assert_eq!(after[0][1].address, before[1][1].address);
        assert_eq!(after[1][1].address, before[0][1].address);
        // What they were given, they keep.
        for number in [0, 2] {
            assert_eq!(after[0][number], before[0][number]);
            assert_eq!(after[1][number], before[1][number]);
        }
    }

    #[test]
    fn each_network_without_an_address_gets_its_own_every_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.put_environment("00ff00ff00", Path::new("/p"), "Vagrantfile").unwrap();
        let record = store.add_machine("00ff00ff00", "a", "container").unwrap();
        let mut networks = vec![private_network(serde_json::json!({"auto_config": false})); 10];
        networks.push(private_network(serde_json::json!({"ip": "172.28.128.3"})));
        let first = assign(&store, &record, &networks).unwrap();
        let mut addresses: Vec<_> = first.iter().map(|interface| interface.address).collect();
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), 12);
        assert_eq!(first[11].address, Some(Ipv4Addr::new(172, 28, 128, 3).into()));
        assert_eq!(first, assign(&store, &record, &networks).unwrap());
        // What the user wants to configure is left alone; the address stays reserved for it.
        assert_eq!(first.iter().filter(|interface| interface.configured).count(), 2);
    }

    #[test]
    fn networks_of_ipv6_have_addresses_and_the_host_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.put_environment("00ff00ff00", Path::new("/p"), "Vagrantfile").unwrap();
        let a = store.add_machine("00ff00ff00", "a", "container").unwrap();
        let networks = [private_network(serde_json::json!({"ip": "FDE4:8dba:82e1:0::c4", "mtu": 1400}))];
        let first = assign(&store, &a, &networks).unwrap();
        assert_eq!(first[1].address.unwrap().to_string(), "fde4:8dba:82e1::c4");
        assert_eq!(first[1].mtu, Some(1400));
        assert_eq!(first, assign(&store, &a, &networks).unwrap());
        let (macs, addresses) = Holdings::of(&store, "00ff00ff00").unwrap().identity(&a);
        assert!(macs.contains(&first[1].mac.unwrap()) && addresses.contains(&first[1].address.unwrap()));
    }
}
