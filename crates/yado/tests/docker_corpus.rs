//! Vagrantfiles as people wrote them, unchanged, whose machines are Docker's containers, brought up with a real daemon.
//! They come from the collection that lies beside the repository; without it, the tests say that they were skipped.
//!
//! Images that only a registry has are stood in for by one of busybox under their name; where a case's `Dockerfile` is
//! not in the collection, there is one that starts from that image.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "../../yado-vagrantfile/tests/collection/mod.rs"]
mod collection;
#[path = "../../yado-plugins/tests/support/dockerd.rs"]
mod dockerd;
mod support;

use collection::collection;
use dockerd::Docker;
use support::Sandbox;

const COMMANDS: &[&str] = &["cat", "echo", "grep", "hostname", "httpd", "id", "sed", "sh", "tail", "test"];

/// A copy of a case, and a daemon with an image of this name that goes on running.
fn case(number: &str, image: &str) -> Option<(Docker, Sandbox)> {
    let collection =
        collection().map_err(|reason| support::skipped::because("docker_corpus", &reason)).ok()?;
    let entries = collection.join("open").read_dir().unwrap();
    let folder = entries
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{number}-")))
        .unwrap_or_else(|| panic!("case {number} is not in the collection"));
    let docker = Docker::start_or_say_why_not()?;
    docker.import_busybox("plain", COMMANDS, "");
    let sandbox = Sandbox::copy_of(&folder).with_variable("DOCKER_HOST", &docker.address());
    for added in ["case.json", "expected.json", "source.txt"] {
        std::fs::remove_file(sandbox.path(added)).unwrap();
    }
    let context = docker.folder.path().join("context");
    std::fs::create_dir(&context).unwrap();
    std::fs::write(context.join("Dockerfile"), "FROM plain\nCMD [\"tail\", \"-f\", \"/dev/null\"]\n")
        .unwrap();
    docker.run(&["build", "-q", "-t", image, context.to_str().unwrap()]);
    Some((docker, sandbox))
}

fn gone(docker: &Docker, sandbox: &Sandbox) {
    sandbox.ok(&["destroy", "-f"]);
    assert_eq!(docker.run(&["ps", "-aq"]), "");
}

/// Case 486: two machines from one image, entered as root, each with a script of its own; the second's folder is the
/// same project.
#[test]
fn case_486_two_machines_from_an_image_are_provisioned_as_root() {
    let Some((docker, sandbox)) = case("486", "nineseconds/docker-vagrant") else { return };
    let said = sandbox.ok(&["up", "--provider", "docker"]);
    assert_eq!(said.matches("Running: inline script").count(), 2, "{said}");
    assert_eq!(sandbox.inside("primary", "hostname; id -u"), "primary.vagrant.devcommands\n0\n");
    assert_eq!(
        sandbox.inside("secondary", "hostname; cat /vagrant/Vagrantfile | grep -c define"),
        "secondary.vagrant.devcommands\n2\n"
    );
    assert_eq!(sandbox.ok(&["docker-exec", "--", "hostname"]).lines().count(), 2);
    gone(&docker, &sandbox);
}

/// Cases 642 to 644: a machine built from the project's `Dockerfile`, its port published, beside one that needs a
/// virtual machine's box. Of the latter they say `provision "docker"`, and other things that are not brought up here.
#[test]
fn cases_642_to_644_a_machine_is_built_and_publishes_a_port() {
    for number in ["642", "643", "644"] {
        let Some((docker, sandbox)) = case(number, "served") else { return };
        sandbox.write("page/index.html", "served inside");
        sandbox.write(
            "Dockerfile",
            "FROM served\nCOPY page /page\nCMD [\"httpd\", \"-f\", \"-p\", \"8888\", \"-h\", \"/page\"]\n",
        );
        let said = sandbox.ok(&["up", "default", "--provider", "docker", "--trust"]);
        assert!(
            said.contains("==> default: Building the container from a Dockerfile..."),
            "{number}: {said}"
        );
        let page = docker.in_its_network("curl -s http://127.0.0.1:8888/");
        assert_eq!(String::from_utf8_lossy(&page.stdout), "served inside", "case {number}");
        gone(&docker, &sandbox);
    }
}
