//! What the Vagrantfile asks of a network: its options, read and judged.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;
use yado_core::spec::NetworkSpec;

use super::subnet::Subnet;

/// The address that the Vagrantfile asks for.
pub(super) fn fixed_address(network: &NetworkSpec) -> Option<IpAddr> {
    text(network, "ip")?.parse().ok()
}

/// Why an address cannot be a machine's on a network; `None` when it can.
pub(super) fn objection(ip: &str, netmask: Option<&Value>) -> Option<String> {
    let Ok(address) = ip.parse::<IpAddr>() else { return Some("is no IP address".to_owned()) };
    let Some(prefix) = prefix(netmask, address.is_ipv4()) else {
        let bits = if address.is_ipv4() { "8 to 30" } else { "16 to 126" };
        return Some(format!(
            "has the netmask {}, which is none ({bits} bits)",
            netmask.unwrap_or(&Value::Null)
        ));
    };
    let subnet = Subnet::of(address, prefix);
    let unusual = match address {
        IpAddr::V4(address) => address.octets()[0] == 0 || address.octets()[0] >= 240,
        IpAddr::V6(address) => address.is_unspecified() || address.to_ipv4_mapped().is_some(),
    };
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if unusual || address.is_multicast() {
        Some("is of a range that machines cannot have".to_owned())
    } else if address.is_loopback() {
        Some("is of the loopback range, which every machine has for itself".to_owned())
    } else if link_local {
        Some("is of the link-local range, which is not for fixed addresses".to_owned())
    } else if address == subnet.network || address.is_ipv4() && address == subnet.nth(subnet.size() - 1) {
        Some(format!("is the first or last of {subnet}, which stand for the network itself"))
    } else {
        None
    }
}

/// Why a hardware address cannot be a machine's.
pub(super) fn mac_objection(network: &NetworkSpec) -> Option<String> {
    let mac = text(network, "mac")?;
    match hardware_address(&mac) {
        None => Some(format!(
            "The hardware address '{mac}' ('mac:') is none: it takes twelve hexadecimal digits."
        )),
        Some([first, ..]) if first & 1 == 1 => Some(format!(
            "The hardware address '{mac}' ('mac:') is a group's: its second digit must be even."
        )),
        Some([0, 0, 0, 0, 0, 0]) => {
            Some("The hardware address of zeros ('mac:') stands for none.".to_owned())
        }
        Some(_) => None,
    }
}

/// `02:00:0a:0b:0c:0d`, `02-00-…` and `02000a0b0c0d` are the same address.
pub(super) fn hardware_address(text: &str) -> Option<[u8; 6]> {
    let digits: String =
        text.trim().chars().filter(|character| !matches!(character, ':' | '-' | '.')).collect();
    let mut address = [0; 6];
    (digits.len() == 12 && digits.chars().all(|digit| digit.is_ascii_hexdigit())).then_some(())?;
    for (at, byte) in address.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(address)
}

/// The largest packet that the Vagrantfile asks for, or why it cannot be.
pub(super) fn mtu(network: &NetworkSpec) -> std::result::Result<Option<u32>, String> {
    let Some(value) = network.options.get("mtu").filter(|value| !value.is_null()) else { return Ok(None) };
    // 1280 is what IPv6 needs; fewer than 68 bytes are no IPv4.
    match crate::providers::values::number(value) {
        Some(number) if number.fract() == 0.0 && (68.0..=65_535.0).contains(&number) => {
            Ok(Some(number as u32))
        }
        _ => Err(format!("'mtu: {value}' is no size of packets; it is a number from 68 to 65535.")),
    }
}

pub(super) fn is_configured(network: &NetworkSpec) -> bool {
    network.options.get("auto_config") != Some(&Value::Bool(false))
}

pub(super) fn text(network: &NetworkSpec, key: &str) -> Option<String> {
    network.options.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The network part's bits: those asked for, else Vagrant's 24 and 64.
pub(super) fn prefix(mask: Option<&Value>, ipv4: bool) -> Option<u8> {
    match mask {
        None | Some(Value::Null) => Some(if ipv4 { 24 } else { 64 }),
        Some(mask) => prefix_of(mask, ipv4),
    }
}

/// `255.255.255.0`, `24` and `"24"` all mean 24.
fn prefix_of(mask: &Value, ipv4: bool) -> Option<u8> {
    let prefix = match mask {
        Value::Number(number) => u8::try_from(number.as_u64()?).ok()?,
        Value::String(text) => match text.parse::<u8>() {
            Ok(prefix) => prefix,
            Err(_) if ipv4 => {
                let bits = text.parse::<Ipv4Addr>().ok()?.to_bits();
                (bits.leading_ones() + bits.trailing_zeros() == 32).then(|| bits.leading_ones() as u8)?
            }
            Err(_) => return None,
        },
        _ => return None,
    };
    let range = if ipv4 { 8..=30 } else { 16..=126 };
    range.contains(&prefix).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(options: Value) -> NetworkSpec {
        let Value::Object(options) = options else { panic!("an object") };
        NetworkSpec { kind: "private_network".into(), options, origin: None }
    }

    #[test]
    fn addresses_that_no_machine_can_have_are_objected_to() {
        for good in ["192.168.56.10", "10.0.0.1", "172.16.3.254", "fde4:8dba:82e1::c4", "3001::10"] {
            assert_eq!(objection(good, None), None, "{good}");
        }
        for bad in [
            "127.0.0.5",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "169.254.1.1",
            "192.168.62.0",
            "192.168.62.255",
            "10.0.0.300",
            " 10.0.0.3",
            "::1",
            "fe80::3",
            "ff02::1",
            "fde4:8dba:82e1::",
            "::ffff:10.0.0.3",
        ] {
            assert!(objection(bad, None).is_some(), "{bad}");
        }
        assert_eq!(objection("10.0.1.0", Some(&serde_json::json!("255.255.0.0"))), None);
    }

    #[test]
    fn netmasks_are_read_in_all_their_forms() {
        let ipv4 = |mask: Value| prefix_of(&mask, true);
        assert_eq!(ipv4("255.255.0.0".into()), Some(16));
        assert_eq!(ipv4(20.into()), Some(20));
        assert_eq!(ipv4("24".into()), Some(24));
        assert_eq!(ipv4("255.0.255.0".into()), None);
        assert_eq!(ipv4(33.into()), None);
        assert_eq!(prefix(None, false), Some(64));
        assert_eq!(prefix_of(&"96".into(), false), Some(96));
        assert_eq!(prefix_of(&"ffff::".into(), false), None);
    }

    #[test]
    fn hardware_addresses_are_read_with_and_without_separators() {
        assert_eq!(hardware_address("02:00:0a:0B:0c:0d"), Some([2, 0, 10, 11, 12, 13]));
        assert_eq!(hardware_address("02000A0B0C0D"), Some([2, 0, 10, 11, 12, 13]));
        assert_eq!(hardware_address("02:00"), None);
        for (mac, word) in [("02:00", "twelve"), ("xx0000000001", "twelve"), ("01000a0b0c0d", "group")] {
            let network = network(serde_json::json!({ "mac": mac }));
            assert!(mac_objection(&network).is_some_and(|objection| objection.contains(word)), "{mac}");
        }
    }
}
