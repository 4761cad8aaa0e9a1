//! Networks of machines as a user sees them: names, forwarded ports from other hosts and from machines, private and
//! public networks. Other hosts are network namespaces of the test's own.

mod support;

use std::process::Command;

use support::{Sandbox, can_make_machines, free_port, has_programs};

/// Another host: a network namespace with a cable to this one.
struct Elsewhere {
    name: String,
    /// This end of the cable.
    link: String,
    /// The first three numbers of the addresses on the cable; this host is .1, the other .2.
    network: String,
}

impl Elsewhere {
    /// `number` tells the tests of one process apart.
    fn new(number: u32) -> Self {
        let process = std::process::id();
        let name = format!("yadotest{process}x{number}");
        let link = format!("yt{process}x{number}");
        let network = format!("198.{}.{}", 18 + number % 2, (process + number / 2 * 64) % 256);
        let made = Self { name, link, network };
        let (name, link, network) = (&made.name, &made.link, &made.network);
        ip(&format!("netns add {name}"));
        ip(&format!("link add {link} type veth peer name cable netns {name}"));
        ip(&format!("addr add {network}.1/24 dev {link}"));
        ip(&format!("link set {link} up"));
        ip(&format!("-n {name} addr add {network}.2/24 dev cable"));
        ip(&format!("-n {name} link set cable up"));
        made
    }

    fn run(&self, script: &str) -> String {
        let output = Command::new("ip")
            .args(["netns", "exec", &self.name, "timeout", "20", "sh", "-c", script])
            .output();
        String::from_utf8_lossy(&output.expect("ip runs").stdout).trim().to_owned()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // The cable goes with the namespace.
        drop(Command::new("ip").args(["netns", "del", &self.name]).status());
        drop(
            Command::new("ip").args(["link", "del", &self.link]).stderr(std::process::Stdio::null()).status(),
        );
    }
}

fn ip(line: &str) {
    let status = Command::new("ip").args(line.split(' ')).status();
    assert!(status.is_ok_and(|status| status.success()), "ip {line}");
}

fn can_run(test: &str) -> bool {
    can_make_machines(test) && has_programs(test, &["ip", "python3"])
}

/// Answers TCP and UDP on port 7777 with the sender's address, over IPv4 and IPv6.
const SERVER: &str = "
import socket, threading
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.bind(('::', 7777))
s = socket.create_server(('::', 7777), family=socket.AF_INET6, dualstack_ipv6=True)
def udp():
    while True:
        d, a = u.recvfrom(99); u.sendto(b'udp ' + socket.gethostname().encode(), a)
threading.Thread(target=udp, daemon=True).start()
while True:
    c, a = s.accept(); c.sendall(b'tcp ' + socket.gethostname().encode() + b' ' + a[0].replace('::ffff:', '').encode()); c.close()
";

/// A line for a shell that asks the server; what comes when nothing answers is the word `nothing`.
fn ask(kind: &str, host: &str, port: u16) -> String {
    let program = format!(
        "import socket\ntry:\n  a = socket.getaddrinfo('{host}', {port}, type=socket.SOCK_{kind})[0]\n  \
         s = socket.socket(*a[:3]); s.settimeout(2); s.connect(a[4])\n  \
         s.send(b'x') if '{kind}' == 'DGRAM' else None\n  print(s.recv(99).decode())\nexcept OSError:\n  print('nothing')"
    );
    format!("python3 -c \"{program}\"")
}

fn with_server(vagrantfile: &str) -> Sandbox {
    let sandbox = Sandbox::new(vagrantfile);
    sandbox.write("server.py", SERVER);
    sandbox
}

const SERVE: &str = "config.vm.provision 'shell', run: 'always', inline: \
    'setsid python3 /vagrant/server.py >/dev/null 2>&1 </dev/null & \
    for i in $(seq 100); do sleep 0.1; (exec 3<>/dev/tcp/127.0.0.1/7777) 2>/dev/null && break; done'";

