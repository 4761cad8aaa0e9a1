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

const TALKATIVE: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider "docker" do |d|
    d.image = "box"
    d.cmd = ["sh", "-c", "echo first words; exec tail -f /dev/null"]
    d.env_file = "words"
    d.ports = ["127.0.0.1:18090:80"]
  end
end
"#;

#[test]
fn snapshots_are_images_and_what_was_kept_goes_with_the_machine() {
    let Some(docker) = start() else { return };
    let sandbox = Sandbox::new(TALKATIVE).with_variable("DOCKER_HOST", &docker.address());
    sandbox.write("words", "WORD=greetings\n");
    let images =
        || docker.run(&["images", "-q", "--no-trunc", "--filter", "label=yado.kept"]).lines().count();
    sandbox.ok(&["up"]);
    sandbox.inside("default", "echo one > /content");
    sandbox.ok(&["snapshot", "save", "one"]);
    sandbox.inside("default", "echo two > /content");
    sandbox.ok(&["snapshot", "push"]);
    sandbox.inside("default", "echo three > /content");
    assert_eq!(images(), 2);
    sandbox.ok(&["snapshot", "restore", "one"]);
    assert_eq!(sandbox.inside("default", "cat /content; echo $WORD"), "one\ngreetings\n");
    sandbox.inside("default", "echo four > /content");
    sandbox.ok(&["snapshot", "pop"]);
    assert_eq!(sandbox.inside("default", "cat /content"), "two\n");
    assert!(sandbox.ok(&["snapshot", "list"]).contains("one"));
    sandbox.ok(&["snapshot", "delete", "one"]);
    // What the container is made from stays, and nothing else.
    assert_eq!(images(), 1);
    sandbox.run(&["snapshot", "restore", "one"]).refused(&["was not found"]);
    sandbox.ok(&["reload"]);
    assert_eq!(sandbox.inside("default", "cat /content"), "two\n");
    // A container that somebody makes of a snapshot's image is not the machine.
    sandbox.ok(&["snapshot", "save", "last"]);
    let kept = docker.run(&["images", "-q", "--filter", "reference=yado-snapshot-*"]);
    let other = docker.run(&["create", kept.lines().next().unwrap(), "true"]);
    assert!(sandbox.ok(&["status"]).contains("running (docker)"));
    docker.run(&["rm", &other]);
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!((left_over(&docker), images()), (String::new(), 0));
}

#[test]
fn a_machine_becomes_an_image_with_its_command_and_settings() {
    let Some(docker) = start() else { return };
    let sandbox = Sandbox::new(TALKATIVE).with_variable("DOCKER_HOST", &docker.address());
    sandbox.write("words", "WORD=greetings\n");
    sandbox.ok(&["up"]);
    sandbox.inside("default", "echo made > /content");
    sandbox.run(&["package", "--format", "lxc"]).refused(&["becomes an image", "--format oci"]);
    docker.run(&["tag", "box", "default:latest"]);
    let before = docker.run(&["image", "inspect", "-f", "{{.Id}}", "default"]);
    let all = docker.run(&["images", "-aq"]);
    let begin = docker.run(&["info", "-f", "{{.SystemTime}}"]);
    sandbox.ok(&["package", "--format", "oci", "--output", "image.tar"]);
    sandbox.ok(&["package", "--output", "image.box"]);
    assert_eq!(docker.run(&["image", "inspect", "-f", "{{.Id}}", "default"]), before, "somebody else's name");
    assert_eq!(docker.run(&["images", "-aq"]), all, "nothing is left");
    // Not even for a moment was the name another image's: who is killed then would leave it so.
    let end = docker.run(&["info", "-f", "{{.SystemTime}}"]);
    let events = docker.run(&["events", "--since", &begin, "--until", &end, "--filter", "type=image"]);
    assert!(events.contains("image") && !events.contains(" tag "), "{events}");
    docker.run(&["rmi", "default"]);
    assert!(
        docker
            .run(&["load", "-i", &sandbox.path("image.tar").display().to_string()])
            .contains("default:latest")
    );
    let made = docker.run(&["run", "--rm", "default", "sh", "-c", "cat /content; echo $WORD"]);
    assert_eq!(made, "made\ngreetings");
    assert!(docker.run(&["inspect", "-f", "{{.Config.Cmd}}", "default"]).contains("first words"));
    let listing =
        std::process::Command::new("tar").args(["-tf"]).arg(sandbox.path("image.box")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&listing.stdout), "metadata.json\nVagrantfile\nimage.tar\n");
    docker.run(&["rmi", "default"]);
    sandbox.ok(&["up"]);
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
}

