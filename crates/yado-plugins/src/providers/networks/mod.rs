//! Networks that the machines of this host share, whatever runs them: a bridge per environment with a way out, a bridge per private network, forwarded ports by the
//! kernel's own address translation. No process stands between.

pub(super) mod addresses;
pub(super) mod holdings;
pub(super) mod names;
mod options;
mod public;
mod subnet;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use yado_container::network::{
    self as engine, Bridge, MachineNetwork, NatTable, Neighbour, Protocol, Registry,
};
use yado_container::rootless;
use yado_core::error::Doing;
use yado_core::spec::{NetworkSpec, Problem};
use yado_core::{Context, Forward, MachineRecord, MachineSpec, Result, Store, ports};

use addresses::{Interface, Link};
use holdings::{Acquaintances, Holdings, private_networks};

/// What this provider cannot do with a machine's networks.
pub(super) fn problems(spec: &MachineSpec) -> Vec<Problem> {
    let refused = |message: String, network: &NetworkSpec| Problem {
        message,
        origin: network.origin.clone(),
        remedy: None,
    };
    let mut problems = forward_problems(spec);
    problems.extend(spec.networks
        .iter()
        .filter_map(|network| {
            match network.kind.as_str() {
            "public_network" if rootless::is_needed() => Some(refused(
                "A public_network (a machine on the host's own network) takes root's rights over the host's interfaces. \
                 Use a private_network, or a forwarded_port with 'host_ip: \"0.0.0.0\"'."
                    .to_owned(),
                network,
            )),
            "private_network" | "public_network" => network_objection(network).map(|text| refused(text, network)),
            _ => None,
        }
        }));
    problems
}

fn network_objection(network: &NetworkSpec) -> Option<String> {
    let kind = network.kind.replace('_', " ");
    let ip = network.options.get("ip").and_then(|ip| ip.as_str()).filter(|ip| !ip.is_empty());
    let address = ip.and_then(|ip| {
        let objection = options::objection(ip, network.options.get("netmask"))?;
        Some(format!("The address '{ip}' of a {kind} {objection}."))
    });
    let other = || options::mac_objection(network).or_else(|| options::mtu(network).err());
    address.or_else(other).or_else(|| public::objection(network))
}

/// Forwarded ports that cannot be led to a machine. What is no address at all is told when ports are reserved.
fn forward_problems(spec: &MachineSpec) -> Vec<Problem> {
    let wanted = ports::wanted(spec, false).unwrap_or_default();
    let objection = |forward: &Forward| {
        // For other users than root a process leads them, which minds no address's family.
        if let IpAddr::V6(address) = forward.host_ip
            && !rootless::is_needed()
        {
            return Some(format!(
                "A forwarded port cannot be opened on the IPv6 address '{address}': machines are led to by IPv4. Use \
                 'host_ip: \"127.0.0.1\"', or 'host_ip: \"0.0.0.0\"' for other hosts."
            ));
        }
        let IpAddr::V6(address) = forward.guest_ip? else { return None };
        Some(format!(
            "A forwarded port cannot lead to the IPv6 address '{address}' ('guest_ip:'); leave it out."
        ))
    };
    wanted
        .into_iter()
        .filter_map(|wish| {
            Some(Problem { message: objection(&wish.forward)?, origin: wish.origin, remedy: None })
        })
        .collect()
}

/// Names and addresses of an environment's machines, as one of them reaches them; also of those that are only about to
/// be made.
pub(super) fn known_machines(store: &Store, viewer: &MachineRecord) -> Result<Vec<(String, IpAddr)>> {
    Ok(Acquaintances::of(store, &viewer.environment)?.seen_by(&viewer.id).0.into_owned())
}

/// The text of `/etc/resolv.conf`: the host's name servers, as far as they can be reached from a machine.
pub(super) fn resolver() -> String {
    let own = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let text = if reachable(&own).is_empty() {
        // A local stub resolver; what it asks is written down beside it.
        std::fs::read_to_string("/run/systemd/resolve/resolv.conf").unwrap_or(own)
    } else {
        own
    };
    let mut lines = reachable(&text);
    lines.extend(text.lines().filter(|line| line.starts_with("search ") || line.starts_with("options ")));
    lines.push("");
    lines.join("\n")
}

fn reachable(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.starts_with("nameserver "))
        .filter(|line| {
            let address = line.trim_start_matches("nameserver ").trim();
            !address.starts_with("127.") && address != "::1"
        })
        .collect()
}

