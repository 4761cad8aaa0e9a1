//! Proc, Method, UnboundMethod and Binding.

use std::rc::Rc;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::procs::{MethodBody, MethodObject, Proc, ProcBody};
use crate::symbol::Symbol;
use crate::tree::{KeywordRest, Param, Params};
use crate::value::{Eval, Value};

/// Methods of procs.
pub(crate) const PROC: Table = &[
    ("call", call, Arity::at_least(0).with_keywords()),
    ("()", call, Arity::at_least(0).with_keywords()),
    ("yield", call, Arity::at_least(0).with_keywords()),
    ("[]", call, Arity::at_least(0).with_keywords()),
    ("===", call, Arity::at_least(0).with_keywords()),
    ("to_proc", itself, Arity::exactly(0)),
    ("lambda?", is_lambda, Arity::exactly(0)),
    ("arity", arity, Arity::exactly(0)),
    ("parameters", parameters, Arity::between(0, 1)),
    ("curry", curry, Arity::between(0, 1)),
    (">>", compose_after, Arity::exactly(1)),
    ("<<", compose_before, Arity::exactly(1)),
    ("binding", binding, Arity::exactly(0)),
    ("source_location", source_location, Arity::exactly(0)),
    ("inspect", inspect, Arity::exactly(0)),
    ("to_s", inspect, Arity::exactly(0)),
];

/// Methods of `Proc` itself.
pub(crate) const PROC_SINGLETON: Table = &[("new", new, Arity::at_least(0))];

/// Methods of method objects.
pub(crate) const METHOD: Table = &[
    ("call", call, Arity::at_least(0).with_keywords()),
    ("[]", call, Arity::at_least(0).with_keywords()),
    ("===", call, Arity::at_least(0).with_keywords()),
    ("to_proc", to_proc, Arity::exactly(0)),
    ("arity", arity, Arity::exactly(0)),
    ("parameters", parameters, Arity::exactly(0)),
    ("name", name, Arity::exactly(0)),
    ("owner", owner, Arity::exactly(0)),
    ("receiver", receiver, Arity::exactly(0)),
    ("unbind", unbind, Arity::exactly(0)),
    (">>", compose_after, Arity::exactly(1)),
    ("<<", compose_before, Arity::exactly(1)),
    ("curry", curry, Arity::between(0, 1)),
    ("source_location", source_location, Arity::exactly(0)),
    ("inspect", inspect, Arity::exactly(0)),
];

/// Methods of unbound method objects.
pub(crate) const UNBOUND_METHOD: Table = &[
    ("bind", bind, Arity::exactly(1)),
    ("bind_call", bind_call, Arity::at_least(1).with_keywords()),
    ("arity", arity, Arity::exactly(0)),
    ("parameters", parameters, Arity::exactly(0)),
    ("name", name, Arity::exactly(0)),
    ("owner", owner, Arity::exactly(0)),
    ("source_location", source_location, Arity::exactly(0)),
    ("inspect", inspect, Arity::exactly(0)),
];

/// Methods of bindings.
pub(crate) const BINDING: Table = &[
    ("local_variable_get", local_get, Arity::exactly(1)),
    ("local_variable_set", local_set, Arity::exactly(2)),
    ("local_variable_defined?", local_defined, Arity::exactly(1)),
    ("local_variables", locals, Arity::exactly(0)),
    ("receiver", binding_receiver, Arity::exactly(0)),
    ("eval", binding_eval, Arity::between(1, 3)),
    ("irb", itself, Arity::exactly(0)),
];

fn itself(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(this.clone())
}

fn new(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    match args.block {
        Some(block) => Ok(Value::Proc(block)),
        None => interpreter.raise("ArgumentError", "tried to create Proc object without a block"),
    }
}

fn call(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match this {
        Value::Proc(block) => interpreter.call_proc_explicitly(block, args),
        Value::Method(object) => interpreter.call_method_object(object, args),
        _ => Ok(Value::Nil),
    }
}

fn is_lambda(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::Bool(matches!(this, Value::Proc(block) if block.lambda.get())))
}

fn arity(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::Int(arity_of(this)))
}

fn arity_of(this: &Value) -> i64 {
    match this {
        Value::Proc(block) => block.arity(),
        Value::Method(object) => object.method.arity(),
        _ => 0,
    }
}

fn params_of(this: &Value) -> Option<(&Params, &[Symbol], bool)> {
    let block = match this {
        Value::Proc(block) => block,
        Value::Method(object) => match &object.method.body {
            MethodBody::Ruby { code, .. } => return Some((&code.params, &code.names, true)),
            MethodBody::Block(block) => block,
            _ => return None,
        },
        _ => return None,
    };
    match &block.body {
        ProcBody::Ruby { code, .. } => {
            let strict = block.lambda.get() || matches!(this, Value::Method(_));
            Some((&code.params, &code.names, strict))
        }
        _ => None,
    }
}

