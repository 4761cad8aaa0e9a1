//! What a machine is told before it boots: who it is, whom it lets in, and what its network cards are for.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use yado_core::disk::{Seed, SeedInterface};
use yado_core::spec::Problem;
use yado_core::ssh::Keys;
use yado_core::{MachineRecord, MachineSpec, Result};

use super::hardware::{Cable, Card};

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
    });
    let networks =
        spec.networks.iter().filter(|network| network.kind != "forwarded_port").map(|network| Problem {
            message: format!(
                "A {} is not possible with this provider yet; use a forwarded_port.",
                network.kind
            ),
            origin: network.origin.clone(),
        });
    told.into_iter().chain(networks).collect()
}

/// The machine's name inside.
pub(super) fn hostname(spec: &MachineSpec) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
    let name = spec.hostname.clone().unwrap_or_else(|| spec.name.clone());
    name.chars().map(plain).collect::<String>().trim_matches('-').to_owned()
}

/// Writes what the machine reads.
pub(super) fn write(
    record: &MachineRecord,
    spec: &MachineSpec,
    user: &str,
    folder: &Path,
    cards: &[Card],
) -> Result<()> {
    let keys = Keys::beside(folder);
    let interfaces = cards.iter().map(interface).collect();
    let seed = Seed {
        instance_id: record.id.clone(),
        hostname: hostname(spec),
        user: user.to_owned(),
        authorized_key: keys.authorized()?,
        host_keys: vec![keys.host_key()?],
        interfaces,
        names: Vec::new(),
        user_data: Vec::new(),
    };
    yado_boxes::write_seed(&seed, &folder.join(FILE))
}

fn interface(card: &Card) -> SeedInterface {
    let [address, router, names] = WAY_OUT.map(IpAddr::V4);
    match card.cable {
        Cable::User => SeedInterface {
            mac: card.mac.clone(),
            addresses: vec![(address, 24)],
            dhcp: false,
            gateway: Some(router),
            dns: vec![names],
        },
        Cable::Group { .. } | Cable::Tap { .. } => {
            SeedInterface { mac: card.mac.clone(), ..SeedInterface::default() }
        }
    }
}