#[test]
fn names_lead_to_addresses_that_the_asking_machine_can_reach() {
    if !can_run("names") {
        return;
    }
    let third = std::process::id() % 256;
    let sandbox = with_server(&format!(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  {SERVE}
  config.vm.define("a") {{ |m| m.vm.network "private_network", ip: "172.29.{third}.10" }}
  config.vm.define("b") {{ |m| m.vm.network "private_network", ip: "172.29.{third}.11" }}
  config.vm.define("c")
end
"#
    ));
    sandbox.ok(&["up"]);
    let address = |from: &str, name: &str| {
        let text = sandbox.inside(from, &format!("getent ahostsv4 {name} | head -n 1"));
        text.split_whitespace().next().unwrap_or_default().to_owned()
    };
    assert_eq!(address("b", "a"), format!("172.29.{third}.10"));
    // Without an interface in the private network, it is the environment's own that leads there.
    assert!(address("c", "a").starts_with("10."), "{}", address("c", "a"));
    for from in ["b", "c"] {
        assert!(sandbox.inside(from, &ask("STREAM", "a", 7777)).starts_with("tcp a "), "from {from}");
    }
    assert!(sandbox.inside("a", &ask("STREAM", "c", 7777)).starts_with("tcp c "));
    sandbox.destroy_and_audit();
}

#[test]
fn forwarded_ports_are_reached_from_other_hosts_and_machines_when_host_ip_says_so() {
    if !can_run("forwards_from_elsewhere") {
        return;
    }
    let elsewhere = Elsewhere::new(0);
    let here = format!("{}.1", elsewhere.network);
    let (everywhere, one, closed) = (free_port(), free_port(), free_port());
    let third = std::process::id() % 256;
    let sandbox = with_server(&format!(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  {SERVE}
  config.vm.define "a" do |m|
    m.vm.network "private_network", ip: "172.30.{third}.10"
    m.vm.network "forwarded_port", guest: 7777, host: {everywhere}, host_ip: "0.0.0.0"
    m.vm.network "forwarded_port", guest: 7777, host: {everywhere}, host_ip: "0.0.0.0", protocol: "udp"
    m.vm.network "forwarded_port", guest: 7777, host: {one}, host_ip: "{here}"
    m.vm.network "forwarded_port", guest: 7777, host: {closed}
  end
  config.vm.define("b") {{ |m| m.vm.network "private_network", ip: "172.30.{third}.11" }}
end
"#
    ));
    let switch = format!("/proc/sys/net/ipv4/conf/{}/forwarding", elsewhere.link);
    std::fs::write(&switch, "0").unwrap();
    sandbox.ok(&["up"]);
    let other = format!("{}.2", elsewhere.network);
    assert_eq!(elsewhere.run(&ask("STREAM", &here, everywhere)), format!("tcp a {other}"));
    assert_eq!(elsewhere.run(&ask("DGRAM", &here, everywhere)), "udp a");
    assert_eq!(elsewhere.run(&ask("STREAM", &here, one)), format!("tcp a {other}"));
    assert_eq!(elsewhere.run(&ask("STREAM", &here, closed)), "nothing");
    // This host leads to the ports and nowhere else, not even to the machines themselves.
    let own = sandbox.inside("a", "hostname -I");
    elsewhere.run(&format!("ip route add default via {here}"));
    for address in own.split_whitespace().filter(|address| !address.contains(':')) {
        assert_eq!(elsewhere.run(&ask("STREAM", address, 7777)), "nothing", "{address}");
    }
    let second = Elsewhere::new(1);
    second.run(&format!("ip route add default via {}.1", second.network));
    let _listening = Listening::start(&second);
    assert!(from_here(&format!("{}.2", second.network)), "the other host answers this one");
    assert_eq!(elsewhere.run(&ask("STREAM", &format!("{}.2", second.network), 7777)), "nothing");
    // Machines come in through the host's addresses too, the one that the port belongs to as well as its neighbour.
    for machine in ["a", "b"] {
        for address in [&here, &format!("172.30.{third}.1")] {
            let said = sandbox.inside(machine, &ask("STREAM", address, everywhere));
            assert!(said.starts_with("tcp a "), "{machine} by {address}: {said}");
            assert_eq!(sandbox.inside(machine, &ask("DGRAM", address, everywhere)).trim(), "udp a");
        }
    }
    // An older yado that changes networks of this computer meanwhile does not know what is to be put back.
    let changes = std::fs::read_to_string("/run/yado/network/changes.json").unwrap();
    let on_record = changes.contains(&elsewhere.link);
    sandbox.destroy_and_audit();
    if on_record {
        assert_eq!(std::fs::read_to_string(&switch).unwrap(), "0\n");
    }
}

/// Whether the server at this address answers this host, within some seconds.
fn from_here(address: &str) -> bool {
    (0..50).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        std::net::TcpStream::connect((address, 7777)).is_ok()
    })
}

