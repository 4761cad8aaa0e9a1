//! Classes and modules: method tables, constants, and the order in which ancestors are searched.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use indexmap::IndexMap;

use crate::args::Arity;
use crate::object::Variables;
use crate::procs::{Method, NativeFunction};
use crate::symbol::{BySymbol, Symbol};
use crate::value::Value;

/// A shared class or module.
pub type ClassRef = Rc<RClass>;

/// Methods written in Rust: name, function, accepted number of arguments. Searched only when a class's own
/// methods do not answer, and cached then, so that a thousand of them cost nothing at start-up.
pub type Table = &'static [(&'static str, NativeFunction, Arity)];

/// What a constant holds.
#[derive(Clone)]
pub enum Constant {
    /// A value.
    Value(Value),
    /// A file to load when it is first referred to (`autoload`).
    Autoload(String),
}

/// A class or a module.
pub struct RClass {
    /// The full name, once it was assigned to a constant.
    pub name: RefCell<Option<String>>,
    /// Whether it is a module.
    pub is_module: bool,
    /// The superclass; `None` for modules and `BasicObject`.
    pub superclass: RefCell<Option<ClassRef>>,
    /// Included modules, in order of inclusion.
    pub includes: RefCell<Vec<ClassRef>>,
    /// Prepended modules, in order.
    pub prepends: RefCell<Vec<ClassRef>>,
    /// Methods defined by Ruby code or by embedding code; `None` where `undef` removed one.
    pub methods: RefCell<IndexMap<Symbol, Rc<Method>, BySymbol>>,
    /// Methods of the core library.
    pub tables: RefCell<Vec<Table>>,
    /// Constants.
    pub constants: RefCell<IndexMap<Symbol, Constant, BySymbol>>,
    /// Names of private constants.
    pub private_constants: RefCell<Vec<Symbol>>,
    /// `@@class` variables.
    pub class_variables: RefCell<Variables>,
    /// Its own `@instance` variables.
    pub variables: RefCell<Variables>,
    /// Its singleton class, once there is one.
    pub singleton: RefCell<Option<ClassRef>>,
    /// For a singleton class: the object that it belongs to.
    pub attached: RefCell<Option<Value>>,
    /// Whether changing it is an error.
    pub frozen: Cell<bool>,
    /// Found methods, valid for one generation of the class hierarchy.
    pub(crate) cache: RefCell<(u64, HashMap<Symbol, Option<Rc<Method>>, BySymbol>)>,
    /// Ancestors, valid for one generation of the class hierarchy.
    pub(crate) ancestors: RefCell<(u64, Option<Rc<[ClassRef]>>)>,
}

impl RClass {
    /// A new class or module that nothing refers to yet.
    pub fn new(name: Option<String>, superclass: Option<ClassRef>, is_module: bool) -> ClassRef {
        Rc::new(Self {
            name: RefCell::new(name),
            is_module,
            superclass: RefCell::new(superclass),
            includes: RefCell::default(),
            prepends: RefCell::default(),
            methods: RefCell::default(),
            tables: RefCell::default(),
            constants: RefCell::default(),
            private_constants: RefCell::default(),
            class_variables: RefCell::default(),
            variables: RefCell::default(),
            singleton: RefCell::default(),
            attached: RefCell::default(),
            frozen: Cell::new(false),
            cache: RefCell::default(),
            ancestors: RefCell::default(),
        })
    }

    /// Whether it is the singleton class of some object.
    pub fn is_singleton(&self) -> bool {
        self.attached.borrow().is_some()
    }

    /// The nearest class that is not a singleton class: what `obj.class` answers.
    pub fn real(self: &Rc<Self>) -> ClassRef {
        let mut class = self.clone();
        while class.is_singleton() {
            let Some(superclass) = class.superclass.borrow().clone() else { break };
            class = superclass;
        }
        class
    }

    /// The constant of this name defined here (not in ancestors).
    pub fn constant(&self, name: Symbol) -> Option<Constant> {
        self.constants.borrow().get(&name).cloned()
    }

    /// The path of a constant inside this module.
    pub fn path_of(&self, name: &str) -> String {
        match &*self.name.borrow() {
            Some(path) if path != "Object" => format!("{path}::{name}"),
            _ => name.to_owned(),
        }
    }
}
