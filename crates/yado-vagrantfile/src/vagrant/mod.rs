//! The `Vagrant` module as Ruby code sees it. What nearly every Vagrantfile uses is defined at once; the rest is a
//! piece of Ruby that is read when it is first referred to.

use std::rc::Rc;

use yado_ruby::{Args, ClassRef, Control, Eval, Interpreter, MethodBody, Value, Visibility};

use crate::session::{Block, Session};

mod plugin;
mod versions;

pub(crate) use plugin::resolve as resolve_plugins;
pub(crate) use versions::is_requirement;

/// The version of Vagrant that yado behaves like.
pub(crate) const VERSION: &str = "2.3.4";

/// Ruby's libraries that neither Ruby nor Vagrant has loaded when a Vagrantfile is read, by their constants: a program
/// that uses one without requiring it fails there, and so it does here.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("Benchmark", &["benchmark"]),
    ("CSV", &["csv"]),
    ("Date", &["date", "time", "csv", "open-uri", "json/add/core"]),
    ("DateTime", &["date", "time", "csv", "open-uri", "json/add/core"]),
    ("DeepMerge", &["deep_merge"]),
    ("ERB", &["erb", "erb/util"]),
    ("Find", &["find"]),
    ("GetoptLong", &["getoptlong"]),
    ("MakeMakefile", &["mkmf"]),
    ("Net", &["net/http", "net/https", "net/ftp", "net/smtp", "net/ssh", "net/scp", "net/protocol"]),
    ("Observable", &["observer"]),
    ("Open3", &["open3"]),
    ("OpenURI", &["open-uri"]),
    ("YAML", &["yaml", "yaml/store"]),
];

/// The library that has to be required for a constant that is missing.
pub(crate) fn library_of(message: &str) -> Option<&'static str> {
    let name = message.strip_prefix("uninitialized constant ")?.lines().next()?;
    let (_, libraries) = LIBRARIES.iter().find(|(constant, _)| *constant == name)?;
    libraries.first().copied()
}

const PRELUDE: &str = include_str!("prelude.rb");

/// Reads the rest of the module, unless that happened already.
pub(crate) fn load_prelude(interpreter: &mut Interpreter) {
    if interpreter.class_named("Vagrant::Errors").is_none() {
        // Our own text: should it fail, the constant that was asked for is missing, which is reported as such.
        drop(interpreter.eval_source("vagrant.rb", PRELUDE));
    }
}

const DOTENV: &str = include_str!("dotenv.rb");

/// `config.env.enable`: the variables of the project's `.env`, or of the files of these names, into `ENV`.
pub(crate) fn load_environment_files(
    interpreter: &mut Interpreter,
    project: &std::path::Path,
    names: &[Value],
) -> Eval<()> {
    if interpreter.class_named("Vagrant::EnvironmentFiles").is_none() {
        interpreter.eval_source("dotenv.rb", DOTENV)?;
    }
    let Some(files) = interpreter.constant_named("Vagrant::EnvironmentFiles") else { return Ok(()) };
    let names = names
        .iter()
        .flat_map(|name| match name {
            Value::Array(list) => list.to_vec(),
            other => vec![other.clone()],
        })
        .collect();
    let arguments = vec![Value::str(project.to_string_lossy().as_ref()), Value::array(names)];
    interpreter.send(&files, "load", Args { positional: arguments, ..Args::default() })?;
    Ok(())
}

/// An error of Vagrant's, by the last part of its class's name.
pub(crate) fn error(interpreter: &mut Interpreter, name: &str, message: String) -> Control {
    load_prelude(interpreter);
    let base = interpreter.class_named("Vagrant::Errors::VagrantError");
    let path = format!("Vagrant::Errors::{name}");
    interpreter.define_class(&path, base.as_ref());
    interpreter.exception(&path, message)
}

/// Defines the module.
pub(crate) fn define(interpreter: &mut Interpreter, session: &Rc<Session>) {
    interpreter.withhold(LIBRARIES);
    let vagrant = interpreter.define_module("Vagrant");
    interpreter.set_constant(Some(&vagrant), "VERSION", Value::str(VERSION));
    let native = interpreter.define_module("YadoNative");
    let gem = Value::array(vec![Value::str("vagrant"), Value::str(VERSION)]);
    interpreter.set_constant(Some(&native), "GEMS", Value::array(vec![gem]));
    interpreter.set_constant(
        Some(&vagrant),
        "DEFAULT_SERVER_URL",
        Value::str("https://vagrantcloud.com/api/v2/vagrant"),
    );
    let config = interpreter.define_module("Vagrant::Config");
    for (module, name, default) in [(&vagrant, "configure", "2"), (&config, "run", "1")] {
        let session = Rc::clone(session);
        interpreter.define_singleton_method(module, name, move |interpreter, _, args| {
            if args.is_empty() && name == "configure" {
                return interpreter.wrong_arguments(0, "1");
            }
            let version = if args.is_empty() { default.to_owned() } else { interpreter.to_s(&args.at(0))? };
            if let Some(body) = args.block {
                session.captured.borrow_mut().push(Block { version, body });
            }
            Ok(Value::Nil)
        });
    }
    interpreter.define_singleton_method(&vagrant, "require_version", require_version);
    interpreter.define_singleton_method(&vagrant, "version?", |interpreter, _, args| {
        let wanted = requirements(interpreter, &args)?;
        Ok(Value::Bool(versions::satisfies(VERSION, &wanted)))
    });
    interpreter.define_singleton_method(&vagrant, "has_plugin?", |_, _, _| Ok(Value::Bool(false)));
    interpreter.define_singleton_method(&vagrant, "require_plugin", |_, _, _| Ok(Value::Nil));
    interpreter.define_singleton_method(&vagrant, "original_env", |interpreter, _, _| {
        match interpreter.constant_named("ENV") {
            Some(environment) => interpreter.send(&environment, "to_h", Args::none()),
            None => Ok(Value::hash([])),
        }
    });
    for no in ["in_installer?", "very_quiet?", "prerelease?", "enable_resolv_replace", "in_bundler?"] {
        interpreter.define_singleton_method(&vagrant, no, |_, _, _| Ok(Value::Bool(false)));
    }
    for yes in ["plugins_enabled?", "plugins_init?"] {
        interpreter.define_singleton_method(&vagrant, yes, |_, _, _| Ok(Value::Bool(true)));
    }
    let plugins = interpreter.define_module("VagrantPlugins");
    let i18n = interpreter.define_module("I18n");
    let log4r = interpreter.define_module("Log4r");
    for module in [&vagrant, &config, &plugins, &i18n, &log4r] {
        define_late(interpreter, module);
    }
    interpreter.define_singleton_method(&vagrant, "method_missing", late_method);
    interpreter.define_singleton_method(&i18n, "method_missing", late_method);
    plugin::define(interpreter, &vagrant, session);
    define_require(interpreter);
}

