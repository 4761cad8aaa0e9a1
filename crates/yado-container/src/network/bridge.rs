//! Bridges: a switch in the host's kernel for each network.

use std::net::IpAddr;
use std::path::PathBuf;
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
    /// The container's ports take the kernel some tens of milliseconds to go, and more when it has much to do: they are
    /// waited for as long as `patience`. So are, for a shorter time, those of others, who may be ending, too, and have
    /// met this container's port when they let go. Returns whether the bridge is gone.
    pub fn release(registry: &Registry, name: &str, container: &str, patience: Duration) -> Result<bool> {
        let begin = Instant::now();
        let limit = begin + patience;
        let own = interface::port_names(container);
        loop {
            let left = registry.change(|changes| {
                changes.let_go(name, container);
                try_remove(changes, name, &own)
            })?;
            let end = match left {
                Left::Nothing => return Ok(true),
                Left::Claimed => return Ok(false),
                Left::OwnPorts => limit,
                Left::OthersPorts => limit.min(begin + FOR_OTHERS),
            };
            if Instant::now() >= end {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// How long others' ports are waited for: they may well stay.
const FOR_OTHERS: Duration = Duration::from_secs(2);

/// What is left of a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// Ports of the container that has ended.
    OwnPorts,
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
    let index = found.ok_or_else(|| Error::invalid(format!("bridge '{name}'"), "it vanished"))?.index;
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
    Ok(())
}

/// Removes a bridge that nobody uses.
fn try_remove(changes: &mut Changes, name: &str, own: &str) -> Result<Left> {
    let connection = Connection::route().doing("talk to the kernel about networks")?;
    if !changes.bridges.iter().any(|known| known == name) {
        return Ok(Left::Nothing);
    }
    if let Some(bridge) = link::by_name(&connection, name).doing("look for the bridge")? {
        let links = link::all(&connection).doing("look at the bridge's ports")?;
        let mut ports = links.iter().filter(|link| link.master == Some(bridge.index)).peekable();
        if changes.is_claimed(name) {
            return Ok(Left::Claimed);
        }
        if ports.peek().is_some() {
            let others = ports.any(|port| !port.name.starts_with(own));
            return Ok(if others { Left::OthersPorts } else { Left::OwnPorts });
        }
        connection.send(&[link::delete(bridge.index)]).doing(format!("remove the bridge '{name}'"))?;
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
