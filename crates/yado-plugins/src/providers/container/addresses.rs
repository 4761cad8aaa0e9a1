//! Who has which address: a subnet per environment for the way out, the private networks that the Vagrantfile asks
//! for, and one address per machine in each. All are leases, so no two machines of this user can have the same; asking
//! again gives the same answer, so nothing else needs to be remembered.

use std::net::Ipv4Addr;

use serde_json::Value;
use yado_core::spec::NetworkSpec;
use yado_core::store::{LeaseKind, Owner};
use yado_core::{Error, ErrorKind, MachineRecord, MachineSpec, Result, Store};

/// A range of IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subnet {
    /// The lowest address.
    pub(super) network: Ipv4Addr,
    /// Bits of the network part.
    pub(super) prefix: u8,
}

impl Subnet {
    fn of(address: Ipv4Addr, prefix: u8) -> Self {
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        Self { network: Ipv4Addr::from_bits(address.to_bits() & mask), prefix }
    }

    fn nth(self, n: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network.to_bits() + n)
    }

    fn size(self) -> u32 {
        1_u32.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
    }

    pub(super) fn contains(self, address: Ipv4Addr) -> bool {
        Self::of(address, self.prefix) == self
    }

    fn overlaps(self, other: Self) -> bool {
        let shorter = self.prefix.min(other.prefix);
        Self::of(self.network, shorter) == Self::of(other.network, shorter)
    }

    fn parse(text: &str) -> Option<Self> {
        let (network, prefix) = text.split_once('/')?;
        Some(Self { network: network.parse().ok()?, prefix: prefix.parse().ok()? })
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// Where addresses of private networks come from when none is asked for: the range of Vagrant's DHCP servers.
const DHCP: Ipv4Addr = Ipv4Addr::new(172, 28, 128, 0);

/// A machine's place in one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    /// The bridge on the host.
    pub(super) bridge: String,
    /// The network's range.
    pub(super) subnet: Subnet,
    /// The host's address on the bridge.
    pub(super) host: Ipv4Addr,
    /// The machine's address.
    pub(super) address: Ipv4Addr,
    /// Hardware address, when one was asked for.
    pub(super) mac: Option<String>,
    /// Whether the way out leads through here.
    pub(super) gateway: bool,
    /// Whether it is given its address; with `auto_config: false` the user does that.
    pub(super) configured: bool,
}

/// The machine's interfaces in order (the first is `eth0`, with the way out); leases what is not leased yet.
pub(super) fn assign(
    store: &Store,
    record: &MachineRecord,
    networks: &[NetworkSpec],
) -> Result<Vec<Interface>> {
    let mut interfaces = vec![way_out(store, record)?];
    let mut used: Vec<Ipv4Addr> =
        networks.iter().filter_map(|network| text(network, "ip")?.parse().ok()).collect();
    for network in networks.iter().filter(|network| network.kind == "private_network") {
        let interface = private(store, record, network, &used)?;
        used.push(interface.address);
        interfaces.push(interface);
    }
    Ok(interfaces)
}

/// The address by which another machine of the environment reaches this one: that in the first private network with a
/// fixed address in which the other has an interface too, else that of `eth0`.
pub(super) fn known_address(
    store: &Store,
    record: &MachineRecord,
    viewer: &MachineRecord,
) -> Result<Option<Ipv4Addr>> {
    let spec: Option<MachineSpec> = record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
    for network in spec.iter().flat_map(|spec| &spec.networks) {
        let Some(address) = text(network, "ip").and_then(|ip| ip.parse().ok()) else { continue };
        let Some((_, subnet)) = private_bridge_of(store, record, network)? else { continue };
        if has_address_in(store, viewer, subnet)? {
            return Ok(Some(address));
        }
    }
    own_address(store, record)
}

/// Why an address cannot be a machine's on a private network; `None` when it can.
pub(super) fn objection(ip: &str, netmask: Option<&Value>) -> Option<String> {
    let Ok(address) = ip.parse::<Ipv4Addr>() else { return Some("is not an IPv4 address".to_owned()) };
    let prefix = match netmask {
        None | Some(Value::Null) => 24,
        Some(mask) => match prefix_of(mask) {
            Some(prefix) => prefix,
            None => return Some(format!("has the netmask {mask}, which is none (8 to 30 bits)")),
        },
    };
    let subnet = Subnet::of(address, prefix);
    let first = address.octets()[0];
    if first == 0 || first >= 240 || address.is_multicast() {
        Some("is of a range that machines cannot have".to_owned())
    } else if address.is_loopback() {
        Some("is of the loopback range, which every machine has for itself".to_owned())
    } else if address.is_link_local() {
        Some("is of the link-local range, which is not for fixed addresses".to_owned())
    } else if address == subnet.network || address == subnet.nth(subnet.size() - 1) {
        Some(format!("is the first or last of {subnet}, which stand for the network itself"))
    } else {
        None
    }
}

