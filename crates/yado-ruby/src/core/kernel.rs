//! Kernel's functions: those that are called without a receiver.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::control::Control;
use crate::host::Stream;
use crate::interpreter::Interpreter;
use crate::procs::Proc;
use crate::symbol::{Symbol, names};
use crate::value::{Eval, Value};

/// Functions of Kernel: private methods of every object, and methods of `Kernel` itself.
pub(crate) const FUNCTIONS: Table = &[
    ("puts", puts, Arity::at_least(0)),
    ("print", print, Arity::at_least(0)),
    ("p", p, Arity::at_least(0)),
    ("raise", raise, Arity::between(0, 3).with_keywords()),
    ("fail", raise, Arity::between(0, 3).with_keywords()),
    ("require", require, Arity::exactly(1)),
    ("require_relative", require_relative, Arity::exactly(1)),
    ("load", load, Arity::between(1, 2)),
    ("eval", eval, Arity::between(1, 4)),
    ("binding", binding, Arity::exactly(0)),
    ("block_given?", block_given, Arity::exactly(0)),
    ("lambda", lambda, Arity::exactly(0)),
    ("proc", proc, Arity::exactly(0)),
    ("loop", loop_forever, Arity::exactly(0)),
    ("catch", catch, Arity::between(0, 1)),
    ("throw", throw, Arity::between(1, 2)),
    ("exit", exit, Arity::between(0, 1)),
    ("exit!", exit, Arity::between(0, 1)),
    ("abort", abort, Arity::between(0, 1)),
    ("at_exit", at_exit, Arity::exactly(0)),
    ("__method__", current_method, Arity::exactly(0)),
    ("__dir__", current_directory, Arity::exactly(0)),
    ("local_variables", local_variables, Arity::exactly(0)),
    ("global_variables", global_variables, Arity::exactly(0)),
    ("autoload", autoload, Arity::exactly(2)),
];

/// Sets the globals that exist from the start.
pub(crate) fn define_globals(interpreter: &mut Interpreter) {
    interpreter.set_global("$,", Value::Nil);
    interpreter.set_global("$/", Value::str("\n"));
    interpreter.set_global("$.", Value::Int(0));
    interpreter.set_global("$PROGRAM_NAME", Value::str("vagrant"));
    interpreter.set_global("$VERBOSE", Value::Bool(false));
    interpreter.set_global("$DEBUG", Value::Bool(false));
}

fn puts(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let out = interpreter.get_global("$stdout");
    if !out.is_nil() {
        return interpreter.call_method(&out, names::PUTS, args);
    }
    let text = lines_of(interpreter, &args.positional)?;
    interpreter.host.print(Stream::Out, text.as_bytes());
    Ok(Value::Nil)
}

/// The text that `puts` prints for these values: a line each, arrays taken apart.
pub(crate) fn lines_of(interpreter: &mut Interpreter, values: &[Value]) -> Eval<String> {
    match values {
        [] => Ok("\n".to_owned()),
        [Value::Array(array)] if array.is_empty() => Ok("\n".to_owned()),
        _ => each_line_of(interpreter, values),
    }
}

