//! The provisioners `docker` and `podman` with real engines: installed from Debian's packages, and at work inside a
//! machine that may run containers (a privileged one of the provider `docker`; those of the provider `container` may
//! not, and say so).
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "../../yado-plugins/tests/support/dockerd.rs"]
mod dockerd;
mod support;

use dockerd::Docker;
use support::{Sandbox, can_make_machines, debian, has_programs};

#[test]
fn docker_is_installed_from_the_guests_packages_and_builds() {
    let Some(home) = debian::home("the docker provisioner") else { return };
    let file = |more: &str| {
        format!(
            "Vagrant.configure('2') do |config|\n  config.vm.box = '{}'\n  \
             config.vm.synced_folder '.', '/vagrant', disabled: true\n  \
             config.vm.provision 'file', source: 'app', destination: '/tmp/app'\n  {more}\n  \
             config.vm.provision 'docker' do |d|\n    \
             d.build_image '/tmp/app', args: '-t app'\n    \
             d.post_install_provision 'after', type: 'shell', inline: 'docker --version > /after'\n  end\nend\n",
            debian::BOX
        )
    };
    let sandbox = Sandbox::new(&file("")).with_home(home);
    sandbox.write("app/Dockerfile", "FROM scratch\nCOPY word /word\n");
    sandbox.write("app/word", "greetings\n");
    // Machines have no right to make networks.
    sandbox.run(&["up"]).refused(&["daemon does not come up", "privileged", "Vagrantfile:6"]);
    let settings = r#"{"iptables": false, "bridge": "none", "storage-driver": "vfs"}"#;
    let more = format!(
        "config.vm.provision 'shell', inline: %q(mkdir -p /etc/docker; echo '{settings}' > /etc/docker/daemon.json)"
    );
    sandbox.write("Vagrantfile", &file(&more));
    let said = sandbox.ok(&["provision"]);
    assert!(said.contains("-- Path: /tmp/app") && !said.contains("Installing"), "{said}");
    assert!(sandbox.inside("default", "cat /after").starts_with("Docker version"));
    // Without root: the user has become a member of the group.
    assert!(sandbox.inside("default", "docker images --format '{{.Repository}}'").contains("app"));
    sandbox.destroy_and_audit();
}

#[test]
fn podman_is_installed_from_the_guests_packages_and_says_where_it_cannot_work() {
    let Some(home) = debian::home("the podman provisioner") else { return };
    let file = |more: &str| {
        format!(
            "Vagrant.configure('2') do |config|\n  config.vm.box = '{}'\n  \
             config.vm.synced_folder '.', '/vagrant', disabled: true\n  \
             config.vm.provision 'podman' do |d|\n    \
             d.post_install_provision 'after', type: 'shell', inline: 'podman --version > /after'\n    {more}\n  end\nend\n",
            debian::BOX
        )
    };
    let sandbox = Sandbox::new(&file("d.build_image '/tmp', args: '-t app'")).with_home(home);
    // Machines have no right to make namespaces that hold mounts.
    let answer = sandbox.run(&["up"]);
    answer.refused(&["Podman cannot work in the machine", "privileged", "Vagrantfile:4"]);
    assert!(answer.out.contains("Installing Podman onto machine..."), "{}", answer.out);
    assert!(sandbox.inside("default", "cat /after").starts_with("podman version"));
    sandbox.write("Vagrantfile", &file(""));
    let said = sandbox.ok(&["provision"]);
    assert!(said.contains("Running provisioner: podman...") && !said.contains("Installing"), "{said}");
    sandbox.destroy_and_audit();
}