fn parameters(_interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some((params, slots, mut strict)) = params_of(this) else {
        return Ok(Value::array(vec![Value::array(vec![Value::sym("rest")])]));
    };
    if let Some(wanted) = args.keyword("lambda") {
        strict = wanted.truthy();
    }
    let name_of =
        |slot: u32| slots.get(slot as usize).copied().filter(|name| !name.as_str().starts_with('('));
    let mut list = Vec::new();
    let mut push = |kind: &str, name: Option<Symbol>| {
        let mut pair = vec![Value::sym(kind)];
        pair.extend(name.map(Value::Sym));
        list.push(Value::array(pair));
    };
    let required = if strict { "req" } else { "opt" };
    let param_name = |param: &Param| match param {
        Param::Slot(slot) => name_of(*slot),
        Param::Multi(_) => None,
    };
    for param in &params.required {
        push(required, param_name(param));
    }
    for (slot, _) in &params.optional {
        push("opt", name_of(*slot));
    }
    if let Some(rest) = &params.rest {
        push("rest", rest.and_then(name_of).or(Some(Symbol::new("*")).filter(|_| strict && rest.is_some())));
    }
    for param in &params.post {
        push(required, param_name(param));
    }
    for (name, _, default) in &params.keywords {
        push(if default.is_some() { "key" } else { "keyreq" }, Some(*name));
    }
    match &params.keyword_rest {
        KeywordRest::None => {}
        KeywordRest::Forbidden => push("nokey", None),
        KeywordRest::Slot(slot) => push("keyrest", slot.and_then(name_of)),
    }
    if let Some(slot) = params.block {
        push("block", name_of(slot));
    }
    Ok(Value::array(list))
}

fn to_proc(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    match this {
        Value::Method(object) => Ok(Value::Proc(Proc::of(ProcBody::Method(object.clone()), true))),
        other => Ok(other.clone()),
    }
}

fn curry(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let wanted = match args.get(0) {
        Some(count) => interpreter.expect_int(&count.clone())?,
        None => {
            let arity = arity_of(this);
            if arity < 0 { -arity - 1 } else { arity }
        }
    };
    Ok(curried(this.clone(), wanted as usize, Vec::new()))
}

fn curried(target: Value, wanted: usize, given: Vec<Value>) -> Value {
    let block = Proc::native(Arity::at_least(0), move |interpreter, _, args| {
        let mut all = given.clone();
        all.extend(args.positional);
        if all.len() >= wanted {
            return call(interpreter, &target, Args::of(all));
        }
        Ok(curried(target.clone(), wanted, all))
    });
    block.lambda.set(true);
    Value::Proc(block)
}

fn composed(first: Value, second: Value) -> Value {
    let block = Proc::native(Arity::at_least(0), move |interpreter, _, args| {
        let between = interpreter.send(&first, "call", args)?;
        interpreter.send(&second, "call", Args::one(between))
    });
    block.lambda.set(true);
    Value::Proc(block)
}

fn compose_after(_interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(composed(this.clone(), args.at(0)))
}

fn compose_before(_interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(composed(args.at(0), this.clone()))
}

fn binding(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    match this {
        Value::Proc(block) => match &block.body {
            ProcBody::Ruby { context, .. } => Ok(interpreter.binding_of(context.clone())),
            _ => interpreter.raise("ArgumentError", "Can't create Binding from C level Proc"),
        },
        _ => Ok(Value::Nil),
    }
}

fn source_location(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let block_span = |block: &Proc| match &block.body {
        ProcBody::Ruby { code, .. } => Some(code.span),
        _ => None,
    };
    let span = match this {
        Value::Proc(block) => block_span(block),
        Value::Method(object) => match &object.method.body {
            MethodBody::Ruby { code, .. } => Some(code.span),
            MethodBody::Block(block) => block_span(block),
            _ => None,
        },
        _ => None,
    };
    let Some(location) = span.and_then(|span| interpreter.location_of(span)) else { return Ok(Value::Nil) };
    Ok(Value::array(vec![Value::str(&*location.file), Value::Int(location.line as i64)]))
}

