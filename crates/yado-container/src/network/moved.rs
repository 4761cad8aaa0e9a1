//! Network devices of the host that move into a container (`linux.netDevices`), with their addresses.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

use super::interface::connect_inside;
use super::link;
use super::netlink::Connection;
use crate::error::{Context, Error, Result};
use crate::spec::NetDevice;

/// Moves devices of the calling thread's network namespace into another one, and brings them up there. What becomes of
/// them when that namespace ends is the kernel's: it gives hardware back and destroys the rest.
pub(crate) fn move_into(devices: &BTreeMap<String, NetDevice>, namespace: BorrowedFd<'_>) -> Result<()> {
    if devices.is_empty() {
        return Ok(());
    }
    let outside = Connection::route().doing("talk to the kernel about networks")?;
    let inside = connect_inside(namespace)?;
    devices.iter().try_for_each(|(name, device)| {
        let new = device.name.as_deref().filter(|new| !new.is_empty()).unwrap_or(name);
        move_one(&outside, &inside, namespace, name, new)
    })
}

fn move_one(
    outside: &Connection,
    inside: &Connection,
    namespace: BorrowedFd<'_>,
    name: &str,
    new: &str,
) -> Result<()> {
    let setting = || format!("linux.netDevices.{name}");
    let found = link::by_name(outside, name).doing(format!("look for the interface '{name}'"))?;
    let device = found.ok_or_else(|| Error::invalid(setting(), "the host has no such network device"))?;
    // With a place for a number in it the name is the kernel's to choose.
    let before = link::all(inside).doing("look at the container's interfaces")?;
    if before.iter().any(|known| known.name == new) {
        return Err(Error::invalid(setting(), format!("the container has an interface '{new}' already")));
    }
    let addresses = link::lasting_addresses(outside, device)
        .doing(format!("read the addresses of the interface '{name}'"))?;
    outside
        .send(&[link::into_namespace(device, namespace, new)])
        .doing(format!("move the interface '{name}' into the container"))?;
    let after = link::all(inside).doing("look at the container's interfaces")?;
    let moved = after
        .iter()
        .find(|link| before.iter().all(|known| known.index != link.index))
        .ok_or_else(|| Error::invalid(setting(), "it did not arrive in the container"))?;
    let mut messages: Vec<_> = addresses.iter().map(|address| address(moved.index)).collect();
    messages.push(link::up(moved.index));
    inside.send(&messages).doing(format!("set up the interface '{}' in the container", moved.name))
}
