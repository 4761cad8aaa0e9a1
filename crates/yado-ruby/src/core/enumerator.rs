//! `Enumerator`: a method call without its block, to be given one later, and the external `next`.

use std::cell::RefCell;
use std::rc::Rc;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::procs::Proc;
use crate::symbol::Symbol;
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);

/// Methods of enumerators.
pub(crate) const METHODS: Table = &[
    ("each", each, Arity::at_least(0)),
    ("with_index", with_index, Arity::between(0, 1)),
    (
        "each_with_index",
        |ruby, this, args| with_index(ruby, this, Args { positional: Vec::new(), ..args }),
        NONE,
    ),
    ("with_object", with_object, Arity::exactly(1)),
    ("each_with_object", with_object, Arity::exactly(1)),
    ("next", next, NONE),
    ("peek", peek, NONE),
    ("rewind", rewind, NONE),
    ("size", size, NONE),
    ("inspect", inspect, NONE),
    ("to_s", inspect, NONE),
    ("+", plus, Arity::exactly(1)),
];

/// Methods of `Enumerator` itself.
pub(crate) const CLASS_METHODS: Table =
    &[("new", new, Arity::between(0, 1)), ("for_method", for_method, Arity::at_least(2).with_keywords())];

/// Methods of what counts from a number in steps.
pub(crate) const SEQUENCE: Table = &[
    ("begin", |ruby, this, _| part(ruby, this, |_, first, _| first), NONE),
    ("end", |ruby, this, _| part(ruby, this, |last, _, _| last), NONE),
    ("step", |ruby, this, _| part(ruby, this, |_, _, step| step), NONE),
    ("last", last, Arity::between(0, 1)),
    ("==", same, Arity::exactly(1)),
];

/// Methods of what `Enumerator.new` gives to its block.
pub(crate) const YIELDER: Table = &[
    ("<<", push, Arity::exactly(1)),
    ("yield", give, Arity::at_least(0)),
    ("call", give, Arity::at_least(0)),
    ("to_proc", yielder_to_proc, NONE),
];

/// Methods of the yielder's class itself.
pub(crate) const YIELDER_CLASS: Table = &[("over", yielder_over, Arity::exactly(1))];

/// Where the elements come from.
#[derive(Clone)]
enum Origin {
    /// A method of an object, called with these arguments.
    Method { receiver: Value, name: Symbol, args: Args },
    /// The block of `Enumerator.new`.
    Block(Rc<Proc>),
}

struct State {
    origin: Origin,
    /// What `next` took in advance, and how far it is.
    buffer: RefCell<Option<(Vec<Value>, usize)>>,
}

/// What a yielder passes values on to.
struct Yielder(Rc<Proc>);

/// The enumerator for a call of `method` that was given no block.
pub(crate) fn enumerator(ruby: &mut Interpreter, receiver: &Value, method: &str, args: Args) -> Value {
    let args = Args { block: None, ..args };
    make(ruby, Origin::Method { receiver: receiver.clone(), name: Symbol::new(method), args })
}

fn make(ruby: &mut Interpreter, origin: Origin) -> Value {
    let class = if arithmetic(&origin) { "Enumerator::ArithmeticSequence" } else { "Enumerator" };
    let class = ruby.class_named(class).unwrap_or_else(|| ruby.core.object.clone());
    ruby.new_object(&class, Some(Box::new(State { origin, buffer: RefCell::default() })))
}

/// Whether it counts from a number in steps, so that Ruby gives it a class of its own.
fn arithmetic(origin: &Origin) -> bool {
    let number = |value: &Value| value.is_integer() || matches!(value, Value::Float(_));
    match origin {
        Origin::Method { receiver: Value::Range(range), name, .. } => {
            ["step", "%"].contains(&name.as_str())
                && number(&range.begin)
                && (number(&range.end) || range.end.is_nil())
        }
        Origin::Method { receiver, name, .. } => name.as_str() == "step" && number(receiver),
        Origin::Block(_) => false,
    }
}

