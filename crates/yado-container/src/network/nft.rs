//! nftables: tables, chains and rules as netlink messages, applied as one transaction.

use std::io;
use std::net::Ipv4Addr;

use super::netlink::{APPEND, Attributes, CREATE, Connection, Message, find, text};

const SUBSYSTEM: u16 = 10 << 8;
const NEW_TABLE: u16 = SUBSYSTEM;
const GET_TABLE: u16 = SUBSYSTEM | 1;
const DELETE_TABLE: u16 = SUBSYSTEM | 2;
const NEW_CHAIN: u16 = SUBSYSTEM | 3;
const NEW_RULE: u16 = SUBSYSTEM | 6;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;

/// `NFPROTO_IPV4`.
const IPV4: u8 = 2;

const REGISTER: u32 = 1;
const SECOND_REGISTER: u32 = 2;

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
    name: String,
    messages: Vec<Message>,
}

impl Table {
    /// A table without chains.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            // Made, so that deleting it cannot fail; deleted, so that nothing old is left; made again.
            messages: vec![add_table(name), delete_table(name), add_table(name)],
        }
    }

    /// Adds a chain at a hook.
    pub(super) fn chain(&mut self, name: &str, purpose: Purpose, hook: Hook, priority: i32) {
        let place = Attributes::default().number(1, hook as u32).number(2, priority as u32);
        let kind = match purpose {
            Purpose::Filter => "filter",
            Purpose::Nat => "nat",
        };
        self.messages.push(
            Message::new(NEW_CHAIN, CREATE, &header(IPV4))
                .text(1, &self.name)
                .text(3, name)
                .nest(4, &place)
                .text(7, kind),
        );
    }

    /// Adds a rule at the end of a chain.
    pub(super) fn rule(&mut self, chain: &str, rule: Rule) {
        self.messages.push(
            Message::new(NEW_RULE, CREATE | APPEND, &header(IPV4))
                .text(1, &self.name)
                .text(2, chain)
                .nest(4, &rule.0),
        );
    }

    /// Puts the table in force.
    pub(super) fn apply(&self) -> io::Result<()> {
        transact(&self.messages)
    }
}

fn add_table(name: &str) -> Message {
    Message::new(NEW_TABLE, CREATE, &header(IPV4)).text(1, name)
}

fn delete_table(name: &str) -> Message {
    Message::new(DELETE_TABLE, 0, &header(IPV4)).text(1, name)
}

/// Deletes a table if it is there.
pub(super) fn remove(name: &str) -> io::Result<()> {
    transact(&[add_table(name), delete_table(name)])
}

/// The names of all IPv4 tables.
pub(super) fn names() -> io::Result<Vec<String>> {
    let connection = Connection::open(libc::NETLINK_NETFILTER)?;
    let answers = connection.dump(&Message::new(GET_TABLE, 0, &header(IPV4)))?;
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
        let data =
            Attributes::default().number(1, REGISTER).number(2, base).number(3, offset).number(4, length);
        self.expression("payload", &data)
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
        const VERDICT_REGISTER: u32 = 0;
        const DROP: u32 = 0;
        let verdict = Attributes::default().number(1, DROP);
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
