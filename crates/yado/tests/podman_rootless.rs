//! The provider `podman` for a user who is not root: one who exists in this test alone, in a network of its own, with
//! processes that end with it.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// A user whom the machine does not know, with subordinate ids.
const USER: u32 = 70_201;

/// Makes the user known and runs a script as it.
const PLACE: &str = r#"
set -eu
export PATH="$PATH:/usr/sbin:/sbin"
for file in passwd group subuid subgid; do mount --bind "$BASE/$file" "/etc/$file"; done
mount --bind "$BASE/tun" /dev/net/tun
# Podman warns where no mounts would reach its containers.
mount --make-rshared /
ip link set lo up
chown -R "$USER_ID:$USER_ID" "$BASE/home" "$BASE/runtime"
exec setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups env -i PATH="$PATH" HOME="$BASE/home" \
    XDG_RUNTIME_DIR="$BASE/runtime" LANG=C.UTF-8 timeout -k 5 150 sh -euc '
        cd
        yado() { command "$0" --no-color "$@"; }
        # The store belongs to users whom only the namespace knows.
        trap "podman unshare rm -rf .local/share/containers" EXIT
        podman import box.tar box
        cd project
        '"$1" "$BASE/yado"
"#;

const PAIR: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.define "db" do |db|
    db.vm.synced_folder ".", "/vagrant", disabled: true
    db.vm.network "private_network", type: "dhcp", subnet: "10.219.13.0/24"
    db.vm.provider "podman" do |d|
      d.image = "box"
      d.name = "yado-test-db"
      d.cmd = ["httpd", "-f", "-h", "/shared"]
      d.volumes = ["words:/shared"]
    end
  end
  config.vm.define "web" do |web|
    web.vm.hostname = "web"
    web.vm.network "forwarded_port", guest: 80, host: 18080
    web.vm.network "private_network", ip: "10.219.13.5"
    web.vm.provision "shell", inline: "hostname > /vagrant/made; id -u"
    web.vm.provider "podman" do |d|
      d.build_dir = "."
      d.volumes = ["words:/shared"]
    end
  end
end
"#;

/// Runs a script as the user, in a folder with the Vagrantfile; what it printed.
fn as_user(vagrantfile: &str, script: &str) -> Option<String> {
    let programs = [
        "podman",
        "busybox",
        "runc",
        "newuidmap",
        "slirp4netns",
        "setpriv",
        "/usr/lib/podman/netavark",
        "/usr/lib/podman/aardvark-dns",
    ];
    if !support::can_make_machines("podman without root")
        || !support::has_programs("podman without root", &programs)
    {
        return None;
    }
    let folder = tempfile::Builder::new().prefix("yado-rootless-podman-").tempdir().unwrap();
    let base = folder.path();
    std::fs::set_permissions(base, std::fs::Permissions::from_mode(0o755)).unwrap();
    let write = |name: &str, text: &str| {
        let path = base.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let present = |name: &str| std::fs::read_to_string(format!("/etc/{name}")).unwrap_or_default();
    write("passwd", &format!("{}user:x:{USER}:{USER}::{}/home:/bin/sh\n", present("passwd"), base.display()));
    write("group", &format!("{}user:x:{USER}:\n", present("group")));
    write("subuid", &format!("user:{}:65536\n", USER * 10_000));
    write("subgid", &format!("user:{}:65536\n", USER * 10_000));
    write("home/project/Vagrantfile", vagrantfile);
    write("home/project/Dockerfile", "FROM localhost/box\nCMD [\"httpd\", \"-f\", \"-h\", \"/vagrant\"]\n");
    // Not every administrator may raise limits, and crun does not work with every mixture of cgroups.
    write(
        "home/.config/containers/containers.conf",
        "[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nruntime = \"runc\"\n",
    );
    write("home/.config/containers/storage.conf", "[storage]\ndriver = \"vfs\"\n");
    std::fs::create_dir(base.join("runtime")).unwrap();
    std::fs::set_permissions(base.join("runtime"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let root = support::Sandbox::empty();
    support::busybox_root(&root, "root");
    for program in ["httpd", "wget"] {
        std::os::unix::fs::symlink("busybox", root.path("root/bin").join(program)).unwrap();
    }
    let run = |words: &[&str]| {
        assert!(Command::new(words[0]).args(&words[1..]).status().unwrap().success(), "{words:?}");
    };
    let path = |name: &str| base.join(name).display().to_string();
    run(&[
        "tar",
        "--owner=0",
        "--group=0",
        "-C",
        &root.path("root").display().to_string(),
        "-cf",
        &path("home/box.tar"),
        ".",
    ]);
    run(&["mknod", "-m", "666", &path("tun"), "c", "10", "200"]);
    std::fs::copy(env!("CARGO_BIN_EXE_yado"), base.join("yado")).unwrap();
    let output = Command::new("unshare")
        .args([
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
            "bash",
            "-c",
            PLACE,
            "bash",
            script,
        ])
        .env("BASE", base)
        .env("USER_ID", USER.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}\n{said}\n{}", output.status, text(&output.stderr));
    Some(said)
}

#[test]
fn two_machines_live_their_whole_life_for_an_ordinary_user() {
    let script = r#"
        yado up
        stat -c "made by %u" made
        curl -s http://127.0.0.1:18080/made
        yado ssh web -c "echo by the volume > /shared/word; ip -o addr"
        yado ssh web -c "wget -q -O - http://yado-test-db/word"
        yado status
        yado ssh web -c "echo kept > /kept"
        yado snapshot save web one
        yado ssh web -c "rm /kept"
        yado snapshot restore web one
        yado ssh web -c "cat /kept; exit 7" || echo "code $?"
        yado halt
        yado up
        yado destroy -f
        echo "left: $(podman ps -aq)$(podman network ls -q --filter label=yado.network)$(podman images -q --filter label=yado.kept)."
    "#;
    let Some(said) = as_user(PAIR, script) else { return };
    for words in [
        "    web: 0\n",
        &format!("made by {USER}\nweb\n"),
        "10.219.13.5/24",
        "\nby the volume\n",
        "running (podman)",
        "\nkept\ncode 7\n",
        "left: .\n",
    ] {
        assert!(said.contains(words), "expected '{words}' in:\n{said}");
    }
}

#[test]
fn what_does_not_go_without_root_is_told() {
    let boxed =
        "Vagrant.configure('2') do |config|\n  config.vm.box = 'host'\n  config.vm.provider 'podman'\nend\n";
    let script = r#"
        yado up 2>&1 && exit 1
        # Asked for another provider the command goes to where that one works, and Podman does not.
        yado up --provider container
        yado status
        yado destroy -f
        echo "Vagrant.configure(%q(2)) { |c| c.vm.provider(%q(docker)) { |d| d.image = %q(box) } }" > Vagrantfile
        VAGRANT_PREFERRED_PROVIDERS=podman yado up 2>&1 && exit 1
        VAGRANT_DEFAULT_PROVIDER=podman yado provider --usable
    "#;
    let Some(said) = as_user(boxed, script) else { return };
    for words in ["not of a box", "Vagrantfile:2", "running (container)"] {
        assert!(said.contains(words), "expected '{words}' in:\n{said}");
    }
}