fn each_line_of(interpreter: &mut Interpreter, values: &[Value]) -> Eval<String> {
    let mut text = String::new();
    for value in values {
        if let Some(array) = interpreter.try_array(value)? {
            let items = array.to_vec();
            let inner = interpreter.inspect_guarded(value, "[...]\n", |this| each_line_of(this, &items))?;
            text.push_str(&inner);
            continue;
        }
        let line = interpreter.to_s(value)?;
        text.push_str(&line);
        if !line.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}

fn print(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let out = interpreter.get_global("$stdout");
    if !out.is_nil() {
        return interpreter.send(&out, "print", args);
    }
    for value in &args.positional {
        let text = interpreter.to_s(value)?;
        interpreter.host.print(Stream::Out, text.as_bytes());
    }
    Ok(Value::Nil)
}

fn p(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    for value in &args.positional {
        let text = interpreter.inspect(value)?;
        puts(interpreter, this, Args::one(Value::str(text)))?;
    }
    Ok(match args.len() {
        0 => Value::Nil,
        1 => args.at(0),
        _ => Value::array(args.positional),
    })
}

fn raise(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let mut args = args;
    let mut cause = None;
    if let Some(keywords) = args.keywords.take() {
        cause = keywords.remove(&Value::sym("cause"));
        if !keywords.is_empty() {
            args.positional.push(Value::Hash(keywords));
        }
    }
    let exception = match args.get(0) {
        None => {
            let current = interpreter.get_global("$!");
            if current.is_nil() {
                return interpreter.raise("RuntimeError", "");
            }
            current
        }
        Some(Value::Str(_)) => {
            let class = interpreter.class_named("RuntimeError");
            let class = class.unwrap_or_else(|| interpreter.core.standard_error.clone());
            interpreter.new_exception(&class, args.at(0))
        }
        Some(other) => {
            let other = other.clone();
            if !interpreter.responds_to(&other, names::EXCEPTION)? {
                return interpreter.raise("TypeError", "exception class/object expected");
            }
            let rest = args.positional.get(1).cloned().into_iter().collect();
            interpreter.call_method(&other, names::EXCEPTION, Args::of(rest))?
        }
    };
    if let Value::Object(object) = &exception {
        if let Some(lines) = args.get(2) {
            object.set_variable(names::HIDDEN_BACKTRACE, lines.clone());
        }
        if let Some(cause) = cause {
            object.set_variable(names::HIDDEN_CAUSE, cause);
        }
    }
    // The backtrace begins where `raise` was called, without `raise` itself.
    let activation = interpreter.activations.pop();
    interpreter.prepare_raise(&exception);
    interpreter.activations.extend(activation);
    Err(Control::Raise(exception))
}

fn require(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_string(&args.at(0))?;
    interpreter.require(&name).map(Value::Bool)
}

fn require_relative(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_string(&args.at(0))?;
    interpreter.require_relative(&name).map(Value::Bool)
}

fn load(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_string(&args.at(0))?;
    interpreter.load(&name)?;
    Ok(Value::Bool(true))
}

fn eval(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let source = interpreter.expect_string(&args.at(0))?;
    let file = args.get(2).and_then(Value::as_text);
    let line = match args.get(3) {
        Some(Value::Int(line)) => *line as usize,
        _ => 1,
    };
    let file = file.as_deref().unwrap_or("(eval)");
    match args.at(1) {
        Value::Nil => {
            let Some(context) = interpreter.caller_context().cloned() else {
                return interpreter.eval_source(file, &source);
            };
            interpreter.eval_in_context(&context, file, line, &source)
        }
        binding => interpreter.eval_in_binding(&binding, file, line, &source),
    }
}

fn binding(interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    interpreter.caller_binding()
}

fn block_given(interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    Ok(Value::Bool(interpreter.caller_context().is_some_and(|context| context.frame.block.is_some())))
}

fn lambda(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let Some(block) = args.block else {
        return interpreter.raise("ArgumentError", "tried to create Proc object without a block");
    };
    block.lambda.set(true);
    Ok(Value::Proc(block))
}

fn proc(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    match args.block {
        Some(block) => Ok(Value::Proc(block)),
        None => interpreter.raise("ArgumentError", "tried to create Proc object without a block"),
    }
}

fn loop_forever(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = args.block.clone() else {
        return Ok(crate::core::enumerator::enumerator(interpreter, this, "loop", args));
    };
    loop {
        match interpreter.call_proc(&block, Args::none()) {
            Ok(_) => {}
            Err(Control::Raise(exception)) => {
                let stop = interpreter.class_named("StopIteration");
                if stop.is_some_and(|stop| interpreter.is_a(&exception, &stop)) {
                    return Ok(match &exception {
                        Value::Object(object) => object.variable(names::HIDDEN_RESULT).unwrap_or(Value::Nil),
                        _ => Value::Nil,
                    });
                }
                return Err(Control::Raise(exception));
            }
            Err(other) => return Err(other),
        }
    }
}

/// The block of a call that needs one.
pub(crate) fn expect_block(interpreter: &mut Interpreter, args: &Args) -> Eval<std::rc::Rc<Proc>> {
    match &args.block {
        Some(block) => Ok(block.clone()),
        None => interpreter.raise("LocalJumpError", "no block given (yield)"),
    }
}

fn catch(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let block = expect_block(interpreter, &args)?;
    let wanted = match args.get(0) {
        Some(tag) => tag.clone(),
        None => interpreter.new_object(&interpreter.core.object.clone(), None),
    };
    interpreter.catch_tags.push(wanted.clone());
    let result = interpreter.call_proc_one(&block, wanted.clone());
    interpreter.catch_tags.pop();
    match result {
        Err(Control::Throw { tag, value }) if tag.same(&wanted) => Ok(value),
        other => other,
    }
}

fn throw(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let tag = args.at(0);
    if !interpreter.catch_tags.iter().any(|known| known.same(&tag)) {
        let text = interpreter.inspect(&tag)?;
        return interpreter.raise("UncaughtThrowError", format!("uncaught throw {text}"));
    }
    Err(Control::Throw { tag, value: args.at(1) })
}

fn exit(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let status = match args.get(0) {
        None | Some(Value::Bool(true)) => 0,
        Some(Value::Bool(false)) => 1,
        Some(other) => interpreter.expect_int(&other.clone())?,
    };
    Err(system_exit(interpreter, status, "exit"))
}

fn abort(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let message = match args.get(0) {
        Some(message) => {
            let message = interpreter.expect_string(&message.clone())?;
            interpreter.host.print(Stream::Err, format!("{message}\n").as_bytes());
            message
        }
        None => "exit".to_owned(),
    };
    Err(system_exit(interpreter, 1, &message))
}

fn system_exit(interpreter: &mut Interpreter, status: i64, message: &str) -> Control {
    let exception = interpreter.exception("SystemExit", message);
    if let Control::Raise(Value::Object(object)) = &exception {
        object.set_variable(names::HIDDEN_STATUS, Value::Int(status));
    }
    exception
}

fn at_exit(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let block = expect_block(interpreter, &args)?;
    interpreter.at_exit.push(block.clone());
    Ok(Value::Proc(block))
}

fn current_method(interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    let method = interpreter.caller_context().and_then(|context| context.frame.method.clone());
    Ok(method.map_or(Value::Nil, |method| Value::Sym(method.name)))
}

fn current_directory(interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    let Some(location) = interpreter.location() else { return Ok(Value::Nil) };
    if location.file.starts_with('(') {
        return Ok(Value::Nil);
    }
    let path = interpreter.absolute(&location.file);
    Ok(path.parent().map_or(Value::Nil, |directory| Value::str(directory.to_string_lossy())))
}

fn local_variables(interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    let mut found: Vec<Symbol> = Vec::new();
    let mut scope = interpreter.caller_context().map(|context| context.scope.clone());
    while let Some(here) = scope.take() {
        for name in here.names.iter() {
            if !name.as_str().starts_with('(') && !found.contains(name) {
                found.push(*name);
            }
        }
        scope.clone_from(&here.parent);
    }
    Ok(Value::array(found.into_iter().map(Value::Sym).collect()))
}

fn global_variables(interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    let mut found: Vec<Symbol> = interpreter.globals.keys().copied().collect();
    found.sort_by_key(|name| name.as_str());
    Ok(Value::array(found.into_iter().map(Value::Sym).collect()))
}

fn autoload(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_name(&args.at(0))?;
    let path = interpreter.expect_string(&args.at(1))?;
    let module = interpreter.core.object.clone();
    if module.constant(name).is_none() {
        module.constants.borrow_mut().insert(name, crate::class::Constant::Autoload(path));
    }
    Ok(Value::Nil)
}
