//! Interfaces of containers: a pair of which one end is a port of a bridge and the other is inside.

use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::rand::{GetRandomFlags, getrandom};

use super::link::{self, Pair, Place};
use super::netlink::{Connection, Message};
use crate::error::{Context, Error, Result};
use crate::rootless;
use crate::sys::clone;

/// How the host's ends of pairs are called.
pub(super) const PREFIX: &str = "yv";

/// One interface of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// The bridge that it is connected to, which must be there.
    pub bridge: String,
    /// Its name inside, such as `eth0`.
    pub name: String,
    /// Its hardware address; the kernel chooses one when `None`.
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
    pub(crate) fn connect(&self, pid: i32) -> Result<()> {
        if self.interfaces.is_empty() {
            return Ok(());
        }
        let outside = connect_outside()?;
        self.interfaces.iter().try_for_each(|interface| pair(&outside, Place::Process(pid), interface))
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

/// Gives a container one more interface.
///
/// It goes with the container: the kernel removes a pair when the namespace of either end is gone.
pub fn attach(namespace: BorrowedFd<'_>, interface: &Interface) -> Result<()> {
    let inside = connect_inside(namespace)?;
    let outside = connect_outside()?;
    pair(&outside, Place::Namespace(namespace.as_raw_fd()), interface)?;
    let messages = settings(&inside, interface)?;
    inside.send(&messages).doing(format!("set the addresses of '{}'", interface.name))
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
fn connect_inside(namespace: BorrowedFd<'_>) -> Result<Connection> {
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
    found
        .map(|link| link.index)
        .ok_or_else(|| Error::invalid(format!("interface '{name}'"), "it is not there"))
}

/// A name for the host's end that no other pair has, not even one that is still going away.
fn fresh_name() -> Result<String> {
    let mut bytes = [0u8; 6];
    getrandom(&mut bytes, GetRandomFlags::empty()).doing("choose an interface's name")?;
    Ok(bytes.iter().fold(PREFIX.to_owned(), |name, byte| format!("{name}{byte:02x}")))
}

/// Makes the pair of an interface.
fn pair(outside: &Connection, place: Place, interface: &Interface) -> Result<()> {
    let name = &interface.name;
    if name.is_empty() || name.len() > 15 || name.contains('/') {
        return Err(Error::invalid(
            format!("interface '{name}'"),
            "an interface's name has 1 to 15 characters and no slash",
        ));
    }
    let host_name = fresh_name()?;
    let pair = Pair {
        host_name: &host_name,
        bridge: find(outside, &interface.bridge)?,
        place,
        guest_name: name,
        guest_address: interface.mac,
        mtu: interface.mtu,
    };
    outside
        .send(&[link::new_pair(&pair)])
        .doing(format!("connect '{name}' to the bridge '{}'", interface.bridge))?;
    outside
        .send(&[link::reflecting_port(find(outside, &host_name)?)])
        .doing(format!("set up the port of the bridge '{}'", interface.bridge))
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