/// The server on another host, ended also when the test fails.
struct Listening(std::process::Child);

impl Listening {
    fn start(elsewhere: &Elsewhere) -> Self {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &elsewhere.name, "python3", "-c", SERVER]);
        let [input, output, errors] = [(); 3].map(|()| std::process::Stdio::null());
        Self(command.stdin(input).stdout(output).stderr(errors).spawn().expect("ip runs"))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn ports_that_cannot_be_led_are_refused_before_anything_is_made() {
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  \
         c.vm.network \"forwarded_port\", guest: 80, host: 8080, host_ip: \"::1\"\n  \
         c.vm.network \"forwarded_port\", guest: 80, host: 8081, guest_ip: \"fd00::1\"\nend\n",
    );
    sandbox.run(&["up"]).refused(&["'::1'", "Vagrantfile:3", "'fd00::1'", "Vagrantfile:4"]);
    assert!(sandbox.machines().is_empty());
}

#[test]
fn machines_of_a_private_network_reach_each_other_over_ipv6_by_name() {
    if !can_run("networks of IPv6") {
        return;
    }
    let network = format!("fd{:02x}:8dba:82e1", std::process::id() % 256);
    let sandbox = with_server(&format!(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  {SERVE}
  config.vm.define("a") {{ |m| m.vm.network "private_network", ip: "{network}::10" }}
  config.vm.define("b") {{ |m| m.vm.network "private_network", ip: "{network}::11", mtu: 1400 }}
end
"#
    ));
    sandbox.ok(&["up"]);
    let found = sandbox.inside("b", "getent ahostsv6 a | head -n 1");
    assert!(found.starts_with(&format!("{network}::10 ")), "{found}");
    let answer = sandbox.inside("b", &ask("STREAM", &format!("{network}::10"), 7777));
    assert_eq!(answer.trim(), format!("tcp a {network}::11"));
    assert!(sandbox.inside("a", &ask("DGRAM", &format!("{network}::11"), 7777)).starts_with("udp b"));
    assert!(from_here(&format!("{network}::10")), "this host reaches its machines");
    assert_eq!(sandbox.inside("b", "cat /sys/class/net/eth1/mtu").trim(), "1400");
    sandbox.destroy_and_audit();
}

#[test]
fn a_public_network_puts_machines_on_the_network_of_an_interface_of_this_host() {
    if !can_run("public networks") {
        return;
    }
    let elsewhere = Elsewhere::new(4);
    let (link, network) = (&elsewhere.link, &elsewhere.network);
    let sandbox = with_server(&format!(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  {SERVE}
  config.vm.define("a") {{ |m| m.vm.network "public_network", ip: "{network}.50", bridge: "{link}" }}
  config.vm.define("b") {{ |m| m.vm.network "public_network", ip: "{network}.51", bridge: ["nowhere", "{link}"] }}
end
"#
    ));
    sandbox.ok(&["up"]);
    // For the other host they are hosts like any other, and so they are for each other.
    let answer = elsewhere.run(&ask("STREAM", &format!("{network}.50"), 7777));
    assert_eq!(answer, format!("tcp a {network}.2"));
    let answer = sandbox.inside("a", &ask("STREAM", &format!("{network}.51"), 7777));
    assert_eq!(answer.trim(), format!("tcp b {network}.50"));
    // What it is called in the world is its own business: nothing is left of the interface on this host.
    sandbox.destroy_and_audit();
    assert_eq!(elsewhere.run(&ask("STREAM", &format!("{network}.50"), 7777)), "nothing");
}

#[test]
fn networks_that_cannot_be_had_are_refused_before_anything_is_made() {
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  \
         c.vm.network \"public_network\", bridge: \"lo\"\n  \
         c.vm.network \"private_network\", ip: \"192.168.56.9\", mac: \"02:00\"\n  \
         c.vm.network \"private_network\", ip: \"fe80::7\"\n  \
         c.vm.network \"private_network\", ip: \"192.168.57.9\", mtu: \"large\"\nend\n",
    );
    sandbox.run(&["up"]).refused(&[
        "'ip:'",
        "Vagrantfile:3",
        "02:00",
        "Vagrantfile:4",
        "fe80::7",
        "Vagrantfile:5",
        "'mtu: \"large\"'",
        "Vagrantfile:6",
    ]);
    assert!(sandbox.machines().is_empty());
}
