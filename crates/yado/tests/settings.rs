//! Settings that yado goes by in its own way, or not at all: what they do inside a machine, and what the user is told.

mod support;

use support::{Sandbox, can_make_machines};

#[test]
fn what_has_no_effect_is_told_once_with_its_place() {
    if !can_make_machines("without_effect") {
        return;
    }
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.ssh.insert_key = false
  config.ssh.forward_agent = true
  config.ssh.forward_x11 = false
  config.winrm.username = "someone"
  config.nfs.map_uid = 1
  config.smb.functional = false
  config.vm.guest = :linux
  config.vm.network "private_network", ip: "192.168.213.10", nic_type: "virtio"
  config.vm.synced_folder ".", "/vagrant", type: "rsync", rsync__exclude: ".git/"
  config.vagrant.sensitive = ["swordfish"]
  config.ssh.forward_env = ["SHIBBOLETH"]
  config.vm.provision "shell", inline: "echo the word is swordfish"
  config.vm.define "a"
  config.vm.define "b", autostart: false
end
"#,
    )
    .with_variable("SHIBBOLETH", "ears of corn");
    let said = sandbox.ok(&["up"]);
    for (setting, line) in [
        ("'config.ssh.insert_key' has no effect", 4),
        ("'config.ssh.forward_agent' has no effect", 5),
        ("'config.winrm.username' has no effect", 7),
        ("'config.nfs.map_uid' has no effect", 8),
        ("'config.smb.functional' has no effect", 9),
        ("'nic_type' of a private_network has no effect", 11),
        ("'rsync__exclude' of a synced folder has no effect", 12),
    ] {
        let told: Vec<&str> = said.lines().filter(|text| text.contains(setting)).collect();
        assert_eq!(told.len(), 1, "{setting} in:\n{said}");
        assert!(told[0].contains(&format!("Vagrantfile:{line}")), "{}", told[0]);
    }
    assert_eq!(said.matches("no effect").count(), 7, "{said}");
    assert!(said.contains("the word is *****") && !said.contains("swordfish"), "{said}");
    assert_eq!(sandbox.inside("a", "echo $SHIBBOLETH"), "ears of corn\n");
    sandbox.destroy_and_audit();
}

#[test]
fn hidden_words_are_hidden_from_programs_too() {
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vagrant.sensitive = [\"swordfish\"]\n  c.vm.box = \"./swordfish\"\nend\n",
    );
    let answer = sandbox.run(&["up", "--machine-readable"]);
    assert_eq!(answer.code, 1);
    assert!(answer.out.contains("error-exit") && answer.out.contains("*****"), "{answer:?}");
    assert!(!answer.out.contains("swordfish"), "{answer:?}");
}

#[test]
fn an_env_file_is_read_where_it_is_asked_for() {
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.env.enable
  config.vm.box = ENV.fetch("BOX")
  config.vm.hostname = ENV["NAME"]
end
"#,
    )
    .with_variable("SHELL_BOX", "from-outside");
    sandbox.write(
        ".env",
        "# a comment\nexport BOX=\"host-${SHELL_BOX}\" # more\nNAME='in#quotes'\nHOME=never\n\nSHELL_BOX=ignored\n",
    );
    let said = sandbox.ok(&["config"]);
    assert!(said.contains("vm.box = \"host-from-outside\""), "{said}");
    assert!(said.contains("vm.hostname = \"in#quotes\""), "{said}");
}

#[test]
fn time_zone_and_proxies_are_set_inside_and_taken_back() {
    if !can_make_machines("time_zone_and_proxies") {
        return;
    }
    let plain = "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  REST\nend\n";
    let wanted = r#"config.timezone.value = "Pacific/Auckland"
  config.proxy.http = "http://proxy.example:3128/"
  config.proxy.no_proxy = "localhost,10.0.0.0/8"
  config.proxy.shout = true
  config.apt_proxy.http = "http://cache.example:3142"
  config.vm.provision "shell", inline: "echo seen $http_proxy $NO_PROXY""#;
    let sandbox = Sandbox::new(&plain.replace("REST", wanted));
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("seen http://proxy.example:3128/ localhost,10.0.0.0/8"), "{said}");
    assert!(
        said.contains("Of 'config.proxy' (settings of a plugin), these have no effect: shout."),
        "{said}"
    );
    assert!(!said.contains("config.timezone"), "{said}");
    assert_eq!(
        sandbox.inside("default", "cat /etc/timezone; date +%Z").lines().next(),
        Some("Pacific/Auckland")
    );
    let zone = sandbox.inside("default", "date -d 2026-07-01T00:00:00Z +%z");
    assert_eq!(zone, "+1200\n");
    let environment = sandbox.inside("default", "cat /etc/environment");
    assert!(environment.contains("http_proxy=http://proxy.example:3128/\n"), "{environment}");
    sandbox.ok(&["ssh", "default", "--", "-l", "root", "mkdir -p /etc/apt/apt.conf.d"]);
    sandbox.ok(&["reload"]);
    let apt = sandbox.inside("default", "cat /etc/apt/apt.conf.d/01yado-proxy");
    assert_eq!(apt, "Acquire::http::Proxy \"http://cache.example:3142\";\n");
    sandbox.write("Vagrantfile", &plain.replace("REST", ""));
    sandbox.ok(&["reload"]);
    assert_eq!(
        sandbox.inside(
            "default",
            "echo [$http_proxy]; grep -c proxy /etc/environment; ls /etc/apt/apt.conf.d /etc/profile.d | grep yado; true"
        ),
        "[]\n0\n"
    );
    sandbox.destroy_and_audit();
}
