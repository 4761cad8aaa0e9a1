//! Real machines by the program, as a user would make them; after each test the host is audited.

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Answer, Sandbox, can_make_machines, get_until};

fn example(name: &str) -> Sandbox {
    Sandbox::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name))
}

#[test]
fn quickstart_serves_a_page_and_goes_without_a_trace() {
    if !can_make_machines("quickstart") {
        return;
    }
    let sandbox = example("quickstart");
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("Bringing machine 'default' up with 'container' provider..."), "{said}");
    assert!(said.contains("==> default: Running provisioner: serve (shell)..."), "{said}");
    assert!(said.contains("    default: serving /srv/site on port 80"), "{said}");
    assert!(said.contains("Machine 'default' has a post `vagrant up` message."), "{said}");
    let port = sandbox.port("default", 80);
    assert!(get_until(port, "It works.").contains("200 OK"));
    sandbox.write("site/index.html", "edited outside");
    get_until(port, "edited outside");
    assert_eq!(sandbox.inside("default", "hostname; id -un"), "quickstart\nvagrant\n");
    assert!(sandbox.ok(&["status"]).contains("default                   running (container)"));
    sandbox.destroy_and_audit();
}

#[test]
fn a_commands_exit_code_and_output_pass_through() {
    if !can_make_machines("exit_code") {
        return;
    }
    let sandbox = Sandbox::new(ONE);
    sandbox.ok(&["up"]);
    let answer = sandbox.run(&["ssh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((answer.code, answer.out.as_str(), answer.err.as_str()), (7, "out\n", "err\n"));
    sandbox.destroy_and_audit();
}

const ONE: &str = "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\nend\n";

#[test]
fn halt_and_up_keep_the_data_and_do_not_provision_again() {
    if !can_make_machines("halt_and_up") {
        return;
    }
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.provision "shell", inline: "echo once >> /home/vagrant/log"
  config.vm.provision "shell", run: "always", inline: "echo always >> /home/vagrant/log"
  config.vm.provision "never", type: "shell", run: "never", inline: "echo never >> /home/vagrant/log"
end
"#,
    );
    sandbox.ok(&["up"]);
    sandbox.ok(&["halt"]);
    assert!(sandbox.ok(&["status"]).contains("stopped (container)"));
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("Machine already provisioned."), "{said}");
    assert_eq!(sandbox.inside("default", "cat log"), "once\nalways\nalways\n");
    sandbox.ok(&["provision", "--provision-with", "never"]);
    sandbox.ok(&["reload"]);
    assert_eq!(sandbox.inside("default", "cat log"), "once\nalways\nalways\nnever\nalways\n");
    sandbox.ok(&["provision"]);
    assert_eq!(sandbox.inside("default", "tail -n 2 log"), "once\nalways\n");
    for command in ["up", "reload"] {
        let said = sandbox.run(&[command, "--provision-with", "nothing"]);
        said.refused(&["'nothing' is not a known provisioner"]);
    }
    sandbox.destroy_and_audit();
}

#[test]
fn a_failed_provisioner_keeps_the_machine_and_up_goes_on_there() {
    if !can_make_machines("failed_provisioner") {
        return;
    }
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.provision "first", type: "shell", inline: "echo first >> ~vagrant/log"
  config.vm.provision "second", type: "shell", inline: "test -e /vagrant/ready && echo second >> ~vagrant/log"
  config.vm.provision "third", type: "shell", inline: "echo third >> ~vagrant/log"
end
"#,
    );
    sandbox.run(&["up"]).refused(&["non-zero exit status", "Exit status: 1"]);
    assert!(sandbox.ok(&["status"]).contains("running (container)"));
    sandbox.write("ready", "");
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("Going on at second (shell)"), "{said}");
    assert_eq!(sandbox.inside("default", "cat log"), "first\nsecond\nthird\n");
    assert!(sandbox.ok(&["up"]).contains("already provisioned"));
    sandbox.destroy_and_audit();
}