#[test]
fn the_engines_own_commands_reach_the_machine() {
    let Some(docker) = start() else { return };
    let sandbox = Sandbox::new(TALKATIVE).with_variable("DOCKER_HOST", &docker.address());
    sandbox.write("words", "WORD=greetings\n");
    sandbox.run(&["docker-exec", "--", "true"]).refused(&["None of these machines exists yet"]);
    sandbox.ok(&["up"]);
    assert_eq!(sandbox.ok(&["docker-exec", "--", "sh", "-c", "echo $WORD"]), "==> default: greetings\n");
    assert_eq!(sandbox.ok(&["docker-exec", "--no-prefix", "-u", "5", "default", "--", "id", "-u"]), "5\n");
    assert_eq!(sandbox.run(&["docker-exec", "--", "sh", "-c", "exit 9"]).code, 9);
    sandbox.run(&["docker-exec"]).refused(&["There is no command"]);
    assert_eq!(sandbox.ok(&["docker-logs"]), "==> default: first words\n");
    assert_eq!(sandbox.ok(&["docker-logs", "--no-prefix"]), "first words\n");
    assert_eq!(sandbox.ok(&["logs"]), "first words\n");
    let host = sandbox.inside("default", "hostname");
    let other = sandbox.ok(&["docker-run", "--", "sh", "-c", "echo $WORD; hostname"]);
    assert!(other.contains("==> default: greetings") && !other.contains(host.trim()), "{other}");
    assert_eq!(docker.run(&["ps", "-aq"]).lines().count(), 1, "it goes when it ended");
    let made = sandbox.ok(&["docker-run", "--detach", "--", "sleep", "60"]);
    assert_eq!(docker.run(&["ps", "-q"]).lines().count(), 2);
    let short = sandbox.ok(&["docker-run", "--detach", "--rm", "--", "sleep", "60"]);
    let short = short.trim().trim_start_matches("==> default: ");
    assert!(docker.run(&["inspect", "-f", "{{.HostConfig.AutoRemove}}", short]).contains("true"));
    docker.run(&["rm", "-f", short]);
    assert!(sandbox.ok(&["status"]).contains("running (docker)"));
    sandbox.ok(&["halt"]);
    docker.run(&["rm", "-f", made.trim().trim_start_matches("==> default: ")]);
    sandbox.run(&["docker-exec", "--", "true"]).refused(&["does not run"]);
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
}

#[test]
fn a_reload_builds_again_and_makes_anew_what_came_out_differently() {
    let Some(docker) = start() else { return };
    let file = "Vagrant.configure('2') do |config|\n  config.vm.synced_folder '.', '/vagrant', disabled: true\n  \
                config.vm.provision 'shell', inline: 'echo done once more >> /done'\n  \
                config.vm.provider 'docker' do |d|\n    d.build_dir = 'image'\n  end\nend\n";
    let sandbox = Sandbox::new(file).with_variable("DOCKER_HOST", &docker.address());
    sandbox.write("image/Dockerfile", "FROM box\nCOPY word /word\nCMD [\"tail\", \"-f\", \"/dev/null\"]\n");
    sandbox.write("image/word", "one\n");
    sandbox.ok(&["up"]);
    sandbox.inside("default", "echo kept > /kept");
    assert!(!sandbox.ok(&["reload"]).contains("anew"));
    assert_eq!(sandbox.inside("default", "cat /kept /word /done"), "kept\none\ndone once more\n");
    sandbox.write("image/word", "two\n");
    let said = sandbox.ok(&["reload"]);
    assert!(said.contains("What it is built from has changed"), "{said}");
    assert_eq!(
        sandbox.inside("default", "cat /word /done; test -e /kept || echo gone"),
        "two\ndone once more\ngone\n"
    );
    // A build that fails is told, and what there is can go on.
    sandbox.write("image/Dockerfile", "FROM box\nCOPY nothing /word\n");
    sandbox.run(&["reload"]).refused(&["docker build"]);
    sandbox.ok(&["up"]);
    assert_eq!(sandbox.inside("default", "cat /word"), "two\n");
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
    assert!(!docker.run(&["images"]).contains("<none>"));
}

