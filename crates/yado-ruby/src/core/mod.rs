//! The core library: one file per class, each a table of native methods. To add a class, write its file and
//! its line in [`CLASSES`]; to add a method, add a line to the class's table.

mod arrays;
mod bootstrap;
mod char_set;
mod comparable;
pub(crate) mod enumerable;
pub(crate) mod enumerator;
mod exception;
mod float_text;
mod fnmatch;
pub(crate) mod format;
mod hashes;
mod integer_text;
mod kernel;
pub(crate) mod library;
mod module;
mod numbers;
mod object;
pub(crate) mod pattern;
mod procs;
pub(crate) mod quote;
pub(crate) mod random;
mod ranges;
pub(crate) mod regexp_methods;
mod sprintf;
pub(crate) mod strftime;
mod successor;
mod symbols;
pub(crate) mod text;

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
    module("Kernel", &[kernel::FUNCTIONS, random::FUNCTIONS, object::INSTANCE], &[kernel::FUNCTIONS, random::FUNCTIONS]),
    class("Object", "BasicObject", &["Kernel"], &[], &[]),
    class("Module", "Object", &[], &[module::MODULE], &[module::MODULE_SINGLETON]),
    class("Class", "Module", &[], &[module::CLASS], &[module::CLASS_SINGLETON]),
    module("Comparable", &[comparable::METHODS], &[]),
    module("Enumerable", &[enumerable::METHODS], &[]),
    class("NilClass", "Object", &[], &[object::NIL], &[]),
    class("TrueClass", "Object", &[], &[object::BOOLEAN], &[]),
    class("FalseClass", "Object", &[], &[object::BOOLEAN], &[]),
    class("Numeric", "Object", &["Comparable"], &[], &[]),
    class("Integer", "Numeric", &[], &[numbers::NUMERIC, numbers::INTEGER], &[numbers::INTEGER_CLASS]),
    class("Float", "Numeric", &[], &[numbers::NUMERIC, numbers::FLOAT], &[]),
    class("String", "Object", &["Comparable"], text::METHODS, &[text::CLASS_METHODS]),
    class("Symbol", "Object", &["Comparable"], &[symbols::METHODS], &[]),
    class("Array", "Object", &["Enumerable"], arrays::METHODS, &[arrays::CLASS_METHODS]),
    class("Hash", "Object", &["Enumerable"], hashes::METHODS, &[hashes::CLASS_METHODS]),
    class("Range", "Object", &["Enumerable"], &[ranges::METHODS], &[ranges::CLASS_METHODS]),
    class("Regexp", "Object", &[], &[regexp_methods::REGEXP], &[regexp_methods::REGEXP_CLASS]),
    class("MatchData", "Object", &[], &[regexp_methods::MATCH_DATA], &[]),
    class("Proc", "Object", &[], &[procs::PROC], &[procs::PROC_SINGLETON]),
    class("Method", "Object", &[], &[procs::METHOD], &[]),
    class("UnboundMethod", "Object", &[], &[procs::UNBOUND_METHOD], &[]),
    class("Binding", "Object", &[], &[procs::BINDING], &[]),
    class("Enumerator", "Object", &["Enumerable"], &[enumerator::METHODS], &[enumerator::CLASS_METHODS]),
    class("Enumerator::Yielder", "Object", &[], &[enumerator::YIELDER], &[]),
    class("Random", "Object", &[], &[random::METHODS], &[random::CLASS_METHODS]),
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
