//! Objects: a class, instance variables and, for objects made by native code, data of any Rust type.

use std::any::Any;
use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;

use indexmap::IndexMap;

use crate::class::ClassRef;
use crate::symbol::{BySymbol, Symbol};
use crate::value::Value;

/// A shared object.
pub type ObjectRef = Rc<RObject>;

/// Instance variables in the order of their first assignment.
pub type Variables = IndexMap<Symbol, Value, BySymbol>;

/// An instance of a class that has no representation of its own.
pub struct RObject {
    /// Its class, or its singleton class once it has one.
    pub class: RefCell<ClassRef>,
    /// Its instance variables; names without `@` are the interpreter's own and invisible to Ruby.
    pub variables: RefCell<Variables>,
    /// Whether changing it is an error.
    pub frozen: Cell<bool>,
    /// What native code keeps in it.
    pub data: RefCell<Option<Box<dyn Any>>>,
}

/// What an array, hash, string or proc carries beyond its content: a subclass or singleton class, and
/// instance variables. Almost none has one.
pub struct Meta {
    /// Its class, or its singleton class once it has one.
    pub class: ClassRef,
    /// Its instance variables.
    pub variables: Variables,
}

impl RObject {
    /// A new object without native data.
    pub fn new(class: ClassRef) -> ObjectRef {
        Self::with_data(class, None)
    }

    /// A new object with native data.
    pub fn with_data(class: ClassRef, data: Option<Box<dyn Any>>) -> ObjectRef {
        Rc::new(Self {
            class: RefCell::new(class),
            variables: RefCell::default(),
            frozen: Cell::new(false),
            data: RefCell::new(data),
        })
    }

    /// An instance variable, by its full name (`@name`).
    pub fn variable(&self, name: Symbol) -> Option<Value> {
        self.variables.borrow().get(&name).cloned()
    }

    /// Sets an instance variable, by its full name (`@name`).
    pub fn set_variable(&self, name: Symbol, value: Value) {
        self.variables.borrow_mut().insert(name, value);
    }

    /// The native data, when it is a `T`. Do not run Ruby code that may change it while holding this.
    pub fn data<T: Any>(&self) -> Option<Ref<'_, T>> {
        Ref::filter_map(self.data.borrow(), |data| data.as_ref()?.downcast_ref::<T>()).ok()
    }

    /// The native data for changing, when it is a `T`.
    pub fn data_mut<T: Any>(&self) -> Option<RefMut<'_, T>> {
        RefMut::filter_map(self.data.borrow_mut(), |data| data.as_mut()?.downcast_mut::<T>()).ok()
    }
}

impl Value {
    /// The native data of an object, when this is an object that carries a `T`.
    pub fn data<T: Any>(&self) -> Option<Ref<'_, T>> {
        match self {
            Value::Object(object) => object.data::<T>(),
            _ => None,
        }
    }

    /// The native data of an object for changing, when this is an object that carries a `T`.
    pub fn data_mut<T: Any>(&self) -> Option<RefMut<'_, T>> {
        match self {
            Value::Object(object) => object.data_mut::<T>(),
            _ => None,
        }
    }
}
