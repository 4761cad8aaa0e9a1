//! systemd as the first process of machines whose box has it: services start, stop and fail as on a computer.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod support;

use support::{Sandbox, can_make_machines, debian};

/// A service that writes down when it starts and stops.
const SERVICE: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.box = "debian/bookworm64"
  config.vm.provision "shell", inline: <<-SHELL
    set -e
    cat > /etc/systemd/system/inn.service <<'UNIT'
[Service]
ExecStart=/bin/sh -c 'echo opened >> /var/lib/inn; exec sleep infinity'
ExecStop=/bin/sh -c 'sleep 0.2; echo closed >> /var/lib/inn'
[Install]
WantedBy=multi-user.target
UNIT
    systemctl enable --now inn
    systemctl is-active inn
  SHELL
end
"#;

#[test]
fn services_start_with_the_machine_and_stop_cleanly_with_it() {
    let Some(home) = debian::home("services") else { return };
    let sandbox = Sandbox::new(SERVICE).with_home(home);
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("    default: active\n"), "{said}");
    assert_eq!(
        sandbox.inside("default", "cat /proc/1/comm; systemctl is-system-running"),
        "systemd\nrunning\n"
    );
    // What is entered from outside is in a cgroup beneath the machine's own.
    assert!(sandbox.inside("default", "cat /proc/self/cgroup").contains("0::/init.scope"));
    sandbox.ok(&["suspend"]);
    sandbox.ok(&["resume"]);
    let said = sandbox.ok(&["halt"]);
    assert!(said.contains("Attempting graceful shutdown"), "{said}");
    sandbox.ok(&["up"]);
    assert_eq!(
        sandbox.inside("default", "systemctl is-active inn; cat /var/lib/inn"),
        "active\nopened\nclosed\nopened\n"
    );
    sandbox.destroy_and_audit();
}

#[test]
fn a_machine_with_a_failing_service_comes_up_and_says_which() {
    let Some(home) = debian::home("failing_service") else { return };
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "debian/bookworm64"
  config.vm.provision "shell", inline: <<-SHELL
    printf '[Service]\nType=oneshot\nExecStart=/bin/false\n[Install]\nWantedBy=multi-user.target\n' \
      > /etc/systemd/system/broken.service
    systemctl enable broken
  SHELL
end
"#,
    )
    .with_home(home);
    sandbox.ok(&["up"]);
    let said = sandbox.ok(&["reload"]);
    assert!(said.contains("could not be started: broken.service"), "{said}");
    sandbox.destroy_and_audit();
}

/// What Debian does since trixie, done in bookworm: systemd may not mount anything in a machine, so it must find it there.
#[test]
fn a_system_that_wants_its_tmp_in_memory_has_it_there() {
    let Some(home) = debian::home("tmp_in_memory") else { return };
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "debian/bookworm64"
  config.vm.provision "shell", inline: <<-SHELL
    cp /usr/share/systemd/tmp.mount /etc/systemd/system/
    systemctl enable tmp.mount
  SHELL
end
"#,
    )
    .with_home(home);
    sandbox.ok(&["up"]);
    let state = "systemctl is-system-running; findmnt --noheadings --output FSTYPE,TARGET /tmp || echo disk";
    assert_eq!(sandbox.inside("default", state), "running\ndisk\n");
    let said = sandbox.ok(&["reload"]);
    assert!(!said.contains("could not be started"), "{said}");
    assert_eq!(sandbox.inside("default", state), "running\ntmpfs  /tmp\n");
    assert_eq!(sandbox.inside("default", "stat --format %a:%U /tmp"), "1777:root\n");
    sandbox.ok(&[
        "ssh",
        "-c",
        "sudo systemctl mask tmp.mount --force || sudo ln -sf /dev/null /etc/systemd/system/tmp.mount",
    ]);
    sandbox.ok(&["reload"]);
    assert_eq!(sandbox.inside("default", state), "running\ndisk\n");
    sandbox.destroy_and_audit();
}

#[test]
fn the_vagrantfile_chooses_the_first_process() {
    let Some(home) = debian::home("first_process") else { return };
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "debian/bookworm64"
  config.vm.provider("container") { |c| c.init = "yado" }
end
"#,
    )
    .with_home(home);
    sandbox.ok(&["up"]);
    assert_eq!(sandbox.inside("default", "cat /proc/1/comm"), "init\n");
    sandbox.destroy_and_audit();
}

#[test]
fn a_box_without_systemd_is_refused_when_it_is_asked_for() {
    if !can_make_machines("no_systemd") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  \
         config.vm.provider(\"container\") { |c| c.init = \"systemd\" }\nend\n",
    );
    sandbox.run(&["up"]).refused(&["the box does not have it", "Vagrantfile:3"]);
    sandbox.write(
        "Vagrantfile",
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  \
         config.vm.provider(\"container\") { |c| c.init = \"upstart\" }\nend\n",
    );
    sandbox.run(&["up"]).refused(&["`init` must be 'auto', 'systemd' or 'yado', not \"upstart\"."]);
    if !sandbox.machines().is_empty() {
        sandbox.destroy_and_audit();
    }
}