#[test]
fn provisioners_get_their_arguments_environment_and_rights() {
    if !can_make_machines("provisioners") {
        return;
    }
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.provision "shell", path: "script.sh", args: ["a b", "c"], env: { "WORD" => "it's" }, privileged: false
  config.vm.provision "shell", name: "root", inline: "echo $(id -un) $HOME $(pwd)"
  config.vm.provision "shell", inline: "echo secret is $KEY", env: { KEY: "hunter2" }, sensitive: true
  config.vm.provision "file", source: "tree", destination: "~/copied"
  config.vm.provision "file", source: "script.sh", destination: "/tmp/deep/er/script"
end
"#,
    );
    sandbox.write("script.sh", "#!/bin/bash\r\necho \"$# <$1> <$2> $WORD $(id -un)\"\r\n");
    sandbox.write("tree/inner/file", "content");
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("    default: 2 <a b> <c> it's vagrant\n"), "{said}");
    assert!(said.contains("    default: root /root /home/vagrant\n"), "{said}");
    assert!(said.contains("Running: script: root"), "{said}");
    assert!(said.contains("secret is *****") && !said.contains("hunter2"), "{said}");
    assert_eq!(
        sandbox.inside("default", "cat copied/inner/file; stat -c %U copied/inner/file /tmp/deep/er/script"),
        "contentvagrant\nvagrant\n"
    );
    sandbox.destroy_and_audit();
}

#[test]
fn settings_of_well_known_plugins_are_no_mistake_and_reload_restarts_the_machine() {
    if !can_make_machines("plugins") {
        return;
    }
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.hostmanager.enabled = true
  config.trigger.after(:up) { |trigger| trigger.info = "done" }
  config.vm.provision "shell", inline: "stat -c %y /proc/1 > /home/vagrant/before"
  config.vm.provision :reload
  config.vm.provision "shell", inline: "stat -c %y /proc/1 > /home/vagrant/after"
end
"#,
    );
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("'config.hostmanager' (settings of a plugin) has no effect"), "{said}");
    assert!(said.contains("==> default: Running action triggers after up ...\n"), "{said}");
    assert_eq!(said.matches("Machine booted and ready!").count(), 2, "{said}");
    sandbox.inside("default", "! cmp -s before after");
    sandbox.destroy_and_audit();
}

#[test]
fn a_machine_whose_first_process_died_is_started_again() {
    if !can_make_machines("first_process_died") {
        return;
    }
    let sandbox = Sandbox::new(ONE);
    sandbox.ok(&["up"]);
    sandbox.inside("default", "echo kept > file");
    let engine = yado_container::Engine::open(sandbox.home().join("engine")).unwrap();
    let pid = rustix::process::Pid::from_raw(engine.list().unwrap()[0].pid()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    while !sandbox.ok(&["status"]).contains("stopped (container)") {
        std::thread::sleep(Duration::from_millis(20));
    }
    sandbox.ok(&["up"]);
    assert_eq!(sandbox.inside("default", "cat file"), "kept\n");
    sandbox.destroy_and_audit();
}

#[test]
fn a_user_that_the_machine_does_not_have_is_told_once_and_never_in_a_commands_output() {
    if !can_make_machines("other_user") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.ssh.username = \"ubuntu\"\n  c.vm.provision \"shell\", privileged: false, inline: \"id -un\"\nend\n",
    );
    let said = sandbox.ok(&["up"]);
    assert_eq!(said.matches("has no user 'ubuntu'").count(), 1, "{said}");
    assert!(said.contains("    default: vagrant\n"), "{said}");
    assert_eq!(sandbox.inside("default", "echo hi"), "hi\n");
    assert_eq!(sandbox.ok(&["ssh", "--", "-l", "root", "id", "-un"]), "root\n");
    sandbox.destroy_and_audit();
}

