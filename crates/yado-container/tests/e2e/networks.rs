//! Machines that reach each other, the world, and are reached.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use yado_container::network::{
    Bridge, Forward, Interface, MachineNetwork, NatTable, Place, Protocol, Registry, Subnet,
};
use yado_container::spec::Spec;
use yado_container::{Container, ExecRequest, Running};

use crate::Test;
use crate::ground::{Ground, shell};

pub(crate) const TESTS: &[Test] = &[
    ("loopback_works_without_any_network", loopback),
    ("two_machines_on_a_bridge_reach_each_other", neighbours),
    ("a_port_of_the_host_leads_into_a_machine", forwarding),
    ("a_machine_reaches_the_host_and_the_world_by_translation", way_out),
    ("machines_cannot_reach_the_hosts_loopback", no_way_to_loopback),
    ("environments_are_walled_off_from_each_other", walls),
    ("forwarding_is_switched_on_and_put_back", switches),
    ("several_owners_change_networks_at_the_same_time", crowd),
];

pub(crate) const BRIDGE: &str = "yadotest0";
pub(crate) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 213, 77, 1);
const SUBNET: Subnet = Subnet { address: Ipv4Addr::new(10, 213, 77, 0), prefix: 24 };

/// Whom bridges are made for.
const OWNER: &str = "owner";

/// Whether a bridge is gone within some seconds: ports of containers that have ended are let go of by the kernel.
pub(crate) fn goes_away(registry: &Registry, bridge: &str) -> bool {
    (0..300).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        Bridge::release(registry, bridge, OWNER, Duration::ZERO).unwrap()
    })
}

/// A bridge and a table, removed at the end.
pub(crate) struct Net<'a> {
    ground: &'a Ground,
    pub(crate) registry: Registry,
    pub(crate) table: NatTable,
}

impl<'a> Net<'a> {
    pub(crate) fn new(ground: &'a Ground) -> Self {
        let registry = Registry::open(ground.folder.join("network"));
        Bridge::ensure(&registry, BRIDGE, GATEWAY.into(), 24, OWNER).unwrap();
        let table = NatTable {
            name: format!("test-{}", std::process::id()),
            masquerade: vec![SUBNET],
            ..NatTable::default()
        };
        Self { ground, registry, table }
    }

    fn machine(&self, name: &str, last: u8) -> Container {
        self.machine_with(name, last, None, &self.ground.spec(name)).unwrap()
    }

    pub(crate) fn machine_with(
        &self,
        name: &str,
        last: u8,
        mac: Option<[u8; 6]>,
        spec: &Spec,
    ) -> yado_container::Result<Container> {
        let mut options = self.ground.options(name);
        options.network = Some(MachineNetwork {
            interfaces: vec![Interface {
                place: Place::Bridge(BRIDGE.to_owned()),
                name: "eth0".to_owned(),
                mac,
                addresses: vec![(address(last).into(), 24)],
                gateway: Some(GATEWAY.into()),
                ..Interface::default()
            }],
        });
        self.ground.engine.create(name, spec, &options)
    }
}

impl Drop for Net<'_> {
    fn drop(&mut self) {
        for container in self.ground.engine.list().unwrap() {
            container.delete(true).unwrap();
        }
        self.table.remove(&self.registry).unwrap();
        assert!(goes_away(&self.registry, BRIDGE));
        self.ground.assert_nothing_left();
    }
}

pub(crate) fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 213, 77, last)
}

/// A server inside that answers every line with the line in capitals, for TCP and UDP.
fn serve(container: &Container) -> Running {
    let program = "
import socket, threading
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('0.0.0.0', 7777))
def udp():
    while True:
        d, a = u.recvfrom(999); u.sendto(d.upper(), a)
threading.Thread(target=udp, daemon=True).start()
s = socket.create_server(('0.0.0.0', 7777))
print('up', flush=True)
while True:
    c, a = s.accept(); d = c.recv(999); c.sendall(d.upper() + b' ' + a[0].encode()); c.close()
