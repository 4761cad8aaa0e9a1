//! Machines on one bridge that mean each other no good, and owners who share one.

use std::io::Read;
use std::time::Duration;

use yado_container::network::{Bridge, Neighbour, Registry};
use yado_container::{ExecRequest, Stdio};

use crate::Test;
use crate::ground::{Ground, shell};
use crate::networks::{BRIDGE, GATEWAY, Net, address, ask};

pub(crate) const TESTS: &[Test] = &[
    ("a_bridge_stays_for_whoever_is_about_to_be_connected", claims),
    ("a_machine_that_sends_as_its_neighbour_gets_nothing_through", impostors),
    ("nobody_takes_an_address_that_a_running_machine_has", taken),
];

/// Somebody else who lets go of a bridge, from another home, does not take it from under a start.
fn claims() {
    let ground = Ground::new();
    let registry = Registry::open(ground.folder.join("network"));
    let ensure = |whom: &str| drop(Bridge::ensure(&registry, BRIDGE, GATEWAY.into(), 24, whom).unwrap());
    let release = |whom: &str| Bridge::release(&registry, BRIDGE, whom, Duration::ZERO).unwrap();
    ensure("coming");
    ensure("going");
    assert!(!release("going"));
    assert!(!release("somebody"));
    assert!(release("coming"));
    // One that changed its mind does not keep the bridge from who goes last.
    ensure("coming");
    ensure("going");
    Bridge::let_go(&registry, BRIDGE, "coming").unwrap();
    assert!(Bridge::remove(&registry, BRIDGE, "going").unwrap());
    // Whoever was killed in the middle of a start claims nothing any more.
    ensure("going");
    let changes = ground.folder.join("network/changes.json");
    let text = std::fs::read_to_string(&changes).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["claims"][BRIDGE]["killed"] = serde_json::json!([1 << 22, 7]);
    std::fs::write(&changes, value.to_string()).unwrap();
    assert!(release("going"));
    assert!(!changes.exists());
    ground.assert_nothing_left();
}

/// Sends to a machine as itself and as everybody else.
const IMPOSTOR: &str = r"
import socket, struct, sys
own, theirs = [bytes.fromhex(word) for word in sys.argv[1:3]]
me, them, gateway = [socket.inet_aton(word) for word in sys.argv[3:6]]
strange = b'\2\1\1\1\1\1'
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('eth0', 0))
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def udp(mac, source, word):
    data = struct.pack('!HHHH', 999, 7070, 8 + len(word), 0) + word
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(data), 1, 0, 9, 17, 0) + source + them
    head = head[:10] + struct.pack('!H', checksum(head)) + head[12:]
    s.send(theirs + mac + b'\x08\x00' + head + data)
def arp(mac, says, address):
    s.send(b'\xff' * 6 + mac + b'\x08\x06' + struct.pack('!HHBBH', 1, 0x800, 6, 4, 1) + says + address + b'\0' * 6 + them)
def icmp6(source, kind, body):
    target = socket.inet_pton(socket.AF_INET6, 'ff02::1')
    data = bytes([kind, 0, 0, 0]) + body
    pseudo = source + target + struct.pack('!IxxxB', len(data), 58)
    data = data[:2] + struct.pack('!H', checksum(pseudo + data)) + data[4:]
    s.send(b'\x33\x33\0\0\0\1' + own + b'\x86\xdd' + struct.pack('!IHBB', 6 << 28, len(data), 58, 255) + source + target + data)
udp(own, me, b'as myself')
udp(own, gateway, b'as the gateway')
udp(theirs, me, b'with their hardware address')
udp(strange, me, b'with a strange hardware address')
arp(own, own, gateway)
arp(own, strange, gateway)
arp(strange, strange, gateway)
# A router with a prefix, and somebody else's address.
local = b'\xfe\x80' + b'\0' * 6 + bytes([own[0] ^ 2]) + own[1:3] + b'\xff\xfe' + own[3:]
prefix = bytes([3, 4, 64, 0xc0]) + struct.pack('!III', 9999, 9999, 0) + socket.inet_pton(socket.AF_INET6, 'fd77::')
icmp6(local, 134, struct.pack('!BBHII', 64, 0, 1800, 0, 0) + prefix)
other = socket.inet_pton(socket.AF_INET6, 'fd78::2')
for source in local, other:
    icmp6(source, 136, struct.pack('!I', 0x20000000) + other + b'\2\1' + own)
