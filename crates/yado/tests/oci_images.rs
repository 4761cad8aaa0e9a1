//! Images of containers as boxes: made by a real Docker, kept in a real registry, copied by skopeo, brought up by yado.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

#[path = "../../yado-plugins/tests/support/dockerd.rs"]
mod dockerd;
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use dockerd::Docker;
use support::registry::Registry;
use support::{Sandbox, can_make_machines};

const COMMANDS: &[&str] =
    &["cat", "chmod", "echo", "id", "ls", "mkdir", "rm", "sh", "sleep", "su", "true", "env", "pwd", "chown"];

/// An image of three layers, of which the upper ones take away files of the lower ones, in two forms on disk:
/// an archive of Docker's, and a folder in OCI's layout.
fn make(docker: &Docker, folder: &Path) -> (String, String) {
    docker.import_busybox("base", COMMANDS, "");
    let layer = |name: &str, from: &str, script: &str| {
        docker.run(&["run", "--network", "none", "--name", name, from, "/bin/sh", "-ec", script]);
        docker.run(&["commit", name, &format!("test/{name}")]);
    };
    layer(
        "one",
        "base",
        "mkdir -p /data/deep /gone; echo a > /data/old; echo b > /data/deep/old; echo c > /gone/x; echo d > /left",
    );
    // A folder that is made anew hides what was in it; one that is removed, and one whose place a file takes.
    layer("two", "test/one", "rm -r /data /gone /left; mkdir /data; echo new > /data/new; echo file > /gone");
    let archive = folder.join("saved.tar").display().to_string();
    docker.run(&["save", "-o", &archive, "test/two"]);
    let layout = folder.join("layout").display().to_string();
    copy(&format!("docker-archive:{archive}"), &format!("oci:{layout}:latest"), &[]);
    (archive, layout)
}