";
    let mut request = ExecRequest::new(["python3", "-c", program]);
    request.stdout = yado_container::Stdio::Piped;
    let mut running = container.exec(&request).unwrap();
    let mut word = [0; 3];
    running.stdout.as_mut().unwrap().read_exact(&mut word).unwrap();
    running
}

/// A line for a shell inside that asks the server.
pub(crate) fn ask(host: Ipv4Addr, port: u16) -> String {
    format!(
        "python3 -c \"import socket; s = socket.create_connection(('{host}', {port}), 3); s.sendall(b'hello'); \
         print(s.recv(99).decode())\""
    )
}

fn loopback() {
    let ground = Ground::new();
    let container = ground.container("lo");
    let _server = serve(&container);
    assert_eq!(shell(&container, &ask(Ipv4Addr::LOCALHOST, 7777)), "HELLO 127.0.0.1");
    container.delete(true).unwrap();
}

fn neighbours() {
    let ground = Ground::new();
    let net = Net::new(&ground);
    let (one, two) = (net.machine("one", 11), net.machine("two", 12));
    net.table.apply(&net.registry).unwrap();
    let server = serve(&one);
    assert_eq!(shell(&two, &ask(address(11), 7777)), "HELLO 10.213.77.12");
    server.kill(9).unwrap();
}

fn from_host(to: (IpAddr, u16)) -> String {
    let mut stream = TcpStream::connect_timeout(&to.into(), Duration::from_secs(3)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    stream.write_all(b"hello").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn forwarding() {
    let ground = Ground::new();
    let mut net = Net::new(&ground);
    let one = net.machine("one", 11);
    let forward = |protocol, host_ip: Ipv4Addr, host_port| Forward {
        protocol,
        host_ip: host_ip.into(),
        host_port,
        guest_ip: address(11),
        guest_port: 7777,
    };
    let everywhere = Ipv4Addr::UNSPECIFIED;
    net.table.forwards = vec![
        forward(Protocol::Tcp, Ipv4Addr::LOCALHOST, 42101),
        forward(Protocol::Udp, Ipv4Addr::LOCALHOST, 42101),
        forward(Protocol::Tcp, everywhere, 42102),
    ];
    net.table.apply(&net.registry).unwrap();
    let server = serve(&one);
    assert_eq!(from_host((Ipv4Addr::LOCALHOST.into(), 42101)), "HELLO 10.213.77.1");
    assert_eq!(from_host((Ipv4Addr::LOCALHOST.into(), 42102)), "HELLO 10.213.77.1");
    assert!(from_host((GATEWAY.into(), 42102)).starts_with("HELLO"));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    socket.send_to(b"datagram", "127.0.0.1:42101").unwrap();
    let mut answer = [0; 8];
    socket.recv_from(&mut answer).unwrap();
    assert_eq!(&answer, b"DATAGRAM");
    // A neighbour comes in through the host's address, and its answers find the way back.
    let two = net.machine("two", 12);
    assert_eq!(shell(&two, &ask(GATEWAY, 42102)), "HELLO 10.213.77.1");

    // Applied again without them, the ports are closed.
    net.table.forwards.clear();
    net.table.apply(&net.registry).unwrap();
    let refused = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, 42101).into(), Duration::from_secs(1));
    assert!(refused.is_err());
    server.kill(9).unwrap();
}

/// The host's own address on its way out, if there is one.
fn host_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("198.51.100.1:9").ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

fn answer_once(listener: TcpListener) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let (mut stream, peer) = listener.accept().unwrap();
        let mut bytes = [0; 5];
        stream.read_exact(&mut bytes).unwrap();
        stream.write_all(format!("from {}", peer.ip()).as_bytes()).unwrap();
    })
}

