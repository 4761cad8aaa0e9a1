//! Machines of users who are not root, in a place of their own: users that exist in this test alone, a network with
//! addresses that nobody else has, and processes that end with it.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use support::can_make_machines;

/// Users whom the machine does not know, with subordinate ids and without.
const ANN: u32 = 70_101;
const BOB: u32 = 70_102;
const ALONE: u32 = 70_103;

/// What every script begins with. `as USER SCRIPT` runs a script as a user in its home, `clean USER` fails when anything
/// is left of the user's machines, `fetch URL WORD` asks until the answer holds the word.
const PRELUDE: &str = r#"
set -eu
export PATH="$PATH:/usr/sbin:/sbin"
for file in passwd group subuid subgid; do mount --bind "$BASE/$file" "/etc/$file"; done
mount --bind "$BASE/tun" /dev/net/tun
ip link set lo up
ip address add 203.0.113.7/32 dev lo
ip link add outside type veth peer name beyond
ip link set beyond up
ip address add 198.51.100.1/24 dev outside
ip link set outside up
ip route add default via 198.51.100.254
as() {
    user=$1
    shift
    setpriv --reuid "$user" --regid "$user" --clear-groups env -i PATH="$PATH" \
        HOME="$BASE/$user" LANG=C.UTF-8 timeout -k 5 60 sh -euc 'cd; yado() { command "$0" --no-color "$@"; }; '"$*" "$BASE/yado"
}
fetch() {
    for try in $(seq 100); do
        if curl -sm 5 "$1" | grep -q "$2"; then return 0; fi
        sleep 0.1
    done
    echo "$1 never answered with '$2'"
    return 1
}
clean() {
    for try in $(seq 100); do
        left=$(ls -A "$BASE/$1"/.local/share/yado/engine "$BASE/$1"/.local/share/yado/machines \
            "$BASE/$1"/.local/share/yado/locks "$BASE/$1"/.local/share/yado/network 2>/dev/null | grep -v ':$' || true)
        running=$(ps -e -o user:20=,args= | grep -e "^user$1 " -e "yado __" -e pasta -e slirp | grep -v -e grep -e defunct || true)
        if [ -z "$left$running" ]; then return 0; fi
        sleep 0.05
    done
    echo "left behind: $left $running"
    return 1
}
"#;

/// Runs a script as root of a place of its own and returns what it printed; fails with that when the script does.
fn in_a_place_of_its_own(script: &str) -> String {
    let folder = tempfile::Builder::new().prefix("yado-rootless-").tempdir().unwrap();
    let base = folder.path();
    std::fs::set_permissions(base, std::fs::Permissions::from_mode(0o755)).unwrap();
    prepare(base);
    let output = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "bash", "-c"])
        .arg(format!("{PRELUDE}{script}"))
        .env("BASE", base)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}\n{said}\n{}", output.status, text(&output.stderr));
    said
}

/// The users' homes, a program that they can reach, and the files that make them known.
fn prepare(base: &Path) {
    let write = |name: &str, text: String| std::fs::write(base.join(name), text).unwrap();
    let with = |name: &str, lines: &dyn Fn(u32) -> String| {
        let text = std::fs::read_to_string(Path::new("/etc").join(name)).unwrap_or_default();
        write(name, text + &[ANN, BOB, ALONE].map(lines).concat());
    };
    with("passwd", &|user| format!("user{user}:x:{user}:{user}::{}/{user}:/bin/sh\n", base.display()));
    with("group", &|user| format!("user{user}:x:{user}:\n"));
    let ids: String = [ANN, BOB].map(|user| format!("user{user}:{}:65536\n", user * 10_000)).concat();
    write("subuid", ids.clone());
    write("subgid", ids);
    std::fs::copy(env!("CARGO_BIN_EXE_yado"), base.join("yado")).unwrap();
    // Ordinary users may open it nearly everywhere, but not on every machine that runs tests.
    let device =
        Command::new("mknod").args(["-m", "666"]).arg(base.join("tun")).args(["c", "10", "200"]).status();
    assert!(device.unwrap().success());
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart");
    for user in [ANN, BOB, ALONE] {
        let home = base.join(user.to_string());
        std::fs::create_dir(&home).unwrap();
        let copied = Command::new("cp").arg("-r").arg(&quickstart).arg(home.join("quickstart")).status();
        assert!(copied.unwrap().success());
        let given = Command::new("chown").arg("-R").arg(format!("{user}:{user}")).arg(&home).status();
        assert!(given.unwrap().success());
    }
}

