//! The provider `podman` with a real Podman: the same code as for Docker, and what is Podman's own.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "../../yado-plugins/tests/support/podman.rs"]
mod podman;
mod support;

use podman::Podman;
use support::Sandbox;

const COMMANDS: &[&str] = &[
    "cat", "echo", "hostname", "httpd", "id", "ip", "mkdir", "rm", "sh", "sleep", "tail", "tar", "test",
    "tr", "wget",
];

fn start() -> Option<Podman> {
    let podman = Podman::start_or_say_why_not()?;
    podman.import_busybox("box", COMMANDS, "");
    Some(podman)
}

fn left_over(podman: &Podman) -> String {
    let containers = podman.run(&["ps", "-aq"]);
    let networks = podman.run(&["network", "ls", "-q", "--filter", "label=yado.network"]);
    let images = podman.run(&["images", "-q", "--filter", "label=yado.kept"]);
    format!("{containers}{networks}{images}")
}

/// `web` says what it is with Podman's name; `db` with Docker's, as most Vagrantfiles do.
const PAIR: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.define "db" do |db|
    db.vm.synced_folder ".", "/vagrant", disabled: true
    db.vm.network "private_network", type: "dhcp", subnet: "10.219.9.0/24"
    db.vm.provider "docker" do |d|
      d.image = "box"
      d.name = "yado-test-db"
      d.cmd = ["httpd", "-f", "-h", "/shared"]
      d.volumes = ["words:/shared"]
      d.env = { "PLACE" => "inn" }
    end
  end
  config.vm.define "web" do |web|
    web.vm.hostname = "web"
    web.vm.network "forwarded_port", guest: 80, host: 18080, auto_correct: true
    web.vm.network "private_network", ip: "10.219.9.5"
    web.vm.provision "shell", inline: "echo $WORD from $(hostname) > /vagrant/made; id -u", env: { "WORD" => "greetings" }
    web.vm.provider "podman" do |d|
      d.build_dir = "."
      d.volumes = ["words:/shared", "./site:/site:ro"]
      d.create_args = ["--memory", "64m"]
    end
  end
end
"#;

#[test]
fn two_machines_share_a_network_and_a_volume() {
    let Some(podman) = start() else { return };
    let sandbox = Sandbox::new(PAIR).with_variable("PATH", &podman.search_path());
    sandbox.write("site/index.html", "a page from the host");
    sandbox.write("Dockerfile", "FROM localhost/box\nCMD [\"httpd\", \"-f\", \"-h\", \"/site\"]\n");
    let said = sandbox.ok(&["up", "--provider", "podman"]);
    assert!(said.contains("    web: 0"), "provisioned as root: {said}");
    assert_eq!(std::fs::read_to_string(sandbox.path("made")).unwrap(), "greetings from web\n");
    assert_eq!(sandbox.inside("db", "echo $PLACE"), "inn\n");
    sandbox.inside("web", "echo by the volume > /shared/word");
    let page = sandbox.inside("web", "wget -q -O - http://yado-test-db/word");
    assert_eq!(page, "by the volume\n", "by its name on the network");
    assert!(sandbox.inside("web", "ip -o addr").contains("10.219.9.5/24"));
    let port = sandbox.port("web", 80);
    let page = podman.in_its_network(&format!("curl -s http://127.0.0.1:{port}/"));
    assert_eq!(String::from_utf8_lossy(&page.stdout), "a page from the host");
    assert!(sandbox.ok(&["status"]).contains("running (podman)"));
    sandbox.ok(&["suspend", "db"]);
    assert!(sandbox.ok(&["status"]).contains("suspended (podman)"));
    sandbox.ok(&["resume", "db"]);
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&podman), "");
}

#[test]
fn snapshots_images_and_the_engines_commands() {
    let Some(podman) = start() else { return };
    let file = |more: &str| {
        format!(
            "Vagrant.configure('2') do |config|\n  config.vm.provider 'podman' do |d|\n    d.image = 'box'\n    \
             d.cmd = ['sh', '-c', 'echo first words; exec tail -f /dev/null']\n    {more}\n  end\nend\n"
        )
    };
    let sandbox = Sandbox::new(&file("d.link 'other:alias'")).with_variable("PATH", &podman.search_path());
    sandbox.run(&["up", "--provider", "podman"]).refused(&[
        "Podman has no links",
        "private_network",
        "Vagrantfile:2",
    ]);
    sandbox.write("Vagrantfile", &file(""));
    sandbox.ok(&["up", "--provider", "podman"]);
    sandbox.inside("default", "echo one > /content");
    sandbox.ok(&["snapshot", "save", "one"]);
    sandbox.inside("default", "echo two > /content");
    sandbox.ok(&["snapshot", "restore", "one"]);
    assert_eq!(sandbox.inside("default", "cat /content"), "one\n");
    sandbox.ok(&["snapshot", "delete", "one"]);
    assert_eq!(sandbox.ok(&["docker-exec", "--", "cat", "/content"]), "==> default: one\n");
    assert_eq!(sandbox.ok(&["docker-logs"]), "==> default: first words\n");
    assert!(sandbox.ok(&["docker-run", "--", "echo", "aside"]).contains("==> default: aside"));
    sandbox.ok(&["package", "--format", "oci", "--output", "image.tar"]);
    podman.run(&["load", "-i", &sandbox.path("image.tar").display().to_string()]);
    assert_eq!(podman.run(&["run", "--rm", "default", "cat", "/content"]), "one");
    sandbox.ok(&["destroy", "-f"]);
    podman.run(&["rmi", "default"]);
    assert_eq!(left_over(&podman), "");
}
