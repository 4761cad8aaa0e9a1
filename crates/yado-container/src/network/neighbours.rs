//! What machines may say they are: frames that come in through a bridge's port must carry addresses of the machine that
//! has this hardware address. That nobody has another's hardware address is seen to by the port itself (`link`).

use std::net::IpAddr;

use super::nft::{self, Family, Hook, Purpose, Rule, Table};

const CHAIN: &str = "neighbours";
/// Hardware addresses of this environment's machines: others' are their own environment's business.
const SENDERS: &str = "senders";
const IPV4: &str = "ipv4";
const IPV6: &str = "ipv6";
const ARP: &str = "arp";

/// One machine on its bridges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Neighbour {
    /// Its hardware addresses.
    pub macs: Vec<[u8; 6]>,
    /// Its addresses, on whatever interface: the kernel answers for all of them on each.
    pub addresses: Vec<IpAddr>,
}

/// The address that an interface gives itself (RFC 4291, appendix A).
fn link_local(mac: [u8; 6]) -> [u8; 16] {
    let mut address = [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE, 0, 0, 0];
    address[8..11].copy_from_slice(&mac[..3]);
    address[8] ^= 2;
    address[13..].copy_from_slice(&mac[3..]);
    address
}

/// The table that drops what machines send as somebody else.
pub(super) fn table(name: &str, neighbours: &[Neighbour]) -> Table {
    let mut senders = Vec::new();
    let (mut ipv4, mut ipv6, mut arp) = (Vec::new(), Vec::new(), Vec::new());
    let with_gap = |mac: [u8; 6], address: &[u8]| [&mac[..], &[0, 0], address].concat();
    for neighbour in neighbours {
        for mac in &neighbour.macs {
            senders.push(mac.to_vec());
            // Whoever looks whether an address is free asks without one.
            arp.push([&mac[..], &[0; 4]].concat());
            ipv6.push(with_gap(*mac, &[0; 16]));
            ipv6.push(with_gap(*mac, &link_local(*mac)));
            for address in &neighbour.addresses {
                match address {
                    IpAddr::V4(address) => {
                        ipv4.push(with_gap(*mac, &address.octets()));
                        arp.push([&mac[..], &address.octets()].concat());
                    }
                    IpAddr::V6(address) => ipv6.push(with_gap(*mac, &address.octets())),
                }
            }
        }
    }
    let mut table = Table::new(Family::Bridge, name);
    for (name, length, mut values) in
        [(SENDERS, 6, senders), (IPV4, 12, ipv4), (IPV6, 24, ipv6), (ARP, 10, arp)]
    {
        values.sort_unstable();
        values.dedup();
        table.set(name, length, &values);
    }
    // Before connections are looked at and addresses are translated (br_netfilter).
    table.chain(CHAIN, Purpose::Filter, Hook::Prerouting, -350);
    for rule in rules() {
        table.rule(CHAIN, rule);
    }
    table
}

fn rules() -> Vec<Rule> {
    const ROUTER_ADVERTISEMENT: u8 = 134;
    const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
    const REDIRECT: u8 = 137;
    let kind = |kind: i32| Rule::default().holds(kind as u16);
    let ipv6 = || kind(libc::ETH_P_IPV6);
    vec![
        Rule::default().sender(SENDERS, false).accept(),
        kind(libc::ETH_P_IP).sender_and(nft::IPV4_SOURCE, IPV4, true).accept(),
        kind(libc::ETH_P_ARP).announced(ARP).accept(),
        // Machines are nobody's routers, and tell of no addresses but their own.
        ipv6().icmpv6(ROUTER_ADVERTISEMENT).drop(),
        ipv6().icmpv6(REDIRECT).drop(),
        ipv6().icmpv6(NEIGHBOUR_ADVERTISEMENT).sender_and(nft::ADVERTISED, IPV6, false).drop(),
        ipv6().sender_and(nft::IPV6_SOURCE, IPV6, true).accept(),
        Rule::default().drop(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interfaces_own_address_is_made_from_its_hardware_address() {
        let address = std::net::Ipv6Addr::from(link_local([0x02, 0x79, 0x0A, 0x80, 0x01, 0x02]));
        assert_eq!(address.to_string(), "fe80::79:aff:fe80:102");
    }
}
