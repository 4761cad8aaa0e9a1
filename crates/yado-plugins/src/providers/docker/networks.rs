//! Private networks: networks of the engine with Vagrant's names, made when a machine first needs them and removed with
//! the last machine on them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;
use yado_core::spec::{NetworkSpec, Problem};
use yado_core::{Context, Error, ErrorKind, MachineSpec, Result};

use super::engine::Engine;
use super::settings::Settings;

/// The label of networks that we made, and so may remove.
const LABEL: &str = "yado.network=1";

/// A network that a machine wants to be on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    name: String,
    subnet: Option<String>,
    address: Option<String>,
    /// It was there before and stays.
    foreign: bool,
    create: Vec<String>,
    connect: Vec<String>,
}

/// What cannot be done.
pub(super) fn problems(spec: &MachineSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    for network in &spec.networks {
        let message = match network.kind.as_str() {
            "public_network" => {
                "'public_network' is not supported with this provider; publish ports instead.".to_owned()
            }
            "private_network" => match wanted(network) {
                Err(problem) => problem.message().to_owned(),
                Ok(_) => continue,
            },
            _ => continue,
        };
        problems.push(Problem { message, origin: network.origin.clone(), remedy: None });
    }
    problems
}

/// The option of `run` for the network that a container begins with. For users who are not root, Podman's default is no
/// network that others could be joined to.
pub(super) fn first(engine: Engine, spec: &MachineSpec, settings: &Settings) -> Vec<String> {
    let has_more = spec.networks.iter().any(|network| network.kind == "private_network");
    let chosen = settings.create_args.iter().any(|word| word.starts_with("--net"));
    let needed = engine.program == "podman" && has_more && !chosen && !rustix::process::geteuid().is_root();
    if needed { ["--network", "podman"].map(str::to_owned).to_vec() } else { Vec::new() }
}

/// Puts a container on its machine's private networks.
pub(super) fn connect(engine: Engine, context: &Context, spec: &MachineSpec, container: &str) -> Result<()> {
    let networks = spec.networks.iter().filter(|network| network.kind == "private_network");
    let wishes: Vec<Wanted> = networks.map(wanted).collect::<Result<_>>()?;
    if wishes.is_empty() {
        return Ok(());
    }
    let on = engine.inspect(
        context,
        container,
        "{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}",
    )?;
    for wish in wishes {
        let name = make(engine, context, &wish)?;
        if on.lines().any(|line| line == name) {
            continue;
        }
        let mut words = vec!["network", "connect"];
        words.extend(wish.connect.iter().map(String::as_str));
        if let Some(address) = &wish.address {
            words.extend([if address.contains(':') { "--ip6" } else { "--ip" }, address]);
        }
        words.extend([name.as_str(), container]);
        engine.run(context, &words)?;
    }
    Ok(())
}

/// Removes the networks that nobody is on any more.
pub(super) fn tidy(engine: Engine, context: &Context) -> Result<()> {
    let ours = engine
        .run(context, &["network", "ls", "--filter", &format!("label={LABEL}"), "--format", "{{.Name}}"])?;
    for name in ours.lines() {
        // The engine refuses while somebody is on it, and another command may have been faster.
        drop(engine.try_run(context, &["network", "rm", name])?);
    }
    Ok(())
}

/// Makes a network unless it is there; the name of the one that serves.
fn make(engine: Engine, context: &Context, wish: &Wanted) -> Result<String> {
    let there =
        |name: &str| Ok::<_, Error>(engine.try_run(context, &["network", "inspect", name])?.status.success());
    if there(&wish.name)? {
        return Ok(wish.name.clone());
    }
    if wish.foreign {
        return Err(Error::new(
            ErrorKind::Other,
            format!("The network '{}' does not exist, and one that is named is not made.", wish.name),
        )
        .hinted(format!("Make it: {} network create {}", engine.program, wish.name)));
    }
    if let Some(subnet) = &wish.subnet
        && let Some(other) = with_subnet(engine, context, subnet)?
    {
        context.warn(format!("The network '{other}' has the subnet {subnet} already and is used."));
        return Ok(other);
    }
    let mut words = vec!["network", "create", "--label", LABEL];
    if let Some(subnet) = &wish.subnet {
        words.extend(["--subnet", subnet]);
        if subnet.contains(':') {
            words.push("--ipv6");
        }
    }
    words.extend(wish.create.iter().map(String::as_str));
    words.push(&wish.name);
    let output = engine.try_run(context, &words)?;
    // Machines start side by side: another one may have made it meanwhile.
    if output.status.success() || there(&wish.name)? {
        return Ok(wish.name.clone());
    }
    Err(engine.failure(&words, &output.stderr))
}

