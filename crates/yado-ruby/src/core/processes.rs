//! Running programs: backticks, `system`, `exec`, `spawn`, and `Process`. All of it goes through the host.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::files::{change, path_of, raise_host};
use crate::host::{Change, Command, Output, Stream};
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const ANY: Arity = Arity::at_least(0);

/// Functions of Kernel.
pub(crate) const FUNCTIONS: Table = &[
    ("`", backtick, Arity::exactly(1)),
    ("system", system, Arity::at_least(1).with_keywords()),
    ("exec", exec, Arity::at_least(1).with_keywords()),
    ("spawn", spawn, Arity::at_least(1).with_keywords()),
    ("fork", fork, ANY),
    ("sleep", sleep, Arity::between(0, 1)),
    ("trap", |_, _, _| Ok(Value::Nil), ANY),
];

/// Methods of `Process`.
pub(crate) const PROCESS: Table = &[
    ("pid", |_, _, _| Ok(Value::Int(i64::from(std::process::id()))), ANY),
    ("ppid", |_, _, _| Ok(Value::Int(1)), ANY),
    ("uid", |_, _, _| Ok(Value::Int(i64::from(rustix::process::getuid().as_raw()))), ANY),
    ("euid", |_, _, _| Ok(Value::Int(i64::from(rustix::process::geteuid().as_raw()))), ANY),
    ("gid", |_, _, _| Ok(Value::Int(i64::from(rustix::process::getgid().as_raw()))), ANY),
    ("egid", |_, _, _| Ok(Value::Int(i64::from(rustix::process::getegid().as_raw()))), ANY),
    ("clock_gettime", clock, Arity::between(1, 2)),
    ("wait", |ruby, _, _| Ok(ruby.get_global("$?")), ANY),
    ("waitpid", |ruby, _, _| Ok(ruby.get_global("$?")), ANY),
    ("detach", |_, _, _| Ok(Value::Nil), ANY),
    ("last_status", |ruby, _, _| Ok(ruby.get_global("$?")), ANY),
    ("kill", kill, ANY),
    ("fork", fork, ANY),
    ("daemon", fork, ANY),
    ("spawn", spawn, Arity::at_least(1).with_keywords()),
    ("exec", exec, Arity::at_least(1).with_keywords()),
    ("exit", |ruby, _, args| ruby.send(&Value::Nil, "exit", args), ANY),
];

/// Methods of `Process::Status`.
pub(crate) const STATUS: Table = &[
    ("success?", |_, this, _| Ok(Value::Bool(status_of(this) == Some(0))), ANY),
    (
        "exitstatus",
        |_, this, _| Ok(status_of(this).map_or(Value::Nil, |code| Value::Int(i64::from(code)))),
        ANY,
    ),
    ("to_i", |_, this, _| Ok(Value::Int(i64::from(status_of(this).unwrap_or(0)) << 8)), ANY),
    ("exited?", |_, this, _| Ok(Value::Bool(status_of(this).is_some())), ANY),
    ("signaled?", |_, this, _| Ok(Value::Bool(status_of(this).is_none())), ANY),
    ("termsig", |_, _, _| Ok(Value::Nil), ANY),
    ("pid", |_, _, _| Ok(Value::Int(1)), ANY),
    (
        "==",
        |_, this, args| {
            Ok(Value::Bool(
                status_of(this).map(i64::from) == args.at(0).as_integer().map(|it| it as i64 >> 8),
            ))
        },
        Arity::exactly(1),
    ),
    ("to_s", |_, this, _| Ok(Value::str(format!("pid 1 exit {}", status_of(this).unwrap_or(-1)))), ANY),
    (
        "inspect",
        |_, this, _| {
            Ok(Value::str(format!("#<Process::Status: pid 1 exit {}>", status_of(this).unwrap_or(-1))))
        },
        ANY,
    ),
];

/// How a program ended.
struct Ended(Option<i32>);

fn status_of(this: &Value) -> Option<i32> {
    this.data::<Ended>().and_then(|ended| ended.0)
}

/// Sets `$?`.
fn set_status(ruby: &mut Interpreter, status: Option<i32>) -> Value {
    let class = ruby.class_named("Process::Status").unwrap_or_else(|| ruby.core.object.clone());
    let value = ruby.new_object(&class, Some(Box::new(Ended(status))));
    ruby.set_global("$?", value.clone());
    value
}

/// What to run: one string is a line for the shell, several are a program and its arguments.
pub(crate) fn command(
    ruby: &mut Interpreter,
    args: &Args,
) -> Eval<(Command, std::collections::BTreeMap<String, String>)> {
    let mut environment = ruby.environment.clone();
    let mut words = Vec::new();
    for value in &args.positional {
        match value {
            Value::Hash(changes) if words.is_empty() => {
                for (name, value) in changes.to_vec() {
                    let name = ruby.to_s(&name)?;
                    if value.is_nil() {
                        environment.remove(&name);
                    } else {
                        environment.insert(name, ruby.to_s(&value)?);
                    }
                }
            }
            Value::Hash(_) => {}
            Value::Array(pair) => words.push(ruby.expect_string(&pair.get(0).unwrap_or(Value::Nil))?),
            other => words.push(ruby.expect_string(other)?),
        }
    }
    let command = match words.as_slice() {
        [] => return ruby.wrong_arguments(0, "1+"),
        [line] => Command::Shell(line.clone()),
        _ => Command::Argv(words),
    };
    Ok((command, environment))
}

