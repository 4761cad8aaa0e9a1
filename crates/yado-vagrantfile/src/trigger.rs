//! `config.trigger.before` and `after`: what runs around commands.

use std::rc::Rc;

use yado_core::spec::Origin;
use yado_ruby::{Args, Arity, Eval, Interpreter, Value};

use crate::config::{Config, ConfigCell, Entry, Extra, origin, set_options};
use crate::hash::{put, take_options};
use crate::object;
use crate::schema::provisioners::SHELL;
use crate::schema::{EMPTY, Section, plain, with};
use crate::session::Session;

/// The name of the Ruby class.
pub(crate) const CLASS: &str = "VagrantPlugins::Kernel_V2::TriggerConfig";

/// `config.trigger`
pub(crate) static TRIGGERS: Section = Section {
    class: CLASS,
    title: "trigger",
    methods: &[("before", before, Arity::at_least(0)), ("after", after, Arity::at_least(0))],
    ..EMPTY
};

/// One trigger.
pub(crate) static TRIGGER: Section = Section {
    class: "VagrantPlugins::Kernel_V2::VagrantConfigTrigger",
    title: "trigger",
    settings: &[
        plain("abort"),
        plain("command"),
        plain("exit_codes"),
        plain("ignore"),
        plain("info"),
        plain("name"),
        plain("on_error"),
        plain("only_on"),
        plain("ruby"),
        plain("ruby_block"),
        plain("run"),
        plain("run_remote"),
        with("type", "\"action\""),
        plain("warn"),
    ],
    methods: &[("ruby", ruby, Arity::at_least(0))],
    finalize: Some(finish),
    validate: Some(crate::validate::triggers::trigger),
    ..EMPTY
};

/// A trigger and where it was asked for.
#[derive(Clone)]
pub(crate) struct Trigger {
    /// Its settings.
    pub(crate) config: Value,
    /// Its place.
    pub(crate) origin: Option<Origin>,
}

/// All triggers.
#[derive(Clone, Default)]
pub(crate) struct Triggers {
    /// What runs before commands.
    pub(crate) before: Vec<Trigger>,
    /// What runs after them.
    pub(crate) after: Vec<Trigger>,
}

impl Triggers {
    /// Both sides' triggers, the older ones first.
    pub(crate) fn merged(&self, newer: &Triggers) -> Triggers {
        Triggers {
            before: self.before.iter().chain(&newer.before).cloned().collect(),
            after: self.after.iter().chain(&newer.after).cloned().collect(),
        }
    }
}

fn before(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    add(interpreter, this, args, true)
}

fn after(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    add(interpreter, this, args, false)
}

/// One trigger for each named command.
fn add(interpreter: &mut Interpreter, this: &Value, mut args: Args, before: bool) -> Eval {
    let Some(cell) = ConfigCell::of(this) else { return Ok(Value::Nil) };
    let block = args.block.take();
    let given = args.keywords.is_some() || matches!(args.positional.last(), Some(Value::Hash(_)));
    let options = take_options(&mut args);
    let origin = origin(interpreter);
    let mut commands = Vec::new();
    for argument in &args.positional {
        match argument {
            Value::Array(list) => commands.extend(list.to_vec()),
            one => commands.push(one.clone()),
        }
    }
    if block.is_none() && !given {
        let list = interpreter.inspect(&Value::array(commands))?;
        let message = format!(
            "There was an error parsing the Vagrantfile:\nNo config was given for the trigger(s) {list}."
        );
        return Err(crate::vagrant::error(interpreter, "TriggersNoBlockGiven", message));
    }
    for command in commands {
        let name = interpreter.to_s(&command)?;
        let config = cell.session.wrap(interpreter, Config::new(&TRIGGER));
        set_options(interpreter, &config, &Value::Hash(options.clone()))?;
        if let Some(block) = &block {
            interpreter.call_proc(block, Args::one(config.clone()))?;
        }
        if let Some(made) = ConfigCell::of(&config) {
            let entry = Entry { value: Value::sym(&name), origin: origin.clone(), earlier: Vec::new() };
            made.config.borrow_mut().values.insert("command", entry);
        }
        let trigger = Trigger { config, origin: origin.clone() };
        if let Extra::Triggers(triggers) = &mut *cell.extra.borrow_mut() {
            if before { triggers.before.push(trigger) } else { triggers.after.push(trigger) }
        }
    }
    Ok(Value::Nil)
}

/// `trigger.ruby do |env, machine| … end`
fn ruby(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if let (Some(cell), Some(block)) = (ConfigCell::of(this), args.block) {
        cell.config.borrow_mut().put("ruby_block", Value::Proc(block));
    }
    Ok(Value::Nil)
}

/// Completes every trigger.
pub(crate) fn finalize(
    interpreter: &mut Interpreter,
    session: &Rc<Session>,
    cell: &Rc<ConfigCell>,
) -> Eval<()> {
    let all = match &mut *cell.extra.borrow_mut() {
        Extra::Triggers(triggers) => {
            let mut all = Vec::new();
            for list in [&mut triggers.before, &mut triggers.after] {
                for trigger in list.iter_mut() {
                    // Completed in a copy: the same trigger is completed again for the next machine.
                    if let Some(original) = ConfigCell::of(&trigger.config) {
                        let copy = original.config.borrow().copy();
                        trigger.config = session.wrap(interpreter, copy);
                    }
                    all.push(trigger.config.clone());
                }
            }
            all
        }
        _ => return Ok(()),
    };
    for config in all {
        object::finalize(interpreter, session, &config)?;
    }
    Ok(())
}

/// A value or a list of values as a list.
fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Nil => Vec::new(),
        Value::Array(list) => list.to_vec(),
        one => vec![one.clone()],
    }
}

fn finish(interpreter: &mut Interpreter, session: &Rc<Session>, config: &mut Config) -> Eval<()> {
    let ignored = listed(&config.get("ignore"));
    let mut names = Vec::new();
    for name in ignored {
        let text = interpreter.to_s(&name)?;
        names.push(Value::sym(&text));
    }
    config.put("ignore", Value::array(names));
    if !config.get("only_on").is_nil() {
        config.put("only_on", Value::array(listed(&config.get("only_on"))));
    }
    let codes = match config.get("exit_codes") {
        Value::Nil => vec![Value::Int(0)],
        other => listed(&other),
    };
    config.put("exit_codes", Value::array(codes));
    if matches!(config.get("abort"), Value::Bool(true)) {
        config.put("abort", Value::Int(1));
    }
    if !config.is_set_by_hand("on_error") {
        config.put("on_error", Value::sym("halt"));
    }
    if let Some(text) = config.text("type") {
        config.put("type", Value::sym(&text));
    }
    // `ruby: proc` as an option.
    if !config.get("ruby").is_nil() {
        config.put("ruby_block", config.get("ruby"));
    }
    for name in ["run", "run_remote"] {
        if let Value::Hash(options) = config.get(name) {
            let options = crate::hash::copied(&options);
            if name == "run" {
                put_default(&options, "privileged", Value::Bool(false));
                put_default(&options, "powershell_args", Value::str(""));
            }
            let script = session.wrap(interpreter, Config::new(&SHELL));
            set_options(interpreter, &script, &Value::Hash(options))?;
            object::finalize(interpreter, session, &script)?;
            config.put(name, script);
        }
    }
    Ok(())
}

fn put_default(options: &yado_ruby::HashRef, name: &str, value: Value) {
    if options.get_symbol(name).is_none() {
        put(options, name, value);
    }
}
