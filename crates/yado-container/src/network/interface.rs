//! Interfaces of containers: a pair of which one end is a port of a bridge and the other is inside.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::rand::{GetRandomFlags, getrandom};

use super::link::{self, Pair};
use super::netlink::{Connection, Message};
use crate::error::{Context, Error, Result};
use crate::rootless;
use crate::sys::clone;

/// How the host's ends of pairs are called.
pub(super) const PREFIX: &str = "yv";
/// How long the kernel may take to let go of the port of a machine that has ended.
const LEAVING: Duration = Duration::from_secs(5);

/// Where an interface is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A bridge, which must be there.
    Bridge(String),
    /// The network that an interface of the host is on, beside it (macvlan).
    Beside(String),
}

impl Default for Place {
    fn default() -> Self {
        Self::Bridge(String::new())
    }
}

/// One interface of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// What it is connected to.
    pub place: Place,
    /// Its name inside, such as `eth0`.
    pub name: String,
    /// Its hardware address; the kernel chooses one when `None`. With an address the bridge takes frames from no other.
    pub mac: Option<[u8; 6]>,
    /// Its addresses with the lengths of their network prefixes.
    pub addresses: Vec<(IpAddr, u8)>,
    /// The way to everywhere else.
    pub gateway: Option<IpAddr>,
    /// The largest packet; the kernel's default when `None`.
    pub mtu: Option<u32>,
}

/// What a machine is connected to; the loopback device is always up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineNetwork {
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
}

impl MachineNetwork {
    /// From the host's side: a pair for each interface, its one end a port of the bridge, the other born in the network
    /// namespace of the process.
    pub(crate) fn connect(&self, container: &str, pid: i32) -> Result<()> {
        if self.interfaces.is_empty() {
            return Ok(());
        }
        let outside = connect_outside()?;
        let names = port_names(container);
        self.interfaces.iter().try_for_each(|interface| pair(&outside, pid, &names, interface))
    }

    /// From the inside, when all pairs are there: everything up, with its addresses.
    pub(crate) fn configure(&self) -> Result<()> {
        let inside = Connection::route().doing("talk to the kernel about networks")?;
        // The loopback device is the first of every network namespace.
        let mut messages = vec![link::up(1)];
        for interface in &self.interfaces {
            messages.extend(settings(&inside, interface)?);
        }
        inside.send(&messages).doing("set the addresses of the container's interfaces")
    }
}

fn bring_up(inside: &Connection) -> Result<()> {
    let loopback = find(inside, "lo")?;
    inside.send(&[link::up(loopback)]).doing("bring the loopback device up")
}

/// Brings the loopback device of the calling thread's network namespace up.
pub(crate) fn bring_loopback_up() -> Result<()> {
    bring_up(&Connection::route().doing("talk to the kernel about networks")?)
}

/// A connection to where the bridges are.
fn connect_outside() -> Result<Connection> {
    match rootless::ground() {
        Some(ground) => connect_inside(ground.network()),
        None => Connection::route().doing("talk to the kernel about networks"),
    }
}

/// A connection belongs to the namespace that it was opened in; a thread of its own goes there to open it.
pub(super) fn connect_inside(namespace: BorrowedFd<'_>) -> Result<Connection> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            clone::enter(namespace, libc::CLONE_NEWNET)?;
            Connection::route()
        });
        thread.join().unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()))
    })
    .doing("enter the container's network namespace")
}

fn find(connection: &Connection, name: &str) -> Result<u32> {
    let found = link::by_name(connection, name).doing(format!("look for the interface '{name}'"))?;
    found.ok_or_else(|| Error::invalid(format!("interface '{name}'"), "it is not there"))
}

/// What the names of a container's ports start with, whenever it was started.
pub(super) fn port_names(container: &str) -> String {
    // FNV: nobody gains by a collision, since it only makes somebody wait.
    let hash = container
        .bytes()
        .fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{PREFIX}{:06x}", hash >> 8)
}

