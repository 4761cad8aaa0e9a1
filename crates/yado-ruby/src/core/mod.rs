//! The core library: one file per class, each a table of native methods. To add a class, write its file and
//! its line in [`CLASSES`]; to add a method, add a line to the class's table.

mod array;
mod bootstrap;
mod exception;
mod hash;
mod integer;
mod kernel;
mod module;
mod object;
mod procs;
mod string;

pub(crate) use bootstrap::{CoreClasses, define};

use crate::class::{ClassRef, Table};

/// A class or module of the core library.
struct Spec {
    /// Its path.
    path: &'static str,
    /// Its superclass; `None` for a module.
    superclass: Option<&'static str>,
    /// Modules that it includes.
    includes: &'static [&'static str],
    /// Methods of its instances.
    instance: &'static [Table],
    /// Methods of itself.
    singleton: &'static [Table],
}

const fn class(
    path: &'static str,
    superclass: &'static str,
    includes: &'static [&'static str],
    instance: &'static [Table],
    singleton: &'static [Table],
) -> Spec {
    Spec { path, superclass: Some(superclass), includes, instance, singleton }
}

const fn module(path: &'static str, instance: &'static [Table], singleton: &'static [Table]) -> Spec {
    Spec { path, superclass: None, includes: &[], instance, singleton }
}

/// Everything in the core library. Superclasses and included modules come before those that need them.
static CLASSES: &[Spec] = &[
    class("BasicObject", "", &[], &[object::BASIC], &[]),
    module("Kernel", &[kernel::FUNCTIONS, object::INSTANCE], &[kernel::FUNCTIONS]),
    class("Object", "BasicObject", &["Kernel"], &[], &[]),
    class("Module", "Object", &[], &[module::MODULE], &[module::MODULE_SINGLETON]),
    class("Class", "Module", &[], &[module::CLASS], &[module::CLASS_SINGLETON]),
    module("Comparable", &[], &[]),
    module("Enumerable", &[], &[]),
    class("NilClass", "Object", &[], &[object::NIL], &[]),
    class("TrueClass", "Object", &[], &[object::BOOLEAN], &[]),
    class("FalseClass", "Object", &[], &[object::BOOLEAN], &[]),
    class("Numeric", "Object", &["Comparable"], &[], &[]),
    class("Integer", "Numeric", &[], &[integer::INSTANCE], &[]),
    class("Float", "Numeric", &[], &[], &[]),
    class("String", "Object", &["Comparable"], &[string::INSTANCE], &[string::SINGLETON]),
    class("Symbol", "Object", &["Comparable"], &[string::SYMBOL], &[]),
    class("Array", "Object", &["Enumerable"], &[array::INSTANCE], &[array::SINGLETON]),
    class("Hash", "Object", &["Enumerable"], &[hash::INSTANCE], &[hash::SINGLETON]),
    class("Range", "Object", &["Enumerable"], &[], &[]),
    class("Regexp", "Object", &[], &[], &[]),
    class("MatchData", "Object", &[], &[], &[]),
    class("Proc", "Object", &[], &[procs::PROC], &[procs::PROC_SINGLETON]),
    class("Method", "Object", &[], &[procs::METHOD], &[]),
    class("UnboundMethod", "Object", &[], &[procs::UNBOUND_METHOD], &[]),
    class("Binding", "Object", &[], &[procs::BINDING], &[]),
    class("Exception", "Object", &[], &[exception::INSTANCE], &[exception::SINGLETON]),
];

/// Methods that only their own object may call although they come from a native table.
pub(crate) fn is_private(owner: &ClassRef, name: &str) -> bool {
    let is = |path: &str| owner.name.borrow().as_deref() == Some(path);
    if is("Kernel") {
        return kernel::FUNCTIONS.iter().any(|(known, _, _)| *known == name);
    }
    matches!(name, "initialize" | "initialize_copy" | "method_missing" | "respond_to_missing?")
        || (is("Module") || is("Class") || is("BasicObject")) && module::PRIVATE.contains(&name)
}