fn inspect(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let plain = interpreter.plain_inspect(this);
    let place = match source_location(interpreter, this, Args::none())? {
        Value::Array(pair) => {
            let line = interpreter.to_s(&pair.get(1).unwrap_or(Value::Nil))?;
            format!(" {}:{line}", pair.get(0).and_then(|file| file.as_text()).unwrap_or_default())
        }
        _ => String::new(),
    };
    if let Value::Method(object) = this {
        let class = interpreter.class_name(&object.method.owner);
        let kind = if object.receiver.is_some() { "Method" } else { "UnboundMethod" };
        let shown = shown_parameters(interpreter, this)?;
        return Ok(Value::str(format!("#<{kind}: {class}#{}({shown}){place}>", object.name)));
    }
    let lambda = if matches!(this, Value::Proc(block) if block.lambda.get()) { " (lambda)" } else { "" };
    Ok(Value::str(format!("{}{place}{lambda}>", plain.trim_end_matches('>'))))
}

/// The parameters as `inspect` of a method writes them.
fn shown_parameters(interpreter: &mut Interpreter, this: &Value) -> Eval<String> {
    if let Value::Method(object) = this
        && let MethodBody::Native(_, arity) = &object.method.body
    {
        let number = arity.number();
        let fixed = if number < 0 { 0 } else { number as usize };
        let mut shown = vec!["_"; fixed];
        if number < 0 {
            shown.push("*");
        }
        return Ok(shown.join(", "));
    }
    let list = parameters(interpreter, this, Args::none())?;
    let mut shown = Vec::new();
    for pair in interpreter.elements(&list)? {
        let pair = interpreter.elements(&pair)?;
        let text = |at: usize| pair.get(at).and_then(Value::text_or_symbol);
        let name = text(1);
        let name = name.as_deref();
        shown.push(match text(0).as_deref() {
            Some("opt") => format!("{}=...", name.unwrap_or("_")),
            Some("rest") => format!("*{}", name.unwrap_or_default().trim_start_matches('*')),
            Some("keyreq") => format!("{}:", name.unwrap_or("_")),
            Some("key") => format!("{}: ...", name.unwrap_or("_")),
            Some("keyrest") => format!("**{}", name.unwrap_or_default().trim_start_matches('*')),
            Some("nokey") => "**nil".to_owned(),
            Some("block") => format!("&{}", name.unwrap_or_default()),
            _ => name.unwrap_or("_").to_owned(),
        });
    }
    Ok(shown.join(", "))
}

fn name(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(match this {
        Value::Method(object) => Value::Sym(object.name),
        _ => Value::Nil,
    })
}

fn owner(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(match this {
        Value::Method(object) => Value::Class(object.method.owner.clone()),
        _ => Value::Nil,
    })
}

fn receiver(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(match this {
        Value::Method(object) => object.receiver.clone().unwrap_or(Value::Nil),
        _ => Value::Nil,
    })
}

fn rebound(this: &Value, receiver: Option<Value>) -> Value {
    match this {
        Value::Method(object) => Value::Method(Rc::new(MethodObject {
            receiver,
            name: object.name,
            method: object.method.clone(),
        })),
        other => other.clone(),
    }
}

fn unbind(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(rebound(this, None))
}

fn bind(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if let Value::Method(object) = this {
        let owner = object.method.owner.clone();
        if !owner.is_module && !interpreter.is_a(&args.at(0), &owner) {
            let name = interpreter.class_name(&owner);
            return interpreter.raise("TypeError", format!("bind argument must be an instance of {name}"));
        }
    }
    Ok(rebound(this, Some(args.at(0))))
}

fn bind_call(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let target = args.positional.remove(0);
    let bound = bind(interpreter, this, Args::one(target))?;
    call(interpreter, &bound, args)
}

fn local_get(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_name(&args.at(0))?;
    match interpreter.binding_variable(this, name) {
        Some(value) => Ok(value),
        None => {
            let shown = interpreter.plain_inspect(this);
            interpreter.raise("NameError", format!("local variable `{name}' is not defined for {shown}"))
        }
    }
}

fn local_set(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_name(&args.at(0))?;
    interpreter.set_binding_variable(this, name, args.at(1));
    Ok(args.at(1))
}

fn local_defined(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_name(&args.at(0))?;
    Ok(Value::Bool(interpreter.binding_variable(this, name).is_some()))
}

fn locals(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::array(interpreter.binding_names(this).into_iter().map(Value::Sym).collect()))
}

fn binding_receiver(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(interpreter.binding_context(this).map_or(Value::Nil, |context| context.frame.self_value.clone()))
}

fn binding_eval(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let source = interpreter.expect_string(&args.at(0))?;
    let file = args.get(1).and_then(Value::as_text);
    let line = match args.get(2) {
        Some(Value::Int(line)) => *line as usize,
        _ => 1,
    };
    interpreter.eval_in_binding(this, file.as_deref().unwrap_or("(eval)"), line, &source)
}