#[test]
fn the_quickstart_lives_its_whole_life_for_an_ordinary_user() {
    if !can_make_machines("the_quickstart_lives_its_whole_life_for_an_ordinary_user") {
        return;
    }
    let said = in_a_place_of_its_own(&format!(
        r#"
as {ANN} 'cd quickstart; yado up'
fetch 127.0.0.1:8080 '<html'
as {ANN} '
    cd quickstart
    yado ssh -c "id -un; touch /vagrant/by-user; exit 7" || echo "code $?"
    yado ssh -c "stat -c \"%n is of %U\" / /etc /etc/passwd /home/vagrant /vagrant/server.pl"
    sed -i "s/^end/  config.vm.provision \"shell\", inline: \"touch \/vagrant\/by-root; id -u; chown 33:33 \/srv\"\nend/" Vagrantfile
    yado provision
    yado suspend
    yado status | grep default
    yado resume
    yado halt
    yado status | grep default
    yado up
'
fetch 127.0.0.1:8080 '<html'
stat -c 'owner %u %n' "$BASE"/{ANN}/quickstart/by-*
as {ANN} 'cd quickstart; yado destroy -f; ls -A' | grep -q .yado && exit 1
clean {ANN}
"#
    ));
    for words in [
        "vagrant\ncode 7",
        "/ is of root\n/etc is of root\n/etc/passwd is of root\n/home/vagrant is of vagrant\n/vagrant/server.pl is of vagrant",
        "suspended (container)",
        "stopped (container)",
        "no cgroups were delegated",
        &format!("owner {ANN} "),
    ] {
        assert!(said.contains(words), "expected '{words}' in:\n{said}");
    }
    assert_eq!(said.matches(&format!("owner {ANN} ")).count(), 2, "{said}");
}

#[test]
fn two_users_have_machines_at_once_that_do_not_meet() {
    if !can_make_machines("two_users_have_machines_at_once_that_do_not_meet") {
        return;
    }
    let said = in_a_place_of_its_own(&format!(
        r#"
as {ANN} 'cd quickstart; yado up'
as {BOB} 'cd quickstart; yado up'
as {ANN} 'cd quickstart; yado suspend; yado resume' &
ann=$!
as {BOB} 'cd quickstart; yado reload'
wait $ann
for user in {ANN} {BOB}; do
    port=$(as $user 'cd quickstart; yado port --guest 80')
    echo "port $port"
    fetch "127.0.0.1:$port" '<html'
done
# The kernel, and not this program, must refuse one user the other's processes.
as {BOB} 'pgrep -u {ANN} -f __container-init | head -1 | xargs kill -9 2>&1 || echo "refused"'
as {ANN} 'cd quickstart; yado destroy -f'
as {BOB} 'cd quickstart; yado ssh -c "echo still here"; yado destroy -f'
clean {ANN}
clean {BOB}
"#
    ));
    for words in ["port 8080", "port 22", "refused", "still here"] {
        assert!(said.contains(words), "expected '{words}' in:\n{said}");
    }
}

#[test]
fn machines_find_each_other_and_the_world() {
    if !can_make_machines("machines_find_each_other_and_the_world") {
        return;
    }
    let said = in_a_place_of_its_own(&format!(
        r#"
mkdir "$BASE/{ANN}/pair"
cat > "$BASE/{ANN}/pair/Vagrantfile" <<'END'
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.define "web" do |web|
    web.vm.network "forwarded_port", guest: 7007, host: 7007, protocol: "udp"
    web.vm.network "private_network", ip: "192.168.77.11"
  end
  config.vm.define "db" do |db|
    db.vm.network "private_network", ip: "192.168.77.10"
  end
end
END
cat > "$BASE/{ANN}/pair/serve.pl" <<'END'
use IO::Socket;
my $listener = IO::Socket::INET->new(Listen => 5, LocalPort => $ARGV[0]) or die $!;
while (my $peer = $listener->accept) {{ print $peer "the db\n"; close $peer }}
END
cat > "$BASE/{ANN}/pair/ask.pl" <<'END'
use IO::Socket;
my $peer = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 5) or die "$ARGV[0]: $!";
print <$peer>;
END
cat > "$BASE/{ANN}/pair/echo.pl" <<'END'
use IO::Socket;
my $socket = IO::Socket::INET->new(Proto => "udp", LocalPort => 7007) or die $!;
while ($socket->recv(my $text, 99)) {{ $socket->send("echo of $text") }}
END
chown -R {ANN} "$BASE/{ANN}/pair"
# The world: an address of this host that is not the way out's own.
perl -MIO::Socket -e '$l = IO::Socket::INET->new(Listen => 5, LocalAddr => "203.0.113.7:80") or die $!;
    alarm 60; while ($c = $l->accept) {{ print $c "the world\n"; close $c }}' &
as {ANN} 'cd pair; yado up'
as {ANN} 'cd pair
    yado ssh db -c "setsid perl /vagrant/serve.pl 5000 >/dev/null 2>&1 </dev/null & sleep 0.5"
    yado ssh web -c "perl /vagrant/ask.pl db:5000; perl /vagrant/ask.pl 203.0.113.7:80"
    yado ssh web -c "setsid perl /vagrant/echo.pl >/dev/null 2>&1 </dev/null & sleep 0.5"
'
perl -MIO::Socket -e '$s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "127.0.0.1:7007"); alarm 10;
    for (1 .. 2) {{ $s->send("datagram $_\n"); $s->recv($m, 99); print $m }}'
as {ANN} 'cd pair; yado destroy -f'
clean {ANN}
"#
    ));
    for words in ["the db", "the world", "echo of datagram 2"] {
        assert!(said.contains(words), "expected '{words}' in:\n{said}");
    }
}

