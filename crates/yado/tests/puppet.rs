//! `puppet` with the real Puppet.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod support;

use support::{Sandbox, can_make_machines, has_programs};

#[test]
fn manifests_are_applied_inside_the_machine_with_modules_and_facts() {
    if !can_make_machines("puppet") || !has_programs("puppet", &["puppet"]) {
        return;
    }
    let sandbox = Sandbox::new(
        r#"Vagrant.configure("2") do |config|
  config.vm.box = "host"
  # Nothing of the project is synced.
  config.vm.synced_folder ".", "/vagrant", disabled: true
  # Of this computer's Puppet only what is in /usr is there.
  config.vm.provision "shell", inline: "mkdir -p /var/lib/puppet"
  config.vm.provision "puppet" do |puppet|
    puppet.manifest_file = "site.pp"
    puppet.module_path = "modules"
    puppet.facter = { "place" => "the inn" }
  end
end
"#,
    );
    sandbox.run(&["up"]).refused(&["manifests", "does not exist", "Vagrantfile:7"]);
    sandbox.write("manifests/site.pp", "include greeting\n");
    sandbox.write(
        "modules/greeting/manifests/init.pp",
        "class greeting {\n  file { '/etc/said': content => \"hello from ${facts['place']}\\n\" }\n}\n",
    );
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("Running Puppet with site.pp...") && said.contains("Applied catalog"), "{said}");
    assert_eq!(
        sandbox.ok(&["ssh", "-c", "cat /etc/said; stat -c %U /etc/said"]),
        "hello from the inn\nroot\n"
    );

    // What is no longer in the project is no longer applied.
    std::fs::remove_file(sandbox.path("modules/greeting/manifests/init.pp")).unwrap();
    sandbox.run(&["provision"]).refused(&["Puppet failed", "Vagrantfile:7"]);
    sandbox.destroy_and_audit();
}