fn with_subnet(engine: Engine, context: &Context, subnet: &str) -> Result<Option<String>> {
    let names = engine.run(context, &["network", "ls", "--format", "{{.Name}}"])?;
    let template = "{{range .IPAM.Config}}{{println .Subnet}}{{end}}";
    for name in names.lines() {
        let output = engine.try_run(context, &["network", "inspect", "--format", template, name])?;
        if String::from_utf8_lossy(&output.stdout).lines().any(|line| line == subnet) {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

fn wanted(network: &NetworkSpec) -> Result<Wanted> {
    let invalid = |text: String| Error::new(ErrorKind::ConfigInvalid, text).at(network.origin.clone());
    let text = |key: &str| match network.options.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let address = text("ip");
    let subnet = match (text("subnet"), &address) {
        (Some(subnet), _) => Some(subnet),
        (None, Some(address)) => {
            let parsed: IpAddr =
                address.parse().map_err(|_| invalid(format!("'{address}' is not an IP address.")))?;
            let mask = text("netmask");
            let bits = prefix_length(mask.as_deref(), parsed)
                .ok_or_else(|| invalid(format!("'{}' is not a netmask.", mask.unwrap_or_default())))?;
            Some(format!("{}/{bits}", network_of(parsed, bits)))
        }
        (None, None) => None,
    };
    let named = text("name");
    let foreign = named.is_some();
    let name = named.unwrap_or_else(|| match &subnet {
        Some(subnet) => format!("vagrant_network_{subnet}"),
        None => "vagrant_network".to_owned(),
    });
    Ok(Wanted {
        // Names of networks have no slash with either engine's newest versions.
        name: if foreign { name } else { name.replace('/', "_").replace(':', ".") },
        subnet,
        address,
        foreign,
        create: flags(network, "docker_network__"),
        connect: flags(network, "docker_connect__"),
    })
}

/// `docker_network__internal: true` is the flag `--internal`; other values follow it.
fn flags(network: &NetworkSpec, prefix: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (key, value) in &network.options {
        let Some(flag) = key.strip_prefix(prefix) else { continue };
        let flag = format!("--{}", flag.replace('_', "-"));
        match value {
            Value::Null | Value::Bool(false) => {}
            Value::Bool(true) => words.push(flag),
            Value::String(text) => words.extend([flag, text.clone()]),
            other => words.extend([flag, other.to_string()]),
        }
    }
    words
}

fn prefix_length(mask: Option<&str>, address: IpAddr) -> Option<u8> {
    let most = if address.is_ipv4() { 32 } else { 128 };
    let Some(mask) = mask else { return Some(if address.is_ipv4() { 24 } else { 64 }) };
    if let Ok(mask) = mask.parse::<Ipv4Addr>() {
        let bits = mask.to_bits();
        return (bits.leading_ones() == bits.count_ones()).then(|| bits.count_ones() as u8);
    }
    mask.trim_start_matches('/').parse().ok().filter(|bits| *bits <= most)
}

fn network_of(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(options: Value) -> NetworkSpec {
        let Value::Object(options) = options else { panic!("an object") };
        NetworkSpec { kind: "private_network".into(), options, origin: None }
    }

    #[test]
    fn an_address_means_its_subnet() {
        let wish = wanted(&network(serde_json::json!({"ip": "172.20.128.2", "netmask": 16}))).unwrap();
        assert_eq!(wish.subnet.as_deref(), Some("172.20.0.0/16"));
        assert_eq!(wish.name, "vagrant_network_172.20.0.0_16");
        let wish =
            wanted(&network(serde_json::json!({"ip": "10.1.2.3", "netmask": "255.255.255.0"}))).unwrap();
        assert_eq!(wish.subnet.as_deref(), Some("10.1.2.0/24"));
        assert!(wanted(&network(serde_json::json!({"ip": "10.1.2.3", "netmask": "255.0.255.0"}))).is_err());
        assert!(wanted(&network(serde_json::json!({"ip": "10.1.2"}))).is_err());
    }

    #[test]
    fn a_network_by_name_is_somebody_elses() {
        let wish = wanted(&network(serde_json::json!({"type": "dhcp", "name": "theirs"}))).unwrap();
        assert!(wish.foreign && wish.name == "theirs" && wish.subnet.is_none());
    }

    #[test]
    fn options_become_flags() {
        let options = serde_json::json!({"type": "dhcp", "docker_network__internal": true,
            "docker_network__ip_range": "10.0.0.0/24", "docker_connect__alias": "web"});
        let wish = wanted(&network(options)).unwrap();
        assert_eq!(wish.create, ["--internal", "--ip-range", "10.0.0.0/24"]);
        assert_eq!(wish.connect, ["--alias", "web"]);
    }
}
