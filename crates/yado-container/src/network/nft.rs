//! nftables: tables, chains and rules as netlink messages, applied as one transaction.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::Ipv4Addr;

use super::netlink::{APPEND, Attributes, CREATE, Connection, EXCLUSIVE, Message, find, text};

const SUBSYSTEM: u16 = 10 << 8;
const NEW_TABLE: u16 = SUBSYSTEM;
const GET_TABLE: u16 = SUBSYSTEM | 1;
const DELETE_TABLE: u16 = SUBSYSTEM | 2;
const NEW_CHAIN: u16 = SUBSYSTEM | 3;
const NEW_RULE: u16 = SUBSYSTEM | 6;
const NEW_SET: u16 = SUBSYSTEM | 0x09;
const NEW_ELEMENT: u16 = SUBSYSTEM | 0x0C;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;

/// `NFPROTO_IPV4`.
const IPV4: u8 = 2;

const REGISTER: u32 = 1;
const SECOND_REGISTER: u32 = 2;
/// The first register's third part of four bytes, where what is beside a hardware address goes.
const BESIDE: u32 = 10;

/// How many elements of a set go into one message, whose parts have at most 64 KiB.
const AT_ONCE: usize = 500;

/// What kind of packets a table sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Ipv4 = 2,
    /// Frames that come in through a bridge's port.
    Bridge = 7,
    Ipv6 = 10,
}

fn header(family: u8) -> [u8; 4] {
    [family, 0, 0, 0]
}

/// Where in a packet's way a chain stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hook {
    Prerouting = 0,
    Forward = 2,
    Output = 3,
    Postrouting = 4,
}

/// What a chain may do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Filter,
    Nat,
}

/// A table being put together; applying it replaces one of the same name wholly or not at all.
pub(super) struct Table {
    family: Family,
    name: String,
    /// Whether there is to be a table at all.
    wanted: bool,
    sets: u32,
    messages: Vec<Message>,
}

impl Table {
    /// A table without chains.
    pub(super) fn new(family: Family, name: &str) -> Self {
        Self { family, name: name.to_owned(), wanted: true, sets: 0, messages: Vec::new() }
    }

    /// No table, not even one that was there before.
    pub(super) fn none(family: Family, name: &str) -> Self {
        Self { wanted: false, ..Self::new(family, name) }
    }

    /// What makes it where none of its name is; it fails where one is.
    fn making(&self) -> impl Iterator<Item = Message> {
        let table = self.wanted.then(|| add_table(self.family, &self.name, EXCLUSIVE));
        table.into_iter().chain(self.messages.iter().cloned())
    }

    /// What makes it, whatever is there.
    fn replacing(&self) -> impl Iterator<Item = Message> {
        // Made, so that deleting it cannot fail; deleted, so that nothing old is left.
        let old = [add_table(self.family, &self.name, 0), delete_table(self.family, &self.name)];
        old.into_iter().chain(self.making())
    }

    fn message(&self, kind: u16, flags: u16) -> Message {
        Message::new(kind, flags, &header(self.family as u8)).text(1, &self.name)
    }

    /// Adds a chain at a hook.
    pub(super) fn chain(&mut self, name: &str, purpose: Purpose, hook: Hook, priority: i32) {
        let place = Attributes::default().number(1, hook as u32).number(2, priority as u32);
        let kind = match purpose {
            Purpose::Filter => "filter",
            Purpose::Nat => "nat",
        };
        self.messages.push(self.message(NEW_CHAIN, CREATE).text(3, name).nest(4, &place).text(7, kind));
    }

    /// Adds a rule at the end of a chain.
    pub(super) fn rule(&mut self, chain: &str, rule: Rule) {
        self.messages.push(self.message(NEW_RULE, CREATE | APPEND).text(2, chain).nest(4, &rule.0));
    }

    /// Adds a set of values of one length, in bytes.
    pub(super) fn set(&mut self, name: &str, length: u32, values: &[Vec<u8>]) {
        self.sets += 1;
        let number = |value: u32| value.to_be_bytes();
        self.messages.push(
            self.message(NEW_SET, CREATE)
                .text(2, name)
                .attribute(4, &number(0))
                .attribute(5, &number(length))
                .attribute(10, &number(self.sets)),
        );
        for values in values.chunks(AT_ONCE) {
            let elements = values.iter().fold(Attributes::default(), |elements, value| {
                let key = Attributes::default().attribute(1, value);
                elements.nest(1, &Attributes::default().nest(1, &key))
            });
            self.messages.push(self.message(NEW_ELEMENT, CREATE).text(2, name).nest(3, &elements));
        }
    }
}