#[test]
fn a_user_without_subordinate_ids_has_machines_with_a_root_alone() {
    if !can_make_machines("a_user_without_subordinate_ids_has_machines_with_a_root_alone") {
        return;
    }
    let said = in_a_place_of_its_own(&format!(
        r#"
as {ALONE} 'cd quickstart; yado up; yado ssh -c "id -u; touch /vagrant/made"; stat -c "made by %u" made'
fetch 127.0.0.1:8080 '<html'
as {ALONE} 'cd quickstart; yado halt; yado up; yado destroy -f'
clean {ALONE}
# Ports that only root may open are refused before anything is made.
as {ALONE} '
    cd quickstart
    sed -i "s/host: 8080, auto_correct: true/host: 80/" Vagrantfile
    yado up 2>&1 && exit 1
    ls ~/.local/share/yado/machines'
clean {ALONE}
"#
    ));
    for words in
        ["no subordinate ids", "\n0\n", &format!("made by {ALONE}"), "only root may open", "Vagrantfile:13"]
    {
        assert!(said.contains(words), "expected '{words}' in:\n{said}");
    }
}

#[test]
fn whatever_is_killed_the_next_command_cleans_up() {
    if !can_make_machines("whatever_is_killed_the_next_command_cleans_up") {
        return;
    }
    in_a_place_of_its_own(&format!(
        r#"
as {ANN} 'cd quickstart; yado up'
# Without the process that holds the network the machine cannot go on; it is started again.
pkill -9 -f __ground
as {ANN} 'cd quickstart; yado up'
fetch 127.0.0.1:8080 '<html'
# A killed process takes connections until it is gone, which may last while others work.
ground=$(pgrep -u {ANN} yado-ground)
kill -STOP $ground
as {ANN} 'cd quickstart; yado up' &
up=$!
sleep 0.5
# Meanwhile somebody else looks whether the port is free, and takes all the time.
perl -MIO::Socket -e 'alarm 20; 1 until $s = IO::Socket::INET->new(Proto => "tcp", LocalAddr => "127.0.0.1:8080",
    ReuseAddr => 1); sleep 20' &
looking=$!
kill -KILL $ground
wait $up
kill $looking
fetch 127.0.0.1:8080 '<html'
as {ANN} 'cd quickstart; yado destroy -f'
clean {ANN}
for pause in 0.01 0.03 0.05 0.08 0.12 0.16; do
    as {ANN} 'cd quickstart; timeout -s KILL '$pause' "$0" up >/dev/null 2>&1 || true'
done
as {ANN} 'cd quickstart; yado up; yado destroy -f'
clean {ANN}
"#
    ));
}

#[test]
fn the_runtime_serves_ordinary_users_too() {
    if !can_make_machines("the_runtime_serves_ordinary_users_too") {
        return;
    }
    let said = in_a_place_of_its_own(&format!(
        r#"
mkdir -p "$BASE/{ALONE}/bundle/rootfs/bin" "$BASE/{ALONE}/bundle/rootfs/proc" "$BASE/{ALONE}/run"
cp "$(command -v busybox)" "$BASE/{ALONE}/bundle/rootfs/bin/sh"
chown -R {ALONE} "$BASE/{ALONE}"
as {ALONE} '
    cd bundle
    export XDG_RUNTIME_DIR=$HOME/run
    "$0" runtime spec
    sed -i "s/\"terminal\": true/\"terminal\": false/; s/^      \"sh\"/      \"sh\", \"-c\", \"echo as \$((\$(cat \/proc\/self\/loginuid >\/dev\/null; echo 1)))\; exit 3\"/" config.json
    "$0" runtime run first || echo "code $?"
    sed -i "s/\"-c\", \".*\"/\"-c\", \"while :; do sleep 1; done\"/" config.json
    "$0" runtime create second >/dev/null 2>&1 </dev/null
    "$0" runtime start second
    "$0" runtime exec second sh -c "echo inside; exit 5" || echo "code $?"
    "$0" runtime pause second
    "$0" runtime state second | grep status
    "$0" runtime resume second
    "$0" runtime delete --force second
    "$0" runtime list -q
    sleep 0.3
    find ~/run -type f'
clean {ALONE}
"#
    ));
    for words in ["code 3", "inside\ncode 5", "paused"] {
        assert!(said.contains(words), "expected '{words}' in:\n{said}");
    }
    assert!(!said.contains("second") && !said.contains("run/yado"), "{said}");
}

