//! Networks.

use yado_ruby::Value;

use super::Report;
use crate::hash::{option, text};
use crate::vm::{Network, Vm};

/// Checks every network.
pub(super) fn check(report: &mut Report<'_>, vm: &Vm) {
    let mut forwarded: Vec<String> = Vec::new();
    let (mut named, mut incomplete) = (false, false);
    for network in vm.networks.values() {
        match network.kind.as_str() {
            "forwarded_port" => check_forward(report, network, &mut forwarded, &mut incomplete),
            "private_network" | "public_network" => {}
            kind => report.say(
                format!("Network type '{kind}' is invalid. Please use a valid network type."),
                network.origin.clone(),
            ),
        }
        if option(&network.options, "hostname").is_some_and(|named| named.truthy()) {
            if named {
                report.say("Multiple networks have set `:hostname`", network.origin.clone());
            }
            named = true;
            if option(&network.options, "ip").is_none() {
                report.say(
                    "Network specified with `:hostname` must provide a static ip",
                    network.origin.clone(),
                );
            }
        }
    }
}

fn check_forward(
    report: &mut Report<'_>,
    network: &Network,
    forwarded: &mut Vec<String>,
    incomplete: &mut bool,
) {
    let (guest, host) = (option(&network.options, "guest"), option(&network.options, "host"));
    // Vagrant says so for the first of a machine's forwards only.
    if (guest.is_none() || host.is_none()) && (report.modern || !*incomplete) {
        *incomplete = true;
        report
            .say("Forwarded port definitions require a \"host\" and \"guest\" value", network.origin.clone());
    }
    // Vagrant counts also those that are switched off.
    let disabled = option(&network.options, "disabled").is_some_and(|disabled| disabled.truthy());
    if let Some(host) = host.as_ref().filter(|_| !(disabled && report.modern)) {
        let protocol = text(&network.options, "protocol").unwrap_or_default();
        let address = text(&network.options, "host_ip").unwrap_or_default();
        let shown = report.interpreter.to_s(host).unwrap_or_default();
        let key = format!("{address}{protocol}{shown}");
        if forwarded.contains(&key) {
            report.say(
                format!(
                    "Forwarded port '{shown}' (host port) is declared multiple times\nwith the protocol '{protocol}'."
                ),
                network.origin.clone(),
            );
        }
        forwarded.push(key);
    }
    let valid = |port: &Option<Value>| matches!(port, Some(Value::Int(1..=65535)));
    if !valid(&guest) || !valid(&host) {
        report.say("Ports to forward must be 1 to 65535", network.origin.clone());
    }
}
