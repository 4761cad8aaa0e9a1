//! Bridges: a switch in the host's kernel for each network.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::rand::{GetRandomFlags, getrandom};

use super::netlink::Connection;
use super::registry::{Changes, Registry};
use super::{interface, link};
use crate::error::{Context, Error, Result};

/// A bridge of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// Its name.
    pub name: String,
}

fn parameter(link: &str, name: &str) -> PathBuf {
    // A dot in a link's name is no separator here, since this is a path.
    PathBuf::from("/proc/sys/net/ipv4/conf").join(link).join(name)
}

impl Bridge {
    /// Makes sure that the bridge is there, is up, has the address, and that packets of its network may be
    /// passed on to where this machine's default route leads.
    ///
    /// Forwarding is switched on for these links alone, never for the whole machine, and what was before is
    /// restored when the last bridge goes. As long as this process lives or until it is released for it, the bridge
    /// stays for the container that is about to be connected, whoever else lets go of it meanwhile.
    pub fn ensure(
        registry: &Registry,
        name: &str,
        address: IpAddr,
        prefix: u8,
        container: &str,
    ) -> Result<Self> {
        if name.is_empty() || name.len() > 15 || name.contains('/') {
            return Err(Error::invalid(
                format!("bridge '{name}'"),
                "a bridge's name has 1 to 15 characters and no slash",
            ));
        }
        registry.change(|changes| {
            changes.claim(name, container);
            let connection = Connection::route().doing("talk to the kernel about networks")?;
            let known = changes.bridges.iter().any(|known| known == name);
            match link::by_name(&connection, name).doing("look for the bridge")? {
                Some(found) if known && is_set_up(found, address, prefix) => return Ok(()),
                Some(_) if known => {}
                Some(_) => {
                    return Err(Error::invalid(
                        format!("bridge '{name}'"),
                        "an interface of this name exists and is not one of these networks; choose another name",
                    ));
                }
                None => make(&connection, changes, name)?,
            }
            set_up(&connection, changes, name, address, prefix)
        })?;
        Ok(Self { name: name.to_owned() })
    }

    /// Lets go of the bridge for a container that has ended, and removes it when nobody else uses it; with the last
    /// bridge goes all that was changed for them.
    ///
    /// Its own ports, which the kernel takes some tens of milliseconds to let go of, go with the bridge. Those of others,
    /// who may be ending, too, are waited for as long as `patience`. Returns whether the bridge is gone.
    pub fn release(registry: &Registry, name: &str, container: &str, patience: Duration) -> Result<bool> {
        let limit = Instant::now() + patience;
        let own = interface::port_names(container);
        loop {
            let left = registry.change(|changes| {
                changes.let_go(name, container);
                try_remove(changes, name, &own)
            })?;
            match left {
                Left::Nothing => return Ok(true),
                Left::OthersPorts if Instant::now() < limit => std::thread::sleep(Duration::from_millis(5)),
                Left::OthersPorts | Left::Claimed => return Ok(false),
            }
        }
    }

    /// Takes back that a container is about to be connected, and leaves the bridge to others.
    pub fn let_go(registry: &Registry, name: &str, container: &str) -> Result<()> {
        registry.change(|changes| {
            changes.let_go(name, container);
            Ok(())
        })
    }

    /// Removes the bridge for whoever knows that all its containers have ended: ports that are left do not count.
    /// Somebody who is about to be connected does. Returns whether the bridge is gone.
    pub fn remove(registry: &Registry, name: &str, container: &str) -> Result<bool> {
        registry.change(|changes| {
            changes.let_go(name, container);
            Ok(try_remove(changes, name, interface::PREFIX)? == Left::Nothing)
        })
    }
}

/// Bridges that this process has set up, by the kernel's numbers, which are never given twice. Whoever brings up many
/// machines at once asks for the same bridge for each of them.
static SET_UP: Mutex<Vec<(u32, IpAddr, u8)>> = Mutex::new(Vec::new());