fn add_table(family: Family, name: &str, flags: u16) -> Message {
    Message::new(NEW_TABLE, CREATE | flags, &header(family as u8)).text(1, name)
}

fn delete_table(family: Family, name: &str) -> Message {
    Message::new(DELETE_TABLE, 0, &header(family as u8)).text(1, name)
}

/// Puts tables in force, all of them or none. The kernel lets nobody go who has deleted a table before everybody else
/// has looked away from it, which takes some 10 ms: where there is none, none is deleted.
pub(super) fn apply(tables: &[Table]) -> io::Result<()> {
    let mut names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    names.dedup();
    let mut fresh = true;
    for name in names {
        fresh &= handles(name)?.is_empty();
    }
    if fresh {
        let messages: Vec<Message> = tables.iter().flat_map(Table::making).collect();
        match transact(&messages) {
            // It came in between.
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {}
            other => return other,
        }
    }
    let messages: Vec<Message> = tables.iter().flat_map(Table::replacing).collect();
    transact(&messages)
}

/// A digest of what these tables hold.
pub(super) fn digest(tables: &[Table]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for table in tables {
        (table.family as u8, &table.name, table.wanted, &table.messages).hash(&mut hasher);
    }
    hasher.finish()
}

/// The kernel's numbers of the tables of this name, of whatever family.
pub(super) fn handles(name: &str) -> io::Result<Vec<u64>> {
    const HANDLE: u16 = 4;
    let connection = Connection::open(libc::NETLINK_NETFILTER)?;
    let mut found = Vec::new();
    for family in [Family::Ipv4, Family::Bridge, Family::Ipv6] {
        match connection.ask(&Message::new(GET_TABLE, 0, &header(family as u8)).text(1, name)) {
            Ok(body) => {
                let number = body.get(4..).and_then(|rest| find(rest, HANDLE)?.try_into().ok());
                found.extend(number.map(u64::from_be_bytes));
            }
            Err(error) if is_unknown_family(&error) || error.raw_os_error() == Some(libc::ENOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Deletes the tables of this name that are there. Where machines end together each of them may be the last, and one alone
/// has to wait for the kernel, as in [`apply`].
pub(super) fn remove(name: &str) -> io::Result<()> {
    if handles(name)?.is_empty() {
        return Ok(());
    }
    let all = |families: &[Family]| -> Vec<Message> {
        let both = |family: &Family| [add_table(*family, name, 0), delete_table(*family, name)];
        families.iter().flat_map(both).collect()
    };
    match transact(&all(&[Family::Ipv4, Family::Bridge, Family::Ipv6])) {
        // A kernel without these families has no such tables.
        Err(error) if is_unknown_family(&error) => transact(&all(&[Family::Ipv4])),
        other => other,
    }
}

/// Whether the kernel was built without a family of tables.
pub(super) fn is_unknown_family(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EAFNOSUPPORT))
}

/// The names of all tables, of whatever family.
pub(super) fn names() -> io::Result<Vec<String>> {
    let connection = Connection::open(libc::NETLINK_NETFILTER)?;
    let answers = connection.dump(&Message::new(GET_TABLE, 0, &header(0)))?;
    Ok(answers.iter().filter_map(|body| find(body.get(4..)?, 1).map(text)).collect())
}

fn transact(messages: &[Message]) -> io::Result<()> {
    let connection = Connection::open(libc::NETLINK_NETFILTER)?;
    // The frame names the subsystem in network byte order.
    let frame = |kind| Message::new(kind, 0, &[0, 0, 0, 10]);
    connection.send_between(Some(&frame(BATCH_BEGIN)), messages, Some(&frame(BATCH_END)))
}

/// A rule: tests that must all hold, then what is done.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule(Attributes);

/// Where offsets count from: `NFT_PAYLOAD_…`.
const LINK: u32 = 0;
const NETWORK: u32 = 1;
const TRANSPORT: u32 = 2;

/// Where an IPv4 packet's source is: base, offset and length.
pub(super) const IPV4_SOURCE: (u32, u32, u32) = (NETWORK, 12, 4);
/// The same for IPv6.
pub(super) const IPV6_SOURCE: (u32, u32, u32) = (NETWORK, 8, 16);
/// The address that a neighbour advertisement is about.
pub(super) const ADVERTISED: (u32, u32, u32) = (TRANSPORT, 8, 16);

/// Fields of an IPv4 header, by offset.
#[derive(Clone, Copy, Debug)]
pub(super) enum Address {
    Source = 12,
    Destination = 16,
}

/// A link's whole name as the kernel compares it.
fn link_name(link: &str) -> Vec<u8> {
    let mut name = link.as_bytes().to_vec();
    name.resize(16, 0);
    name
}

impl Rule {
    fn expression(self, name: &str, data: &Attributes) -> Self {
        let element = Attributes::default().text(1, name).nest(2, data);
        Self(self.0.nest(1, &element))
    }

    fn compare(self, equal: bool, value: &[u8]) -> Self {
        let data = Attributes::default()
            .number(1, REGISTER)
            .number(2, u32::from(!equal))
            .nest(3, &Attributes::default().attribute(1, value));
        self.expression("cmp", &data)
    }

    fn mask(self, mask: &[u8]) -> Self {
        let value = |bytes: &[u8]| Attributes::default().attribute(1, bytes);
        let data = Attributes::default()
            .number(1, REGISTER)
            .number(2, REGISTER)
            .number(3, mask.len() as u32)
            .nest(4, &value(mask))
            .nest(5, &value(&vec![0; mask.len()]));
        self.expression("bitwise", &data)
    }

    fn payload(self, base: u32, offset: u32, length: u32) -> Self {
        self.payload_into(REGISTER, base, offset, length)
    }

    fn payload_into(self, register: u32, base: u32, offset: u32, length: u32) -> Self {
        let data =
            Attributes::default().number(1, register).number(2, base).number(3, offset).number(4, length);
        self.expression("payload", &data)
    }

    fn in_set(self, name: &str, within: bool) -> Self {
        let inverted = u32::from(!within);
        let data = Attributes::default().text(1, name).number(2, REGISTER).number(5, inverted);
        self.expression("lookup", &data)
    }

    /// The frame's sender is (or is not) in a set of hardware addresses.
    pub(super) fn sender(self, set: &str, within: bool) -> Self {
        self.payload(LINK, 6, 6).in_set(set, within)
    }

    /// The frame holds this kind of packet (`ETH_P_…`).
    pub(super) fn holds(self, kind: u16) -> Self {
        self.payload(LINK, 12, 2).compare(true, &kind.to_be_bytes())
    }

    /// The frame's sender and the packet's source, at this place of this length in its header, are (or are not) in a set
    /// of both: six bytes, two for the gap, and the address.
    pub(super) fn sender_and(self, source: (u32, u32, u32), set: &str, within: bool) -> Self {
        let (base, offset, length) = source;
        self.payload(LINK, 6, 6).payload_into(BESIDE, base, offset, length).in_set(set, within)
    }

    /// What a packet of ARP says of its sender, hardware address and IPv4 address, is in a set of both, without a gap.
    pub(super) fn announced(self, set: &str) -> Self {
        self.payload(NETWORK, 8, 10).in_set(set, true)
    }

    /// The packet is a message of ICMPv6 of this type.
    pub(super) fn icmpv6(self, kind: u8) -> Self {
        self.meta(16)
            .compare(true, &[libc::IPPROTO_ICMPV6 as u8])
            .payload(TRANSPORT, 0, 1)
            .compare(true, &[kind])
    }

    /// The packet came in through a link and leaves through another.
    pub(super) fn between(self, from: &str, to_other: bool) -> Self {
        let (same, other) = if to_other { (6, 7) } else { (7, 6) };
        self.meta(same).compare(true, &link_name(from)).meta(other).compare(false, &link_name(from))
    }

    fn meta(self, key: u32) -> Self {
        self.expression("meta", &Attributes::default().number(1, REGISTER).number(2, key))
    }

    /// The packet's address is this one.
    pub(super) fn address(self, which: Address, address: Ipv4Addr) -> Self {
        self.payload(1, which as u32, 4).compare(true, &address.octets())
    }

    /// The packet's address lies in (or outside of) a network.
    pub(super) fn network(self, which: Address, network: Ipv4Addr, prefix: u8, within: bool) -> Self {
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
        let network = u32::from(network) & mask;
        self.payload(1, which as u32, 4).mask(&mask.to_be_bytes()).compare(within, &network.to_be_bytes())
    }

    /// The packet is for one of this machine's own addresses.
    pub(super) fn for_this_machine(self) -> Self {
        const DESTINATION: u32 = 2;
        const KIND: u32 = 3;
        const LOCAL: u32 = 2;
        let data = Attributes::default().number(1, REGISTER).number(2, KIND).number(3, DESTINATION);
        self.expression("fib", &data).compare(true, &LOCAL.to_ne_bytes())
    }

    /// The packet came in through another link than this.
    pub(super) fn not_from(self, link: &str) -> Self {
        self.meta(6).compare(false, &link_name(link))
    }

    /// The packet came in through this link.
    pub(super) fn arriving_through(self, link: &str) -> Self {
        self.meta(6).compare(true, &link_name(link))
    }

    /// The packet came in through a link whose name starts like this.
    pub(super) fn arriving_through_links(self, start: &str) -> Self {
        self.meta(6).compare(true, start.as_bytes())
    }

    /// The packet leaves through this link.
    pub(super) fn through_link(self, link: &str) -> Self {
        self.meta(7).compare(true, &link_name(link))
    }

    /// The packet leaves through a link whose name does not start like this.
    pub(super) fn not_through_links(self, start: &str) -> Self {
        self.meta(7).compare(false, start.as_bytes())
    }

    /// The packet leaves through a link whose name starts like this.
    pub(super) fn through_links(self, start: &str) -> Self {
        self.meta(7).compare(true, start.as_bytes())
    }

    /// The packet's protocol and destination port.
    pub(super) fn port(self, protocol: u8, port: u16) -> Self {
        self.meta(16).compare(true, &[protocol]).payload(2, 2, 2).compare(true, &port.to_be_bytes())
    }

    /// The connection was (or was not) redirected by a rule.
    pub(super) fn redirected(self, yes: bool) -> Self {
        const STATUS: u32 = 2;
        const DESTINATION_CHANGED: u32 = 1 << 5;
        self.connection_bits(STATUS, DESTINATION_CHANGED, yes)
    }

    /// The packet belongs to no connection that is under way.
    pub(super) fn unsolicited(self) -> Self {
        const STATE: u32 = 0;
        const ESTABLISHED_OR_RELATED: u32 = 1 << 1 | 1 << 2;
        self.connection_bits(STATE, ESTABLISHED_OR_RELATED, false)
    }

    fn connection_bits(self, key: u32, bits: u32, set: bool) -> Self {
        self.expression("ct", &Attributes::default().number(1, REGISTER).number(2, key))
            .mask(&bits.to_ne_bytes())
            .compare(!set, &[0; 4])
    }

    /// Throws the packet away.
    pub(super) fn drop(self) -> Self {
        self.verdict(0)
    }

    /// Lets the packet pass, as far as this chain is concerned.
    pub(super) fn accept(self) -> Self {
        self.verdict(1)
    }

    fn verdict(self, code: u32) -> Self {
        const VERDICT_REGISTER: u32 = 0;
        let verdict = Attributes::default().number(1, code);
        let data = Attributes::default()
            .number(1, VERDICT_REGISTER)
            .nest(2, &Attributes::default().nest(2, &verdict));
        self.expression("immediate", &data)
    }

    /// Gives the packet the source address of the link that it leaves through.
    pub(super) fn masquerade(self) -> Self {
        self.expression("masq", &Attributes::default())
    }

    /// Sends the packet elsewhere.
    pub(super) fn redirect(self, address: Ipv4Addr, port: u16) -> Self {
        const DESTINATION: u32 = 1;
        let load = |register: u32, value: &[u8]| {
            Attributes::default().number(1, register).nest(2, &Attributes::default().attribute(1, value))
        };
        let data = Attributes::default()
            .number(1, DESTINATION)
            .number(2, u32::from(IPV4))
            .number(3, REGISTER)
            .number(5, SECOND_REGISTER);
        self.expression("immediate", &load(REGISTER, &address.octets()))
            .expression("immediate", &load(SECOND_REGISTER, &port.to_be_bytes()))
            .expression("nat", &data)
    }
}
