//! An environment's way out and its forwarded ports: one nftables table, replaced as a whole.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::link;
use super::neighbours::{self, Neighbour};
use super::netlink::Connection;
use super::nft::{self, Address, Family, Hook, Purpose, Rule, Table};
use super::registry::{Changes, InForce, Registry};
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
    /// The host's address, usually 127.0.0.1; 0.0.0.0 for all of them. One of IPv6 can be led to a machine for users
    /// who are not root only: a process does it for them, while the kernel does not translate between the two.
    pub host_ip: IpAddr,
    /// The host's port.
    pub host_port: u16,
    /// The machine's address.
    pub guest_ip: Ipv4Addr,
    /// The machine's port.
    pub guest_port: u16,
}

/// The rules of one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NatTable {
    /// Its name: letters, digits, `_` and `-`.
    pub name: String,
    /// Networks whose machines reach the world with the host's address.
    pub masquerade: Vec<Subnet>,
    /// Forwarded ports.
    pub forwards: Vec<Forward>,
    /// Bridges of private networks, whose machines are reached by each other and by this host alone.
    pub bridges: Vec<String>,
    /// The machines, which may not send as anybody else; nothing is checked when there are none.
    pub neighbours: Vec<Neighbour>,
}

impl NatTable {
    /// Puts the rules in force, replacing earlier ones of this name at one stroke.
    pub fn apply(&self, registry: &Registry) -> Result<()> {
        if let Some(ground) = rootless::ground() {
            // Nothing of the host's passes through the user's network: its ports are led there by a process.
            let within = Self { forwards: Vec::new(), ..self.clone() };
            registry.change(|changes| within.put_in_force(changes, &[]))?;
            return ground.forward(&self.name, &self.forwards);
        }
        self.table_name()?;
        registry.change(|changes| {
            let inlets = self.inlets()?;
            changes.open_inlets(&self.name, &inlets)?;
            let opened: Vec<String> = inlets.into_iter().filter(|link| changes.opened_inlet(link)).collect();
            self.put_in_force(changes, &opened)
        })
    }

    /// Puts the rules in force, unless this very process was asked for the same before, and they stand: then nothing has
    /// to be made. Each of the machines that are brought up together asks, and since all are known before the first of
    /// them starts, it asks for the same.
    fn put_in_force(&self, changes: &mut Changes, opened: &[String]) -> Result<()> {
        static ASKED: Mutex<BTreeMap<String, (u64, InForce)>> = Mutex::new(BTreeMap::new());
        let asked = || ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        let name = self.table_name()?;
        let mut hasher = DefaultHasher::new();
        (self, opened).hash(&mut hasher);
        let digest = hasher.finish();
        let before = asked().get(&name).filter(|(known, _)| *known == digest).map(|(_, rules)| rules.clone());
        if let Some(before) = before
            && changes.rules.get(&name) == Some(&before)
            && stands(&name, &before)?
        {
            return Ok(());
        }
        let mut tables = self.build()?;
        // Whoever may come in for the ports' sake must not be led anywhere else.
        for link in opened {
            let elsewhere = Rule::default().arriving_through(link).not_through_links(WALLED);
            tables[0].rule("passing", elsewhere.redirected(false).unsolicited().drop());
        }
        let rules = replace(&name, changes, tables)?;
        asked().insert(name, (digest, rules));
        Ok(())
    }

    /// The links that packets for the forwarded ports arrive through: those that have the ports' addresses.
    fn inlets(&self) -> Result<Vec<String>> {
        let wanted: Vec<IpAddr> =
            self.forwards.iter().map(|forward| forward.host_ip).filter(|ip| !ip.is_loopback()).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let everywhere = wanted.iter().any(IpAddr::is_unspecified);
        let addresses = Connection::route()
            .and_then(|connection| link::addresses(&connection))
            .doing("look for the links that forwarded ports are reached through")?;
        let ours = |name: &str| name == "lo" || name.starts_with(WALLED);
        let mut links: Vec<String> = addresses
            .into_iter()
            .filter(|(name, address)| !ours(name) && (everywhere || wanted.contains(address)))
            .map(|(name, _)| name)
            .collect();
        links.sort();
        links.dedup();
        Ok(links)
    }

