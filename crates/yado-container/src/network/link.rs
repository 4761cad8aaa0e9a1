//! Links, addresses and routes: the few messages that are needed, and looking things up.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;
use rustix::net::netdevice::name_to_index;

use super::netlink::{Attributes, CREATE, Connection, EXCLUSIVE, Message, attributes, find, text};

const NEW_LINK: u16 = 16;
const DELETE_LINK: u16 = 17;
const GET_LINK: u16 = 18;
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const NEW_ROUTE: u16 = 24;
const GET_ROUTE: u16 = 26;

const LINK_ADDRESS: u16 = 1;
const LINK_NAME: u16 = 3;
const LINK_MTU: u16 = 4;
const LINK_MASTER: u16 = 10;
const LINK_INFO: u16 = 18;
const LINK_NAMESPACE_OF: u16 = 19;
const LINK_SENDING_QUEUES: u16 = 31;
const LINK_RECEIVING_QUEUES: u16 = 32;
const INFO_KIND: u16 = 1;
const INFO_DATA: u16 = 2;
const VETH_PEER: u16 = 1;

const UP: u32 = 1;

fn link_header(index: u32, up: bool) -> [u8; 16] {
    let mut header = [0; 16];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    if up {
        header[8..12].copy_from_slice(&UP.to_ne_bytes());
        header[12..16].copy_from_slice(&UP.to_ne_bytes());
    }
    header
}

/// A link as the kernel tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    /// The bridge that it is a port of.
    pub(super) master: Option<u32>,
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?))
}

fn read_link(body: &[u8]) -> Option<Link> {
    let rest = body.get(16..)?;
    Some(Link {
        index: number(body.get(4..)?)?,
        name: text(find(rest, LINK_NAME)?),
        master: find(rest, LINK_MASTER).and_then(number),
    })
}