/// Cgroups of this name, removed at the end: by then the test's place is gone with all its processes.
struct Cgroups(String);

impl Drop for Cgroups {
    fn drop(&mut self) {
        let folders = ["memory", "cpu", "pids"].map(|kind| format!("/sys/fs/cgroup/{kind}/{}", self.0));
        for _ in 0..50 {
            let removal = ["-depth", "-type", "d", "-delete"];
            drop(Command::new("find").args(&folders).args(removal).stderr(Stdio::null()).status());
            if folders.iter().all(|folder| !Path::new(folder).exists()) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
}

#[test]
fn limits_hold_in_cgroups_that_were_delegated() {
    if !can_make_machines("limits_hold_in_cgroups_that_were_delegated") {
        return;
    }
    if !Path::new("/sys/fs/cgroup/memory/cgroup.procs").exists() {
        support::skipped::because(
            "limits_hold_in_cgroups_that_were_delegated",
            "the hierarchy of memory is not one that this test can give to a user",
        );
        return;
    }
    let name = format!("yado-rootless-{}", std::process::id());
    let _taken_away = Cgroups(name.clone());
    let said = in_a_place_of_its_own(&format!(
        r#"
for kind in memory cpu pids; do
    mkdir "/sys/fs/cgroup/$kind/{name}"
    chown {ANN} "/sys/fs/cgroup/$kind/{name}" "/sys/fs/cgroup/$kind/{name}/cgroup.procs"
done
(
    for kind in memory cpu pids; do echo $BASHPID > "/sys/fs/cgroup/$kind/{name}/cgroup.procs"; done
    as {ANN} 'cd quickstart; yado up; yado ssh -c "grep memory /proc/self/cgroup"'
)
cat /sys/fs/cgroup/memory/{name}/yado/*/memory.limit_in_bytes
(
    for kind in memory cpu pids; do echo $BASHPID > "/sys/fs/cgroup/$kind/{name}/cgroup.procs"; done
    as {ANN} 'cd quickstart; yado destroy -f'
)
clean {ANN}
find /sys/fs/cgroup/memory/{name} -mindepth 1 -type d
"#
    ));
    assert!(said.contains(&(256 << 20).to_string()), "{said}");
    assert!(!said.contains("No limit holds"), "{said}");
    assert!(!said.contains(&format!("{name}/yado")), "left behind:\n{said}");
}

/// Files of other owners, marks of deleted ones, and a machine that goes before its copy.
#[test]
fn an_ordinary_users_machine_is_copied() {
    if !can_make_machines("an_ordinary_users_machine_is_copied") {
        return;
    }
    for user in [ANN, ALONE] {
        let said = in_a_place_of_its_own(&format!(
            r#"
as {user} '
    cd quickstart
    sed -i "s/^end/  config.vm.provision \"shell\", inline: \"echo text > \/srv\/file; rm \/etc\/debconf.conf\"\nend/" Vagrantfile
    yado up
    [ {user} = {ALONE} ] || yado ssh -c "echo own > ~/own"
    yado halt
    mkdir ../copy
    cd ../copy
    printf "Vagrant.configure(2) {{ |c| c.vm.clone = %s }}" "\"../quickstart\"" > Vagrantfile
    yado up
    cd ../quickstart
    yado destroy -f
    cd ../copy
    yado ssh -c "cat /srv/file; ls /etc/debconf.conf 2>/dev/null; stat -c %U /srv/file; cat ~/own 2>/dev/null; true"
    yado destroy -f
'
clean {user}
"#
        ));
        assert!(said.contains("Cloning the machine 'default' of '"), "{said}");
        let own = if user == ANN { "own\n" } else { "" };
        assert!(said.contains(&format!("\ntext\nroot\n{own}==> default: Forcing")), "{said}");
    }
}
