//! Forwarded ports: what the configuration asks for, and which host ports a machine really gets. Collisions are found
//! here, before anything is made, against other machines (leases) and other programs (a trial bind).

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use rustix::net::{self, AddressFamily, SocketFlags, SocketType};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{MachineSpec, NetworkSpec, Origin};
use crate::store::{LeaseKind, Store};

/// A host port that leads to a guest port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// Address on the host.
    pub host_ip: IpAddr,
    /// Port on the host.
    pub host_port: u16,
    /// Address in the guest, when one was asked for.
    pub guest_ip: Option<IpAddr>,
    /// Port in the guest.
    pub guest_port: u16,
}

/// What the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedForward {
    /// As asked, before corrections.
    pub forward: Forward,
    /// Take another host port when this one is in use.
    pub auto_correct: bool,
    /// Where it was asked for.
    pub origin: Option<Origin>,
}

/// The forwards that a machine's networks ask for. Without `with_ssh`, the implicit one for SSH is left out.
pub fn wanted(spec: &MachineSpec, with_ssh: bool) -> Result<Vec<WantedForward>> {
    spec.networks
        .iter()
        .filter(|network| network.kind == "forwarded_port")
        .filter(|network| {
            with_ssh || network.origin.is_some() || network.options.get("id") != Some(&"ssh".into())
        })
        .filter(|network| !is_set(network, "disabled"))
        .map(one_wanted)
        .collect()
}

/// As Ruby sees it: everything but `nil` and `false` says yes, also the text "true".
fn is_set(network: &NetworkSpec, key: &str) -> bool {
    !matches!(network.options.get(key), None | Some(Value::Null | Value::Bool(false)))
}

fn one_wanted(network: &NetworkSpec) -> Result<WantedForward> {
    let invalid = |what: String| Error::new(ErrorKind::ConfigInvalid, what).at(network.origin.clone());
    let port = |key: &str| {
        let number = match network.options.get(key) {
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            _ => None,
        };
        number
            .and_then(|number| u16::try_from(number).ok())
            .filter(|number| *number > 0)
            .ok_or_else(|| invalid(format!("A forwarded port needs '{key}:', a number from 1 to 65535.")))
    };
    let address = |key: &str| match network.options.get(key).and_then(Value::as_str) {
        None | Some("") => Ok(None),
        Some("*") => Ok(Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED))),
        Some("localhost") => Ok(Some(IpAddr::V4(Ipv4Addr::LOCALHOST))),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| invalid(format!("'{text}' is not an IP address ('{key}:' of a forwarded port)."))),
    };
    let protocol = network.options.get("protocol").and_then(Value::as_str).unwrap_or("tcp").to_owned();
    if protocol != "tcp" && protocol != "udp" {
        return Err(invalid(format!("A forwarded port's 'protocol:' is 'tcp' or 'udp', not '{protocol}'.")));
    }
    Ok(WantedForward {
        forward: Forward {
            protocol,
            // Nothing is opened to the network unless it is asked for.
            host_ip: address("host_ip")?.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            host_port: port("host")?,
            guest_ip: address("guest_ip")?,
            guest_port: port("guest")?,
        },
        auto_correct: is_set(network, "auto_correct"),
        origin: network.origin.clone(),
    })
}

/// Takes the host ports that a machine wants, correcting those that may be corrected.
///
/// # Errors
/// [`ErrorKind::Collision`] when a port is in use and may not be corrected; the machine then holds no port at all.
pub fn reserve(
    context: &Context,
    store: &Store,
    machine: &str,
    wishes: &[WantedForward],
    range: (u16, u16),
) -> Result<Vec<Forward>> {
    let taken: Result<Vec<Forward>> =
        wishes.iter().map(|wish| reserve_one(context, store, machine, wish, range)).collect();
    if taken.is_err() {
        store.release(LeaseKind::Port, machine)?;
    }
    taken
}

