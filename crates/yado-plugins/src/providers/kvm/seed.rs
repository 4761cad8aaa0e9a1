//! What a machine is told before it boots: who it is, whom it lets in, and what its network cards are for.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use yado_core::disk::{Seed, SeedInterface};
use yado_core::spec::Problem;
use yado_core::ssh::Keys;
use yado_core::{MachineRecord, MachineSpec, Result};

use super::user_data;
use crate::providers::networks::names::hostname;

/// The seed's file in the machine's directory, and its serial number.
pub(super) const FILE: &str = "seed.img";
pub(super) const SERIAL: &str = "seed";

/// QEMU's network in user mode: a router, a name server, and the machine, always the same.
const WAY_OUT: [Ipv4Addr; 3] =
    [Ipv4Addr::new(10, 0, 2, 15), Ipv4Addr::new(10, 0, 2, 2), Ipv4Addr::new(10, 0, 2, 3)];

/// What cannot be done, of what a seed says.
pub(super) fn problems(spec: &MachineSpec) -> Vec<Problem> {
    let other = spec.communicator.as_deref().filter(|name| *name != "ssh" && !name.is_empty());
    let told = other.map(|name| Problem {
        message: format!("The communicator '{name}' is not possible with this provider yet; there is 'ssh'."),
        origin: None,
        remedy: None,
    });
    told.into_iter().collect()
}

/// Writes what the machine reads.
pub(super) fn write(
    record: &MachineRecord,
    spec: &MachineSpec,
    user: &str,
    folder: &Path,
    interfaces: Vec<SeedInterface>,
    names: Vec<(IpAddr, String)>,
) -> Result<()> {
    let keys = Keys::beside(folder);
    let seed = Seed {
        instance_id: record.id.clone(),
        hostname: hostname(Some(spec), &record.name),
        user: user.to_owned(),
        authorized_key: keys.authorized()?,
        host_keys: vec![keys.host_key()?],
        interfaces,
        names,
        user_data: user_data::parts(spec)?,
    };
    yado_boxes::write_seed(&seed, &folder.join(FILE))
}

/// What the machine is told of its card that leads out.
pub(super) fn way_out(mac: String) -> SeedInterface {
    let [address, router, names] = WAY_OUT.map(IpAddr::V4);
    SeedInterface {
        mac,
        addresses: vec![(address, 24)],
        dhcp: false,
        gateway: Some(router),
        dns: vec![names],
        mtu: None,
    }
}