#[test]
fn a_reload_pulls_again_and_makes_anew_what_was_another_image_then() {
    let Some(docker) = start() else { return };
    docker.import_busybox("newer", COMMANDS, "root:x:0:0:of the newer one:/root:/bin/sh\n");
    let file = "Vagrant.configure('2') do |config|\n  config.vm.provision 'shell', inline: 'echo done >> /done'\n  \
                config.vm.provider 'docker' do |d|\n    d.image = 'team/tool'\n    d.pull = true\n    \
                d.cmd = %w[tail -f /dev/null]\n  end\nend\n";
    // There is no registry: what a pull brings is what the name leads to from then on.
    let sandbox = Sandbox::new(file).with_variable("DOCKER_HOST", &docker.address());
    let path = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join("docker"));
    let real = places.find(|path| path.is_file()).unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = pull ] && exec {0} tag $(cat {1}) \"$2\"\nexec {0} \"$@\"\n",
        real.display(),
        sandbox.path("published").display()
    );
    sandbox.write("programs/docker", &script);
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(sandbox.path("programs/docker"), std::fs::Permissions::from_mode(0o755))
        .unwrap();
    let search = format!("{}:{}", sandbox.path("programs").display(), std::env::var("PATH").unwrap());
    let sandbox = sandbox.with_variable("PATH", &search);
    sandbox.write("published", "box");
    assert!(sandbox.ok(&["up"]).contains("Pulling image 'team/tool'..."));
    sandbox.inside("default", "echo kept > /kept");
    assert!(!sandbox.ok(&["reload"]).contains("newer image"));
    assert_eq!(sandbox.inside("default", "cat /kept /done"), "kept\ndone\n");
    sandbox.write("published", "newer");
    let said = sandbox.ok(&["reload"]);
    assert!(said.contains("A newer image was pulled"), "{said}");
    assert_eq!(
        sandbox.inside("default", "grep -o newer /etc/passwd; cat /done; test -e /kept || echo gone"),
        "newer\ndone\ngone\n"
    );
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
}

#[test]
fn boxes_of_containers_serve_and_are_agreed_on() {
    let Some(docker) = start() else { return };
    let file = "Vagrant.configure('2') do |config|\n  config.vm.box = 'small/box'\n  config.vm.provider 'docker'\nend\n";
    let sandbox = Sandbox::new(file).with_variable("DOCKER_HOST", &docker.address());
    support::busybox_root(&sandbox, "root");
    sandbox.write("root/etc/made", "in the box\n");
    sandbox.ok(&["box", "add", "root", "--name", "small/box", "--box-version", "1.2"]);
    let said = sandbox.ok(&["up", "--provider", "docker"]);
    assert!(said.contains("Importing base box 'small/box' version '1.2'"), "{said}");
    assert_eq!(sandbox.inside("default", "cat /etc/made; id -u"), "in the box\n1000\n");
    assert!(std::fs::read_to_string(sandbox.path("Vagrantfile.lock")).unwrap().contains("small/box"));
    assert!(sandbox.ok(&["lock", "check"]).contains("agrees with what is here"));
    sandbox.ok(&["destroy", "-f"]);
    sandbox.ok(&["up", "--provider", "docker", "--locked"]);
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
}