/// The machine's address on `eth0`.
pub(super) fn own_address(store: &Store, record: &MachineRecord) -> Result<Option<Ipv4Addr>> {
    let Some(subnet) = environment_subnet(store, &record.environment)? else { return Ok(None) };
    let leases = store.leases(LeaseKind::Address, Owner::Machine(&record.id))?;
    Ok(leases.iter().filter_map(|text| text.parse().ok()).find(|address| subnet.contains(*address)))
}

/// The bridge and range of a private network in which the machine holds an address. Leases nothing.
pub(super) fn private_bridge_of(
    store: &Store,
    record: &MachineRecord,
    network: &NetworkSpec,
) -> Result<Option<(String, Subnet)>> {
    if network.kind != "private_network" {
        return Ok(None);
    }
    let prefix = network.options.get("netmask").and_then(prefix_of).unwrap_or(24);
    let address = text(network, "ip").map_or(Some(DHCP), |ip| ip.parse().ok());
    let Some(subnet) = address.map(|address| Subnet::of(address, prefix)) else { return Ok(None) };
    Ok(has_address_in(store, record, subnet)?.then(|| (private_bridge(subnet), subnet)))
}

/// Whether a machine holds an address in a range.
pub(super) fn has_address_in(store: &Store, record: &MachineRecord, subnet: Subnet) -> Result<bool> {
    let leases = store.leases(LeaseKind::Address, Owner::Machine(&record.id))?;
    Ok(leases.iter().filter_map(|text| text.parse().ok()).any(|address| subnet.contains(address)))
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

fn private_bridge(subnet: Subnet) -> String {
    format!("yado-n{:08x}", subnet.network.to_bits() ^ u32::from(subnet.prefix))
}

fn way_out(store: &Store, record: &MachineRecord) -> Result<Interface> {
    let subnet = match environment_subnet(store, &record.environment)? {
        Some(subnet) => subnet,
        None => lease_subnet(store, &record.environment)?,
    };
    Ok(Interface {
        bridge: environment_bridge(&record.environment),
        subnet,
        host: subnet.nth(1),
        address: lease_in(store, &record.id, subnet, &[])?,
        mac: None,
        gateway: true,
        configured: true,
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
        let subnet =
            Subnet { network: Ipv4Addr::from_bits((10 << 24) | (1 << 23) | (number << 8)), prefix: 24 };
        let used = routes.iter().any(|(_, route)| route.overlaps(subnet));
        if !used && store.lease(LeaseKind::Subnet, &subnet.to_string(), Owner::Environment(environment))? {
            return Ok(subnet);
        }
    }
    Err(Error::new(ErrorKind::Collision, "No free subnet is left below 10.128.0.0/9 for this environment."))
}

/// The lowest address that the machine has in a subnet beside those that other interfaces use, or a fresh one.
/// Network, host and broadcast addresses are left out.
fn lease_in(store: &Store, machine: &str, subnet: Subnet, used: &[Ipv4Addr]) -> Result<Ipv4Addr> {
    let mine = store.leases(LeaseKind::Address, Owner::Machine(machine))?;
    let mine = mine.iter().filter_map(|text| text.parse().ok());
    if let Some(address) = mine.filter(|ip| subnet.contains(*ip) && !used.contains(ip)).min() {
        return Ok(address);
    }
    for n in 2..subnet.size().saturating_sub(1) {
        let address = subnet.nth(n);
        let free = !used.contains(&address);
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
    used: &[Ipv4Addr],
) -> Result<Interface> {
    let invalid = |what: String| Error::new(ErrorKind::ConfigInvalid, what).at(network.origin.clone());
    let prefix = match network.options.get("netmask") {
        None | Some(Value::Null) => 24,
        Some(mask) => prefix_of(mask).ok_or_else(|| {
            invalid(format!("'{mask}' is neither a netmask nor a prefix length (8 to 30)."))
        })?,
    };
    let (subnet, address) = match text(network, "ip") {
        Some(ip) => {
            let address: Ipv4Addr =
                ip.parse().map_err(|_| invalid(format!("'{ip}' is not an IPv4 address.")))?;
            let subnet = Subnet::of(address, prefix);
            if !store.lease(LeaseKind::Address, &ip, Owner::Machine(&record.id))? {
                return Err(taken(store, &ip)?.at(network.origin.clone()));
            }
            (subnet, address)
        }
        None => {
            let subnet = Subnet::of(DHCP, prefix);
            (subnet, lease_in(store, &record.id, subnet, used)?)
        }
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
    let configured = network.options.get("auto_config") != Some(&Value::Bool(false));
    Ok(Interface { bridge, subnet, host, address, mac: text(network, "mac"), gateway: false, configured })
}

fn taken(store: &Store, ip: &str) -> Result<Error> {
    let user = store.lease_holder(LeaseKind::Address, ip)?.map_or_else(
        || "another machine".to_owned(),
        |(name, project)| format!("the machine '{name}' of '{project}'"),
    );
    Ok(Error::new(ErrorKind::Collision, format!("The address {ip} already belongs to {user}."))
        .hinted("Choose another address, or destroy that machine."))
}

fn text(network: &NetworkSpec, key: &str) -> Option<String> {
    network.options.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// `255.255.255.0`, `24` and `"24"` all mean 24.
fn prefix_of(mask: &Value) -> Option<u8> {
    let prefix = match mask {
        Value::Number(number) => u8::try_from(number.as_u64()?).ok()?,
        Value::String(text) => match text.parse::<u8>() {
            Ok(prefix) => prefix,
            Err(_) => {
                let bits = text.parse::<Ipv4Addr>().ok()?.to_bits();
                (bits.leading_ones() + bits.trailing_zeros() == 32).then(|| bits.leading_ones() as u8)?
            }
        },
        _ => return None,
    };
    (8..=30).contains(&prefix).then_some(prefix)
}

/// The networks that this host reaches, with the interface; the default route is left out.
fn host_routes() -> Vec<(String, Subnet)> {
    parse_routes(&std::fs::read_to_string("/proc/net/route").unwrap_or_default())
}

/// `/proc/net/route`: addresses are hexadecimal in the host's byte order (proc(5)).
fn parse_routes(table: &str) -> Vec<(String, Subnet)> {
    let hex = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::from_be);
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (destination, mask) = (hex(fields.get(1)?)?, hex(fields.get(7)?)?);
            let prefix = mask.count_ones() as u8;
            (prefix > 0)
                .then(|| (fields[0].to_owned(), Subnet { network: Ipv4Addr::from_bits(destination), prefix }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
        assert_eq!(first[1].address.to_string(), "192.168.56.10");
        assert_eq!(first[1].host.to_string(), "192.168.56.1");
        assert_eq!(first[2].subnet.to_string(), "172.28.128.0/24");
        let second = assign(&store, &b, &networks[1..]).unwrap();
        assert_eq!(second[0].subnet, first[0].subnet);
        assert_ne!(second[0].address, first[0].address);
        assert_ne!(second[1].address, first[2].address);
        let refusal = assign(&store, &b, &networks[..1]).unwrap_err();
        assert!(refusal.message().contains("the machine 'a' of '/p'"), "{refusal}");
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
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 12);
        assert_eq!(first[11].address.to_string(), "172.28.128.3");
        assert_eq!(first, assign(&store, &record, &networks).unwrap());
        // What the user wants to configure is left alone; the address stays reserved for it.
        assert_eq!(first.iter().filter(|interface| interface.configured).count(), 2);
    }

    #[test]
    fn addresses_that_no_machine_can_have_are_objected_to() {
        for good in ["192.168.56.10", "10.0.0.1", "172.16.3.254"] {
            assert_eq!(objection(good, None), None, "{good}");
        }
        for bad in [
            "127.0.0.5",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "169.254.1.1",
            "192.168.62.0",
            "192.168.62.255",
            "10.0.0.300",
            " 10.0.0.3",
        ] {
            assert!(objection(bad, None).is_some(), "{bad}");
        }
        assert_eq!(objection("10.0.1.0", Some(&serde_json::json!("255.255.0.0"))), None);
    }

    #[test]
    fn netmasks_are_read_in_all_their_forms() {
        assert_eq!(prefix_of(&serde_json::json!("255.255.0.0")), Some(16));
        assert_eq!(prefix_of(&serde_json::json!(20)), Some(20));
        assert_eq!(prefix_of(&serde_json::json!("24")), Some(24));
        assert_eq!(prefix_of(&serde_json::json!("255.0.255.0")), None);
        assert_eq!(prefix_of(&serde_json::json!(33)), None);
    }

    #[test]
    fn the_kernels_route_table_is_understood() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n\
                     eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\n\
                     eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n";
        let routes = parse_routes(table);
        assert_eq!(routes.len(), 1);
        assert_eq!(routes[0].1.to_string(), "192.0.2.0/24");
        assert!(routes[0].1.overlaps(Subnet::parse("192.0.2.128/25").unwrap()));
        assert!(!routes[0].1.overlaps(Subnet::parse("192.0.3.0/24").unwrap()));
    }
}