/// `require "vagrant/…"` finds the prelude; everything else is the interpreter's business.
fn define_require(interpreter: &mut Interpreter) {
    let kernel = interpreter.define_module("Kernel");
    let body: yado_ruby::NativeClosure = Rc::new(|interpreter, _, args| {
        let name = interpreter.to_s(&args.at(0))?;
        if matches!(name.as_str(), "vagrant" | "log4r" | "i18n") || name.starts_with("vagrant/") {
            load_prelude(interpreter);
            return Ok(Value::Bool(true));
        }
        interpreter.require(&name).map(Value::Bool)
    });
    let name = yado_ruby::Symbol::new("require");
    interpreter.add_method(&kernel, name, Visibility::Private, MethodBody::Closure(body));
    // There are no gems to activate but those that are built in.
    let body: yado_ruby::NativeClosure = Rc::new(|interpreter, _, args| {
        let name = interpreter.to_s(&args.at(0))?;
        if ["json", "yaml", "psych", "vagrant", "i18n", "log4r"].contains(&name.as_str()) {
            return Ok(Value::Bool(true));
        }
        interpreter.require("rubygems")?;
        let message = format!("Could not find '{name}' (>= 0) among 0 total gem(s)");
        interpreter.raise("Gem::MissingSpecError", message)
    });
    let name = yado_ruby::Symbol::new("gem");
    interpreter.add_method(&kernel, name, Visibility::Private, MethodBody::Closure(body));
}

/// Reads the prelude when a constant is missing, and looks again.
fn define_late(interpreter: &mut Interpreter, module: &ClassRef) {
    interpreter.define_singleton_method(module, "const_missing", |interpreter, this, args| {
        let name = args.get(0).and_then(Value::text_or_symbol).unwrap_or_default();
        load_prelude(interpreter);
        let path = match this {
            Value::Class(module) => format!("{}::{name}", interpreter.class_name(module)),
            _ => name,
        };
        match interpreter.constant_named(&path) {
            Some(value) => Ok(value),
            None => interpreter.raise("NameError", format!("uninitialized constant {path}")),
        }
    });
}

/// Reads the prelude when a method of the module is missing, and calls what it defines.
fn late_method(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let name = args.positional.remove(0).text_or_symbol().unwrap_or_default();
    load_prelude(interpreter);
    let method = yado_ruby::Symbol::new(&name);
    let class = interpreter.dispatch_class(this);
    match interpreter.find_method(&class, method) {
        Some(found) => interpreter.invoke(this, &found, args),
        None => {
            let shown = interpreter.inspect(this)?;
            interpreter.raise("NoMethodError", format!("undefined method `{name}' for {shown}:Module"))
        }
    }
}

/// The requirements of a call: strings, and lists of them.
fn requirements(interpreter: &mut Interpreter, args: &Args) -> Eval<Vec<String>> {
    let mut wanted = Vec::new();
    for argument in &args.positional {
        let items = match argument {
            Value::Array(list) => list.to_vec(),
            one => vec![one.clone()],
        };
        for item in items {
            wanted.push(interpreter.to_s(&item)?);
        }
    }
    Ok(wanted)
}

/// `Vagrant.require_version ">= 2.2"`
fn require_version(interpreter: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let wanted = requirements(interpreter, &args)?;
    if versions::satisfies(VERSION, &wanted) {
        return Ok(Value::Nil);
    }
    let list = wanted.join(", ");
    let message = format!(
        "This Vagrant environment has specified that it requires the Vagrant\nversion to satisfy the following version requirements:\n\n  {list}\n\nYou are running Vagrant {VERSION}, which does not satisfy\nthese requirements. Please change your Vagrant version or update\nthe Vagrantfile to allow this Vagrant version. However, be warned\nthat if the Vagrantfile has specified another version, it probably has\ngood reason to do so, and changing that may cause the environment to\nnot function properly."
    );
    Err(error(interpreter, "VagrantVersionBad", message))
}
