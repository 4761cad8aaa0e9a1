//! Plugins that a Vagrantfile defines inline: `class P < Vagrant.plugin("2")`. What they configure becomes known;
//! what they would do at run time is Ruby of Vagrant's insides, and is not run.

use std::cell::RefCell;
use std::rc::Rc;

use yado_ruby::{Args, ClassRef, Eval, Interpreter, Proc, Value};

use crate::session::Session;

/// What a plugin announced; its class is asked for later, because it may be defined later.
struct Announced {
    kind: &'static str,
    name: String,
    scope: String,
    block: Option<Rc<Proc>>,
}

thread_local! {
    /// Announcements of the file being read. One interpreter runs per thread.
    static ANNOUNCED: RefCell<Vec<Announced>> = const { RefCell::new(Vec::new()) };
}

/// The classes that `Vagrant.plugin("2", :kind)` answers, besides the configuration's.
const KINDS: &[(&str, &str)] = &[
    ("command", "Command"),
    ("communicator", "Communicator"),
    ("guest", "Guest"),
    ("host", "Host"),
    ("provider", "Provider"),
    ("provisioner", "Provisioner"),
    ("push", "Push"),
    ("synced_folder", "SyncedFolder"),
];

/// Defines `Vagrant.plugin` and the class of plugins.
pub(super) fn define(interpreter: &mut Interpreter, vagrant: &ClassRef, session: &Rc<Session>) {
    let session = Rc::clone(session);
    interpreter.define_singleton_method(vagrant, "plugin", move |interpreter, _, args| {
        let kind = args.get(1).and_then(Value::text_or_symbol);
        let class = match kind.as_deref() {
            None => plugin_class(interpreter),
            Some("config") => session.base_class(interpreter),
            Some(kind) => match KINDS.iter().find(|(name, _)| *name == kind) {
                Some((_, class)) => interpreter.define_class(&format!("Vagrant::Plugin::V2::{class}"), None),
                None => {
                    return interpreter.raise("ArgumentError", format!("unknown plugin component: {kind}"));
                }
            },
        };
        Ok(Value::Class(class))
    });
}

fn plugin_class(interpreter: &mut Interpreter) -> ClassRef {
    if let Some(class) = interpreter.class_named("Vagrant::Plugin::V2::Plugin") {
        return class;
    }
    let class = interpreter.define_class("Vagrant::Plugin::V2::Plugin", None);
    for kind in ["config", "provisioner", "provider", "synced_folder"] {
        interpreter.define_singleton_method(&class, kind, move |_, _, args| {
            announce(kind, &args);
            Ok(Value::Nil)
        });
    }
    interpreter.define_singleton_method(&class, "name", |interpreter, this, args| {
        if args.is_empty()
            && let Value::Class(class) = this
        {
            return Ok(Value::str(interpreter.class_name(class)));
        }
        Ok(args.at(0))
    });
    for nothing in [
        "description",
        "command",
        "action_hook",
        "guest",
        "host",
        "guest_capability",
        "host_capability",
        "provider_capability",
        "synced_folder_capability",
        "communicator",
        "push",
        "hook",
        "easy_command",
        "easy_hook",
    ] {
        interpreter.define_singleton_method(&class, nothing, |_, _, _| Ok(Value::Nil));
    }
    class
}

fn announce(kind: &'static str, args: &Args) {
    let Some(name) = args.get(0).and_then(Value::text_or_symbol) else { return };
    let scope = args.get(1).and_then(Value::text_or_symbol).unwrap_or_default();
    ANNOUNCED.with_borrow_mut(|list| {
        list.push(Announced { kind, name, scope, block: args.block.clone() });
    });
}

/// Asks for the classes that were announced.
pub(crate) fn resolve(interpreter: &mut Interpreter, session: &Session) -> Eval<()> {
    let announced = ANNOUNCED.take();
    for one in announced {
        let scope = if one.kind == "config" { one.scope.as_str() } else { one.kind };
        if one.kind != "config" {
            if one.kind == "provisioner" {
                session.inline.borrow_mut().provisioners.entry(one.name).or_insert(None);
            } else if one.kind == "synced_folder" {
                session.inline.borrow_mut().folders.push(one.name);
            }
            continue;
        }
        let Some(block) = one.block else { continue };
        let Value::Class(class) = interpreter.call_proc(&block, Args::none())? else { continue };
        let mut inline = session.inline.borrow_mut();
        match scope {
            "provisioner" => {
                inline.provisioners.insert(one.name, Some(class));
            }
            "provider" => {
                inline.providers.insert(one.name, class);
            }
            _ => {
                inline.sections.insert(one.name, class);
            }
        }
    }
    Ok(())
}
