//! What the machines of an environment hold of addresses, and by which of them they know each other.
//!
//! All is read at once: rules and names of a machine are made from those of all others, so that reading each by itself
//! would take the square of their number, or its cube when all of them start.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::Deserialize;
use yado_core::spec::NetworkSpec;
use yado_core::store::LeaseKind;
use yado_core::{MachineRecord, Result, Store};

use super::addresses::{DHCP, environment_subnet, private_bridge};
use super::names;
use super::options::{fixed_address, hardware_address, prefix, text};
use super::subnet::{Subnet, hardware_address_of};

/// The addresses of an environment's machines, as they are leased.
pub(in crate::providers) struct Holdings {
    /// The environment's subnet for the way out, when it has one.
    pub(super) way_out: Option<Subnet>,
    held: HashMap<String, Vec<IpAddr>>,
}

impl Holdings {
    /// Those of one environment.
    pub(super) fn of(store: &Store, environment: &str) -> Result<Self> {
        let mut held: HashMap<String, Vec<IpAddr>> = HashMap::new();
        store.each_lease_of_machines(LeaseKind::Address, environment, &mut |machine, key| {
            let Ok(address) = key.parse() else { return };
            match held.get_mut(machine) {
                Some(addresses) => addresses.push(address),
                None => drop(held.insert(machine.to_owned(), vec![address])),
            }
        })?;
        for addresses in held.values_mut() {
            addresses.sort_unstable();
        }
        Ok(Self { way_out: environment_subnet(store, environment)?, held })
    }

    /// All addresses that a machine holds.
    fn held(&self, machine: &str) -> &[IpAddr] {
        self.held.get(machine).map_or(&[], Vec::as_slice)
    }

    fn has_address_in(&self, machine: &str, subnet: Subnet) -> bool {
        self.held(machine).iter().any(|address| subnet.contains(*address))
    }

    /// All that a machine may send as: hardware addresses and addresses.
    pub(super) fn identity(&self, record: &MachineRecord) -> (Vec<[u8; 6]>, Vec<IpAddr>) {
        let addresses = self.held(&record.id).to_vec();
        let mut macs: Vec<[u8; 6]> = addresses.iter().copied().map(hardware_address_of).collect();
        let networks = private_networks(record);
        let chosen = networks.iter();
        macs.extend(chosen.filter_map(|network| hardware_address(&text(network, "mac")?)));
        (macs, addresses)
    }

    /// A machine's address on `eth0`.
    pub(super) fn own_address(&self, machine: &str) -> Option<Ipv4Addr> {
        let subnet = self.way_out?;
        self.held(machine).iter().find_map(|address| match address {
            IpAddr::V4(own) if subnet.contains(*address) => Some(*own),
            _ => None,
        })
    }

    /// The bridge and range of a private network in which a machine holds an address.
    pub(super) fn private_bridge_of(&self, machine: &str, network: &NetworkSpec) -> Option<(String, Subnet)> {
        if network.kind != "private_network" {
            return None;
        }
        let address: Option<IpAddr> = text(network, "ip").map_or(Some(DHCP.into()), |ip| ip.parse().ok());
        let address = address?;
        let subnet = Subnet::of(address, prefix(network.options.get("netmask"), address.is_ipv4())?);
        self.has_address_in(machine, subnet).then(|| (private_bridge(subnet), subnet))
    }
}

/// Of what a machine was last started with, what others have to know. Every machine that starts reads it of all others:
/// the rest is passed over.
#[derive(Debug, Deserialize)]
struct Sketch {
    hostname: Option<String>,
    networks: Vec<NetworkSpec>,
    allow_hosts_modification: bool,
}

/// The private networks that a machine was last started with.
pub(super) fn private_networks(record: &MachineRecord) -> Vec<NetworkSpec> {
    const KIND: &str = "private_network";
    // Most have none.
    let text = record.spec.as_deref().filter(|text| text.contains(KIND));
    let sketch: Option<Sketch> = text.and_then(|text| serde_json::from_str(text).ok());
    let networks = sketch.map(|sketch| sketch.networks).unwrap_or_default();
    networks.into_iter().filter(|network| network.kind == KIND).collect()
}

/// The machines of an environment, also those that are only about to be made, and how each of them knows the others.
pub(in crate::providers) struct Acquaintances {
    machines: Vec<Acquaintance>,
    holdings: Holdings,
    /// What all know alike, where there are no private networks.
    common: Option<(Vec<(String, IpAddr)>, u64)>,
}

/// One of them.
pub(in crate::providers) struct Acquaintance {
    /// Its record.
    pub(in crate::providers) record: Arc<MachineRecord>,
    /// What it is called.
    pub(in crate::providers) facts: Arc<Facts>,
    /// Its addresses in private networks, in the order of the Vagrantfile, with their ranges: fixed ones, or when it is
    /// about to be made all that it holds there, in networks as large as they usually are.
    private: Vec<(IpAddr, Subnet)>,
    own: Option<IpAddr>,
}

/// What a machine's description says that the others have to know.
pub(in crate::providers) struct Facts {
    /// Its host name.
    pub(in crate::providers) hostname: String,
    /// Whether yado may write names of machines into its files.
    pub(in crate::providers) can_be_told: bool,
    /// The full name comes first: it is what a reverse look-up answers.
    names: Vec<String>,
    /// `None` when it is only about to be made.
    networks: Option<Vec<NetworkSpec>>,
}

