//! A machine's triggers, as data.

use yado_core::spec::TriggerSpec;
use yado_ruby::{Args, Interpreter, Value};

use super::{list, map};
use crate::config::{ConfigCell, Extra};
use crate::json::to_json;
use crate::root::Root;
use crate::trigger::Trigger;

/// Those that are meant for the machine of this name, in the order in which they were asked for.
pub(super) fn of(interpreter: &mut Interpreter, config: &Root, machine: &str) -> Vec<TriggerSpec> {
    let Some(section) = config.sections.borrow().get("trigger").and_then(ConfigCell::of) else {
        return Vec::new();
    };
    let (before, after) = match &*section.extra.borrow() {
        Extra::Triggers(triggers) => (triggers.before.clone(), triggers.after.clone()),
        _ => return Vec::new(),
    };
    let sides = before.iter().map(|one| (one, false)).chain(after.iter().map(|one| (one, true)));
    sides.filter_map(|(one, after)| trigger(interpreter, one, after, machine)).collect()
}

fn trigger(interpreter: &mut Interpreter, one: &Trigger, after: bool, machine: &str) -> Option<TriggerSpec> {
    let cell = ConfigCell::of(&one.config)?;
    let config = cell.config.borrow();
    if let Value::Array(patterns) = config.get("only_on") {
        let name = Value::str(machine);
        let matches = |pattern: Value| {
            interpreter.send(&name, "match?", Args::one(pattern)).is_ok_and(|answer| answer.truthy())
        };
        if !patterns.to_vec().into_iter().any(matches) {
            return None;
        }
    }
    let number = |value: &Value| match value {
        Value::Int(number) => i32::try_from(*number).ok(),
        _ => None,
    };
    let exit_codes = match config.get("exit_codes") {
        Value::Array(codes) => codes.to_vec().iter().filter_map(number).collect(),
        _ => vec![0],
    };
    let mut script = |name: &str| {
        let value = config.get(name);
        (!value.is_nil()).then(|| map(to_json(interpreter, &value)))
    };
    let (run, run_remote) = (script("run"), script("run_remote"));
    Some(TriggerSpec {
        after,
        command: config.text("command").unwrap_or_default(),
        ignore: list(&config.get("ignore")),
        kind: config.text("type").unwrap_or_default(),
        name: config.text("name"),
        info: config.text("info"),
        warn: config.text("warn"),
        abort: number(&config.get("abort")),
        exit_codes,
        halt_on_error: config.text("on_error").as_deref() != Some("continue"),
        run,
        run_remote,
        ruby: matches!(config.get("ruby_block"), Value::Proc(_)),
        origin: one.origin.clone(),
    })
}
