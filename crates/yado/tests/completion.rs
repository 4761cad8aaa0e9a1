//! `yado autocomplete`: real shells complete what is typed, and their start files are added to once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::process::Command;

use support::{Sandbox, has_programs};

const FILE: &str = r#"
puts "seen"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.define "web"
  config.vm.define "worker"
  config.vm.provision "setup", type: "shell", inline: "true"
end
File.write("touched", "") rescue nil
"#;

/// What a shell offers for a line whose cursor is at its end.
fn offered(sandbox: &Sandbox, shell: &str, script: &str) -> Vec<String> {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_yado")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command: Command = sandbox.command(&[]);
    let mut asked = Command::new(shell);
    asked.arg("-c").arg(script).current_dir(&sandbox.project).env_clear();
    asked.envs(command.env("PATH", path).get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = asked.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// By bash, which parts words at its own breaks.
fn by_bash(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "eval \"$(yado autocomplete script bash)\"; complete -p yado >/dev/null || exit 9; COMP_WORDS=(yado {}); \
         COMP_CWORD={}; _yado; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len()
    );
    offered(sandbox, "bash", &script).into_iter().filter(|line| !line.is_empty()).collect()
}

#[test]
fn bash_completes_commands_options_and_names() {
    let sandbox = Sandbox::new(FILE);
    assert_eq!(by_bash(&sandbox, &["ha"]), ["halt"]);
    assert_eq!(by_bash(&sandbox, &["snapshot", "re"]), ["restore"]);
    assert_eq!(by_bash(&sandbox, &["up", "w"]), ["web", "worker"]);
    assert_eq!(by_bash(&sandbox, &["ssh", "wo"]), ["worker"]);
    assert_eq!(by_bash(&sandbox, &["up", "--provider", "k"]), ["kvm"]);
    assert_eq!(by_bash(&sandbox, &["up", "--provider", "=", "dock"]), ["docker"]);
    assert_eq!(by_bash(&sandbox, &["up", "--provision-with", "se"]), ["setup"]);
    assert_eq!(by_bash(&sandbox, &["up", "--prov"]), ["--provision", "--provision-with", "--provider"]);
    assert!(by_bash(&sandbox, &["up", "x"]).is_empty());
    assert!(!sandbox.home().exists() && !sandbox.path(".yado").exists(), "a key makes nothing");
    // Also in a project that may do so when a command is given.
    sandbox.ok(&["trust"]);
    assert_eq!(by_bash(&sandbox, &["halt", "we"]), ["web"]);
    assert!(!sandbox.path("touched").exists());
    sandbox.write("Vagrantfile", "Vagrant.configure(");
    assert!(by_bash(&sandbox, &["halt", "we"]).is_empty());
}

#[test]
fn zsh_completes_them_too() {
    if !has_programs("completion of zsh", &["zsh"]) {
        return;
    }
    let sandbox = Sandbox::new(FILE);
    let offered = offered(
        &sandbox,
        "zsh",
        "compdef() { }; _files() { print files }; compadd() { print -l -- ${(P)2} }; eval \"$(yado autocomplete script \
         zsh)\"; words=(yado up w); CURRENT=3; _yado; words=(yado box add x); CURRENT=4; _yado",
    );
    assert_eq!(offered, ["web", "worker", "files"]);
}

#[test]
fn it_is_installed_once_where_the_user_asks() {
    let sandbox = Sandbox::empty();
    let home = sandbox.project.parent().unwrap().to_owned();
    let bash = home.join(".bashrc");
    sandbox.run(&["autocomplete", "install"]).refused(&["neither a '.bashrc' nor a '.zshrc'", "--bash"]);
    std::fs::write(&bash, "# mine\n").unwrap();
    let said = sandbox.ok(&["autocomplete", "install"]);
    assert!(said.contains(&format!("Autocomplete installed at paths:\n- {}", bash.display())), "{said}");
    assert!(!home.join(".zshrc").exists());
    let once = std::fs::read_to_string(&bash).unwrap();
    assert!(once.starts_with("# mine\n") && once.contains("yado autocomplete script bash"), "{once}");
    sandbox.ok(&["autocomplete", "install", "--bash", "--zsh"]);
    assert_eq!(std::fs::read_to_string(&bash).unwrap(), once);
    assert!(std::fs::read_to_string(home.join(".zshrc")).unwrap().contains("yado autocomplete script zsh"));
}

#[test]
fn commands_that_are_not_there_say_what_takes_their_place() {
    let sandbox = Sandbox::empty();
    sandbox.run(&["cloud", "box", "show", "x/y"]).refused(&["no command 'cloud'", "yado box add"]);
    sandbox.run(&["rdp", "--help"]).refused(&["Windows"]);
    let answer = sandbox.run(&["--machine-readable", "share"]);
    assert!(answer.out.contains(",error-exit,Vagrant::Errors::CLIInvalidUsage,"), "{answer:?}");
    sandbox.run(&["box", "cloud"]).refused(&["unrecognized subcommand"]);
}
