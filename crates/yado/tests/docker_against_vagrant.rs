//! The provider `docker` beside Vagrant's own, on one Vagrantfile and one daemon: what `docker inspect` says of the
//! containers is compared field by field. Each difference that is meant stands in docs/docker.md with its reason; any
//! other fails the test.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "../../yado-plugins/tests/support/dockerd.rs"]
mod dockerd;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use dockerd::Docker;
use serde_json::Value;
use support::{Sandbox, has_programs};

const VAGRANTFILE: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.define "db" do |db|
    db.vm.synced_folder ".", "/vagrant", disabled: true
    db.vm.network "private_network", type: "dhcp", subnet: "10.219.8.0/24"
    db.vm.provider "docker" do |d|
      d.image = "box"
      d.name = "beside-db"
      d.cmd = ["tail", "-f", "/dev/null"]
      d.expose = [5432]
      d.env = { WORD: "a b", "COUNT" => 2, "NOTHING" => nil }
      d.stop_timeout = 3
    end
  end
  config.vm.define "web" do |web|
    web.vm.hostname = "web.example"
    web.vm.network "forwarded_port", guest: 80, host: 18082
    web.vm.network "forwarded_port", guest: 53, host: 18053, protocol: "udp", host_ip: "127.0.0.1"
    web.vm.network "private_network", ip: "10.219.8.5", netmask: 24, docker_connect__alias: "front"
    web.vm.synced_folder "site", "/site", docker_consistency: "cached"
    web.vm.provider "docker" do |d|
      d.build_dir = "."
      d.dockerfile = "Dockerfile.web"
      d.build_args = ["--build-arg", "FROM_US=word", "--label", "from=us"]
      d.link "beside-db:database"
      d.volumes = ["beside-data:/named", "/proc/version:/version:ro", "/anonymous"]
      d.ports = ["18083:81", "127.0.0.1::82"]
      d.create_args = ["--memory", "64m", "--cap-drop", "MKNOD", "--read-only"]
    end
  end
  config.vm.define "job" do |job|
    job.vm.provider "docker" do |d|
      d.image = "box"
      d.cmd = ["sh", "-c", "exit 3"]
      d.remains_running = false
    end
  end
end
"#;

const DOCKERFILE: &str = "FROM box\nARG FROM_US\nENV FROM_US=$FROM_US\nVOLUME /anonymous\nEXPOSE 99\n\
                          ENTRYPOINT [\"httpd\"]\nCMD [\"-f\", \"-h\", \"/site\"]\n";

const MACHINES: &[(&str, &str)] = &[("db", "beside-db"), ("web", "_web_"), ("job", "_job_")];

/// What differs between any two containers, by the last names of its path.
const DIFFERENT_EACH_TIME: &[&str] = &[
    "Id",
    "Created",
    "State.Pid",
    "State.StartedAt",
    "State.FinishedAt",
    "ResolvConfPath",
    "HostnamePath",
    "HostsPath",
    "LogPath",
    "GraphDriver.Data",
    "SandboxID",
    "SandboxKey",
    "EndpointID",
    "NetworkID",
    "MacAddress",
    "IPAddress",
];

/// Differences that are meant: machine and field. `docs/docker.md` has the reason of each.
const MEANT: &[(&str, &str)] = &[
    ("db", "Config.Labels"),
    ("job", "Config.Labels"),
    ("web", "Config.Labels"),
    ("web", "Config.Image"),
    ("web", "HostConfig.PortBindings.80/tcp"),
    ("web", "NetworkSettings.Ports.80/tcp"),
];

/// A container's description as paths and values. Of both tools' names the parts that each makes up are left out.
fn described(docker: &Docker, filter: &str) -> BTreeMap<String, String> {
    let id = docker.run(&["ps", "-aq", "--filter", &format!("name={filter}")]);
    let document: Value = serde_json::from_str(&docker.run(&["inspect", &id])).unwrap();
    let name = document[0]["Name"].as_str().unwrap().trim_start_matches('/').to_owned();
    let short = document[0]["Id"].as_str().unwrap()[..12].to_owned();
    let mut fields = BTreeMap::new();
    flatten(&document[0], String::new(), &mut fields);
    fields.retain(|path, _| {
        !DIFFERENT_EACH_TIME.iter().any(|field| {
            path == field || path.ends_with(&format!(".{field}")) || path.contains(&format!("{field}."))
        })
    });
    let plain = |text: &str| {
        // Networks have no slash in their names with us.
        text.replace(&name, "NAME").replace(&short, "SHORT").replace("10.219.8.0/24", "10.219.8.0_24")
    };
    fields.into_iter().map(|(path, value)| (plain(&path), plain(&value))).collect()
}

