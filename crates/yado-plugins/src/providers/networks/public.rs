//! `public_network`: a machine on the network that an interface of the host is on. An interface that is a bridge gets one
//! more port; for others the kernel makes a second interface with an address of its own on the same cable (macvlan),
//! through which machine and host do not see each other.

use serde_json::Value;
use yado_container::network;
use yado_core::spec::NetworkSpec;
use yado_core::{Context, Error, ErrorKind, Result};

use super::options::{is_configured, text};

/// What cannot be had.
pub(super) fn objection(network: &NetworkSpec) -> Option<String> {
    if network.kind != "public_network" || !is_configured(network) || text(network, "ip").is_some() {
        return None;
    }
    Some(
        "A public_network needs an address ('ip:') with the 'container' provider: no machine may ask a DHCP server for \
         one and give it to itself. With 'auto_config: false' it gets an interface without an address."
            .to_owned(),
    )
}

/// The interfaces of the host that are asked for, in order of preference.
fn wanted(network: &NetworkSpec) -> Vec<String> {
    let names = |value: &Value| value.as_str().map(str::to_owned);
    match network.options.get("bridge").or_else(|| network.options.get("dev")) {
        Some(Value::Array(list)) => list.iter().filter_map(names).collect(),
        Some(value) => names(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Names of the host's interfaces that are somewhere.
fn interfaces() -> Vec<String> {
    let entries = std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let ours = |name: &str| name == "lo" || name.starts_with("yado-") || name.starts_with("yv");
    let mut names: Vec<String> = names.filter(|name| !ours(name)).collect();
    names.sort();
    names
}

/// The interface that the host's own way out leads through.
fn way_out() -> Option<String> {
    let routes = std::fs::read_to_string("/proc/net/route").ok()?;
    let fields = routes.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields.into_iter().find(|fields| fields.get(1) == Some(&"00000000")).map(|fields| fields[0].to_owned())
}

/// Where the machine is connected.
pub(super) fn place(context: &Context, network: &NetworkSpec) -> Result<network::Place> {
    let present = interfaces();
    let wanted = wanted(network);
    // Other systems show interfaces with a description: `en0: Wi-Fi (AirPort)`.
    let found = wanted.iter().find_map(|wanted| {
        let short = wanted.split(':').next().unwrap_or_default().trim();
        present.iter().find(|name| name.eq_ignore_ascii_case(wanted) || name.eq_ignore_ascii_case(short))
    });
    let name = match found.cloned() {
        Some(name) => name,
        None => {
            let chosen = way_out().filter(|name| present.contains(name)).ok_or_else(|| {
                let list = present.join(", ");
                Error::new(
                    ErrorKind::ConfigInvalid,
                    format!("A public_network must name an interface of this host: {list}."),
                )
                .at(network.origin.clone())
                .hinted("Set 'bridge:' to one of them.")
            })?;
            if let Some(wanted) = wanted.first() {
                context.warn(format!(
                    "This host has no interface '{wanted}' ('bridge:' of a public_network); '{chosen}' is used, through \
                     which its own way out leads."
                ));
            }
            chosen
        }
    };
    let is_bridge = std::path::Path::new("/sys/class/net").join(&name).join("bridge").is_dir();
    Ok(if is_bridge { network::Place::Bridge(name) } else { network::Place::Beside(name) })
}