/// A name for the host's end that no other pair has, not even one of the same container that is still going away.
fn fresh_name(names: &str) -> Result<String> {
    let mut bytes = [0u8; 3];
    getrandom(&mut bytes, GetRandomFlags::empty()).doing("choose an interface's name")?;
    Ok(bytes.iter().fold(names.to_owned(), |name, byte| format!("{name}{byte:02x}")))
}

/// Whether a machine has ports on this host's bridges.
///
/// # Errors
/// When the kernel does not tell.
pub fn has_ports(machine: &str) -> Result<bool> {
    let own = port_names(machine);
    let links = link::all(&connect_outside()?).doing("look at the bridges' ports")?;
    Ok(links.iter().any(|link| link.name.starts_with(&own)))
}

/// A name for a port that a program makes for a machine by itself, such as that of a virtual machine.
pub fn port_name(machine: &str) -> Result<String> {
    fresh_name(&port_names(machine))
}

/// Makes an interface of the host's that is there a port of a bridge, from which frames of this hardware address alone
/// are taken.
pub fn join(bridge: &str, port: &str, mac: [u8; 6]) -> Result<()> {
    let outside = connect_outside()?;
    let (to, index) = (find(&outside, bridge)?, find(&outside, port)?);
    outside
        .send(&[link::into_bridge(index, to)])
        .doing(format!("connect '{port}' to the bridge '{bridge}'"))?;
    outside.send(&[link::port(index, true)]).doing(format!("set up the port of the bridge '{bridge}'"))?;
    admit(&outside, index, mac, bridge, port)
}

/// Makes the pair of an interface.
fn pair(outside: &Connection, pid: i32, names: &str, interface: &Interface) -> Result<()> {
    let name = &interface.name;
    if name.is_empty() || name.len() > 15 || name.contains('/') {
        return Err(Error::invalid(
            format!("interface '{name}'"),
            "an interface's name has 1 to 15 characters and no slash",
        ));
    }
    let bridge = match &interface.place {
        Place::Bridge(bridge) => bridge,
        Place::Beside(link) => return beside(outside, pid, link, interface),
    };
    let host_name = fresh_name(names)?;
    let pair = Pair {
        host_name: &host_name,
        bridge: find(outside, bridge)?,
        pid,
        guest_name: name,
        guest_address: interface.mac,
        mtu: interface.mtu,
    };
    outside.send(&[link::new_pair(&pair)]).doing(format!("connect '{name}' to the bridge '{bridge}'"))?;
    let port = find(outside, &host_name)?;
    outside
        .send(&[link::port(port, interface.mac.is_some())])
        .doing(format!("set up the port of the bridge '{bridge}'"))?;
    interface.mac.map_or(Ok(()), |mac| admit(outside, port, mac, bridge, &interface.name))
}

/// Makes an interface on the cable of one of the host's.
fn beside(outside: &Connection, pid: i32, link: &str, interface: &Interface) -> Result<()> {
    let name = &interface.name;
    let parent = find(outside, link)?;
    outside
        .send(&[link::new_beside(parent, pid, name, interface.mac, interface.mtu)])
        .doing(format!("connect '{name}' to the network of '{link}'"))
}

/// Tells the bridge who is at a port. Frames of a restarted machine's old port may still be on their way out.
fn admit(outside: &Connection, port: u32, mac: [u8; 6], bridge: &str, name: &str) -> Result<()> {
    let limit = Instant::now() + LEAVING;
    loop {
        match outside.send(&[link::station(port, mac)]) {
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) && Instant::now() < limit => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {
                return Err(Error::invalid(
                    format!("interface '{name}'"),
                    format!("another machine on the bridge '{bridge}' has its address or hardware address"),
                ));
            }
            other => return other.doing(format!("admit '{name}' to its bridge")),
        }
    }
}

/// What gives an interface its addresses and its way out.
fn settings(inside: &Connection, interface: &Interface) -> Result<Vec<Message>> {
    let index = find(inside, &interface.name)?;
    let mut messages: Vec<_> = interface
        .addresses
        .iter()
        .map(|(address, prefix)| link::add_address(index, *address, *prefix))
        .collect();
    messages.push(link::up(index));
    messages.extend(interface.gateway.map(|gateway| link::default_route(index, gateway)));
    Ok(messages)
}