/// What the engine is told about the machine's interfaces: the first leads out, the others to private and public
/// networks.
pub(super) fn of_machine(context: &Context, interfaces: &[Interface]) -> Result<MachineNetwork> {
    let out = way_out_mtu();
    let interfaces = interfaces.iter().enumerate().map(|(number, interface)| {
        let (place, gateway) = match &interface.link {
            Link::Bridge { name, host, gateway } => {
                (engine::Place::Bridge(name.clone()), gateway.then_some(*host))
            }
            Link::Public(network) => (public::place(context, network)?, None),
        };
        let address = interface.address.zip(interface.subnet).filter(|_| interface.configured);
        Ok(engine::Interface {
            place,
            name: format!("eth{number}"),
            mac: interface.mac,
            addresses: address.into_iter().map(|(address, subnet)| (address, subnet.prefix)).collect(),
            mtu: interface.mtu.or_else(|| gateway.and(out)),
            gateway,
        })
    });
    Ok(MachineNetwork { interfaces: interfaces.collect::<Result<_>>()? })
}

/// The largest packet that the way out takes, where that is less than usual: through a tunnel, for example. Machines
/// then send none that would have to be broken up, or are lost where nobody may say so.
fn way_out_mtu() -> Option<u32> {
    let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    let links = routes.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace();
        fields.next().filter(|_| fields.next() == Some("00000000"))
    });
    let sizes = links.filter_map(|link| {
        std::fs::read_to_string(format!("/sys/class/net/{link}/mtu")).ok()?.trim().parse().ok()
    });
    sizes.min().filter(|size| *size < 1500)
}

/// Before a machine starts: its bridges are there, and its forwarded ports lead to where it will be.
pub(super) fn prepare(
    store: &Store,
    record: &MachineRecord,
    interfaces: &[Interface],
    forwards: &[Forward],
) -> Result<()> {
    let _turn = turn(store, &record.environment)?;
    let registry = Registry::machine_wide(&store.home().join("network"));
    let mut private = Vec::new();
    for interface in interfaces {
        let (Link::Bridge { name, host, gateway }, Some(subnet)) = (&interface.link, interface.subnet) else {
            continue;
        };
        Bridge::ensure(&registry, name, *host, subnet.prefix, &record.id).map_err(engine_error)?;
        if !gateway {
            private.push(name.clone());
        }
    }
    table(store, record, forwards, private)?.apply(&registry).map_err(engine_error)
}

/// After a machine has stopped: its forwarded ports and bridges that nobody uses any more go. `is_up` tells what other
/// machines of the same provider really do; what is recorded may lag behind when several stop at once.
pub(super) fn without_machine(
    store: &Store,
    record: &MachineRecord,
    spec: Option<&MachineSpec>,
    is_up: &dyn Fn(&MachineRecord) -> bool,
) -> Result<()> {
    let turn = turn(store, &record.environment)?;
    let registry = Registry::machine_wide(&store.home().join("network"));
    let machines = store.machines_as_known(Some(&record.environment))?;
    let mut is_last = true;
    for other in machines.iter().filter(|other| other.id != record.id) {
        // A provider knows its own machines; of others' machines one sees what they have on bridges.
        let is_there = if other.provider == record.provider {
            is_up(other)
        } else {
            yado_container::network::has_ports(&other.id).map_err(engine_error)?
        };
        if is_there {
            is_last = false;
            break;
        }
    }
    let release =
        |bridge: &str| Bridge::release(&registry, bridge, &record.id, PATIENCE).map_err(engine_error);
    let holdings = Holdings::of(store, &record.environment)?;
    let networks = networks_of(record, spec);
    let mut bridges: Vec<String> = networks
        .iter()
        .filter_map(|network| holdings.private_bridge_of(&record.id, network))
        .map(|(bridge, _)| bridge)
        .collect();
    bridges.sort();
    bridges.dedup();
    // Also where others use it: a claim that stays would keep the bridge from whoever goes last.
    bridges.iter().try_for_each(|bridge| release(bridge).map(drop))?;
    // Rules name the hardware addresses of all machines on record, and beyond that only what is led or joined.
    let has_rules = spec.is_none()
        || !networks.is_empty()
        || machines.iter().any(|machine| {
            let forwards = machine.forwards.as_deref().unwrap_or("[]");
            machine.id == record.id && forwards != "[]"
        });
    let bridge = addresses::environment_bridge(&record.environment);
    if !is_last {
        // It may have been about to start when the user had enough: its claim must not keep the bridge from who goes last.
        Bridge::let_go(&registry, &bridge, &record.id).map_err(engine_error)?;
        if !has_rules {
            return Ok(());
        }
    }
    let table = table(store, record, &[], Vec::new())?;
    if !is_last {
        return table.apply(&registry).map_err(engine_error);
    }
    table.remove(&registry).map_err(engine_error)?;
    Bridge::remove(&registry, &bridge, &record.id).map_err(engine_error)?;
    turn.forget()
}