fn copy(from: &str, to: &str, more: &[&str]) {
    let mut command = Command::new("skopeo");
    command.args(["--insecure-policy", "copy", "--quiet"]).args(more).args([from, to]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The content's digest of a box, as the lock file would have it.
fn digest(sandbox: &Sandbox, name: &str) -> String {
    let find = |folder: &Path| -> Option<String> {
        let mut open = vec![folder.to_owned()];
        while let Some(path) = open.pop() {
            for entry in std::fs::read_dir(&path).ok()?.flatten() {
                if entry.path().is_dir() {
                    open.push(entry.path());
                } else if entry.file_name() == "box.json" {
                    let text = std::fs::read_to_string(entry.path()).ok()?;
                    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
                    if json["name"] == name {
                        return json["digest"].as_str().map(str::to_owned);
                    }
                }
            }
        }
        None
    };
    find(&sandbox.home().join("boxes")).unwrap_or_else(|| panic!("there is no box {name}"))
}

#[test]
fn an_image_made_by_docker_comes_out_of_a_registry_and_is_brought_up() {
    if !can_make_machines("an image") {
        return;
    }
    let Some(registry) = Registry::start() else { return };
    let Some(docker) = Docker::start_or_say_why_not() else { return };
    let (archive, layout) = make(&docker, registry.folder.path());
    let other_archive = registry.folder.path().join("other.tar").display().to_string();
    docker.run(&["save", "-o", &other_archive, "test/one"]);
    drop(docker);
    let in_registry = registry.image("team/image:1");
    registry.copy(&[&format!("docker-archive:{archive}"), &format!("docker://{in_registry}")]);
    let zstd = registry.image("team/image:zstd");
    registry.copy(&[
        "--dest-compress-format=zstd",
        "--format=oci",
        &format!("oci:{layout}:latest"),
        &format!("docker://{zstd}"),
    ]);

    let sandbox = Sandbox::new(&format!(
        "Vagrant.configure('2') do |c|\n c.vm.box = 'oci:{in_registry}'\n c.ssh.shell = 'sh'\n \
         c.vm.synced_folder '.', '/vagrant', disabled: true\nend"
    ));
    sandbox.ok(&["up"]);
    let inside = sandbox
        .inside("default", "cat /data/new /gone; ls /data; ls -d /left /data/deep 2>/dev/null; id -un");
    assert_eq!(inside.lines().collect::<Vec<_>>(), ["new", "file", "new", "vagrant"]);
    // The lock file holds to the digest, so that a moved tag cannot change what a colleague gets.
    let lock = std::fs::read_to_string(sandbox.path("Vagrantfile.lock")).unwrap();
    assert!(lock.contains(&format!("source = \"oci:{in_registry}@sha256:")), "{lock}");
    let exact =
        lock.lines().find_map(|line| line.strip_prefix("source = ")).unwrap().trim_matches('"').to_owned();

    for (name, source) in [
        ("zstd", format!("oci:{zstd}")),
        ("exact", exact),
        ("layout", layout.clone()),
        ("saved", archive.clone()),
    ] {
        sandbox.ok(&["box", "add", &source, "--name", name]);
        assert_eq!(digest(&sandbox, name), digest(&sandbox, &format!("oci:{in_registry}")), "{name}");
    }
    sandbox.ok(&["box", "verify"]);
    formats(&sandbox, &registry, &archive);
    shares(&sandbox, &registry, &other_archive);
    // Somebody changes what the tag means; a colleague gets what was agreed on.
    registry.copy(&[&format!("docker-archive:{other_archive}"), &format!("docker://{in_registry}")]);
    let colleague = Sandbox::copy_of(&sandbox.project);
    drop(std::fs::remove_dir_all(colleague.path(".yado")));
    colleague.ok(&["up", "--locked"]);
    let name = format!("oci:{in_registry}");
    assert_eq!(digest(&colleague, &name), digest(&sandbox, &name));
    colleague.destroy_and_audit();
    sandbox.destroy_and_audit();
}

/// The image below the machine's own, which is its base: none of it is fetched, and none of it is on the disk twice.
fn shares(sandbox: &Sandbox, registry: &Registry, base: &str) {
    let in_registry = registry.image("team/base:1");
    registry.copy(&[&format!("docker-archive:{base}"), &format!("docker://{in_registry}")]);
    let said = sandbox.ok(&["box", "add", &format!("oci:{in_registry}"), "--name", "base"]);
    assert_eq!(said.matches("(already here)").count(), 2, "{said}");
    let layers =
        || std::fs::read_dir(sandbox.home().join("layers")).unwrap().flatten().map(|entry| entry.path());
    assert_eq!(layers().filter(|layer| layer.join("bin/busybox").exists()).count(), 1);
    let listed = sandbox.ok(&["box", "list", "-i"]);
    let facts: Vec<&str> = listed.lines().skip_while(|line| !line.starts_with("base ")).take(6).collect();
    let facts = facts.join("\n");
    assert!(facts.contains("own: 0.0 MiB") && !facts.contains("other boxes: 0.0 MiB"), "{listed}");
    // Each is whole for itself when the other one goes.
    let whole = sandbox.ok(&["box", "repackage", "base", "container", "0"]);
    assert!(whole.contains("package.box"), "{whole}");
    let script = "tar -xOf package.box rootfs.tar.gz | tar -tzf -";
    let listed = Command::new("sh").args(["-ec", script]).current_dir(&sandbox.project).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    for name in ["data/deep/old", "gone/x", "left", "bin/busybox", "etc/sudoers.d/vagrant"] {
        assert!(names.lines().any(|line| line == name), "{name} in {names}");
    }
    assert!(!names.contains("data/new"), "{names}");
    sandbox.ok(&["box", "remove", "base"]);
    assert!(sandbox.ok(&["box", "verify"]).contains("intact"));
}

/// Other forms on disk, and what is wrong with some.
fn formats(sandbox: &Sandbox, registry: &Registry, archive: &str) {
    let folder = registry.folder.path();
    let script = "tar -C layout -cf layout.tar . && gzip -k saved.tar && tar -cf short.tar -C layout oci-layout index.json \
                  && cp -r layout bad && f=$(ls -S bad/blobs/sha256/* | head -1) && printf x | dd of=$f bs=1 seek=100 conv=notrunc 2>/dev/null";
    let made = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for name in ["layout.tar", "saved.tar.gz"] {
        sandbox.ok(&["box", "add", &folder.join(name).display().to_string(), "--name", name]);
        assert_eq!(digest(sandbox, name), digest(sandbox, "saved"), "{name}");
    }
    let add =
        |name: &str| sandbox.run(&["box", "add", &folder.join(name).display().to_string(), "--name", "bad"]);
    add("bad").refused(&["has the digest", "is refused"]);
    add("short.tar").refused(&["is missing"]);
    assert!(Path::new(archive).exists());
    assert!(!sandbox.ok(&["box", "list"]).contains("bad"));
}

#[test]
fn registries_learn_who_asks_from_docker_files_and_helpers() {
    if !can_make_machines("an image") {
        return;
    }
    let Some(registry) = Registry::start() else { return };
    let root = registry.folder.path().join("root");
    support::roots::make(&root, "hello", 1);
    let script = "tar -C root -cf root.tar . && gzip root.tar";
    assert!(
        Command::new("sh")
            .args(["-ec", script])
            .current_dir(registry.folder.path())
            .status()
            .unwrap()
            .success()
    );
    publish_for_two_architectures(&registry);
    let named = |port: u16| format!("oci:127.0.0.1:{port}/team/image:1");
    let empty = Sandbox::empty();
    empty.ok(&["box", "add", &named(registry.open), "--name", "open"]);
    assert_eq!(digest(&empty, "open").len(), 71);
    for port in [registry.token, registry.basic] {
        empty.run(&["box", "add", &named(port)]).refused(&["no credentials are on file", "docker login"]);
    }
    empty.run(&["box", "add", &format!("{}x", named(registry.open))]).refused(&["does not exist there"]);
    let unknown = format!("oci:127.0.0.1:{}/team/image@sha256:{}", registry.open, "0".repeat(64));
    empty.run(&["box", "add", &unknown]).refused(&["does not exist there"]);

    let helper = registry.folder.path().join("docker-credential-test");
    std::fs::write(&helper, "#!/bin/sh\nread -r host\n[ \"$1\" = get ] && echo \"{\\\"Username\\\": \\\"user\\\", \\\"Secret\\\": \\\"secret\\\", \\\"ServerURL\\\": \\\"$host\\\"}\"\n").unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let search = format!("{}:{}", registry.folder.path().display(), std::env::var("PATH").unwrap());
    for port in [registry.token, registry.basic] {
        let key = format!("127.0.0.1:{port}");
        for file in [
            serde_json::json!({"auths": {&key: {"auth": "dXNlcjpzZWNyZXQ="}}}),
            serde_json::json!({"credHelpers": {&key: "test"}}),
            serde_json::json!({"credsStore": "test", "auths": {&key: {}}}),
        ] {
            let sandbox = Sandbox::empty().with_variable("PATH", &search);
            let folder = sandbox.home().parent().unwrap().join(".docker");
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("config.json"), file.to_string()).unwrap();
            sandbox.ok(&["box", "add", &named(port)]);
            assert_eq!(digest(&sandbox, &named(port)), digest(&empty, "open"), "{file}");
        }
    }
    let key = format!("127.0.0.1:{}", registry.token);
    for (token, expected) in [("open this", ""), ("or that", "refuses access")] {
        let sandbox = Sandbox::empty();
        let folder = sandbox.home().parent().unwrap().join(".docker");
        std::fs::create_dir(&folder).unwrap();
        let file = serde_json::json!({"auths": {&key: {"auth": "PHRva2VuPjo=", "identitytoken": token}}});
        std::fs::write(folder.join("config.json"), file.to_string()).unwrap();
        match expected {
            "" => drop(sandbox.ok(&["box", "add", &named(registry.token)])),
            words => sandbox.run(&["box", "add", &named(registry.token)]).refused(&[words]),
        }
    }
    let wrong = Sandbox::empty();
    let folder = wrong.home().parent().unwrap().join(".docker");
    std::fs::create_dir(&folder).unwrap();
    let file = serde_json::json!({"auths": {format!("127.0.0.1:{}", registry.basic): {"username": "user", "password": "x"}}});
    std::fs::write(folder.join("config.json"), file.to_string()).unwrap();
    wrong.run(&["box", "add", &named(registry.basic)]).refused(&["refuses access"]);
}

/// An index whose first image is for another architecture and has nothing that could be pulled.
fn publish_for_two_architectures(registry: &Registry) {
    let folder = registry.folder.path();
    let layer = std::fs::read(folder.join("root.tar.gz")).unwrap();
    let blobs = folder.join("multi/blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let put = |content: &[u8]| {
        let path = folder.join("blob");
        std::fs::write(&path, content).unwrap();
        let digest = support::roots::checksum("sha256sum", &path);
        std::fs::rename(path, blobs.join(&digest)).unwrap();
        (format!("sha256:{digest}"), content.len())
    };
    let manifest = |architecture: &str, layer: &[u8]| {
        let (layer_digest, layer_size) = put(layer);
        let configuration = serde_json::json!({"architecture": architecture, "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": []}});
        let (digest, size) = put(configuration.to_string().as_bytes());
        let manifest = serde_json::json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": size},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer_digest, "size": layer_size}]});
        let (digest, size) = put(manifest.to_string().as_bytes());
        serde_json::json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size,
            "platform": {"os": "linux", "architecture": architecture}})
    };
    let mine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let manifests = [manifest("s390x", b"not for here"), manifest(mine, &layer)];
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
    let (digest, size) = put(index.to_string().as_bytes());
    let top = serde_json::json!({"schemaVersion": 2, "manifests": [
        {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest, "size": size}]});
    std::fs::write(folder.join("multi/index.json"), top.to_string()).unwrap();
    std::fs::write(folder.join("multi/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let target = registry.image("team/image:1");
    registry.copy(&[
        "--all",
        &format!("oci:{}", folder.join("multi").display()),
        &format!("docker://{target}"),
    ]);
}
