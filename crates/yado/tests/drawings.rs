//! How faults are drawn: Vagrant's lines, with the line at fault and a mark below each, from every file at once.

mod support;

use support::Sandbox;

const SHARED: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.hostnam = "x"
end
"#;

const MACHINES: &str = r#"
load "shared.rb"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  %w[web db].each { |name| config.vm.define name }
  config.vm.define("odd") { |odd| odd.vm.provision "shell" }
end
"#;

#[test]
fn all_faults_of_all_machines_and_files_are_drawn_once() {
    let sandbox = Sandbox::new(MACHINES);
    sandbox.write("shared.rb", SHARED);
    let answer = sandbox.run(&["validate"]);
    let folder = sandbox.project.display();
    let expected = format!(
        r#"There are errors in the configuration of this machine. Please fix
the following errors and try again:

vm:
* The following settings shouldn't exist: hostnam
 --> {folder}/shared.rb:3:3
  |
3 |   config.vm.hostnam = "x"
  |   ^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: 'hostnam' looks like 'hostname'

odd: shell provisioner:
* One of `path` or `inline` must be set.
 --> {folder}/Vagrantfile:6:35
  |
6 |   config.vm.define("odd") {{ |odd| odd.vm.provision "shell" }}
  |                                   ^^^^^^^^^^^^^^^^^^^^^^^^

"#
    );
    assert_eq!((answer.code, answer.out.as_str(), answer.err.as_str()), (1, "", expected.as_str()));
}

#[test]
fn an_error_of_evaluation_is_drawn_in_the_file_that_it_is_in() {
    let sandbox = Sandbox::new("load 'shared.rb'\nsetup\n");
    sandbox.write("shared.rb", "def setup\n  ä = 'ö'; ä.frobnicate(1)\nend\n");
    let answer = sandbox.run(&["validate"]);
    answer.refused(&["Message: NoMethodError: undefined method `frobnicate' for \"ö\":String"]);
    let mark = "shared.rb:2:12\n  |\n2 |   ä = 'ö'; ä.frobnicate(1)\n  |            ^^^^^^^^^^^^^^^ undefined method `frobnicate'";
    assert!(answer.err.contains(mark), "{}", answer.err);
}

#[test]
fn colours_are_for_terminals_and_those_who_ask() {
    let sandbox = Sandbox::new("Vagrant.configure('2') { |config| config.vm.hostnam = 'x' }\n");
    assert!(!sandbox.run(&["validate"]).err.contains('\x1b'));
    assert!(sandbox.run(&["validate", "--color"]).err.contains("\x1b[94m--> \x1b[0m"));
    let lines = sandbox.run(&["validate", "--color", "--machine-readable"]).out;
    assert!(
        lines.contains("error-exit,Vagrant::Errors::ConfigInvalid,") && !lines.contains('\x1b'),
        "{lines}"
    );
}

/// A place can be made up: `eval` takes any name for a file. What lies there is not shown.
#[test]
fn a_made_up_place_shows_nothing_of_the_file_that_it_names() {
    let sandbox = Sandbox::empty();
    let secret = sandbox.project.parent().expect("a folder around the project").join("id_rsa");
    std::fs::write(&secret, "TOP-SECRET-KEY\n").expect("a file");
    let lines = [
        "eval('raise \"x\"', binding, 'SECRET', 1)",
        "Vagrant.configure('2') { |c| eval('c.vm.boxx = 1', binding, 'SECRET', 1) }",
        "Vagrant.configure('2') { |c| eval('c.vm.network \"forwarded_port\", guest: 0, host: 1', binding, 'SECRET', 1) }",
    ];
    for line in lines {
        sandbox.write("Vagrantfile", &line.replace("SECRET", &secret.to_string_lossy()));
        for command in [&["validate"][..], &["up"], &["config", "--json"]] {
            let answer = sandbox.run(command);
            let shown = format!("{}{}", answer.out, answer.err);
            assert!(!shown.contains("TOP-SECRET"), "{line}: {shown}");
        }
    }
}
