//! What bad input gets: a message that says what, where and what to do; the reference's exit code; and nothing changed.

mod support;

use support::{Sandbox, can_make_machines};

const ONE: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
end
"#;

#[test]
fn without_a_vagrantfile_here_or_above() {
    let sandbox = Sandbox::empty();
    for command in [&["up"][..], &["status"], &["validate"], &["ssh"], &["config"]] {
        sandbox.run(command).refused(&["A Vagrant environment or target machine is required", "yado init"]);
    }
    assert!(!sandbox.path(".yado").exists());
}

#[test]
fn a_syntax_error_shows_file_line_and_the_fault() {
    let sandbox = Sandbox::new("Vagrant.configure(\"2\") do |config|\n  config.vm.box = = \"x\"\nend\n");
    for command in ["up", "validate", "status"] {
        let answer = sandbox.run(&[command]);
        answer.refused(&["syntax error", "Vagrantfile:2", "config.vm.box = = \"x\"", "^"]);
    }
}

#[test]
fn an_undefined_name_shows_path_line_and_message() {
    let sandbox = Sandbox::new("Vagrant.configure(\"2\") do |config|\n  config.vm.box = boks\nend\n");
    sandbox.run(&["status"]).refused(&["Vagrantfile", "2", "undefined local variable or method `boks'"]);
}

#[test]
fn an_unknown_setting_is_told_with_the_nearest_name() {
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  config.vm.hostnam = \"x\"\nend\n",
    );
    for command in ["validate", "up"] {
        sandbox.run(&[command]).refused(&[
            "There are errors in the configuration of this machine",
            "The following settings shouldn't exist: hostnam",
            "hostname",
            "Vagrantfile:3",
        ]);
    }
}

#[test]
fn an_unknown_setting_of_the_container_provider_too() {
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  config.vm.provider \"container\" do |c|\n    c.memroy = 64\n  end\nend\n",
    );
    sandbox.run(&["up"]).refused(&["memroy", "memory", "Vagrantfile:4"]);
}

#[test]
fn an_unknown_machine_is_told_with_the_nearest_name() {
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.define \"web\"\n  c.vm.define \"db\"\nend\n",
    );
    sandbox.run(&["status", "wbe"]).refused(&["The machine with the name 'wbe' was not found", "'web'"]);
    sandbox.run(&["status", "/x.*/"]).refused(&["No machines matched the regular expression"]);
    sandbox.run(&["ssh"]).refused(&["This command requires a specific VM name"]);
}

#[test]
fn an_unknown_provider_is_told_with_the_nearest_name() {
    let sandbox = Sandbox::new(ONE);
    sandbox.run(&["up", "--provider", "contaner"]).refused(&[
        "'contaner'",
        "could not be found",
        "'container'",
    ]);
}

#[test]
fn an_unknown_box_says_what_was_tried_and_leaves_nothing() {
    if !can_make_machines("an_unknown_box") {
        return;
    }
    let sandbox =
        Sandbox::new("Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"nobody/nothing\"\nend\n");
    sandbox.run(&["up"]).refused(&["nobody/nothing"]);
    assert!(sandbox.store().machines(None).unwrap().is_empty());
    assert!(!sandbox.path(".yado").exists());
}

#[test]
fn an_unknown_provisioner_is_found_before_anything_is_made() {
    if !can_make_machines("an_unknown_provisioner") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  config.vm.provision \"shel\", inline: \"true\"\nend\n",
    );
    sandbox.run(&["up"]).refused(&["The 'shel' provisioner could not be found"]);
    assert!(sandbox.store().machines(None).unwrap().is_empty());
}

#[test]
fn a_port_in_use_names_its_user_and_nothing_is_made() {
    if !can_make_machines("a_port_in_use") {
        return;
    }
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port();
    let sandbox = Sandbox::new(&format!(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.define \"first\"\n  c.vm.define \"second\" do |m|\n    m.vm.network \"forwarded_port\", guest: 80, host: {port}\n  end\nend\n"
    ));
    sandbox.run(&["up"]).refused(&[
        &port.to_string(),
        "already in use by another program",
        "auto_correct",
        "Vagrantfile:5",
    ]);
    assert!(sandbox.store().machines(None).unwrap().is_empty(), "the first machine was not made either");
    assert!(!sandbox.path(".yado").exists());
}

#[test]
fn commands_for_a_machine_that_is_not_there_say_so_and_succeed_as_the_reference_does() {
    let sandbox = Sandbox::new(ONE);
    for command in [&["halt"][..], &["destroy", "-f"], &["suspend"]] {
        let answer = sandbox.run(command);
        assert_eq!(answer.code, 0, "{answer:?}");
        assert!(answer.out.contains("VM not created. Moving on..."), "{answer:?}");
    }
    sandbox.run(&["ssh"]).refused(&["must be created and running", "yado up"]);
    assert!(!sandbox.path(".yado").exists());
}