/// A machine made of this computer's own programs, where engines can run or be reached; `block` is what that takes.
fn nest(program: &str, block: &str, command: &str) -> String {
    format!(
        r#"Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.provider "docker" do |d|
    {block}
  end
  config.vm.provision "shell", inline: <<-SCRIPT
    mkdir -p /etc/containers
    echo '{{"default": [{{"type": "insecureAcceptAnything"}}]}}' > /etc/containers/policy.json
    printf '[containers]\nnetns = "host"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n' > /etc/containers/containers.conf
    printf '[storage]\ndriver = "vfs"\ngraphroot = "/var/lib/containers/storage"\nrunroot = "/run/containers"\n' > /etc/containers/storage.conf
    mkdir -p /image/bin && cp /usr/bin/busybox /image/bin/ && ln -sf busybox /image/bin/sh && ln -sf busybox /image/bin/sleep
    printf 'FROM scratch\nCOPY bin /bin\n' > /image/Dockerfile
  SCRIPT
  config.vm.provision "{program}" do |d|
    d.build_image "/image", args: "-t team/tool:1"
    d.run "team/tool:1", args: "--network host", cmd: "sh -c '{command}'"
    d.run "job", image: "team/tool:1", daemonize: false, restart: false, args: "--network host", cmd: 'sh -c "echo a word; exit 0"'
  end
end
"#
    )
}

fn containers_are_kept(program: &str, block: &dyn Fn(&Docker) -> String) {
    let Some(docker) = Docker::start_or_say_why_not() else { return };
    let file = |command: &str| nest(program, &block(&docker), command);
    let sandbox = Sandbox::new(&file("sleep 1000")).with_variable("DOCKER_HOST", &docker.address());
    let said = sandbox.ok(&["up", "--provider", "docker", "--trust"]);
    for words in ["-- Path: /image", "-- Container: team/tool:1", "    default: a word"] {
        assert!(said.contains(words), "'{words}' in {said}");
    }
    let inside = |words: &[&str]| {
        let words = [&["docker-exec", "--no-prefix", "--", program], words].concat();
        sandbox.ok(&words)
    };
    let running =
        || inside(&["ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}", "--filter", "name=team-tool-1"]);
    let first = running();
    assert!(first.starts_with("team-tool-1 "), "{first}");
    // The same again changes nothing; what was stopped is started; what is said otherwise is made anew.
    assert!(!sandbox.ok(&["provision", "--trust"]).contains("Detected"));
    assert_eq!(running(), first);
    inside(&["stop", "-t", "0", "team-tool-1"]);
    sandbox.ok(&["provision", "--trust"]);
    assert_eq!(running(), first);
    sandbox.write("Vagrantfile", &file("sleep 2000"));
    let said = sandbox.ok(&["provision", "--trust"]);
    assert!(said.contains("-- Detected changes to container 'team/tool:1' args, restarting..."), "{said}");
    assert!(running().starts_with("team-tool-1 ") && running() != first);
    if program == "podman" {
        inside(&["rm", "-af", "-t", "0"]);
    }
    sandbox.ok(&["destroy", "-f"]);
}

/// Removes the cgroups that Podman made from inside a machine, also after a failure.
struct Cgroups;

impl Drop for Cgroups {
    fn drop(&mut self) {
        for hierarchy in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            // Fails where somebody else's containers are, or where there is none.
            for below in ["libpod_parent/conmon", "libpod_parent"] {
                drop(std::fs::remove_dir(hierarchy.path().join(below)));
            }
        }
        drop(std::fs::remove_dir("/sys/fs/cgroup/libpod_parent"));
    }
}

/// The machine's `docker` talks to the daemon that the machine itself runs on.
#[test]
fn dockers_containers_are_kept_and_made_anew_when_they_change() {
    if can_make_machines("the docker provisioner")
        && has_programs("the docker provisioner", &["dockerd", "busybox"])
    {
        containers_are_kept("docker", &|docker| {
            format!(
                "d.volumes = [\"{}:/var/run/docker.sock\"]",
                docker.address().trim_start_matches("unix://")
            )
        });
    }
}

/// Podman runs in the machine itself.
#[test]
fn podmans_containers_are_kept_and_made_anew_when_they_change() {
    if can_make_machines("the podman provisioner")
        && has_programs("the podman provisioner", &["podman", "runc"])
    {
        let _cgroups = Cgroups;
        containers_are_kept("podman", &|_| {
            "d.volumes = [\"/var/lib/containers\", \"/sys/fs/cgroup:/sys/fs/cgroup\"]\n    d.create_args = %w[--cap-add SYS_ADMIN --cap-add NET_ADMIN \
             --security-opt seccomp=unconfined --security-opt apparmor=unconfined]"
                .to_owned()
        });
    }
}