fn new(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    match args.block {
        Some(block) => Ok(make(ruby, Origin::Block(block))),
        None => ruby.raise("ArgumentError", "no block given"),
    }
}

fn origin(ruby: &mut Interpreter, this: &Value) -> Eval<Origin> {
    if let Some(state) = this.data::<State>() {
        return Ok(state.origin.clone());
    }
    ruby.raise("ArgumentError", "uninitialized enumerator")
}

/// Runs the enumeration with a block.
fn run(ruby: &mut Interpreter, this: &Value, block: Rc<Proc>) -> Eval {
    match origin(ruby, this)? {
        Origin::Method { receiver, name, args } => {
            ruby.call_method(&receiver, name, args.with_block(Some(block)))
        }
        Origin::Block(source) => {
            let class = ruby.class_named("Enumerator::Yielder").unwrap_or_else(|| ruby.core.object.clone());
            let yielder = ruby.new_object(&class, Some(Box::new(Yielder(block))));
            ruby.call_proc_one(&source, yielder)
        }
    }
}

fn each(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match args.block {
        Some(block) => run(ruby, this, block),
        None => Ok(this.clone()),
    }
}

/// The one value that several yielded values count as.
fn packed(mut args: Args) -> Value {
    args.fold_keywords();
    if args.len() == 1 { args.at(0) } else { Value::array(args.positional) }
}

fn with_index(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let start = if args.at(0).is_nil() { 0 } else { ruby.expect_int(&args.at(0))? };
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "with_index", args)) };
    let index = std::cell::Cell::new(start);
    let counting = Proc::native(Arity::at_least(0), move |ruby, _, args| {
        let at = index.replace(index.get() + 1);
        ruby.call_proc(&block, Args::of(vec![packed(args), Value::Int(at)]))
    });
    run(ruby, this, counting)
}

fn with_object(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let memo = args.at(0);
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "with_object", args)) };
    let passed = memo.clone();
    let with = Proc::native(Arity::at_least(0), move |ruby, _, args| {
        ruby.call_proc(&block, Args::of(vec![packed(args), passed.clone()]))
    });
    run(ruby, this, with)?;
    Ok(memo)
}

/// How many elements `next` takes in advance; endless enumerators stop there.
const LOOK_AHEAD: i64 = 10_000;

fn upcoming(ruby: &mut Interpreter, this: &Value, advance: bool) -> Eval {
    let empty = this.data::<State>().is_some_and(|state| state.buffer.borrow().is_none());
    if empty {
        let items = match ruby.send(this, "first", Args::one(Value::Int(LOOK_AHEAD)))? {
            Value::Array(items) => items.to_vec(),
            _ => Vec::new(),
        };
        if let Some(state) = this.data::<State>() {
            *state.buffer.borrow_mut() = Some((items, 0));
        }
    }
    let found = this.data::<State>().and_then(|state| {
        let mut buffer = state.buffer.borrow_mut();
        let (items, at) = buffer.as_mut()?;
        let item = items.get(*at).cloned();
        *at += usize::from(advance && item.is_some());
        item
    });
    match found {
        Some(item) => Ok(item),
        None => ruby.raise("StopIteration", "iteration reached an end"),
    }
}

fn next(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    upcoming(ruby, this, true)
}

fn peek(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    upcoming(ruby, this, false)
}

fn rewind(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    if let Some(state) = this.data::<State>() {
        *state.buffer.borrow_mut() = None;
    }
    Ok(this.clone())
}

fn size(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    match origin(ruby, this)? {
        Origin::Method { receiver, name, .. } if name.as_str() == "times" => Ok(receiver),
        Origin::Method { receiver, name, .. } if name.as_str() == "loop" || receiver.is_nil() => {
            Ok(Value::Float(f64::INFINITY))
        }
        Origin::Method { .. } => Ok(Value::Int(ruby.elements(this)?.len() as i64)),
        Origin::Block(_) => Ok(Value::Nil),
    }
}