    /// Takes the rules out of force; fine when there are none.
    pub fn remove(&self, registry: &Registry) -> Result<()> {
        let name = self.table_name()?;
        if let Some(ground) = rootless::ground() {
            ground.forward(&self.name, &[])?;
        }
        registry.change(|changes| {
            changes.open_inlets(&self.name, &[])?;
            changes.rules.remove(&name);
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

    fn build(&self) -> Result<Vec<Table>> {
        let name = self.table_name()?;
        let neighbours = if self.neighbours.is_empty() {
            Table::none(Family::Bridge, &name)
        } else {
            neighbours::table(&name, &self.neighbours)
        };
        Ok(vec![self.translation(&name)?, self.ipv6(&name), neighbours])
    }

    /// Bridges are no way for IPv6, wherever the host passes it on.
    fn ipv6(&self, name: &str) -> Table {
        let mut table = Table::new(Family::Ipv6, name);
        table.chain("passing", Purpose::Filter, Hook::Forward, 0);
        for bridge in self.bridges.iter().chain([&self.name]) {
            for outwards in [true, false] {
                table.rule("passing", Rule::default().between(bridge, outwards).drop());
            }
        }
        table
    }

    fn translation(&self, name: &str) -> Result<Table> {
        let mut table = Table::new(Family::Ipv4, name);
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
            let redirection = redirection(forward)?;
            if !forward.host_ip.is_loopback() {
                table.rule("arriving", redirection.clone());
            }
            table.rule("local", redirection);
        }
        // What arrives through another link is led to these bridges only where a forwarded port says so. What stays
        // within a bridge may pass here too (br_netfilter), and is none of this table's business.
        for bridge in &self.bridges {
            let entering = Rule::default().not_from(bridge).through_link(bridge);
            table.rule("passing", entering.redirected(false).unsolicited().drop());
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
            // Also when it came through a private network, in which the two are neighbours as well.
            let from_ours = Rule::default().arriving_through_links(WALLED);
            table.rule("leaving", to(from_ours, true).redirected(true).masquerade());
            let from_loopback = Rule::default().network(Address::Source, loopback, 8, true);
            table.rule("leaving", to(from_loopback, true).masquerade());
        }
        Ok(table)
    }
}

fn redirection(forward: &Forward) -> Result<Rule> {
    let rule = match forward.host_ip {
        IpAddr::V4(address) if address.is_unspecified() => Rule::default().for_this_machine(),
        IpAddr::V4(address) => Rule::default().address(Address::Destination, address),
        IpAddr::V6(address) => {
            return Err(Error::invalid(
                format!("forwarded port {} of {address}", forward.host_port),
                "the kernel leads no IPv6 address to one of IPv4",
            ));
        }
    };
    let protocol = match forward.protocol {
        Protocol::Tcp => libc::IPPROTO_TCP,
        Protocol::Udp => libc::IPPROTO_UDP,
    };
    Ok(rule.port(protocol as u8, forward.host_port).redirect(forward.guest_ip, forward.guest_port))
}

/// The names of all tables of ours that are in force.
pub(crate) fn tables() -> Result<Vec<String>> {
    let names = nft::names().doing("list nftables' tables")?;
    Ok(names.into_iter().filter(|name| name.starts_with(PREFIX)).collect())
}

/// The kernel's numbers of a table and those that go with it.
fn handles(name: &str) -> Result<Vec<u64>> {
    nft::handles(name).doing(format!("look for the address translation of '{name}'"))
}

/// Whether these rules are in force.
fn stands(name: &str, rules: &InForce) -> Result<bool> {
    Ok(!rules.handles.is_empty() && rules.handles == handles(name)?)
}

/// Puts tables in force, unless they are. The first is needed; the others are for kernels that know their families.
fn replace(name: &str, changes: &mut Changes, mut tables: Vec<Table>) -> Result<InForce> {
    // An earlier command may have put the same in force.
    let digest = nft::digest(&tables);
    if let Some(before) = changes.rules.get(name).filter(|before| before.digest == digest).cloned()
        && stands(name, &before)?
    {
        return Ok(before);
    }
    if changes.rules.remove(name).is_some() {
        // Whoever comes after a kill must not take new rules for the old ones.
        changes.save()?;
    }
    let mut applied = nft::apply(&tables);
    if applied.as_ref().is_err_and(nft::is_unknown_family) {
        tracing::warn!(
            "this kernel filters no bridges: machines of a network could send as their neighbours"
        );
        tables.truncate(1);
        applied = nft::apply(&tables);
    }
    applied.doing(format!("set up address translation for '{name}'"))?;
    let standing = InForce { digest, handles: handles(name)? };
    changes.rules.insert(name.to_owned(), standing.clone());
    Ok(standing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clone;

    /// In a network namespace of this test's own.
    #[test]
    fn rules_that_are_in_force_are_left_alone() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return;
        }
        let folder = std::env::temp_dir().join(format!("yado-in-force-{}", std::process::id()));
        let work = || {
            clone::unshare(libc::CLONE_NEWNET).unwrap();
            let registry = Registry::open(&folder);
            let something = |changes: &mut Changes| {
                changes.bridges.push("none".to_owned());
                Ok(())
            };
            registry.change(something).unwrap();
            let subnet = |last| Subnet { address: Ipv4Addr::new(10, 1, last, 0), prefix: 24 };
            let mut table =
                NatTable { name: "test".to_owned(), masquerade: vec![subnet(1)], ..NatTable::default() };
            let apply = |table: &NatTable| {
                table.apply(&registry).unwrap();
                nft::handles("yado-test").unwrap()
            };
            let first = apply(&table);
            assert!(!first.is_empty());
            assert_eq!(apply(&table), first);
            nft::remove("yado-test").unwrap();
            let again = apply(&table);
            assert!(!again.is_empty() && again != first, "what somebody else took away is put back");
            table.masquerade.push(subnet(2));
            assert_ne!(apply(&table), again);
            table.remove(&registry).unwrap();
            assert!(nft::handles("yado-test").unwrap().is_empty());
        };
        let outcome = std::thread::scope(|scope| scope.spawn(work).join());
        std::fs::remove_dir_all(&folder).unwrap();
        outcome.unwrap();
    }
}
