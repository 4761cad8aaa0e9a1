//! One load of a Vagrantfile: what its configuration objects share. The classes are made when they are first
//! needed, because most Vagrantfiles touch few of them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use indexmap::IndexMap;
use yado_ruby::{Args, ClassRef, Eval, Interpreter, Proc, Value};

use crate::config::{Config, ConfigCell, Extra};
use crate::dummy::DummyCell;
use crate::schema::{Section, providers, provisioners, pushes, sections};

/// A block given to `Vagrant.configure` or `config.vm.define`, with the version of the language it is written in.
#[derive(Clone)]
pub(crate) struct Block {
    /// `1` or `2`.
    pub(crate) version: String,
    /// The block.
    pub(crate) body: Rc<Proc>,
}

/// What stands behind a name.
#[derive(Clone)]
pub(crate) enum Kind {
    /// A table of ours.
    Table(&'static Section),
    /// A class that the Vagrantfile defined itself.
    Ruby(ClassRef),
    /// Nothing that we know.
    Unknown,
}

/// Plugins that a Vagrantfile defines inline.
#[derive(Default)]
pub(crate) struct InlinePlugins {
    /// Sections, by name.
    pub(crate) sections: IndexMap<String, ClassRef>,
    /// Configuration classes of provisioners; `None` for a provisioner without one.
    pub(crate) provisioners: HashMap<String, Option<ClassRef>>,
    /// Configuration classes of providers.
    pub(crate) providers: HashMap<String, ClassRef>,
    /// Types of synced folders.
    pub(crate) folders: Vec<String>,
}

/// See the module.
pub(crate) struct Session {
    /// The folder of the project's Vagrantfile.
    pub(crate) project: PathBuf,
    /// Blocks given to `Vagrant.configure` since the last file was begun.
    pub(crate) captured: RefCell<Vec<Block>>,
    /// What inline plugins define.
    pub(crate) inline: RefCell<InlinePlugins>,
    /// Providers of yado's own.
    pub(crate) extra_providers: HashMap<&'static str, &'static Section>,
    /// Numbers for things without a name.
    pub(crate) counter: Cell<u64>,
    /// Warnings of upgrades from version 1.
    pub(crate) warnings: RefCell<Vec<String>>,
    classes: RefCell<HashMap<&'static str, ClassRef>>,
}

impl Session {
    /// A load of the Vagrantfile in this folder.
    pub(crate) fn new(
        project: PathBuf,
        extra_providers: HashMap<&'static str, &'static Section>,
    ) -> Rc<Self> {
        Rc::new(Self {
            project,
            captured: RefCell::default(),
            inline: RefCell::default(),
            extra_providers,
            counter: Cell::new(0),
            warnings: RefCell::default(),
            classes: RefCell::default(),
        })
    }

    /// What stands for "nobody set this".
    pub(crate) fn unset() -> Value {
        Value::sym("__UNSET__VALUE__")
    }

    /// The class that all configuration objects descend from.
    pub(crate) fn base_class(self: &Rc<Self>, interpreter: &mut Interpreter) -> ClassRef {
        if let Some(known) = self.classes.borrow().get("base") {
            return known.clone();
        }
        let class = interpreter.define_class("Vagrant::Plugin::V2::Config", None);
        crate::object::define_base(interpreter, &class, self);
        self.classes.borrow_mut().insert("base", class.clone());
        class
    }

    /// The Ruby class of a table.
    pub(crate) fn class_of(
        self: &Rc<Self>,
        interpreter: &mut Interpreter,
        section: &'static Section,
    ) -> ClassRef {
        if let Some(known) = self.classes.borrow().get(section.class) {
            return known.clone();
        }
        let base = self.base_class(interpreter);
        let class = interpreter.define_class(section.class, Some(&base));
        if !section.methods.is_empty() {
            interpreter.add_methods(&class, section.methods);
        }
        self.classes.borrow_mut().insert(section.class, class.clone());
        class
    }

    /// A new stand-in that takes any call.
    pub(crate) fn dummy(self: &Rc<Self>, interpreter: &mut Interpreter) -> Value {
        let class = self.classes.borrow().get("dummy").cloned();
        let class = class.unwrap_or_else(|| {
            let class = interpreter.define_class("Vagrant::Config::V2::DummyConfig", None);
            crate::object::define_dummy(interpreter, &class);
            self.classes.borrow_mut().insert("dummy", class.clone());
            class
        });
        let cell = Rc::new(DummyCell {
            session: Rc::clone(self),
            calls: RefCell::default(),
            reads_env: Cell::new(false),
        });
        interpreter.new_object(&class, Some(Box::new(cell)))
    }

    /// A Ruby object around a configuration.
    pub(crate) fn wrap(self: &Rc<Self>, interpreter: &mut Interpreter, config: Config) -> Value {
        let class = self.class_of(interpreter, config.section);
        let extra = RefCell::new(Extra::for_section(config.section));
        let cell = Rc::new(ConfigCell { session: Rc::clone(self), config: RefCell::new(config), extra });
        interpreter.new_object(&class, Some(Box::new(cell)))
    }

    /// A new, empty configuration object.
    pub(crate) fn make(self: &Rc<Self>, interpreter: &mut Interpreter, kind: &Kind) -> Eval {
        match kind {
            Kind::Table(section) => Ok(self.wrap(interpreter, Config::new(section))),
            Kind::Ruby(class) => interpreter.send(&Value::Class(class.clone()), "new", Args::none()),
            Kind::Unknown => Ok(self.dummy(interpreter)),
        }
    }

    /// What `config.NAME` is.
    pub(crate) fn section(&self, name: &str) -> Kind {
        if let Some(class) = self.inline.borrow().sections.get(name) {
            return Kind::Ruby(class.clone());
        }
        sections::find(name).map_or(Kind::Unknown, Kind::Table)
    }

    /// What `config.vm.provider NAME` configures.
    pub(crate) fn provider(&self, name: &str) -> Kind {
        if let Some(class) = self.inline.borrow().providers.get(name) {
            return Kind::Ruby(class.clone());
        }
        let known = providers::find(name).or_else(|| self.extra_providers.get(name).copied());
        known.map_or(Kind::Unknown, Kind::Table)
    }

    /// What `config.vm.provision TYPE` configures; `None` when there is no such provisioner.
    pub(crate) fn provisioner(&self, name: &str) -> Option<Kind> {
        if let Some(class) = self.inline.borrow().provisioners.get(name) {
            return Some(class.clone().map_or(Kind::Unknown, Kind::Ruby));
        }
        provisioners::find(name).map(Kind::Table)
    }

    /// What `push.define` of this strategy configures.
    pub(crate) fn push(&self, strategy: &str) -> Kind {
        pushes::find(strategy).map_or(Kind::Unknown, Kind::Table)
    }

    /// The next number for something without a name.
    pub(crate) fn number(&self) -> u64 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }
}