/// Runs a program and sets `$?`.
pub(crate) fn run(ruby: &mut Interpreter, args: &Args, input: &[u8]) -> Eval<(Output, Value)> {
    let (command, environment) = command(ruby, args)?;
    let directory = match args.keyword("chdir") {
        Some(path) => crate::core::files::path_of(ruby, &path)?,
        None => ruby.directory.clone(),
    };
    match ruby.host.run(&command, &directory, &environment, input) {
        Ok(output) => {
            let status = set_status(ruby, output.status);
            Ok((redirected(ruby, args, output)?, status))
        }
        Err(error) => {
            set_status(ruby, Some(127));
            let name = match command {
                Command::Shell(line) => line,
                Command::Argv(words) => words.into_iter().next().unwrap_or_default(),
            };
            raise_host(ruby, &error, "", &name)
        }
    }
}

/// Sends the output where `out:` and `err:` say, which is a change of the file system like any other.
fn redirected(ruby: &mut Interpreter, args: &Args, mut output: Output) -> Eval<Output> {
    for name in ["err", "out"] {
        let Some(target) = args.keyword(name) else { continue };
        let text = if name == "out" {
            std::mem::take(&mut output.stdout)
        } else {
            std::mem::take(&mut output.stderr)
        };
        let (place, mode) = match &target {
            Value::Array(parts) => {
                (parts.get(0).unwrap_or(Value::Nil), parts.get(1).and_then(|mode| mode.as_text()))
            }
            other => (other.clone(), None),
        };
        match place {
            Value::Str(_) => {
                let path = path_of(ruby, &place)?;
                let shown = path.to_string_lossy().into_owned();
                let append = mode.is_some_and(|mode| mode.starts_with('a'));
                change(ruby, &Change::Write { path, content: text, append }, "rb_sysopen", &shown)?;
            }
            // `err: :out`, `err: [:child, :out]`, `out: $stdout`.
            _ => output.stdout.extend(text),
        }
    }
    Ok(output)
}

fn backtick(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let (output, _) = run(ruby, &args, &[])?;
    ruby.host.print(Stream::Err, &output.stderr);
    Ok(Value::bytes(output.stdout))
}

fn system(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let result = run(ruby, &args, &[]);
    let output = match result {
        Ok((output, _)) => output,
        Err(crate::control::Control::Raise(exception)) => {
            // A program that is not there is no exception for `system`; a refusal is.
            let missing =
                ruby.class_named("Errno::ENOENT").is_some_and(|class| ruby.is_a(&exception, &class));
            if missing && !args.keyword("exception").is_some_and(|value| value.truthy()) {
                return Ok(Value::Nil);
            }
            return Err(crate::control::Control::Raise(exception));
        }
        Err(other) => return Err(other),
    };
    ruby.host.print(Stream::Out, &output.stdout);
    ruby.host.print(Stream::Err, &output.stderr);
    let success = output.status == Some(0);
    if !success && args.keyword("exception").is_some_and(|value| value.truthy()) {
        let code = output.status.unwrap_or(-1);
        return ruby.raise("RuntimeError", format!("Command failed with exit {code}"));
    }
    Ok(Value::Bool(success))
}

fn exec(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let (asked, _) = command(ruby, &args)?;
    if ruby.host.goes_on_instead(&asked) {
        return Ok(Value::Nil);
    }
    let (output, _) = run(ruby, &args, &[])?;
    ruby.host.print(Stream::Out, &output.stdout);
    ruby.host.print(Stream::Err, &output.stderr);
    ruby.send(&Value::Nil, "exit", Args::one(Value::Int(i64::from(output.status.unwrap_or(1)))))
}

fn spawn(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let (output, _) = run(ruby, &args, &[])?;
    ruby.host.print(Stream::Out, &output.stdout);
    ruby.host.print(Stream::Err, &output.stderr);
    Ok(Value::Int(1))
}

fn fork(ruby: &mut Interpreter, _: &Value, _: Args) -> Eval {
    ruby.raise("NotImplementedError", "fork() function is unimplemented on this machine")
}

/// Asks whether a connection may be opened; even then none is, because the library has no network.
pub(crate) fn connect(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let place = ruby.to_s(&args.at(0))?;
    match ruby.host.connect(&place) {
        Ok(()) => Ok(Value::Nil),
        Err(error) => raise_host(ruby, &error, "connect(2)", &place),
    }
}

fn kill(ruby: &mut Interpreter, _: &Value, _: Args) -> Eval {
    ruby.refuse("sending signals")
}

/// `sleep` does not wait: nothing that a configuration may do takes time to settle.
fn sleep(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let seconds = if args.is_empty() { 0.0 } else { crate::core::format::float(ruby, &args.at(0))? };
    Ok(Value::Int(seconds.round() as i64))
}

fn clock(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let now = ruby.host.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(match args.at(1).text_or_symbol().as_deref() {
        Some("millisecond") => Value::Int(now.as_millis() as i64),
        Some("microsecond") => Value::Int(now.as_micros() as i64),
        Some("nanosecond") => Value::integer(now.as_nanos() as i128),
        Some("second") => Value::Int(now.as_secs() as i64),
        _ => Value::Float(now.as_secs_f64()),
    })
}
