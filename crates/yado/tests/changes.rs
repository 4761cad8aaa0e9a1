//! A Vagrantfile that changes while its machines run: `yado plan` says what that means, and limits count at once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Sandbox, can_make_machines};

fn vagrantfile(limits: &str, rest: &str) -> String {
    format!(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  config.vm.provider \"container\" do |c|\n\
         {limits}\n  end\n{rest}\n  config.vm.provision \"greet\", type: \"shell\", inline: \"true\"\nend\n"
    )
}

/// How many processes can be had at the same time, at most this many. dash gives up at once where bash tries again.
fn processes(sandbox: &Sandbox, wish: u32) -> u32 {
    let script = format!("i=0; while [ $i -lt {wish} ]; do sleep 1 & i=$((i+1)); echo; done 2>/dev/null");
    let said = sandbox.run(&["ssh", "-c", &format!("exec dash -c '{script}'")]);
    std::thread::sleep(std::time::Duration::from_millis(1200));
    said.out.lines().count() as u32
}

/// What a program gets that wants this many MiB.
fn can_fill(sandbox: &Sandbox, mebibytes: u32) -> bool {
    // The first process's own limit is not that of one more program: what fails is killed, the machine goes on.
    let script = format!("head -c {mebibytes}M /dev/zero | tail -c {mebibytes}M | wc -c");
    let wanted = u64::from(mebibytes) << 20;
    sandbox.run(&["ssh", "-c", &script]).out.trim() == wanted.to_string()
}

#[test]
fn changed_limits_count_at_once_and_plan_says_so_before() {
    if !can_make_machines("changed_limits") {
        return;
    }
    let sandbox = Sandbox::new(&vagrantfile("c.memory = 96\n c.pids = 40", ""));
    let said = sandbox.ok(&["plan"]);
    for line in
        ["Now not created (container). `yado up` would", "- get the box 'host'", "- create the machine"]
    {
        assert!(said.contains(line), "{line} in:\n{said}");
    }
    assert!(said.contains("- start it with folder /vagrant\n"), "{said}");
    assert!(said.contains("- run the provisioner greet (shell)"), "{said}");
    assert!(sandbox.machines().is_empty());
    assert!(!sandbox.path(".yado").exists());

    sandbox.ok(&["up"]);
    let said = sandbox.ok(&["plan"]);
    assert!(said.contains("Nothing to do: running (container)"), "{said}");
    assert!(processes(&sandbox, 80) < 40);
    assert!(!can_fill(&sandbox, 160));
    let began = sandbox.inside("default", "cut -d' ' -f22 /proc/1/stat");

    let network = "  config.vm.network \"private_network\", ip: \"192.168.217.10\"";
    sandbox.write("Vagrantfile", &vagrantfile("c.memory = 512\n c.pids = 200\n c.cpus = 0.5", network));
    let said = sandbox.ok(&["plan"]);
    for line in [
        "- apply memory: 512 MiB instead of 96 MiB",
        "- apply cpus: 0.5 instead of no limit",
        "- apply pids: 200 instead of 40",
        "taken over at the next start (`yado reload`): networks",
    ] {
        assert!(said.contains(line), "{line} in:\n{said}");
    }
    assert!(processes(&sandbox, 80) < 40, "plan changed something");
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("==> default: Applying changed limits to the running machine..."), "{said}");
    assert!(said.contains("    default: memory: 512 MiB instead of 96 MiB"), "{said}");
    assert_eq!(processes(&sandbox, 80), 80);
    assert!(can_fill(&sandbox, 160));
    assert!(!sandbox.ok(&["up"]).contains("Applying"));

    sandbox.write("Vagrantfile", &vagrantfile("c.pids = 30", network));
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("memory: no limit instead of 512 MiB"), "{said}");
    assert!(said.contains("cpus: no limit instead of 0.5"), "{said}");
    assert!(processes(&sandbox, 80) < 30);
    assert_eq!(sandbox.inside("default", "cut -d' ' -f22 /proc/1/stat"), began);
    assert!(sandbox.ok(&["plan"]).contains("networks"));
    sandbox.ok(&["reload"]);
    assert!(!sandbox.ok(&["plan"]).contains("networks"));
    sandbox.ok(&["halt"]);
    let said = sandbox.ok(&["--machine-readable", "plan"]);
    assert!(said.contains(",default,plan,start\n"), "{said}");
    sandbox.destroy_and_audit();
}
