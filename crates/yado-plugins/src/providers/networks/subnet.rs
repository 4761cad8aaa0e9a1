//! Ranges of addresses, of either family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::providers) struct Subnet {
    /// The lowest address.
    pub(in crate::providers) network: IpAddr,
    /// Bits of the network part.
    pub(in crate::providers) prefix: u8,
}

/// How many bits an address of this family has.
fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address of the same family with these bits.
fn like(address: IpAddr, bits: u128) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::from_bits(bits as u32).into(),
        IpAddr::V6(_) => Ipv6Addr::from_bits(bits).into(),
    }
}

impl Subnet {
    pub(super) fn of(address: impl Into<IpAddr>, prefix: u8) -> Self {
        let address = address.into();
        let free = u32::from(width(address).saturating_sub(prefix));
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        Self { network: like(address, bits(address) & mask), prefix }
    }

    /// An address by its number in the range.
    pub(super) fn nth(self, n: u128) -> IpAddr {
        like(self.network, bits(self.network).wrapping_add(n))
    }

    pub(super) fn size(self) -> u128 {
        1_u128.checked_shl(u32::from(width(self.network).saturating_sub(self.prefix))).unwrap_or(u128::MAX)
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.network.is_ipv4() && Self::of(address, self.prefix) == self
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        let shorter = self.prefix.min(other.prefix);
        self.network.is_ipv4() == other.network.is_ipv4()
            && Self::of(self.network, shorter) == Self::of(other.network, shorter)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (network, prefix) = text.split_once('/')?;
        Some(Self { network: network.parse().ok()?, prefix: prefix.parse().ok()? })
    }

    /// A number by which the range is known, in names that have no room for more. (FNV folds the wider ones.)
    pub(super) fn short(self) -> u32 {
        match self.network {
            IpAddr::V4(network) => network.to_bits() ^ u32::from(self.prefix),
            IpAddr::V6(network) => hash(&network.octets()) ^ u32::from(self.prefix),
        }
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// FNV.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// The hardware address of whoever has an address: administered locally, always the same, and another for each, so that
/// nobody has to remember it and the neighbours' tables stay right when a machine is made anew.
pub(super) fn hardware_address_of(address: IpAddr) -> [u8; 6] {
    let (kind, number) = match address {
        IpAddr::V4(address) => (0x79, address.to_bits()),
        IpAddr::V6(address) => (0x7A, hash(&address.octets())),
    };
    let [a, b, c, d] = number.to_be_bytes();
    [0x02, kind, a, b, c, d]
}

/// The networks that this host reaches, with the interface; default routes are left out.
pub(super) fn host_routes() -> Vec<(String, Subnet)> {
    let read = |name: &str| std::fs::read_to_string(name).unwrap_or_default();
    let mut routes = parse_routes(&read("/proc/net/route"));
    routes.extend(parse_ipv6_routes(&read("/proc/net/ipv6_route")));
    routes
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
            let network = Ipv4Addr::from_bits(destination).into();
            (prefix > 0).then(|| (fields[0].to_owned(), Subnet { network, prefix }))
        })
        .collect()
}

/// `/proc/net/ipv6_route`. What every link has for itself (`fe80::/64`, single addresses, multicast) is no network.
fn parse_ipv6_routes(table: &str) -> Vec<(String, Subnet)> {
    table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let network = Ipv6Addr::from_bits(u128::from_str_radix(fields.first()?, 16).ok()?);
            let prefix = u8::from_str_radix(fields.get(1)?, 16).ok()?;
            let own = network.is_unicast_link_local() || network.is_multicast();
            (!own && (1..128).contains(&prefix))
                .then(|| Some(((*fields.get(9)?).to_owned(), Subnet { network: network.into(), prefix })))?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_both_families_are_reckoned_with() {
        let subnet = Subnet::of("fde4:8dba:82e1::c4".parse::<Ipv6Addr>().unwrap(), 64);
        assert_eq!(subnet.to_string(), "fde4:8dba:82e1::/64");
        assert_eq!(subnet.nth(1).to_string(), "fde4:8dba:82e1::1");
        assert!(subnet.contains("fde4:8dba:82e1::1:2:3".parse().unwrap()));
        assert!(!subnet.contains("10.0.0.1".parse().unwrap()));
        assert_eq!(Subnet::parse(&subnet.to_string()), Some(subnet));
        assert_eq!(Subnet::of(Ipv4Addr::new(10, 1, 2, 3), 24).nth(255).to_string(), "10.1.2.255");
        assert!(!Subnet::of(Ipv4Addr::UNSPECIFIED, 8).overlaps(Subnet::of(Ipv6Addr::UNSPECIFIED, 8)));
    }

    #[test]
    fn the_kernels_route_tables_are_understood() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n\
                     eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\n\
                     eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n";
        let routes = parse_routes(table);
        assert_eq!(routes.len(), 1);
        assert_eq!(routes[0].1.to_string(), "192.0.2.0/24");
        assert!(routes[0].1.overlaps(Subnet::parse("192.0.2.128/25").unwrap()));
        assert!(!routes[0].1.overlaps(Subnet::parse("192.0.3.0/24").unwrap()));
        let zero = "0".repeat(32);
        let line = |network: &str, prefix: &str, link: &str| {
            format!("{network} {prefix} {zero} 00 {zero} 00000100 00000001 00000000 00000001 {link}\n")
        };
        let table = line("fde48dba82e100000000000000000000", "40", "eth1")
            + &line("fe800000000000000000000000000000", "40", "eth1")
            + &line(&zero, "00", "lo");
        let routes = parse_ipv6_routes(&table);
        assert_eq!(routes.len(), 1);
        assert_eq!((routes[0].0.as_str(), routes[0].1.to_string()), ("eth1", "fde4:8dba:82e1::/64".into()));
    }
}