fn reserve_one(
    context: &Context,
    store: &Store,
    machine: &str,
    wish: &WantedForward,
    range: (u16, u16),
) -> Result<Forward> {
    let forward = &wish.forward;
    let take = |port: u16| -> Result<bool> {
        Ok(try_to_open(&forward.protocol, forward.host_ip, port).is_ok()
            && store.lease_port(&forward.protocol, forward.host_ip, port, machine)?)
    };
    let is_held = || Ok(store.port_holder(&forward.protocol, forward.host_ip, forward.host_port)?.is_some());
    if take_in_a_moment(|| take(forward.host_port), is_held)? {
        return Ok(forward.clone());
    }
    if wish.auto_correct {
        for port in range.0..=range.1 {
            if take(port)? {
                context.info(format!(
                    "Fixed port collision for {} => {}. Now on port {port}.",
                    forward.guest_port, forward.host_port
                ));
                return Ok(Forward { host_port: port, ..forward.clone() });
            }
        }
    }
    let opened = try_to_open(&forward.protocol, forward.host_ip, forward.host_port);
    if opened.is_err_and(|problem| problem.kind() == std::io::ErrorKind::PermissionDenied) {
        return Err(Error::new(
            ErrorKind::Collision,
            format!(
                "The forwarded port {} (guest) => {} (host) cannot be made: only root may open ports as low as this one.",
                forward.guest_port, forward.host_port
            ),
        )
        .at(wish.origin.clone())
        .hinted("Choose a 'host:' port from 1024 on (the kernel parameter net.ipv4.ip_unprivileged_port_start has the border)."));
    }
    let holder = store.port_holder(&forward.protocol, forward.host_ip, forward.host_port)?;
    let user = holder.map_or_else(
        || "another program on this host".to_owned(),
        |(name, project)| format!("the machine '{name}' of '{project}'"),
    );
    let exhausted = if wish.auto_correct {
        format!("\nNo port from {} to {} is free either.", range.0, range.1)
    } else {
        String::new()
    };
    let error = Error::new(
        ErrorKind::Collision,
        format!(
            "The forwarded port {} (guest) => {} (host) cannot be made: host port {} ({}) is already in use by {user}.{exhausted}",
            forward.guest_port, forward.host_port, forward.host_port, forward.protocol
        ),
    )
    .at(wish.origin.clone());
    Err(if wish.auto_correct {
        error.hinted("Widen 'config.vm.usable_port_range' or free a port.")
    } else {
        error.hinted("Choose another 'host:' port, add 'auto_correct: true', or stop what uses the port.")
    })
}

/// How often a port that is taken is looked at again, and after how long.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(10);