#[test]
fn a_mistyped_command_is_answered_with_the_one_that_was_meant() {
    let sandbox = Sandbox::empty();
    sandbox.run(&["destory", "-f"]).refused(&["'destory'", "'destroy'"]);
    sandbox.run(&["uup"]).refused(&["'up'"]);
    let answer = sandbox.run(&["xyzzy"]);
    assert!(answer.code == 1 && !answer.err.contains("similar"), "{}", answer.err);
}

#[test]
fn no_command_and_wrong_options_fail_with_help() {
    let sandbox = Sandbox::new(ONE);
    let answer = sandbox.run(&[]);
    assert_eq!(answer.code, 1);
    assert!(answer.out.contains("Usage: yado"), "{answer:?}");
    assert_eq!(sandbox.run(&["up", "--nonsense"]).code, 1);
    assert_eq!(sandbox.run(&["--help"]).code, 0);
    assert_eq!(sandbox.run(&["help", "up"]).code, 0);
    assert_eq!(sandbox.run(&["--version"]).out, format!("yado {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn init_writes_a_vagrantfile_that_validates_and_never_replaces_one() {
    let sandbox = Sandbox::empty();
    sandbox.ok(&["init", "debian/bookworm64", "--box-version", "12.1"]);
    let text = std::fs::read_to_string(sandbox.path("Vagrantfile")).unwrap();
    assert!(text.contains("config.vm.box = \"debian/bookworm64\""));
    assert!(text.contains("config.vm.box_version = \"12.1\""));
    sandbox.run(&["init"]).refused(&["already exists"]);
    sandbox.write("own.erb", "<%= box_name %> <%= box_version %> <%= box_url.inspect %>\n");
    let own = ["init", "a/b", "--box-version", "1", "--template", "own", "--output", "-"];
    assert_eq!(sandbox.ok(&own), "a/b 1 nil\n");
    sandbox.run(&["init", "-f", "--template", "other"]).refused(&["other' does not exist"]);
    assert_eq!(sandbox.ok(&["init", "-m", "--output", "-"]).lines().last(), Some("end"));
    sandbox.ok(&["init", "-f", "-m"]);
    sandbox.ok(&["validate", "-p"]);
}

#[test]
fn a_vagrantfile_that_runs_programs_is_refused_until_it_is_trusted() {
    let sandbox =
        Sandbox::new("system(\"touch made\")\nVagrant.configure(\"2\") { |c| c.vm.box = \"host\" }\n");
    sandbox.run(&["validate", "-p"]).refused(&["touch made", "yado trust", "Vagrantfile"]);
    assert!(!sandbox.path("made").exists());
    sandbox.ok(&["validate", "-p", "--trust"]);
    assert!(sandbox.path("made").exists());
    std::fs::remove_file(sandbox.path("made")).unwrap();
    sandbox.ok(&["trust"]);
    sandbox.ok(&["validate", "-p"]);
    assert!(sandbox.path("made").exists());
    sandbox.ok(&["trust", "--revoke"]);
    assert_eq!(sandbox.run(&["validate", "-p"]).code, 1);
}

#[test]
fn a_synced_folder_of_the_system_needs_trust() {
    if !can_make_machines("system_folder") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.synced_folder \"/etc\", \"/hostetc\"\nend\n",
    );
    sandbox.run(&["up"]).refused(&["'/etc'", "yado trust", "Vagrantfile:3"]);
    assert!(sandbox.store().machines(None).unwrap().is_empty());
}

#[test]
fn addresses_that_no_machine_can_have_are_refused_with_their_place() {
    for address in ["127.0.0.5", "192.168.62.255", "10.0.0.300"] {
        let sandbox = Sandbox::new(&format!(
            "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.network \"private_network\", ip: \"{address}\"\nend\n"
        ));
        sandbox.run(&["validate"]).refused(&[address, "Vagrantfile:3"]);
    }
}

#[test]
fn provisioners_that_are_not_done_here_stop_nothing_but_themselves() {
    if !can_make_machines("a machine whose provisioner is not done") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  \
         config.vm.provision \"shell\", inline: \"echo one > /tmp/one\"\n  \
         config.vm.provision \"chef_client\" do |chef|\n    chef.chef_server_url = \"http://127.0.0.1:9\"\n    \
         chef.validation_key_path = \"key.pem\"\n  end\nend\n",
    );
    // Vagrant finds no fault in it, and neither does yado.
    sandbox.ok(&["validate"]);
    sandbox.run(&["up"]).refused(&["'chef_client'", "Vagrantfile:4", "--no-provision"]);
    assert!(sandbox.ok(&["status"]).contains("not created"), "nothing is changed before");
    sandbox.ok(&["up", "--no-provision"]);
    sandbox.ok(&["provision", "--provision-with", "shell"]);
    assert_eq!(sandbox.ok(&["ssh", "-c", "cat /tmp/one"]), "one\n");
    sandbox.run(&["provision"]).refused(&["'chef_client'", "Vagrantfile:4"]);
    sandbox.destroy_and_audit();
}