/// Lists become sets where their order means nothing.
fn flatten(value: &Value, path: String, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(value, path, into);
            }
        }
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(stable).collect();
            if path.ends_with(".Env")
                || path.ends_with("Mounts")
                || path.ends_with(".Binds")
                || path.ends_with("Aliases")
            {
                items.sort();
            }
            into.insert(path, items.join("\n"));
        }
        other => {
            into.insert(path, other.to_string());
        }
    }
}

/// Anonymous volumes have names of their own each time, and free ports are whatever was free.
fn stable(item: &Value) -> String {
    let mut item = item.clone();
    if let Some(name) =
        item.get("Name").and_then(Value::as_str).map(str::to_owned).filter(|name| name.len() == 64)
    {
        return item.to_string().replace(&name, "ANONYMOUS");
    }
    // A free port is asked for by nothing or by 0.
    let port = item["HostPort"].as_str().map(|port| port.parse::<u32>().unwrap_or(0));
    if port.is_some_and(|port| port == 0 || port > 30_000) {
        item["HostPort"] = "FREE".into();
    }
    item.to_string()
}

fn vagrant(sandbox: &Sandbox, docker: &Docker, words: &[&str]) {
    let output = docker
        .command("timeout")
        .args(["-k", "5", "300", "vagrant"])
        .args(words)
        .current_dir(&sandbox.project)
        .env("VAGRANT_HOME", sandbox.path(".vagrant-home"))
        .env("VAGRANT_CHECKPOINT_DISABLE", "1")
        .env("HOME", sandbox.path("."))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "vagrant {words:?}: {}", String::from_utf8_lossy(&said));
}

#[test]
fn containers_are_those_that_vagrant_makes() {
    let Some(docker) = Docker::start_or_say_why_not() else { return };
    if !has_programs("Vagrant's docker provider", &["vagrant"]) {
        return;
    }
    docker.import_busybox("box", &["httpd", "sh", "tail", "true"], "");
    let sandbox = Sandbox::new(VAGRANTFILE).with_variable("DOCKER_HOST", &docker.address());
    sandbox.write("Dockerfile.web", DOCKERFILE);
    sandbox.write("site/index.html", "a page");

    vagrant(&sandbox, &docker, &["up", "--provider", "docker", "--no-parallel"]);
    // So that both find the built image in the daemon's cache: an image that is in use is not removed.
    let web = docker.run(&["ps", "-q", "--filter", "name=_web_"]);
    docker.run(&["create", "--name", "keeper", &docker.run(&["inspect", "-f", "{{.Image}}", &web])]);
    let theirs: Vec<_> = MACHINES.iter().map(|(_, filter)| described(&docker, filter)).collect();
    vagrant(&sandbox, &docker, &["destroy", "-f"]);
    sandbox.ok(&["up", "--provider", "docker", "--trust"]);
    let ours: Vec<_> = MACHINES.iter().map(|(_, filter)| described(&docker, filter)).collect();
    sandbox.ok(&["destroy", "-f"]);

    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/docker.md")).unwrap();
    let mut seen = BTreeSet::new();
    for ((machine, _), (theirs, ours)) in MACHINES.iter().zip(theirs.iter().zip(&ours)) {
        assert!(theirs.len() > 100, "there is much to compare: {}", theirs.len());
        let paths: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        for path in paths.into_iter().filter(|path| theirs.get(*path) != ours.get(*path)) {
            let meant = MEANT.iter().find(|(of, field)| of == machine && path.starts_with(field));
            let Some((_, field)) = meant else {
                panic!("{machine}: {path}\n Vagrant: {:?}\n    yado: {:?}", theirs.get(path), ours.get(path))
            };
            assert!(document.contains(&format!("`{field}`")), "docs/docker.md says nothing of '{field}'");
            seen.insert((*machine, *field));
        }
    }
    let unseen: Vec<_> = MEANT.iter().filter(|meant| !seen.contains(meant)).collect();
    assert!(unseen.is_empty(), "no difference any more, so the document is wrong: {unseen:?}");
}