const THREE: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  (1..3).each do |i|
    config.vm.define "node#{i}" do |node|
      node.vm.hostname = "node#{i}.example.test"
      node.vm.network "private_network", ip: "192.168.NET.1#{i}"
      node.vm.provision "shell", inline: "echo here is $(hostname)"
    end
  end
  config.vm.define "spare", autostart: false
end
"#;

#[test]
fn machines_find_and_reach_each_other_by_name() {
    if !can_make_machines("names") {
        return;
    }
    let sandbox = Sandbox::new(&THREE.replace("NET", "201"));
    let said = sandbox.ok(&["up"]);
    for node in ["node1", "node2", "node3"] {
        assert!(said.contains(&format!("    {node}: here is {node}.example.test")), "{said}");
    }
    let serve = "setsid perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalPort=>9000,Listen=>1);$c=$s->accept;print $c \"hello from node2\\n\"' >/dev/null 2>&1 </dev/null & sleep 1";
    sandbox.inside("node2", serve);
    let ask = "perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(\"node2:9000\") or die; print <$s>'";
    assert_eq!(sandbox.inside("node1", ask), "hello from node2\n");
    for name in ["node1", "node2.example.test", "node3"] {
        let hosts = sandbox.inside("node3", &format!("getent hosts {name}"));
        assert!(hosts.contains("192.168.201.1") || name == "node3", "{hosts}");
    }
    assert!(sandbox.ok(&["status"]).contains("spare                     not created (container)"));
    assert!(
        sandbox.ok(&["status", "/node[12]/"]).lines().filter(|line| line.contains("running")).count() == 2
    );
    sandbox.ok(&["up", "spare"]);
    // A machine that came later is known to those that were there.
    assert!(sandbox.inside("node1", "getent hosts spare").contains("10."));
    sandbox.ok(&["destroy", "-f", "node3"]);
    assert!(sandbox.ok(&["status", "node3"]).contains("not created"));
    sandbox.destroy_and_audit();
}

#[test]
fn tcp_and_udp_ports_are_forwarded_and_collisions_corrected() {
    if !can_make_machines("ports") {
        return;
    }
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = busy.local_addr().unwrap().port();
    let sandbox = Sandbox::new(&format!(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.usable_port_range = 23400..23450
  config.vm.network "forwarded_port", guest: 7000, host: {taken}, auto_correct: true
  config.vm.network "forwarded_port", guest: 7001, host: 23461, protocol: "udp"
  config.vm.provision "shell", run: "always", inline: <<-'SHELL'
    setsid perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalPort=>7000,Listen=>9,ReuseAddr=>1);while($c=$s->accept){{<$c>;print $c "tcp answer\n";close $c}}' >/dev/null 2>&1 </dev/null &
    setsid perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalPort=>7001,Proto=>"udp");while($s->recv($m,99)){{$s->send("udp $m")}}' >/dev/null 2>&1 </dev/null &
  SHELL
end
"#
    ));
    let said = sandbox.ok(&["up"]);
    assert!(said.contains(&format!("Fixed port collision for 7000 => {taken}. Now on port 234")), "{said}");
    get_until(sandbox.port("default", 7000), "tcp answer");
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut answer = [0; 99];
    let length = (0..20)
        .find_map(|_| {
            socket.send_to(b"question", "127.0.0.1:23461").unwrap();
            socket.recv(&mut answer).ok()
        })
        .expect("an answer by UDP");
    assert_eq!(&answer[..length], b"udp question");
    let listed = sandbox.ok(&["port", "--machine-readable"]);
    assert!(listed.contains(",default,forwarded_port,7001,23461"), "{listed}");
    sandbox.destroy_and_audit();
}

