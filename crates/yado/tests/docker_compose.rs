//! The provider `docker` with `compose`: machines as services of one project, by the real Docker Compose.
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

fn start() -> Option<Docker> {
    if !support::has_programs("compose", &["docker-compose"]) {
        return None;
    }
    let docker = Docker::start_or_say_why_not()?;
    let commands =
        ["cat", "echo", "hostname", "ip", "kill", "nslookup", "sh", "sleep", "tail", "touch", "wget"];
    docker.import_busybox("box", &commands, "");
    Some(docker)
}

/// What the daemon has of containers, of networks that are not its own, of volumes and of images without a name.
fn left_over(docker: &Docker) -> String {
    let lists = [
        docker.run(&["ps", "-aq"]),
        docker.run(&["network", "ls", "-q", "--filter", "type=custom"]),
        docker.run(&["volume", "ls", "-q"]),
        docker.run(&["images", "-q", "--filter", "dangling=true"]),
    ];
    lists.concat()
}

const PAIR: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.provider "docker" do |d|
    d.compose = true
    d.cmd = ["tail", "-f", "/dev/null"]
  end
  config.vm.define "web" do |web|
    web.vm.hostname = "web"
    web.vm.network "private_network", ip: "10.219.11.5"
    web.vm.provision "shell", inline: "echo \"$PRICE\" > /vagrant/price; nslookup database > /dev/null && echo found"
    web.vm.provider "docker" do |d|
      d.build_dir = "."
      d.link "db:database"
      d.volumes = ["data:/data"]
      d.env = { "PRICE" => "$5" }
      d.create_args = ["--memory", "64m", "--cap-drop=NET_RAW"]
    end
  end
  config.vm.define "db" do |db|
    db.vm.synced_folder ".", "/vagrant", disabled: true
    db.vm.provider "docker" do |d|
      d.image = "box"
      d.name = "yado-test-rows"
      d.volumes = ["rows:/rows"]
      d.compose_configuration = { "volumes" => { "rows" => { "labels" => ["kind=rows"] } } }
    end
  end
end
"#;

#[test]
fn machines_are_services_of_one_project_and_nothing_is_left_of_it() {
    let Some(docker) = start() else { return };
    let sandbox = Sandbox::new(PAIR).with_variable("DOCKER_HOST", &docker.address());
    sandbox.write("Dockerfile", "FROM box\nRUN touch /built\n");
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("    web: found"), "linked services find each other: {said}");
    assert_eq!(std::fs::read_to_string(sandbox.path("price")).unwrap(), "$5\n");
    assert_eq!(sandbox.inside("web", "cat /built; hostname"), "web\n");
    let web = docker.run(&["ps", "-q", "--filter", "label=com.docker.compose.service=web"]);
    let limit = docker.run(&["inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.CapDrop}}", &web]);
    assert_eq!(limit, "67108864 [NET_RAW]");
    assert!(sandbox.inside("web", "ip -o addr").contains("10.219.11.5/24"));
    let project = |id: &str| {
        docker.run(&["inspect", "-f", "{{index .Config.Labels \"com.docker.compose.project\"}}", id])
    };
    assert_eq!(project(&web), project("yado-test-rows"));
    assert_eq!(
        docker.run(&["volume", "ls", "-q", "--filter", "label=kind=rows"]),
        format!("{}_rows", project(&web))
    );

    sandbox.inside("web", "echo kept > /kept");
    sandbox.ok(&["halt"]);
    assert!(sandbox.ok(&["status"]).contains("stopped (docker)"));
    sandbox.ok(&["up"]);
    sandbox.write("Vagrantfile", &PAIR.replace("$5", "$6"));
    assert!(sandbox.ok(&["reload", "web"]).contains("made anew with its present content"));
    assert_eq!(sandbox.inside("web", "cat /kept; echo $PRICE"), "kept\n$6\n");
    let beside = sandbox.ok(&[
        "docker-run",
        "web",
        "--",
        "sh",
        "-c",
        "echo here > /data/word; nslookup db > /dev/null && echo found",
    ]);
    assert_eq!(beside, "==> web: found\n");
    assert_eq!(sandbox.inside("web", "cat /data/word"), "here\n");
    sandbox.ok(&["snapshot", "save", "web", "one"]);
    sandbox.inside("web", "rm /kept");
    sandbox.ok(&["snapshot", "restore", "web", "one"]);
    assert_eq!(sandbox.inside("web", "cat /kept"), "kept\n");

    sandbox.ok(&["destroy", "-f", "web"]);
    assert_eq!(sandbox.inside("db", "echo still there"), "still there\n");
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
}

#[test]
fn the_configuration_may_bring_more_services_once_it_is_trusted() {
    let Some(docker) = start() else { return };
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.provider "docker" do |d|
    d.compose = true
    d.image = "box"
    d.cmd = ["tail", "-f", "/dev/null"]
    d.compose_configuration = { services: {
      cache: { image: "box", command: ["tail", "-f", "/dev/null"] },
      default: { mem_limit: "32m" },
    } }
  end
end
"#,
    )
    .with_variable("DOCKER_HOST", &docker.address());
    sandbox.run(&["up"]).refused(&["'services' in 'compose_configuration'", "yado trust", "Vagrantfile:7"]);
    sandbox.ok(&["up", "--trust"]);
    assert_eq!(sandbox.inside("default", "nslookup cache > /dev/null && echo found"), "found\n");
    let memory = || docker.run(&["ps", "-q", "--filter", "label=com.docker.compose.service=default"]);
    assert_eq!(docker.run(&["inspect", "-f", "{{.HostConfig.Memory}}", &memory()]), "33554432");
    sandbox.ok(&["halt"]);
    assert_eq!(docker.run(&["ps", "-q"]), "", "it stops with the last machine");
    sandbox.ok(&["up", "--trust"]);
    assert_eq!(docker.run(&["ps", "-q"]).lines().count(), 2);
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
}

#[test]
fn what_compose_cannot_do_and_a_missing_compose_are_told_before_anything_is_made() {
    let Some(docker) = start() else { return };
    let file = |lines: &str| {
        format!(
            "Vagrant.configure('2') do |config|\n  config.vm.provider 'docker' do |d|\n    d.compose = true\n    \
             d.image = 'box'\n    {lines}\n  end\nend\n"
        )
    };
    let sandbox = Sandbox::new(&file("d.create_args = ['--health-cmd', 'true']"))
        .with_variable("DOCKER_HOST", &docker.address());
    sandbox.run(&["up"]).refused(&[
        "'--health-cmd' in 'create_args'",
        "compose_configuration",
        "Vagrantfile:5",
    ]);
    sandbox.write(
        "Vagrantfile",
        &file(
            "d.compose_configuration = { 'volumes' => { 'a' => { 'driver_opts' => { 'device' => '/' } } } }",
        ),
    );
    sandbox.run(&["up"]).refused(&["'volumes.a.driver_opts'", "yado trust"]);
    sandbox.write(
        "Vagrantfile",
        &file("d.compose_configuration = { 'networks' => { 'default' => { 'nonsense' => 1 } } }"),
    );
    sandbox.run(&["up", "--trust"]).refused(&["Docker Compose failed", "nonsense"]);
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");

    sandbox.write("Vagrantfile", &file(""));
    let folder = sandbox.path("programs");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("/usr/bin/docker", folder.join("docker")).unwrap();
    let without = sandbox.with_variable("PATH", &folder.display().to_string());
    without.run(&["up"]).refused(&["needs Docker Compose", "apt-get install docker-compose"]);
    assert!(without.ok(&["status"]).contains("not created"));
}