fn inspect(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let origin = origin(ruby, this)?;
    let arithmetic = arithmetic(&origin);
    Ok(Value::str(match origin {
        Origin::Method { receiver, name, args } => {
            let is_range = matches!(receiver, Value::Range(_));
            let receiver = ruby.inspect(&receiver)?;
            let mut shown: Vec<String> =
                args.positional.iter().map(|arg| ruby.inspect(arg)).collect::<Eval<_>>()?;
            for (key, value) in args.keywords.iter().flat_map(|keywords| keywords.to_vec()) {
                let key = ruby.to_s(&key)?;
                shown.push(format!("{key}: {}", ruby.inspect(&value)?));
            }
            let shown = if shown.is_empty() { String::new() } else { format!("({})", shown.join(", ")) };
            if arithmetic {
                let receiver = if is_range { format!("({receiver})") } else { receiver };
                format!("({receiver}.{name}{shown})")
            } else {
                format!("#<Enumerator: {receiver}:{name}{shown}>")
            }
        }
        Origin::Block(block) => {
            let address = Value::Proc(block).address();
            format!("#<Enumerator: #<Enumerator::Generator:{address:#018x}>:each>")
        }
    }))
}

/// One of a sequence's last number, first number and step.
fn part(ruby: &mut Interpreter, this: &Value, chosen: fn(Value, Value, Value) -> Value) -> Eval {
    let Origin::Method { receiver, args, .. } = origin(ruby, this)? else { return Ok(Value::Nil) };
    let one = Value::Int(1);
    Ok(match receiver {
        Value::Range(range) => {
            let step = args.get(0).cloned().unwrap_or(one);
            chosen(range.end.clone(), range.begin.clone(), step)
        }
        first => {
            let last = args.keyword("to").unwrap_or_else(|| args.at(0));
            let step = args.keyword("by").or(args.get(1).cloned()).unwrap_or(one);
            chosen(last, first, step)
        }
    })
}

fn last(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = Value::array(ruby.elements(this)?);
    ruby.call_method(&items, Symbol::new("last"), args)
}

fn same(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = args.at(0);
    if other.data::<State>().is_none() {
        return Ok(Value::Bool(false));
    }
    Ok(Value::Bool(ruby.inspect(this)? == ruby.inspect(&other)?))
}

fn plus(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut items = ruby.elements(this)?;
    items.extend(ruby.elements(&args.at(0))?);
    Ok(enumerator(ruby, &Value::array(items), "each", Args::none()))
}

fn yielder_over(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match (this, args.at(0)) {
        (Value::Class(class), Value::Proc(block)) => {
            Ok(ruby.new_object(class, Some(Box::new(Yielder(block)))))
        }
        _ => ruby.raise("TypeError", "a block is wanted"),
    }
}

fn target(ruby: &mut Interpreter, this: &Value) -> Eval<Rc<Proc>> {
    if let Some(yielder) = this.data::<Yielder>() {
        return Ok(yielder.0.clone());
    }
    ruby.raise("ArgumentError", "uninitialized yielder")
}

fn push(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = target(ruby, this)?;
    ruby.call_proc_one(&block, args.at(0))?;
    Ok(this.clone())
}

fn give(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = target(ruby, this)?;
    ruby.call_proc(&block, args)
}

fn yielder_to_proc(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Proc(target(ruby, this)?))
}

/// What `Kernel#to_enum` calls: the receiver, the method's name, its arguments.
fn for_method(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let name = ruby.expect_name(&args.at(1))?;
    let rest =
        Args { positional: args.positional[2..].to_vec(), keywords: args.keywords.clone(), block: None };
    Ok(enumerator(ruby, &args.at(0), name.as_str(), rest))
}
