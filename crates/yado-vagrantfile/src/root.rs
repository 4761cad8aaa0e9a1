//! The `config` that a block is given: sections by name, made when they are first mentioned.

use std::cell::RefCell;
use std::rc::Rc;

use yado_core::spec::Origin;
use yado_ruby::{ClassRef, Eval, Interpreter, OrderedMap, Value};

use crate::config::origin;
use crate::dummy::DummyCell;
use crate::object;
use crate::session::{Kind, Session};

/// A root object as Ruby sees it.
pub(crate) struct Root {
    /// The load that it belongs to.
    pub(crate) session: Rc<Session>,
    /// Its sections.
    pub(crate) sections: RefCell<OrderedMap<String, Value>>,
    /// Sections that nothing is known about, and where they were first mentioned.
    pub(crate) unknown: RefCell<Vec<(String, Option<Origin>)>>,
}

impl Root {
    /// An empty root.
    pub(crate) fn new(session: &Rc<Session>) -> Rc<Self> {
        Rc::new(Self {
            session: Rc::clone(session),
            sections: RefCell::default(),
            unknown: RefCell::default(),
        })
    }

    /// The root behind a Ruby object.
    pub(crate) fn of(value: &Value) -> Option<Rc<Root>> {
        value.data::<Rc<Root>>().map(|root| Rc::clone(&root))
    }

    /// The Ruby object of this root.
    pub(crate) fn object(self: &Rc<Self>, interpreter: &mut Interpreter) -> Value {
        let class = match interpreter.class_named("Vagrant::Config::V2::Root") {
            Some(class) => class,
            None => define_class(interpreter),
        };
        interpreter.new_object(&class, Some(Box::new(Rc::clone(self))))
    }

    /// A section, made if it is not there yet.
    pub(crate) fn section(self: &Rc<Self>, interpreter: &mut Interpreter, name: &str) -> Eval {
        if let Some(known) = self.sections.borrow().get(name) {
            return Ok(known.clone());
        }
        let kind = self.session.section(name);
        if matches!(kind, Kind::Unknown) {
            let origin = origin(interpreter);
            self.unknown.borrow_mut().push((name.to_owned(), origin));
        }
        let made = self.session.make(interpreter, &kind)?;
        if let Some(dummy) = DummyCell::of(&made) {
            dummy.reads_env.set(matches!(name, "env" | "dotenv"));
        }
        self.sections.borrow_mut().insert(name.to_owned(), made.clone());
        Ok(made)
    }

    /// Takes in what a newer root says, which wins and stays as it is. This root must be the caller's own.
    pub(crate) fn take_in(&self, interpreter: &mut Interpreter, newer: &Root) -> Eval<()> {
        let newer_sections = newer.sections.borrow().clone();
        for (name, section) in newer_sections {
            let older = self.sections.borrow().get(&name).cloned();
            let value = match older {
                Some(older) => object::merge(interpreter, &self.session, &older, &section)?,
                None => object::copy(interpreter, &self.session, &section)?,
            };
            self.sections.borrow_mut().insert(name, value);
        }
        for entry in newer.unknown.borrow().iter() {
            if !self.unknown.borrow().iter().any(|(known, _)| *known == entry.0) {
                self.unknown.borrow_mut().push(entry.clone());
            }
        }
        Ok(())
    }

    /// Completes every section. The machine section is always there.
    pub(crate) fn finalize(self: &Rc<Self>, interpreter: &mut Interpreter) -> Eval<()> {
        self.section(interpreter, "vm")?;
        let sections: Vec<_> = self.sections.borrow().values().cloned().collect();
        for section in sections {
            object::finalize(interpreter, &self.session, &section)?;
        }
        Ok(())
    }
}

fn define_class(interpreter: &mut Interpreter) -> ClassRef {
    let class = interpreter.define_class("Vagrant::Config::V2::Root", None);
    interpreter.define_method(&class, "method_missing", |interpreter, this, args| {
        let name = args.get(0).and_then(Value::text_or_symbol).unwrap_or_default();
        match Root::of(this) {
            Some(root) => root.section(interpreter, &name),
            None => Ok(Value::Nil),
        }
    });
    class
}
