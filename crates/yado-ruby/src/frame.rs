//! What surrounds running code: local variables, self, the method being run, the modules it is written in.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::class::ClassRef;
use crate::control::Tag;
use crate::procs::{Method, Proc, Visibility};
use crate::symbol::Symbol;
use crate::value::Value;

/// Local variables of one method, class body, block or file; blocks see those around them.
pub struct Scope {
    /// The values, by the slot that lowering assigned.
    pub slots: RefCell<Vec<Value>>,
    /// The names of the slots.
    pub names: Rc<[Symbol]>,
    /// The scope around a block.
    pub parent: Option<Rc<Scope>>,
}

impl Scope {
    /// A scope with all variables nil.
    pub fn new(names: Rc<[Symbol]>, parent: Option<Rc<Scope>>) -> Rc<Self> {
        Rc::new(Self { slots: RefCell::new(vec![Value::Nil; names.len()]), names, parent })
    }

    /// The scope so many levels out.
    pub fn out(self: &Rc<Self>, depth: u32) -> &Rc<Scope> {
        let mut scope = self;
        for _ in 0..depth {
            match &scope.parent {
                Some(parent) => scope = parent,
                None => break,
            }
        }
        scope
    }

    /// The value of a slot of this scope.
    pub fn get(&self, slot: u32) -> Value {
        self.slots.borrow().get(slot as usize).cloned().unwrap_or(Value::Nil)
    }

    /// Sets a slot of this scope.
    pub fn set(&self, slot: u32, value: Value) {
        if let Some(place) = self.slots.borrow_mut().get_mut(slot as usize) {
            *place = value;
        }
    }

    /// Finds a variable by name, here or further out.
    pub fn find(self: &Rc<Self>, name: Symbol) -> Option<(Rc<Scope>, u32)> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(slot) = here.names.iter().rposition(|known| *known == name) {
                return Some((here.clone(), slot as u32));
            }
            scope = here.parent.as_ref();
        }
        None
    }
}

/// The modules that code is written in, innermost first: where constants are looked up.
pub struct Lexical {
    /// The innermost module.
    pub module: ClassRef,
    /// The one around it; `None` at the top level.
    pub parent: Option<Rc<Lexical>>,
}

/// What is shared by a method's (or class body's, or file's) code and the blocks in it.
pub struct Frame {
    /// `self`
    pub self_value: Value,
    /// The method being run.
    pub method: Option<Rc<Method>>,
    /// Where constants are looked up.
    pub lexical: Rc<Lexical>,
    /// Where `def` defines; `None` means the singleton class of self.
    pub definee: Option<ClassRef>,
    /// The block that the method was given.
    pub block: Option<Rc<Proc>>,
    /// What `return` leaves.
    pub tag: Tag,
    /// What a bare `private` switched to.
    pub visibility: Cell<Visibility>,
    /// Whether a bare `module_function` is in effect.
    pub module_function: Cell<bool>,
    /// `$~`, shared by the method and its blocks.
    pub last_match: Rc<RefCell<Value>>,
}

/// Where code runs: passed along by the evaluator, and captured by blocks.
#[derive(Clone)]
pub struct Context {
    /// Method-level surroundings.
    pub frame: Rc<Frame>,
    /// Local variables.
    pub scope: Rc<Scope>,
    /// What `break` in the innermost block leaves.
    pub break_tag: Tag,
}

impl Frame {
    /// The same surroundings with another self (`instance_exec`).
    pub fn with_self(&self, self_value: Value, definee: Option<ClassRef>) -> Frame {
        Frame {
            self_value,
            method: self.method.clone(),
            lexical: self.lexical.clone(),
            definee,
            block: self.block.clone(),
            tag: self.tag,
            visibility: Cell::new(Visibility::Public),
            module_function: Cell::new(false),
            last_match: self.last_match.clone(),
        }
    }
}
