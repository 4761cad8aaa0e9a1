//! Ubuntu from its packages, under a name that Vagrantfiles have: its keys come by way of Debian's where the host has none.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod support;

use support::{Sandbox, debian};

#[test]
fn a_machine_of_ubuntu_is_made_from_its_packages_and_boots() {
    let Some(home) = debian::home("ubuntu") else { return };
    let vagrantfile = "Vagrant.configure(\"2\") { |config| config.vm.box = \"bento/ubuntu-22.04\" }\n";
    let sandbox = Sandbox::new(vagrantfile).with_home(home);
    let answer = sandbox.run(&["up"]);
    if answer.code != 0 && answer.err.contains("Ubuntu's package mirror does not answer") {
        eprintln!("skipped: {}", answer.err);
        return;
    }
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    assert_eq!(
        sandbox
            .inside("default", ". /etc/os-release; echo $ID $VERSION_CODENAME; systemctl is-system-running"),
        "ubuntu jammy\nrunning\n"
    );
    // Nothing is half-installed, and the system knows where more of it is.
    let sources = "sudo dpkg --audit; grep -c '^deb .*ubuntu jammy.* main ' /etc/apt/sources.list";
    assert_eq!(sandbox.inside("default", sources), "3\n");
    sandbox.destroy_and_audit();
}
