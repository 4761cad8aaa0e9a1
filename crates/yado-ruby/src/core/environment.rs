//! `ENV`: looks like a hash of strings. Changes stay inside the interpreter and reach the programs it runs.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);

/// Methods of `ENV`. What is not here is asked of a hash with the same content.
pub(crate) const METHODS: Table = &[
    ("[]", get, ONE),
    ("fetch", fetch, Arity::between(1, 2)),
    ("[]=", set, Arity::exactly(2)),
    ("store", set, Arity::exactly(2)),
    ("delete", delete, ONE),
    ("key?", has, ONE),
    ("has_key?", has, ONE),
    ("include?", has, ONE),
    ("member?", has, ONE),
    ("to_h", to_h, NONE),
    ("to_hash", to_h, NONE),
    ("update", update, Arity::at_least(0)),
    ("merge!", update, Arity::at_least(0)),
    ("replace", replace, ONE),
    ("clear", clear, NONE),
    ("each", each, NONE),
    ("each_pair", each, NONE),
    ("delete_if", delete_if, NONE),
    ("reject!", delete_if, NONE),
    ("to_s", |_, _, _| Ok(Value::str("ENV")), NONE),
    ("inspect", inspect, NONE),
    ("method_missing", as_hash, Arity::at_least(1).with_keywords()),
    ("respond_to_missing?", responds, Arity::exactly(2)),
    ("map", |ruby, _, args| on_hash(ruby, "map", args), NONE),
    ("select", |ruby, _, args| on_hash(ruby, "select", args), NONE),
    ("filter", |ruby, _, args| on_hash(ruby, "select", args), NONE),
    ("reject", |ruby, _, args| on_hash(ruby, "reject", args), NONE),
    ("find", |ruby, _, args| on_hash(ruby, "find", args), Arity::between(0, 1)),
    ("any?", |ruby, _, args| on_hash(ruby, "any?", args), Arity::between(0, 1)),
    ("to_a", |ruby, _, args| on_hash(ruby, "to_a", args), NONE),
    ("slice", |ruby, _, args| on_hash(ruby, "slice", args), Arity::at_least(0)),
    ("dup", |_, this, _| Ok(this.clone()), NONE),
    ("clone", |_, this, _| Ok(this.clone()), Arity::at_least(0)),
];

/// Makes `ENV`.
pub(crate) fn define(ruby: &mut Interpreter) {
    let class = crate::class::RClass::new(None, Some(ruby.core.object.clone()), false);
    class.includes.borrow_mut().push(ruby.core.enumerable.clone());
    class.tables.borrow_mut().push(METHODS);
    let object = ruby.new_object(&class, None);
    ruby.set_constant(None, "ENV", object);
}

fn name(ruby: &mut Interpreter, value: &Value) -> Eval<String> {
    ruby.expect_string(value)
}

fn frozen(text: &str) -> Value {
    let value = Value::str(text);
    if let Value::Str(text) = &value {
        text.frozen.set(true);
    }
    value
}

fn get(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let name = name(ruby, &args.at(0))?;
    Ok(ruby.environment.get(&name).map_or(Value::Nil, |value| frozen(value)))
}

fn fetch(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match get(ruby, this, Args::one(args.at(0)))? {
        Value::Nil => {}
        value => return Ok(value),
    }
    if let Some(block) = &args.block {
        return ruby.call_proc_one(block, args.at(0));
    }
    if args.len() > 1 {
        return Ok(args.at(1));
    }
    let shown = ruby.inspect(&args.at(0))?;
    ruby.key_error(format!("key not found: {shown}"), this, &args.at(0))
}

fn set(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.at(1).is_nil() {
        delete(ruby, this, Args::one(args.at(0)))?;
        return Ok(Value::Nil);
    }
    let (name, value) = (name(ruby, &args.at(0))?, ruby.expect_string(&args.at(1))?);
    ruby.environment.insert(name, value);
    Ok(args.at(1))
}

fn delete(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let name = name(ruby, &args.at(0))?;
    Ok(ruby.environment.remove(&name).map_or(Value::Nil, Value::str))
}

fn has(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let name = name(ruby, &args.at(0))?;
    Ok(Value::Bool(ruby.environment.contains_key(&name)))
}

fn entries(ruby: &Interpreter) -> Vec<(Value, Value)> {
    ruby.environment.iter().map(|(name, value)| (frozen(name), frozen(value))).collect()
}

fn on_hash(ruby: &mut Interpreter, method: &str, args: Args) -> Eval {
    let hash = Value::hash(entries(ruby));
    ruby.send(&hash, method, args)
}

fn to_h(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    on_hash(ruby, "to_h", args)
}

fn inspect(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    on_hash(ruby, "inspect", args)
}

fn update(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    for other in &args.positional {
        for (name, value) in ruby.expect_hash(other)?.to_vec() {
            set(ruby, this, Args::of(vec![name, value]))?;
        }
    }
    Ok(this.clone())
}

fn replace(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    ruby.environment.clear();
    update(ruby, this, args)
}

fn clear(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    ruby.environment.clear();
    Ok(this.clone())
}

fn each(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.block.is_none() {
        return on_hash(ruby, "each", args);
    }
    on_hash(ruby, "each", args)?;
    Ok(this.clone())
}

fn delete_if(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let kept = on_hash(ruby, "reject", args)?;
    replace(ruby, this, Args::one(kept))
}

fn as_hash(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let method = ruby.expect_name(&args.at(0))?;
    let rest = Args { positional: args.positional[1..].to_vec(), ..args };
    on_hash(ruby, method.as_str(), rest)
}

fn responds(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let name = ruby.expect_name(&args.at(0))?;
    let hash = ruby.core.hash.clone();
    Ok(Value::Bool(ruby.find_method(&hash, name).is_some()))
}