/// The number of the link that has this name. A message that asks for all about a link, of which a part has just come
/// up or gone down, is answered only when the kernel has dealt with that, some tenths of a millisecond later.
pub(super) fn by_name(connection: &Connection, name: &str) -> io::Result<Option<u32>> {
    match name_to_index(connection, name) {
        Ok(index) => Ok(Some(index)),
        Err(Errno::NODEV) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// All links.
pub(super) fn all(connection: &Connection) -> io::Result<Vec<Link>> {
    let answers = connection.dump(&Message::new(GET_LINK, 0, &link_header(0, false)))?;
    Ok(answers.iter().filter_map(|body| read_link(body)).collect())
}

/// The names of this namespace's links that start so.
pub(crate) fn names_starting_with(prefix: &str) -> io::Result<Vec<String>> {
    let links = all(&Connection::route()?)?;
    Ok(links.into_iter().map(|link| link.name).filter(|name| name.starts_with(prefix)).collect())
}

/// Makes a bridge that is up.
pub(super) fn new_bridge(name: &str, address: [u8; 6]) -> Message {
    Message::new(NEW_LINK, CREATE | EXCLUSIVE, &link_header(0, true))
        .text(LINK_NAME, name)
        // Without an address of its own a bridge takes its ports', and changes it when they go.
        .attribute(LINK_ADDRESS, &address)
        .nest(LINK_INFO, &Attributes::default().text(INFO_KIND, "bridge"))
}

/// What a pair of connected interfaces is made from.
pub(super) struct Pair<'a> {
    pub(super) host_name: &'a str,
    pub(super) bridge: u32,
    /// The process in whose network namespace the other end is born.
    pub(super) pid: i32,
    pub(super) guest_name: &'a str,
    pub(super) guest_address: Option<[u8; 6]>,
    pub(super) mtu: Option<u32>,
}

/// Makes a pair: one end up and in the bridge, the other born in the container's namespace.
pub(super) fn new_pair(pair: &Pair<'_>) -> Message {
    let mut peer = Attributes::with_header(&link_header(0, false))
        .text(LINK_NAME, pair.guest_name)
        .attribute(LINK_NAMESPACE_OF, &pair.pid.to_ne_bytes());
    let mut message = Message::new(NEW_LINK, CREATE | EXCLUSIVE, &link_header(0, true))
        .text(LINK_NAME, pair.host_name)
        .attribute(LINK_MASTER, &pair.bridge.to_ne_bytes());
    if let Some(address) = pair.guest_address {
        peer = peer.attribute(LINK_ADDRESS, &address);
    }
    if let Some(mtu) = pair.mtu {
        peer = peer.attribute(LINK_MTU, &mtu.to_ne_bytes());
        message = message.attribute(LINK_MTU, &mtu.to_ne_bytes());
    }
    // One queue each is what they use anyway; without a word the kernel makes one for every processor, takes all but one
    // away again, and waits until nobody can be looking at them.
    for queues in [LINK_SENDING_QUEUES, LINK_RECEIVING_QUEUES] {
        peer = peer.attribute(queues, &1_u32.to_ne_bytes());
        message = message.attribute(queues, &1_u32.to_ne_bytes());
    }
    let data = Attributes::default().nest(VETH_PEER, &peer);
    message.nest(LINK_INFO, &Attributes::default().text(INFO_KIND, "veth").nest(INFO_DATA, &data))
}

/// Makes an interface in a process's network namespace that shares the cable of the host's link, as a station of its own.
pub(super) fn new_beside(
    parent: u32,
    pid: i32,
    name: &str,
    mac: Option<[u8; 6]>,
    mtu: Option<u32>,
) -> Message {
    const LINK_PARENT: u16 = 5;
    const MODE: u16 = 1;
    /// Machines on the same cable reach each other.
    const BRIDGE_MODE: u32 = 4;
    let mut message = Message::new(NEW_LINK, CREATE | EXCLUSIVE, &link_header(0, false))
        .text(LINK_NAME, name)
        .attribute(LINK_PARENT, &parent.to_ne_bytes())
        .attribute(LINK_NAMESPACE_OF, &pid.to_ne_bytes());
    if let Some(mac) = mac {
        message = message.attribute(LINK_ADDRESS, &mac);
    }
    if let Some(mtu) = mtu {
        message = message.attribute(LINK_MTU, &mtu.to_ne_bytes());
    }
    let data = Attributes::default().attribute(MODE, &BRIDGE_MODE.to_ne_bytes());
    message.nest(LINK_INFO, &Attributes::default().text(INFO_KIND, "macvlan").nest(INFO_DATA, &data))
}

/// Lets a bridge's port get back what came from it: where bridged packets are filtered as IP packets (br_netfilter), a
/// machine's packet for its own forwarded port has become one for itself before the bridge sees it. A locked port takes
/// frames from its [`station`] alone (Linux 5.18; older kernels pass over it), and learns of no other.
pub(super) fn port(index: u32, locked: bool) -> Message {
    const SET_LINK: u16 = 19;
    const PORT: u16 = 12;
    const REFLECT: u16 = 4;
    const LEARN: u16 = 8;
    const LOCKED: u16 = 39;
    let mut header = link_header(index, false);
    header[0] = libc::AF_BRIDGE as u8;
    let mut settings = Attributes::default().attribute(REFLECT, &[1]);
    if locked {
        settings = settings.attribute(LEARN, &[0]).attribute(LOCKED, &[1]);
    }
    Message::new(SET_LINK, 0, &header).nest(PORT, &settings)
}

/// Tells a bridge that this hardware address is at this port and nowhere else.
pub(super) fn station(port: u32, mac: [u8; 6]) -> Message {
    const NEW_NEIGHBOUR: u16 = 28;
    const ADDRESS: u16 = 2;
    const STATIC: u16 = 0x40;
    const OF_THE_MASTER: u8 = 0x04;
    let mut header = [0u8; 12];
    header[0] = libc::AF_BRIDGE as u8;
    header[4..8].copy_from_slice(&port.to_ne_bytes());
    header[8..10].copy_from_slice(&STATIC.to_ne_bytes());
    header[10] = OF_THE_MASTER;
    Message::new(NEW_NEIGHBOUR, CREATE | EXCLUSIVE, &header).attribute(ADDRESS, &mac)
}

/// Makes a link a port of a bridge, and brings it up.
pub(super) fn into_bridge(index: u32, bridge: u32) -> Message {
    Message::new(NEW_LINK, 0, &link_header(index, true)).attribute(LINK_MASTER, &bridge.to_ne_bytes())
}

/// Brings a link up.
pub(super) fn up(index: u32) -> Message {
    Message::new(NEW_LINK, 0, &link_header(index, true))
}

/// Deletes a link.
pub(super) fn delete(index: u32) -> Message {
    Message::new(DELETE_LINK, 0, &link_header(index, false))
}

fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { libc::AF_INET as u8 } else { libc::AF_INET6 as u8 }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Gives a link an address.
pub(super) fn add_address(index: u32, address: IpAddr, prefix: u8) -> Message {
    const LOCAL: u16 = 2;
    const ADDRESS: u16 = 1;
    const BROADCAST: u16 = 4;
    /// No duplicate address detection: nobody else is on a network that we number.
    const NO_DETECTION: u8 = 0x02;
    let flags = if address.is_ipv6() { NO_DETECTION } else { 0 };
    let mut header = [family(address), prefix, flags, 0, 0, 0, 0, 0];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    let bytes = octets(address);
    let mut message =
        Message::new(NEW_ADDRESS, CREATE, &header).attribute(LOCAL, &bytes).attribute(ADDRESS, &bytes);
    if let IpAddr::V4(address) = address
        && prefix < 31
    {
        let last = u32::from(address) | u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
        message = message.attribute(BROADCAST, &last.to_be_bytes());
    }
    message
}

/// Moves a link into another network namespace, where it gets this name, or one made from it when it holds `%d`.
pub(super) fn into_namespace(index: u32, namespace: BorrowedFd<'_>, name: &str) -> Message {
    const NAMESPACE: u16 = 28;
    Message::new(NEW_LINK, 0, &link_header(index, false))
        .attribute(NAMESPACE, &namespace.as_raw_fd().to_ne_bytes())
        .text(LINK_NAME, name)
}

/// The addresses of a link that are meant to stay and for everybody, as messages that give them to a link of this index
/// later.
pub(super) fn lasting_addresses(
    connection: &Connection,
    index: u32,
) -> io::Result<Vec<impl Fn(u32) -> Message + use<>>> {
    const PERMANENT: u8 = 0x80;
    const EVERYWHERE: u8 = 0;
    /// Address, local address, broadcast address.
    const KEPT: [u16; 3] = [1, 2, 4];
    let answers = connection.dump(&Message::new(GET_ADDRESS, 0, &[0; 8]))?;
    let of_link = |body: &&Vec<u8>| {
        body.get(4..).and_then(number) == Some(index) && body[2] & PERMANENT != 0 && body[3] == EVERYWHERE
    };
    Ok(answers
        .iter()
        .filter(of_link)
        .map(|body| {
            let (family, prefix) = (body[0], body[1]);
            let kept: Vec<(u16, Vec<u8>)> = attributes(body.get(8..).unwrap_or_default())
                .into_iter()
                .filter(|(kind, _)| KEPT.contains(kind))
                .map(|(kind, value)| (kind, value.to_vec()))
                .collect();
            move |index: u32| {
                let mut header = [family, prefix, 0, EVERYWHERE, 0, 0, 0, 0];
                header[4..8].copy_from_slice(&index.to_ne_bytes());
                let message = Message::new(NEW_ADDRESS, CREATE | EXCLUSIVE, &header);
                kept.iter().fold(message, |message, (kind, value)| message.attribute(*kind, value))
            }
        })
        .collect())
}

/// All IPv4 addresses of this namespace, with the names of their links.
pub(super) fn addresses(connection: &Connection) -> io::Result<Vec<(String, IpAddr)>> {
    const LOCAL: u16 = 2;
    let header = [libc::AF_INET as u8, 0, 0, 0, 0, 0, 0, 0];
    let links = all(connection)?;
    let answers = connection.dump(&Message::new(GET_ADDRESS, 0, &header))?;
    let one = |body: &Vec<u8>| {
        let index = number(body.get(4..)?)?;
        let octets: [u8; 4] = find(body.get(8..)?, LOCAL)?.try_into().ok()?;
        let link = links.iter().find(|link| link.index == index)?;
        Some((link.name.clone(), IpAddr::from(octets)))
    };
    Ok(answers.iter().filter_map(one).collect())
}

/// Adds a default route through a gateway.
pub(super) fn default_route(index: u32, gateway: IpAddr) -> Message {
    const GATEWAY: u16 = 5;
    const OUT: u16 = 4;
    // Table main, by an administrator, everywhere, unicast.
    let header = [family(gateway), 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0];
    Message::new(NEW_ROUTE, CREATE, &header)
        .attribute(GATEWAY, &octets(gateway))
        .attribute(OUT, &index.to_ne_bytes())
}

/// Whether this namespace has an IPv4 default route.
pub(crate) fn has_way_out() -> bool {
    Connection::route().and_then(|connection| ways_out(&connection)).is_ok_and(|links| !links.is_empty())
}

/// The names of the links that IPv4 default routes lead through.
pub(super) fn ways_out(connection: &Connection) -> io::Result<Vec<String>> {
    const OUT: u16 = 4;
    const MAIN: u8 = 254;
    let mut header = [0u8; 12];
    header[0] = libc::AF_INET as u8;
    let mut indexes = Vec::new();
    for body in connection.dump(&Message::new(GET_ROUTE, 0, &header))? {
        let ([_, 0, _, _, MAIN, _, _, 1, ..], Some(rest)) = (body.as_slice(), body.get(12..)) else {
            continue;
        };
        indexes.extend(
            attributes(rest).iter().filter(|(kind, _)| *kind == OUT).filter_map(|(_, value)| number(value)),
        );
    }
    let links = all(connection)?;
    Ok(links.into_iter().filter(|link| indexes.contains(&link.index)).map(|link| link.name).collect())
}