#[test]
fn the_way_out_leads_through_the_host() {
    if !can_make_machines("way_out") {
        return;
    }
    // An address of this host that is not on the machine's own network stands for the world.
    let probe = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let Ok(()) = probe.connect("198.51.100.1:9") else {
        support::skipped::because("way_out", "this host has no way out itself");
        return;
    };
    let outside = probe.local_addr().unwrap().ip();
    let listener = std::net::TcpListener::bind((outside, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let sandbox = Sandbox::new(ONE);
    sandbox.ok(&["up"]);
    let asked = std::thread::spawn(move || listener.accept().map(|(_, peer)| peer));
    sandbox.inside(
        "default",
        &format!("perl -MIO::Socket::INET -e 'IO::Socket::INET->new(\"{outside}:{port}\") or die $@'"),
    );
    asked.join().unwrap().unwrap();
    sandbox.destroy_and_audit();
}

#[test]
fn files_of_synced_folders_belong_to_the_user_on_both_sides() {
    use std::os::unix::fs::MetadataExt;
    if !can_make_machines("synced_folders") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.synced_folder \"data\", \"/data\", create: true\n  c.vm.synced_folder \"ro\", \"/ro\", mount_options: [\"ro\"]\nend\n",
    );
    sandbox.write("ro/file", "x");
    for path in [&sandbox.project, &sandbox.path("ro")] {
        std::os::unix::fs::chown(path, Some(4321), Some(4321)).unwrap();
    }
    sandbox.ok(&["up"]);
    sandbox.inside("default", "echo mine > /vagrant/made && sudo -n true 2>/dev/null; echo x > /data/file");
    let made = std::fs::metadata(sandbox.path("made")).unwrap();
    assert_eq!((made.uid(), made.gid()), (4321, 4321));
    assert!(sandbox.path("data/file").exists());
    assert_ne!(sandbox.run(&["ssh", "-c", "echo y > /ro/file"]).code, 0);
    sandbox.destroy_and_audit();
}

#[test]
fn a_program_that_takes_too_much_memory_is_killed_and_its_neighbour_is_not() {
    if !can_make_machines("memory") {
        return;
    }
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.define "small" do |m|
    m.vm.provider("container") { |c| c.memory = 64; c.cpus = 0.5; c.pids = 64 }
  end
  config.vm.define "large"
end
"#,
    );
    sandbox.ok(&["up"]);
    let take = "perl -e '$x = \"x\" x (200 << 20); print length $x, \"\\n\"'";
    let answer = sandbox.run(&["ssh", "small", "-c", take]);
    assert_eq!(answer.code, 137, "{answer:?}");
    assert_eq!(sandbox.inside("large", take), format!("{}\n", 200 << 20));
    assert_eq!(sandbox.inside("small", "echo alive"), "alive\n");
    // A fork bomb ends at the limit.
    let many = "for i in $(seq 200); do sleep 5 & done 2>&1 | grep -c 'Resource temporarily unavailable'";
    assert_ne!(sandbox.run(&["ssh", "small", "-c", many]).out.trim(), "0");
    sandbox.destroy_and_audit();
}

#[test]
fn a_suspended_machine_goes_on_where_it_was() {
    if !can_make_machines("suspend") {
        return;
    }
    let sandbox = Sandbox::new(ONE);
    sandbox.ok(&["up"]);
    sandbox.inside("default", "setsid sleep 999 >/dev/null 2>&1 & echo $! > /tmp/pid");
    sandbox.ok(&["suspend"]);
    assert!(sandbox.ok(&["status"]).contains("suspended (container)"));
    sandbox.run(&["ssh", "-c", "true"]).refused(&["must be created and running"]);
    sandbox.ok(&["resume"]);
    sandbox.inside("default", "kill -0 $(cat /tmp/pid)");
    sandbox.ok(&["suspend"]);
    sandbox.destroy_and_audit();
}

