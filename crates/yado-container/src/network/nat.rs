//! An environment's way out and its forwarded ports: one nftables table, replaced as a whole.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::nft::{self, Address, Hook, Purpose, Rule, Table};
use super::registry::Registry;
use crate::error::{Context, Error, Result};
use crate::rootless;

/// How the names of our tables start.
const PREFIX: &str = "yado-";

/// How the names of bridges start between which nothing passes: an environment's machines reach neither those of
/// another nor a private network that they have no interface in.
pub const WALLED: &str = "yado-";

/// A protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// An IPv4 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    /// Any address in it.
    pub address: Ipv4Addr,
    /// The length of its prefix.
    pub prefix: u8,
}

/// A port of the host that leads to one of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Forward {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The host's address, usually 127.0.0.1; 0.0.0.0 for all of them.
    pub host_ip: Ipv4Addr,
    /// The host's port.
    pub host_port: u16,
    /// The machine's address.
    pub guest_ip: Ipv4Addr,
    /// The machine's port.
    pub guest_port: u16,
}

/// The rules of one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NatTable {
    /// Its name: letters, digits, `_` and `-`.
    pub name: String,
    /// Networks whose machines reach the world with the host's address.
    pub masquerade: Vec<Subnet>,
    /// Forwarded ports.
    pub forwards: Vec<Forward>,
}

impl NatTable {
    /// Puts the rules in force, replacing earlier ones of this name at one stroke.
    pub fn apply(&self, registry: &Registry) -> Result<()> {
        if let Some(ground) = rootless::ground() {
            // Nothing of the host's passes through the user's network: its ports are led there by a process.
            let table = Self { forwards: Vec::new(), ..self.clone() }.build()?;
            registry
                .change(|_| table.apply().doing(format!("set up address translation for '{}'", self.name)))?;
            return ground.forward(&self.name, &self.forwards);
        }
        let table = self.build()?;
        registry.change(|_| table.apply().doing(format!("set up address translation for '{}'", self.name)))
    }

    /// Takes the rules out of force; fine when there are none.
    pub fn remove(&self, registry: &Registry) -> Result<()> {
        let name = self.table_name()?;
        if let Some(ground) = rootless::ground() {
            ground.forward(&self.name, &[])?;
        }
        registry.change(|_| {
            nft::remove(&name).doing(format!("remove the address translation of '{}'", self.name))
        })
    }

    fn table_name(&self) -> Result<String> {
        let good =
            |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '-';
        if self.name.is_empty() || self.name.len() > 100 || !self.name.chars().all(good) {
            return Err(Error::invalid(
                format!("address translation '{}'", self.name),
                "a name has letters, digits, _ and -",
            ));
        }
        Ok(format!("{PREFIX}{}", self.name))
    }

    fn build(&self) -> Result<Table> {
        let mut table = Table::new(&self.table_name()?);
        table.chain("martians", Purpose::Filter, Hook::Prerouting, -300);
        table.chain("arriving", Purpose::Nat, Hook::Prerouting, -100);
        table.chain("local", Purpose::Nat, Hook::Output, -100);
        table.chain("passing", Purpose::Filter, Hook::Forward, 0);
        table.chain("leaving", Purpose::Nat, Hook::Postrouting, 100);
        let loopback = Ipv4Addr::new(127, 0, 0, 0);
        // Bridges may route loopback addresses, for ports forwarded from 127.0.0.1; machines must not use
        // that to reach what listens on the host's loopback only.
        let martian = Rule::default().not_from("lo").network(Address::Destination, loopback, 8, true);
        table.rule("martians", martian.drop());
        for forward in &self.forwards {
            if !forward.host_ip.is_loopback() {
                table.rule("arriving", redirection(forward));
            }
            table.rule("local", redirection(forward));
        }
        for subnet in &self.masquerade {
            let (network, prefix) = (subnet.address, subnet.prefix);
            let to = |rule: Rule, within| rule.network(Address::Destination, network, prefix, within);
            let from = |within| Rule::default().network(Address::Source, network, prefix, within);
            // Forwarding is on for the way out: others on that network must not use it as a way in.
            table.rule("passing", to(from(false), true).redirected(false).unsolicited().drop());
            // And the other bridges of this family are no part of the world.
            let to_others = to(from(true), false).through_links(WALLED);
            table.rule("passing", to_others.redirected(false).unsolicited().drop());
            table.rule("leaving", to(from(true), false).masquerade());
            // A machine that reaches a neighbour through the host's port must get its answer that way too.
            table.rule("leaving", to(from(true), true).redirected(true).masquerade());
            let from_loopback = Rule::default().network(Address::Source, loopback, 8, true);
            table.rule("leaving", to(from_loopback, true).masquerade());
        }
        Ok(table)
    }
}

fn redirection(forward: &Forward) -> Rule {
    let rule = if forward.host_ip.is_unspecified() {
        Rule::default().for_this_machine()
    } else {
        Rule::default().address(Address::Destination, forward.host_ip)
    };
    let protocol = match forward.protocol {
        Protocol::Tcp => libc::IPPROTO_TCP,
        Protocol::Udp => libc::IPPROTO_UDP,
    };
    rule.port(protocol as u8, forward.host_port).redirect(forward.guest_ip, forward.guest_port)
}

/// The names of all tables of ours that are in force.
pub(crate) fn tables() -> Result<Vec<String>> {
    let names = nft::names().doing("list nftables' tables")?;
    Ok(names.into_iter().filter(|name| name.starts_with(PREFIX)).collect())
}
