//! `yado up --timings` with real machines: that what was slow on purpose is found, and that the trace fits together.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::{Sandbox, can_make_machines};

const TWO: &str = r"
Vagrant.configure('2') do |config|
  config.vm.box = 'host'
  config.vm.provision 'slow', type: 'shell', inline: 'sleep 0.5'
  config.vm.define 'a'
  config.vm.define 'b'
end
";

#[test]
fn the_tree_and_the_trace_tell_what_was_slow() {
    if !can_make_machines("timings") {
        return;
    }
    let sandbox = Sandbox::new(TWO);
    sandbox.run(&["up", "--timings=missing/trace.json"]).refused(&["its folder does not exist"]);
    assert!(sandbox.machines().is_empty(), "it is told before the work");
    let said = sandbox.ok(&["up", "--timings=trace.json"]);
    for words in ["in all", "read the Vagrantfile", "machine a", "machine b", "provisioner slow", "start it"]
    {
        assert!(said.contains(words), "'{words}' is missing:\n{said}");
    }
    let trace: Value = serde_json::from_slice(&std::fs::read(sandbox.path("trace.json")).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let complete: Vec<(&str, u64, f64, f64)> = events
        .iter()
        .filter(|event| event["ph"] == "X")
        .map(|event| {
            let number = |name: &str| event[name].as_f64().unwrap();
            (event["name"].as_str().unwrap(), event["tid"].as_u64().unwrap(), number("ts"), number("dur"))
        })
        .collect();
    let slow: Vec<_> = complete.iter().filter(|event| event.0.contains("slow")).collect();
    assert_eq!(slow.len(), 2, "one for each machine");
    assert!(slow.iter().all(|event| event.3 > 500_000.0), "{slow:?}");
    // Two machines at once, on threads of their own: each began before the other had ended.
    assert_ne!(slow[0].1, slow[1].1);
    let machine = |name: &str| complete.iter().find(|event| event.0 == name).unwrap();
    let (a, b) = (machine("machine a"), machine("machine b"));
    assert!(a.2 < b.2 + b.3 && b.2 < a.2 + a.3, "{a:?} {b:?}");
    // On one thread, pieces of work lie within each other or follow each other: viewers refuse anything else.
    for one in &complete {
        for other in complete.iter().filter(|other| other.1 == one.1) {
            let (ends, others_end) = (one.2 + one.3, other.2 + other.3);
            let crosses = one.2 < other.2 && other.2 < ends - 0.5 && others_end > ends + 0.5;
            assert!(!crosses, "{one:?} {other:?}");
        }
    }
    let all = machine("in all").3;
    assert!(complete.iter().all(|event| event.2 + event.3 <= all + 0.5));

    let again = sandbox.ok(&["up", "--timings"]);
    assert!(again.contains("in all") && !again.contains("provisioner slow"), "{again}");
    assert!(!sandbox.ok(&["up"]).contains("in all"));
    sandbox.destroy_and_audit();
}

#[test]
fn an_up_that_fails_tells_where_the_time_went_until_then() {
    if !can_make_machines("timings of a failure") {
        return;
    }
    let sandbox = Sandbox::new(&TWO.replace("sleep 0.5", "exit 3"));
    let answer = sandbox.run(&["up", "a", "--timings"]);
    assert_eq!(answer.code, 1);
    assert!(answer.out.contains("provisioner slow"), "{}", answer.out);
    sandbox.destroy_and_audit();
}
