//! The provider `docker` with a real Docker daemon: several machines that know each other, folders, ports, networks,
//! provisioning without an SSH server, and what wrong settings get.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "../../yado-plugins/tests/support/dockerd.rs"]
mod dockerd;
mod support;

use dockerd::Docker;
use support::Sandbox;

const COMMANDS: &[&str] = &[
    "cat", "chmod", "echo", "grep", "hostname", "httpd", "id", "ip", "kill", "mkdir", "nslookup", "pwd",
    "rm", "sh", "sleep", "tail", "tar", "test", "touch", "tr", "true", "wget",
];

fn start() -> Option<Docker> {
    let docker = Docker::start_or_say_why_not()?;
    docker.import_busybox("box", COMMANDS, "");
    Some(docker)
}

/// What belongs to machines, of all that the daemon has.
fn left_over(docker: &Docker) -> String {
    let containers = docker.run(&["ps", "-aq", "--filter", "label=yado.machine"]);
    let networks = docker.run(&["network", "ls", "-q", "--filter", "label=yado.network"]);
    format!("{containers}{networks}")
}

#[test]
fn linked_machines_with_folders_networks_and_provisioners_come_and_go() {
    let Some(docker) = start() else { return };
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.define "web" do |web|
    web.vm.hostname = "web"
    web.vm.network "forwarded_port", guest: 80, host: 18080, auto_correct: true
    web.vm.network "private_network", ip: "10.219.7.5"
    web.vm.provision "shell", inline: "echo $WORD from $(hostname) > /vagrant/made; id -u", env: { "WORD" => "greetings" }
    web.vm.provider "docker" do |d|
      d.build_dir = "."
      d.link "yado-test-db:database"
      d.volumes = ["data:/named", "./site:/site:ro"]
      d.env = { "PLACE" => "inn" }
      d.create_args = ["--memory", "64m"]
    end
  end
  config.vm.define "db" do |db|
    db.vm.synced_folder ".", "/vagrant", disabled: true
    db.vm.network "private_network", type: "dhcp", subnet: "10.219.7.0/24"
    db.vm.provider "docker" do |d|
      d.image = "box"
      d.name = "yado-test-db"
      d.cmd = ["tail", "-f", "/dev/null"]
      d.expose = [5432]
    end
  end
end
"#,
    )
    .with_variable("DOCKER_HOST", &docker.address());
    sandbox.write("site/index.html", "a page from the host");
    sandbox.write("Dockerfile", "FROM box\nCMD [\"httpd\", \"-f\", \"-h\", \"/site\"]\n");

    let said = sandbox.ok(&["up"]);
    assert!(said.contains("==> web: Building the container from a Dockerfile..."), "{said}");
    assert!(said.contains("    web: 0"), "provisioned as root: {said}");
    assert_eq!(std::fs::read_to_string(sandbox.path("made")).unwrap(), "greetings from web\n");
    assert_eq!(sandbox.inside("web", "echo $PLACE"), "inn\n");
    let web = docker.run(&["ps", "-q", "--filter", "name=_web_"]);
    let links = docker.run(&["inspect", "-f", "{{.HostConfig.Links}}", &web]);
    assert!(links.contains("/yado-test-db:") && links.contains("/database"), "{links}");
    assert!(sandbox.inside("web", "ip -o addr").contains("10.219.7.5/24"));
    let port = sandbox.port("web", 80);
    let page = docker.in_its_network(&format!("curl -s http://127.0.0.1:{port}/"));
    assert_eq!(String::from_utf8_lossy(&page.stdout), "a page from the host");
    assert_eq!(sandbox.run(&["ssh", "web", "-c", "exit 9"]).code, 9);
    assert!(sandbox.ok(&["status"]).contains("running (docker)"));

    sandbox.inside("web", "echo kept > /kept");
    sandbox.ok(&["halt"]);
    assert!(sandbox.ok(&["status"]).contains("stopped (docker)"));
    let said = sandbox.ok(&["up"]);
    assert!(!said.contains("Building"), "{said}");
    assert_eq!(sandbox.inside("web", "cat /kept"), "kept\n");

    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
    assert!(!docker.run(&["images"]).contains("<none>"), "the built image goes with its machine");
}