";

fn impostors() {
    let ground = Ground::new();
    let mut net = Net::new(&ground);
    let mac = |last: u8| [2, 0x79, 10, 213, 77, last];
    let mut spec = ground.spec("bad");
    // Even with more rights over its network than any machine has.
    let capabilities = spec.process.as_mut().unwrap().capabilities.as_mut().unwrap();
    for set in [&mut capabilities.bounding, &mut capabilities.effective, &mut capabilities.permitted] {
        set.extend(["CAP_NET_ADMIN".to_owned(), "CAP_NET_RAW".to_owned()]);
    }
    let bad = net.machine_with("bad", 11, Some(mac(11)), &spec).unwrap();
    let good = net.machine_with("good", 12, Some(mac(12)), &ground.spec("good")).unwrap();
    net.table.neighbours = [11, 12]
        .map(|last| Neighbour { macs: vec![mac(last)], addresses: vec![address(last).into()] })
        .to_vec();
    net.table.apply(&net.registry).unwrap();
    let listen = "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 7070)); print('up', flush=True)
while True: print(s.recv(99).decode(), flush=True)
";
    let mut request = ExecRequest::new(["python3", "-c", listen]);
    request.stdout = Stdio::Piped;
    let mut listener = good.exec(&request).unwrap();
    let mut word = [0; 3];
    listener.stdout.as_mut().unwrap().read_exact(&mut word).unwrap();
    let hex = |mac: [u8; 6]| mac.map(|byte| format!("{byte:02x}")).concat();
    let arguments = format!("{} {} {} {} {GATEWAY}", hex(mac(11)), hex(mac(12)), address(11), address(12));
    let sent = shell(&bad, &format!("python3 - {arguments} 2>&1 <<'END'\n{IMPOSTOR}\nEND"));
    assert_eq!(sent, "");
    // With another hardware address it is nobody at all.
    let line = "ip link set eth0 down; ip link set eth0 address 02:79:0a:d5:4d:0c; ip addr flush dev eth0; \
        ip addr add 10.213.77.12/24 dev eth0; ip link set eth0 up";
    assert_eq!(shell(&bad, &format!("({line}) 2>&1")), "");
    let send = |to: &str, word: &str| {
        format!(
            "python3 -c \"import socket; \
             socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'{word}', ('{to}', 7070))\""
        )
    };
    let server = std::net::UdpSocket::bind((GATEWAY, 0)).unwrap();
    server.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    shell(&bad, &send("10.213.77.1", "with a stolen address"));
    let asked = ask(GATEWAY, server.local_addr().unwrap().port());
    assert!(!shell(&bad, &format!("{asked} 2>&1 || true")).contains("HELLO"));
    shell(&good, &send("127.0.0.1", "end"));
    let mut heard = String::new();
    let mut byte = [0];
    while !heard.ends_with("end\n") && listener.stdout.as_mut().unwrap().read(&mut byte).unwrap() > 0 {
        heard.push(char::from(byte[0]));
    }
    assert_eq!(heard, "as myself\nend\n");
    let known = shell(&good, "cat /proc/net/arp; ip -6 addr show dev eth0; ip -6 route; ip -6 neigh");
    for word in ["fd77::", "fd78::", "02:01:01:01:01:01"] {
        assert!(!known.contains(word), "{word} in {known}");
    }
    let gateways = known.lines().find(|line| line.starts_with(&format!("{GATEWAY} ")));
    assert!(!gateways.is_some_and(|line| line.contains("02:79:0a:d5:4d:0b")), "{known}");
    let here = std::process::Command::new("ip").args(["-6", "route"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&here.stdout).contains("fd77::"));
    listener.kill(9).unwrap();
}

/// Whoever comes second from another home, whose leases know nothing of this one's, is told.
fn taken() {
    let ground = Ground::new();
    let net = Net::new(&ground);
    let mac = Some([2, 0x79, 10, 213, 77, 11]);
    let first = net.machine_with("first", 11, mac, &ground.spec("first")).unwrap();
    let second = net.machine_with("second", 11, mac, &ground.spec("second"));
    assert!(second.is_err_and(|error| error.to_string().contains("hardware address")));
    assert!(shell(&first, "ip -4 addr show dev eth0").contains("10.213.77.11"));
    // It can be started again at once, while its old port is still on its way out.
    first.delete(true).unwrap();
    net.machine_with("first", 11, mac, &ground.spec("first")).unwrap();
}