/// As it is made for Vagrant: a Vagrantfile, and what it is for.
#[test]
fn a_box_for_docker_brings_what_its_vagrantfile_says() {
    let Some(docker) = start() else { return };
    let file = "Vagrant.configure('2') do |config|\n  config.vm.box = 'team/tail'\nend\n";
    let sandbox = Sandbox::new(file).with_variable("DOCKER_HOST", &docker.address());
    sandbox.write("box/metadata.json", "{\"provider\": \"docker\"}");
    sandbox.write(
        "box/Vagrantfile",
        "Vagrant.configure('2') do |config|\n  config.vm.provider 'docker' do |d|\n    d.image = 'box'\n    \
         d.cmd = %w[tail -f /dev/null]\n    d.env = { 'WORD' => 'from the box' }\n  end\nend\n",
    );
    let mut packed = std::process::Command::new("tar");
    packed.arg("-czf").arg(sandbox.path("tail.box")).arg("-C").arg(sandbox.path("box"));
    assert!(packed.args(["metadata.json", "Vagrantfile"]).status().unwrap().success());
    sandbox.ok(&["box", "add", "tail.box", "--name", "team/tail"]);
    sandbox.run(&["up"]).refused(&[
        "names an image and has no content",
        "--provider docker",
        "Vagrantfile:2",
    ]);
    sandbox.ok(&["up", "--provider", "docker"]);
    assert_eq!(sandbox.inside("default", "echo $WORD"), "from the box\n");
    sandbox.ok(&["destroy", "-f"]);
    // By `box_url`, with the Vagrantfile read again once the box is here.
    sandbox.ok(&["box", "remove", "team/tail"]);
    sandbox.write("Vagrantfile", &file.replace("end\n", "  config.vm.box_url = 'tail.box'\nend\n"));
    sandbox.ok(&["up", "--provider", "docker"]);
    assert_eq!(sandbox.inside("default", "echo $WORD"), "from the box\n");
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(left_over(&docker), "");
}

#[test]
fn what_hands_this_computer_to_a_container_needs_trust() {
    let Some(docker) = start() else { return };
    let file = |lines: &str| {
        format!(
            "Vagrant.configure('2') do |config|\n  config.vm.provider 'docker' do |d|\n    d.image = 'box'\n    \
             d.cmd = %w[tail -f /dev/null]\n    {lines}\n  end\nend\n"
        )
    };
    let sandbox = Sandbox::new("").with_variable("DOCKER_HOST", &docker.address());
    for (lines, word) in [
        ("d.volumes = ['/:/host:ro']", "The path '/' lies outside"),
        ("d.volumes = ['/var/run/docker.sock:/engine']", "The path '/var/run/docker.sock'"),
        ("d.privileged = true", "'privileged' gives"),
        ("d.create_args = ['--pid=host']", "'--pid=host' in 'create_args'"),
        ("d.build_args = ['--secret', 'id=a,src=/etc/shadow']", "'--secret' in 'build_args'"),
        ("d.env_file = '/etc/environment'", "The path '/etc/environment'"),
    ] {
        sandbox.write("Vagrantfile", &file(lines));
        sandbox.run(&["up"]).refused(&[word, "yado trust", "Vagrantfile:5"]);
        assert_eq!(docker.run(&["ps", "-aq"]), "", "{lines}");
    }
    // An option that waits for its value does not make options of what comes after the image.
    sandbox.write("Vagrantfile", &file("d.create_args = ['--label']; d.cmd = %w[-v /:/host box sh]"));
    assert_eq!(sandbox.run(&["up"]).code, 1);
    assert_eq!(docker.run(&["ps", "-q"]), "");
    sandbox.ok(&["destroy", "-f"]);
    sandbox.write("Vagrantfile", &file("d.image = '--privileged'; d.cmd = %w[box sh]"));
    sandbox.run(&["up"]).refused(&["'--privileged' is no 'image'"]);
    sandbox.write("Vagrantfile", &file("d.volumes = ['/:/host:ro']; d.create_args = ['--pid=host']"));
    sandbox.ok(&["up", "--trust"]);
    assert_eq!(sandbox.inside("default", "test -d /host/etc && echo there"), "there\n");
    sandbox.ok(&["destroy", "-f"]);
}