#[test]
fn machines_are_operated_by_id_from_anywhere_also_without_their_vagrantfile() {
    if !can_make_machines("by_id") {
        return;
    }
    let sandbox = Sandbox::new(ONE);
    sandbox.ok(&["up"]);
    let id = sandbox.store().machines(None).unwrap()[0].id.clone();
    std::fs::remove_file(sandbox.path("Vagrantfile")).unwrap();
    let elsewhere = |arguments: &[&str]| {
        let output = sandbox.command(arguments).current_dir("/").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(elsewhere(&["global-status"]).contains(&id[..7]));
    assert_eq!(elsewhere(&["ssh", &id[..7], "-c", "echo inside"]), "inside\n");
    elsewhere(&["halt", &id[..7]]);
    let traces = support::audit::Traces::of(&sandbox);
    sandbox.ok(&["destroy", "-f"]);
    traces.assert_gone(&sandbox);
}

#[test]
fn two_ups_in_one_directory_make_one_machine_and_one_clear_message() {
    if !can_make_machines("two_ups") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.provision \"shell\", inline: \"sleep 3\"\nend\n",
    );
    let both = [sandbox.start(&["up"]), sandbox.start(&["up"])];
    let answers: Vec<_> = both.map(|child| child.wait_with_output().unwrap()).into_iter().collect();
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status.success());
    let text = |answer: &std::process::Output| String::from_utf8_lossy(&answer.stderr).into_owned();
    assert_eq!(good.len(), 1, "{}\n---\n{}", text(&answers[0]), text(&answers[1]));
    assert!(
        text(bad[0]).contains("another process is already executing an action on the machine"),
        "{}",
        text(bad[0])
    );
    assert_eq!(sandbox.store().machines(None).unwrap().len(), 1);
    sandbox.destroy_and_audit();
}

#[test]
fn two_directories_that_want_one_port_share_it_by_correction_or_refusal() {
    if !can_make_machines("two_directories") {
        return;
    }
    let file = |correct: bool| {
        format!(
            "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.usable_port_range = 23500..23550\n  c.vm.network \"forwarded_port\", guest: 80, host: 23499, auto_correct: {correct}\nend\n"
        )
    };
    let first = Sandbox::new(&file(true));
    // The same home: one user, two projects.
    let second = first.path("second");
    std::fs::create_dir(&second).unwrap();
    std::fs::write(second.join("Vagrantfile"), file(true)).unwrap();
    let children = [
        first.start(&["up"]),
        first.command(&["up"]).current_dir(&second).stdout(std::process::Stdio::null()).spawn().unwrap(),
    ];
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let mut ports: Vec<u16> = first
        .store()
        .machines(None)
        .unwrap()
        .iter()
        .flat_map(|machine| {
            let forwards: Vec<yado_core::Forward> =
                serde_json::from_str(machine.forwards.as_deref().unwrap()).unwrap();
            forwards.into_iter().map(|forward| forward.host_port).collect::<Vec<_>>()
        })
        .collect();
    ports.sort_unstable();
    assert_eq!(ports, [23499, 23500]);
    let third = first.path("third");
    std::fs::create_dir(&third).unwrap();
    std::fs::write(third.join("Vagrantfile"), file(false)).unwrap();
    let output = first.command(&["up"]).current_dir(&third).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("23499") && text.contains("already in use by the machine 'default'"), "{text}");
    let traces = support::audit::Traces::of(&first);
    assert!(first.command(&["destroy", "-f"]).current_dir(&second).status().unwrap().success());
    first.ok(&["destroy", "-f"]);
    traces.assert_gone(&first);
}

#[test]
fn ctrl_c_stops_cleanly_and_leaves_nothing() {
    if !can_make_machines("ctrl_c") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.provision \"shell\", inline: \"echo begun; sleep 100\"\nend\n",
    );
    let child = sandbox.start(&["up"]);
    let begin = std::time::Instant::now();
    while sandbox.store().machines(None).unwrap().iter().all(|machine| machine.state != "running") {
        assert!(begin.elapsed() < Duration::from_secs(60), "the machine never ran");
        std::thread::sleep(Duration::from_millis(50));
    }
    let traces = support::audit::Traces::of(&sandbox);
    std::thread::sleep(Duration::from_millis(300));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(90));
    let answer = Answer {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    answer.refused(&["Exiting due to interrupt."]);
    traces.assert_gone(&sandbox);
}