/// The private networks that a machine may be in: those that the Vagrantfile asks for now, and those that it was started
/// with.
pub(super) fn networks_of(record: &MachineRecord, spec: Option<&MachineSpec>) -> Vec<NetworkSpec> {
    let now = spec.map_or(&[][..], |spec| &spec.networks).iter();
    let mut networks: Vec<_> = now.filter(|network| network.kind == "private_network").cloned().collect();
    networks.extend(private_networks(record));
    networks
}

/// How long the kernel may take to let go of another stopped machine's port on a bridge. It may well run still.
const PATIENCE: Duration = Duration::from_secs(2);

/// The rules of an environment: those of its other machines as recorded, and this one's with the bridges of its private
/// networks.
fn table(
    store: &Store,
    record: &MachineRecord,
    own: &[Forward],
    mut bridges: Vec<String>,
) -> Result<NatTable> {
    let mut forwards = Vec::new();
    let mut neighbours = Vec::new();
    let holdings = Holdings::of(store, &record.environment)?;
    for other in store.machines_as_known(Some(&record.environment))? {
        let theirs: Vec<Forward> = if other.id == record.id {
            own.to_vec()
        } else {
            let networks = private_networks(&other);
            let theirs = networks.iter().filter_map(|network| holdings.private_bridge_of(&other.id, network));
            bridges.extend(theirs.map(|(bridge, _)| bridge));
            other.forwards.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
        };
        let (macs, addresses) = holdings.identity(&other);
        neighbours.push(Neighbour { macs, addresses });
        let Some(address) = holdings.own_address(&other.id) else { continue };
        forwards.extend(theirs.iter().map(|forward| translated(forward, address)));
    }
    bridges.sort();
    bridges.dedup();
    Ok(NatTable {
        name: addresses::environment_bridge(&record.environment),
        masquerade: holdings
            .way_out
            .and_then(|subnet| match subnet.network {
                IpAddr::V4(address) => Some(engine::Subnet { address, prefix: subnet.prefix }),
                IpAddr::V6(_) => None,
            })
            .into_iter()
            .collect(),
        forwards,
        bridges,
        neighbours,
    })
}

fn translated(forward: &Forward, address: Ipv4Addr) -> engine::Forward {
    let guest_ip = match forward.guest_ip {
        Some(IpAddr::V4(ip)) if !ip.is_loopback() && !ip.is_unspecified() => ip,
        _ => address,
    };
    engine::Forward {
        protocol: if forward.protocol == "udp" { Protocol::Udp } else { Protocol::Tcp },
        host_ip: forward.host_ip,
        host_port: forward.host_port,
        guest_ip,
        guest_port: forward.guest_port,
    }
}

/// One process at a time works out and sets an environment's rules, so that nobody sets what was true a moment ago.
struct Turn {
    path: std::path::PathBuf,
    _file: std::fs::File,
}

impl Turn {
    /// With the environment's last network goes its lock file.
    fn forget(self) -> Result<()> {
        std::fs::remove_file(&self.path).doing(|| format!("removing '{}'", self.path.display()))
    }
}

fn turn(store: &Store, environment: &str) -> Result<Turn> {
    use std::os::unix::fs::MetadataExt;
    let folder = store.home().join("locks");
    let path = folder.join(format!("{environment}.network"));
    let doing = || format!("locking '{}'", path.display());
    std::fs::create_dir_all(&folder).doing(doing)?;
    loop {
        let file =
            std::fs::File::options().create(true).truncate(false).write(true).open(&path).doing(doing)?;
        file.lock().doing(doing)?;
        // Whoever had it before may have taken the file away.
        let mine = file.metadata().doing(doing)?.ino();
        if std::fs::metadata(&path).is_ok_and(|seen| seen.ino() == mine) {
            return Ok(Turn { path, _file: file });
        }
    }
}

/// Whether the kernel's networks are this user's to change: then all machines of the host can be in one network.
pub(super) fn are_ours() -> bool {
    !rootless::is_needed()
}

/// A name for a port that a program makes for a machine by itself.
pub(super) fn port_name(record: &MachineRecord) -> Result<String> {
    engine::port_name(&record.id).map_err(engine_error)
}

/// Connects such a port, from which frames of this hardware address alone are taken.
pub(super) fn join(bridge: &str, port: &str, mac: [u8; 6]) -> Result<()> {
    engine::join(bridge, port, mac).map_err(engine_error)
}

/// A failure of the engine, told as one of ours.
pub(super) fn engine_error(problem: yado_container::Error) -> yado_core::Error {
    yado_core::Error::new(yado_core::ErrorKind::System, problem.to_string()).caused_by(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_on_the_hosts_loopback_are_of_no_use_inside() {
        assert!(reachable("nameserver 127.0.0.53\nnameserver ::1\n").is_empty());
        assert_eq!(reachable("# x\nnameserver 10.0.0.1\n"), ["nameserver 10.0.0.1"]);
    }
}