fn way_out() {
    let ground = Ground::new();
    let net = Net::new(&ground);
    net.table.apply(&net.registry).unwrap();
    let one = net.machine("one", 11);
    let listener = TcpListener::bind((GATEWAY, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = answer_once(listener);
    assert_eq!(shell(&one, &ask(GATEWAY, port)), "from 10.213.77.11");
    thread.join().unwrap();
    if let Some(address) = host_address() {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = answer_once(listener);
        assert_eq!(shell(&one, &ask(address, port)), "from 10.213.77.11");
        thread.join().unwrap();
    }
    translated_behind_another_bridge(&ground, &one);
}

/// A second network stands for the world: what arrives there comes from the host.
fn translated_behind_another_bridge(ground: &Ground, one: &Container) {
    let registry = Registry::open(ground.folder.join("network"));
    let gateway = Ipv4Addr::new(10, 213, 78, 1);
    Bridge::ensure(&registry, "yadotest1", gateway.into(), 24, OWNER).unwrap();
    let mut options = ground.options("world");
    let world_address = Ipv4Addr::new(10, 213, 78, 20);
    options.network = Some(MachineNetwork {
        interfaces: vec![Interface {
            place: Place::Bridge("yadotest1".to_owned()),
            name: "eth0".to_owned(),
            addresses: vec![(world_address.into(), 24)],
            ..Interface::default()
        }],
    });
    let world = ground.engine.create("world", &ground.spec("world"), &options).unwrap();
    let server = serve(&world);
    assert_eq!(shell(one, &ask(world_address, 7777)), "HELLO 10.213.78.1");
    server.kill(9).unwrap();
    drop(server);
    world.delete(true).unwrap();
    assert!(goes_away(&registry, "yadotest1"));
}

/// Another environment, and a private network that no table knows, are both out of reach; only a forwarded port of
/// the host leads there.
fn walls() {
    let ground = Ground::new();
    let mut net = Net::new(&ground);
    net.table.apply(&net.registry).unwrap();
    let one = net.machine("one", 11);
    let bridge = format!("{}{:x}", yado_container::network::WALLED, std::process::id());
    let (gateway, theirs) = (Ipv4Addr::new(10, 213, 78, 1), Ipv4Addr::new(10, 213, 78, 20));
    Bridge::ensure(&net.registry, &bridge, gateway.into(), 24, OWNER).unwrap();
    let mut options = ground.options("other");
    options.network = Some(MachineNetwork {
        interfaces: vec![Interface {
            place: Place::Bridge(bridge.clone()),
            name: "eth0".to_owned(),
            addresses: vec![(theirs.into(), 24)],
            gateway: Some(gateway.into()),
            ..Interface::default()
        }],
    });
    let other = ground.engine.create("other", &ground.spec("other"), &options).unwrap();
    let servers = [serve(&one), serve(&other)];
    let reach = |from: &Container, to: Ipv4Addr| {
        let line = format!(
            "timeout 1 bash -c 'exec 3<>/dev/tcp/{to}/7777' 2>/dev/null && echo reached || echo stayed"
        );
        shell(from, &line)
    };
    assert_eq!(reach(&one, theirs), "stayed");
    assert_eq!(reach(&other, address(11)), "stayed");
    let others = NatTable {
        name: format!("other-{}", std::process::id()),
        masquerade: vec![Subnet { address: gateway, prefix: 24 }],
        ..NatTable::default()
    };
    others.apply(&net.registry).unwrap();
    assert_eq!(reach(&one, theirs), "stayed");
    assert_eq!(reach(&other, address(11)), "stayed");
    assert_eq!(reach(&other, theirs), "reached");
    net.table.forwards = vec![Forward {
        protocol: Protocol::Tcp,
        host_ip: gateway.into(),
        host_port: 7777,
        guest_ip: address(11),
        guest_port: 7777,
    }];
    net.table.apply(&net.registry).unwrap();
    assert_eq!(reach(&other, gateway), "reached");
    drop(servers);
    other.delete(true).unwrap();
    others.remove(&net.registry).unwrap();
    assert!(goes_away(&net.registry, &bridge));
}

fn no_way_to_loopback() {
    let ground = Ground::new();
    let net = Net::new(&ground);
    net.table.apply(&net.registry).unwrap();
    let mut spec = ground.spec("one");
    let capabilities = spec.process.as_mut().unwrap().capabilities.as_mut().unwrap();
    for set in [&mut capabilities.bounding, &mut capabilities.effective, &mut capabilities.permitted] {
        set.push("CAP_NET_ADMIN".to_owned());
    }
    let sysctl = &mut spec.linux.as_mut().unwrap().sysctl;
    sysctl.insert("net.ipv4.conf.all.route_localnet".to_owned(), "1".to_owned());
    let mut options = ground.options("one");
    options.network = Some(MachineNetwork {
        interfaces: vec![Interface {
            place: Place::Bridge(BRIDGE.to_owned()),
            name: "eth0".to_owned(),
            addresses: vec![(address(11).into(), 24)],
            ..Interface::default()
        }],
    });
    let one = ground.engine.create("one", &spec, &options).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // The most that a machine could try: send packets for 127.0.0.1 to the gateway.
    let line = format!(
        "{{ ip route del local 127.0.0.0/8 table local; ip addr del 127.0.0.1/8 dev lo; \
         ip route add 127.0.0.0/8 via {GATEWAY} src {}; }} 2>/dev/null; ip route get 127.0.0.1; \
         timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' 2>/dev/null && echo reached || echo stayed",
        address(11)
    );
    let text = shell(&one, &line);
    assert!(text.contains("via 10.213.77.1") && text.ends_with("stayed"), "{text}");
}

fn switches() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let all = read("/proc/sys/net/ipv4/ip_forward");
    let forwarding = || -> Vec<(String, String)> {
        let mut found: Vec<_> = std::fs::read_dir("/proc/sys/net/ipv4/conf")
            .unwrap()
            .flatten()
            .map(|entry| {
                let value = std::fs::read_to_string(entry.path().join("forwarding")).unwrap_or_default();
                (entry.file_name().into_string().unwrap(), value)
            })
            .filter(|(name, _)| !name.starts_with("yadotest") && !name.starts_with("yv"))
            .collect();
        found.sort();
        found
    };
    let before = forwarding();
    let ground = Ground::new();
    let net = Net::new(&ground);
    assert_eq!(read(&format!("/proc/sys/net/ipv4/conf/{BRIDGE}/forwarding")), "1\n");
    // A second owner asks for the same and changes nothing.
    Bridge::ensure(&net.registry, BRIDGE, GATEWAY.into(), 24, OWNER).unwrap();
    assert_eq!(read("/proc/sys/net/ipv4/ip_forward"), all);
    drop(net);
    assert_eq!(forwarding(), before);
}

fn crowd() {
    let ground = Ground::new();
    let folder = ground.folder.join("network");
    std::thread::scope(|scope| {
        for owner in 0..4u8 {
            let folder = &folder;
            scope.spawn(move || {
                let registry = Registry::open(folder);
                let name = format!("yadocrowd{owner}");
                let gateway = Ipv4Addr::new(10, 213, 100 + owner, 1);
                let table = NatTable {
                    name: format!("crowd-{owner}"),
                    masquerade: vec![Subnet { address: gateway, prefix: 24 }],
                    ..NatTable::default()
                };
                for _ in 0..5 {
                    Bridge::ensure(&registry, &name, gateway.into(), 24, OWNER).unwrap();
                    table.apply(&registry).unwrap();
                    table.remove(&registry).unwrap();
                    assert!(Bridge::release(&registry, &name, OWNER, Duration::ZERO).unwrap());
                }
            });
        }
    });
    assert!(!folder.join("changes.json").exists());
    ground.assert_nothing_left();
}
