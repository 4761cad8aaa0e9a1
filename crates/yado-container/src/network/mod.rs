//! Networks of containers: bridges, interfaces, address translation, spoken to the kernel directly.
//!
//! A [`Bridge`] is a switch in the host's kernel; an [`Interface`] connects a container to one; a [`NatTable`]
//! is an environment's way out and its forwarded ports, and keeps its machines from sending as somebody else. What is
//! changed on the host for them is kept in a [`Registry`], so that the last network to go puts it back.

mod bridge;
mod interface;
mod link;
mod moved;
mod nat;
mod neighbours;
mod netlink;
mod nft;
mod registry;

pub use bridge::Bridge;
pub use interface::{Interface, MachineNetwork, Place, has_ports, join, port_name};
pub use nat::{Forward, NatTable, Protocol, Subnet, WALLED};
pub use neighbours::Neighbour;
pub use registry::Registry;

pub(crate) use interface::bring_loopback_up;
pub(crate) use link::{has_way_out, names_starting_with};
pub(crate) use moved::move_into;
pub(crate) use nat::tables;
pub(crate) const INTERFACE_PREFIX: &str = interface::PREFIX;