/// Where no machine has a port, somebody may only be looking whether it is free: that takes a moment.
fn take_in_a_moment(take: impl Fn() -> Result<bool>, is_held: impl Fn() -> Result<bool>) -> Result<bool> {
    for _ in 0..LOOKS {
        if take()? {
            return Ok(true);
        }
        if is_held()? {
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
    take()
}

/// Fails when a program on this host listens there now, or when this user may not. A look for TCP does not listen, so
/// that two who look at once do not find each other (`SO_REUSEADDR` in socket(7)): they may be commands of two users.
fn try_to_open(protocol: &str, address: IpAddr, port: u16) -> std::io::Result<()> {
    if protocol == "udp" {
        return UdpSocket::bind((address, port)).map(drop);
    }
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    net::sockopt::set_socket_reuseaddr(&socket, true)?;
    Ok(net::bind(&socket, &SocketAddr::new(address, port))?)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;

    use super::*;
    use crate::context::Cancel;
    use crate::event::Silent;
    use crate::host::Host;

    /// A store with a machine `web`, and a command's surroundings.
    struct World {
        _folder: tempfile::TempDir,
        store: Store,
        machine: String,
        context: Context,
    }

    fn world() -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.put_environment("e", folder.path(), "Vagrantfile").unwrap();
        let machine = store.add_machine("e", "web", "container").unwrap().id;
        let context = Context {
            machine: None,
            host: Arc::new(Host::new(folder.path())),
            events: Arc::new(Silent),
            cancel: Cancel::new(),
        };
        World { _folder: folder, store, machine, context }
    }

    fn wish(port: u16, auto_correct: bool) -> WantedForward {
        let forward = Forward {
            protocol: "tcp".into(),
            host_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            host_port: port,
            guest_ip: None,
            guest_port: 80,
        };
        WantedForward { forward, auto_correct, origin: None }
    }

    #[test]
    fn options_are_true_or_false_as_in_ruby() {
        let network = |options: Value| {
            let Value::Object(options) = options else { panic!("an object") };
            NetworkSpec { kind: "forwarded_port".into(), options, origin: None }
        };
        let corrected = |text: Value| {
            let options = serde_json::json!({"guest": 80, "host": 8080, "auto_correct": text});
            one_wanted(&network(options)).unwrap().auto_correct
        };
        assert!(corrected(Value::Bool(true)) && corrected("true".into()) && corrected(0.into()));
        assert!(!corrected(Value::Bool(false)) && !corrected(Value::Null));
        assert!(!is_set(&network(serde_json::json!({})), "disabled"));
    }

    #[test]
    fn a_port_in_use_is_corrected_only_where_that_is_allowed() {
        let World { _folder, store, machine, context } = world();
        let busy = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = busy.local_addr().unwrap().port();
        let refusal = reserve(&context, &store, &machine, &[wish(port, false)], (40000, 40100)).unwrap_err();
        assert_eq!(refusal.kind(), ErrorKind::Collision);
        assert!(refusal.message().contains("another program"), "{refusal}");
        assert!(store.all_leases(LeaseKind::Port).unwrap().is_empty());
        let got = reserve(&context, &store, &machine, &[wish(port, true)], (40000, 40100)).unwrap();
        assert!((40000..=40100).contains(&got[0].host_port));

        let other = store.add_machine("e", "db", "container").unwrap().id;
        let refusal =
            reserve(&context, &store, &other, &[wish(got[0].host_port, false)], (40000, 40100)).unwrap_err();
        assert!(refusal.message().contains("the machine 'web'"), "{refusal}");
    }

    #[test]
    fn a_port_that_somebody_only_looks_at_is_not_given_up() {
        let takes = |free_at: u32, held: bool| {
            let looks = std::cell::Cell::new(0);
            let take = || {
                looks.set(looks.get() + 1);
                Ok(looks.get() > free_at)
            };
            (take_in_a_moment(take, || Ok(held)).unwrap(), looks.get())
        };
        assert_eq!(takes(0, false), (true, 1));
        assert_eq!(takes(3, false), (true, 4));
        assert_eq!(takes(99, false), (false, LOOKS + 1), "not for ever");
        assert_eq!(takes(3, true), (false, 1), "a machine keeps it");
    }

    #[test]
    fn those_who_look_at_a_port_at_once_all_find_it_free() {
        let somewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = somewhere.local_addr().unwrap().port();
        drop(somewhere);
        let look = || (0..2000).try_for_each(|_| try_to_open("tcp", Ipv4Addr::LOCALHOST.into(), port));
        std::thread::scope(|scope| {
            for looking in [scope.spawn(look), scope.spawn(look)] {
                looking.join().unwrap().unwrap();
            }
        });
    }

    #[test]
    fn a_port_on_all_addresses_excludes_the_same_port_on_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.put_environment("e", folder.path(), "Vagrantfile").unwrap();
        let a = store.add_machine("e", "a", "container").unwrap().id;
        let b = store.add_machine("e", "b", "container").unwrap().id;
        let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert!(store.lease_port("tcp", here, 8080, &a).unwrap());
        assert!(!store.lease_port("tcp", everywhere, 8080, &b).unwrap());
        assert!(store.lease_port("udp", everywhere, 8080, &b).unwrap());
        assert!(store.lease_port("tcp", "127.0.0.2".parse().unwrap(), 8080, &b).unwrap());
    }
}