fn is_set_up(bridge: u32, address: IpAddr, prefix: u8) -> bool {
    let known = SET_UP.lock().unwrap_or_else(PoisonError::into_inner);
    known.contains(&(bridge, address, prefix))
}

/// What is left of a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// Ports of others, which may be about to go.
    OthersPorts,
    /// Somebody who is about to be connected.
    Claimed,
}

fn make(connection: &Connection, changes: &mut Changes, name: &str) -> Result<()> {
    let mut address = [0u8; 6];
    getrandom(&mut address, GetRandomFlags::empty()).doing("choose the bridge's address")?;
    // Administered locally, not a group's.
    address[0] = address[0] & 0xFC | 0x02;
    // On record first: an interruption then leaves a name too many, which does no harm.
    if !changes.bridges.iter().any(|known| known == name) {
        changes.bridges.push(name.to_owned());
        changes.save()?;
    }
    connection.send(&[link::new_bridge(name, address)]).doing(format!("make the bridge '{name}'"))
}

fn set_up(
    connection: &Connection,
    changes: &mut Changes,
    name: &str,
    address: IpAddr,
    prefix: u8,
) -> Result<()> {
    let found = link::by_name(connection, name).doing("look for the bridge")?;
    let index = found.ok_or_else(|| Error::invalid(format!("bridge '{name}'"), "it vanished"))?;
    let added = connection.send(&[link::add_address(index, address, prefix)]);
    if let Err(error) = added
        && error.raw_os_error() != Some(libc::EEXIST)
    {
        return Err(error).doing(format!("give the bridge '{name}' its address"));
    }
    connection.send(&[link::up(index)]).doing(format!("bring the bridge '{name}' up"))?;
    // Ports forwarded from 127.0.0.1 leave through the bridge with that source, before it is translated.
    for setting in ["forwarding", "route_localnet"] {
        let path = parameter(name, setting);
        std::fs::write(&path, "1").path("set the kernel parameter", &path)?;
    }
    // No machine tells this host where the world is.
    let advertisements = PathBuf::from("/proc/sys/net/ipv6/conf").join(name).join("accept_ra");
    if advertisements.exists() {
        std::fs::write(&advertisements, "0").path("set the kernel parameter", &advertisements)?;
    }
    for link in link::ways_out(connection).doing("find the default route")? {
        changes.set(&parameter(&link, "forwarding"), "1")?;
    }
    SET_UP.lock().unwrap_or_else(PoisonError::into_inner).push((index, address, prefix));
    Ok(())
}

/// Removes a bridge that nobody uses. Ports whose names start like `own` are nobody's any more.
fn try_remove(changes: &mut Changes, name: &str, own: &str) -> Result<Left> {
    let connection = Connection::route().doing("talk to the kernel about networks")?;
    if !changes.bridges.iter().any(|known| known == name) {
        return Ok(Left::Nothing);
    }
    if let Some(bridge) = link::by_name(&connection, name).doing("look for the bridge")? {
        let links = link::all(&connection).doing("look at the bridge's ports")?;
        let mut ports = links.iter().filter(|link| link.master == Some(bridge));
        if changes.is_claimed(name) {
            return Ok(Left::Claimed);
        }
        if ports.any(|port| !port.name.starts_with(own)) {
            return Ok(Left::OthersPorts);
        }
        connection.send(&[link::delete(bridge)]).doing(format!("remove the bridge '{name}'"))?;
    }
    // Names of bridges that are gone for whatever reason must not keep the host's parameters changed.
    changes.bridges.retain(|known| known != name);
    // What cannot be looked at is not gone.
    changes.bridges.retain(|known| !matches!(link::by_name(&connection, known), Ok(None)));
    if changes.bridges.is_empty() {
        changes.restore()?;
    }
    Ok(Left::Nothing)
}