#[test]
fn changed_settings_make_the_container_anew_with_its_content() {
    let Some(docker) = start() else { return };
    let vagrantfile = |more: &str| {
        format!(
            "Vagrant.configure('2') do |config|\n  config.vm.provider 'docker' do |d|\n    d.image = 'box'\n    \
             d.cmd = %w[tail -f /dev/null]\n    {more}\n  end\nend\n"
        )
    };
    let sandbox = Sandbox::new(&vagrantfile("")).with_variable("DOCKER_HOST", &docker.address());
    sandbox.ok(&["up"]);
    sandbox.inside("default", "echo kept > /kept");
    sandbox.write("Vagrantfile", &vagrantfile("d.env = { 'A' => 'b' }"));
    let said = sandbox.ok(&["reload"]);
    assert!(said.contains("made anew with its present content"), "{said}");
    assert_eq!(sandbox.inside("default", "cat /kept; echo $A"), "kept\nb\n");
    sandbox.ok(&["suspend"]);
    assert!(sandbox.ok(&["status"]).contains("suspended (docker)"));
    sandbox.ok(&["resume"]);
    assert_eq!(sandbox.inside("default", "cat /kept"), "kept\n");
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
}

#[test]
fn what_cannot_be_done_is_refused_and_a_container_that_ends_is_told_with_its_last_words() {
    let Some(docker) = start() else { return };
    let file = |lines: &str| {
        format!(
            "Vagrant.configure('2') do |config|\n  config.vm.provider 'docker' do |d|\n    {lines}\n  end\nend\n"
        )
    };
    let sandbox = Sandbox::new(&file("")).with_variable("DOCKER_HOST", &docker.address());
    sandbox.run(&["up"]).refused(&["build_dir", "image"]);
    sandbox.write("Vagrantfile", &file("d.image = 'box'; d.force_host_vm = true"));
    sandbox.run(&["up"]).refused(&["'force_host_vm'", "Vagrantfile:3"]);
    sandbox.write("Vagrantfile", &file("d.image = 'box'; d.cmd = ['sh', '-c', 'echo last words; exit 3']"));
    sandbox.run(&["up"]).refused(&["last words", "remains_running"]);
    sandbox.ok(&["destroy", "-f"]);
    sandbox.write("Vagrantfile", &file("d.image = 'box'; d.cmd = ['true']; d.remains_running = false"));
    sandbox.ok(&["up"]);
    // It ends in a moment, which nobody waits for.
    let ended = || sandbox.ok(&["status"]).contains("stopped (docker)");
    assert!((0..50).any(|_| ended() || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        false
    }));
    sandbox.ok(&["destroy", "-f"]);
    let nowhere = sandbox.with_variable("DOCKER_HOST", "unix:///nonexistent/socket");
    nowhere.run(&["up"]).refused(&["Cannot connect to the Docker daemon", "DOCKER_HOST"]);
    assert_eq!(left_over(&docker), "");
}

#[test]
fn a_box_serves_as_the_image() {
    let Some(docker) = start() else { return };
    let sandbox = Sandbox::new(
        "Vagrant.configure('2') do |config|\n  config.vm.box = 'host'\n  config.vm.provider 'docker' do |d|\n    \
         d.env = { 'A' => 'b' }\n  end\nend\n",
    )
    .with_variable("DOCKER_HOST", &docker.address());
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("Handing the box 'host' to the engine..."), "{said}");
    assert_eq!(
        sandbox.inside("default", "id -un; echo $A; test -x /usr/bin/env && echo usr"),
        "vagrant\nb\nusr\n"
    );
    sandbox.ok(&["destroy", "-f"]);
    assert!(!sandbox.ok(&["up"]).contains("Handing"), "once for all machines of the box");
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
}