impl Acquaintances {
    /// Those of one environment.
    pub(in crate::providers) fn of(store: &Store, environment: &str) -> Result<Self> {
        let holdings = Holdings::of(store, environment)?;
        let records = store.machines_as_known(Some(environment))?;
        let machines: Vec<_> =
            records.into_iter().map(|record| Acquaintance::of(&holdings, record)).collect();
        let mut all = Self { machines, holdings, common: None };
        if all.machines.iter().all(|machine| machine.private.is_empty()) {
            let known = all.known_to("");
            let digest = names::digest(&known);
            all.common = Some((known, digest));
        }
        Ok(all)
    }

    /// Names and addresses by which a machine reaches each: of IPv4 that in the first private network in which it has
    /// an interface too, else that of `eth0`; and likewise one of IPv6, if any. With their digest.
    pub(in crate::providers) fn seen_by(&self, viewer: &str) -> (Cow<'_, [(String, IpAddr)]>, u64) {
        if let Some((known, digest)) = &self.common {
            return (Cow::Borrowed(known), *digest);
        }
        let known = self.known_to(viewer);
        let digest = names::digest(&known);
        (Cow::Owned(known), digest)
    }

    /// All of them, oldest first.
    pub(in crate::providers) fn machines(&self) -> &[Acquaintance] {
        &self.machines
    }

    fn known_to(&self, viewer: &str) -> Vec<(String, IpAddr)> {
        let mut known = Vec::new();
        for machine in &self.machines {
            for address in machine.addresses(&self.holdings, viewer) {
                known.extend(machine.facts.names.iter().map(|name| (name.clone(), address)));
            }
        }
        known
    }
}

impl Facts {
    /// Those of a record. They are read again only when its description has changed: each machine that starts asks for
    /// those of all others.
    fn of(record: &Arc<MachineRecord>) -> Arc<Self> {
        type Known = HashMap<String, (Arc<MachineRecord>, Arc<Facts>)>;
        static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, facts)) = known.get(&record.id)
            && (Arc::ptr_eq(of, record) || (of.name == record.name && of.spec == record.spec))
        {
            return Arc::clone(facts);
        }
        let facts = Arc::new(Self::read(record));
        known.insert(record.id.clone(), (Arc::clone(record), Arc::clone(&facts)));
        facts
    }

    fn read(record: &MachineRecord) -> Self {
        let spec: Option<Sketch> = record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let asked = spec.as_ref().and_then(|spec| spec.hostname.as_deref());
        let hostname = names::host_name(asked.unwrap_or(&record.name));
        let name = names::host_name(&record.name);
        let is_another = hostname != name && hostname.split('.').next() != Some(&name);
        Self {
            can_be_told: spec.as_ref().is_none_or(|spec| spec.allow_hosts_modification),
            names: std::iter::once(hostname.clone()).chain(is_another.then_some(name)).collect(),
            hostname,
            networks: spec.map(|spec| spec.networks),
        }
    }
}

impl Acquaintance {
    fn of(holdings: &Holdings, record: Arc<MachineRecord>) -> Self {
        let facts = Facts::of(&record);
        let private = match &facts.networks {
            Some(networks) => {
                let range = |network| Some(holdings.private_bridge_of(&record.id, network)?.1);
                let networks = networks.iter();
                networks.filter_map(|network| Some((fixed_address(network)?, range(network)?))).collect()
            }
            None => {
                let usual = |address: IpAddr| Subnet::of(address, if address.is_ipv4() { 24 } else { 64 });
                let held = holdings.held(&record.id).iter().map(|address| (*address, usual(*address)));
                held.filter(|(_, subnet)| holdings.way_out != Some(*subnet)).collect()
            }
        };
        let own = holdings.own_address(&record.id).map(IpAddr::from);
        Self { record, facts, private, own }
    }

    fn addresses(&self, holdings: &Holdings, viewer: &str) -> Vec<IpAddr> {
        let mut known: Vec<IpAddr> = Vec::new();
        for (address, subnet) in &self.private {
            let is_new = !known.iter().any(|other| other.is_ipv4() == address.is_ipv4());
            if is_new && holdings.has_address_in(viewer, *subnet) {
                known.push(*address);
            }
        }
        if !known.iter().any(IpAddr::is_ipv4) {
            known.extend(self.own);
        }
        known.sort_unstable();
        known
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use yado_core::store::Owner;

    use super::*;

    #[test]
    fn two_hundred_machines_know_each_other_without_asking_the_store_for_each_pair() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.put_environment("00ff00ff00", Path::new("/p"), "Vagrantfile").unwrap();
        let subnet = Owner::Environment("00ff00ff00");
        assert!(store.lease(LeaseKind::Subnet, "10.200.1.0/24", subnet).unwrap());
        let mut machines = Vec::new();
        for number in 2..202 {
            let record = store.add_machine("00ff00ff00", &format!("m{number}"), "container").unwrap();
            let owner = Owner::Machine(&record.id);
            assert!(store.lease(LeaseKind::Address, &format!("10.200.1.{number}"), owner).unwrap());
            machines.push(record);
        }
        let begin = Instant::now();
        let acquaintances = Acquaintances::of(&store, "00ff00ff00").unwrap();
        for record in &machines {
            let (known, _) = acquaintances.seen_by(&record.id);
            assert_eq!(known.len(), 200);
            assert!(known.contains(&("m77".to_owned(), IpAddr::from([10, 200, 1, 77]))));
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }
}
