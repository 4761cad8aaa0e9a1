//! The core library: one file per class, each a table of native methods. To add a class, write its file and
//! its line in [`CLASSES`]; to add a method, add a line to the class's table.

mod arrays;
mod bootstrap;
pub(crate) mod callers;
mod char_set;
mod class_creation;
mod comparable;
mod copying;
mod directories;
pub(crate) mod enumerable;
pub(crate) mod enumerator;
mod environment;
mod exception;
pub(crate) mod files;
pub(crate) mod float_text;
mod fnmatch;
pub(crate) mod format;
mod hashes;
pub(crate) mod integer_text;
pub(crate) mod kernel;
pub(crate) mod kernel_values;
pub(crate) mod library;
mod math;
mod mersenne;
mod module;
mod module_constants;
mod module_methods;
mod nil_and_booleans;
mod numbers;
mod object;
pub(crate) mod pattern;
pub(crate) mod processes;
mod procs;
pub(crate) mod quote;
pub(crate) mod random;
mod ranges;
pub(crate) mod regexp_methods;
mod sprintf;
mod streams;
pub(crate) mod strftime;
mod successor;
mod symbols;
pub(crate) mod text;
pub(crate) mod times;

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

/// Methods of every object.
const KERNEL: &[Table] = &[
    kernel::FUNCTIONS,
    random::FUNCTIONS,
    kernel_values::FUNCTIONS,
    callers::FUNCTIONS,
    processes::FUNCTIONS,
    object::INSTANCE,
    crate::stdlib::yaml::TO_YAML,
    crate::stdlib::json::TO_JSON,
];

/// The functions among them, which are private.
const KERNEL_FUNCTIONS: &[Table] = &[
    kernel::FUNCTIONS,
    random::FUNCTIONS,
    kernel_values::FUNCTIONS,
    callers::FUNCTIONS,
    processes::FUNCTIONS,
];

/// Everything in the core library. Superclasses and included modules come before those that need them.
static CLASSES: &[Spec] = &[
    class("BasicObject", "", &[], &[object::BASIC], &[]),
    module("Kernel", KERNEL, KERNEL_FUNCTIONS),
    class("Object", "BasicObject", &["Kernel"], &[], &[]),
    class("Module", "Object", &[], &[module::MODULE], &[module::MODULE_SINGLETON]),
    class("Class", "Module", &[], &[module::CLASS], &[module::CLASS_SINGLETON]),
    module("Comparable", &[comparable::METHODS], &[]),
    module("Enumerable", enumerable::METHODS, &[]),
    class("NilClass", "Object", &[], &[nil_and_booleans::NIL], &[]),
    class("TrueClass", "Object", &[], &[nil_and_booleans::BOOLEAN], &[]),
    class("FalseClass", "Object", &[], &[nil_and_booleans::BOOLEAN], &[]),
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
    class("Enumerator::ArithmeticSequence", "Enumerator", &[], &[enumerator::SEQUENCE], &[]),
    class("Enumerator::Yielder", "Object", &[], &[enumerator::YIELDER], &[enumerator::YIELDER_CLASS]),
    class("Random", "Object", &[], &[random::METHODS], &[random::CLASS_METHODS]),
    class(
        "IO",
        "Object",
        &["Enumerable"],
        streams::METHODS,
        &[files::CLASS_METHODS, files::PATHS, files::FACTS, files::CONTENT, streams::FILE_CLASS],
    ),
    class("File", "IO", &[], &[], &[]),
    class("File::Stat", "Object", &["Comparable"], &[files::STAT], &[]),
    module("FileTest", &[], &[files::CLASS_METHODS, files::FACTS]),
    class("StringIO", "Object", &["Enumerable"], streams::METHODS, &[streams::STRING_CLASS]),
    class("Dir", "Object", &[], &[], &[directories::CLASS_METHODS]),
    class("Time", "Object", &["Comparable"], &[times::METHODS], &[times::CLASS_METHODS]),
    module("Process", &[], &[processes::PROCESS]),
    class("Process::Status", "Object", &[], &[processes::STATUS], &[]),
    class("Encoding", "Object", &[], &[kernel_values::ENCODING], &[kernel_values::ENCODING_CLASS]),
    module("Math", &[math::FUNCTIONS], &[math::FUNCTIONS]),
    module("Psych", &[], &[crate::stdlib::yaml::METHODS]),
    module("JSON", &[], &[crate::stdlib::json::METHODS]),
    module("YadoNative", &[], &[crate::stdlib::native::METHODS]),
    module("GC", &[], &[kernel_values::GARBAGE]),
    module("ObjectSpace", &[], &[kernel_values::OBJECT_SPACE]),
    class("Exception", "Object", &[], &[exception::INSTANCE], &[exception::SINGLETON]),
];

/// Methods that only their own object may call although they come from a native table.
pub(crate) fn is_private(owner: &ClassRef, name: &str) -> bool {
    let is = |path: &str| owner.name.borrow().as_deref() == Some(path);
    if is("Kernel") {
        return KERNEL_FUNCTIONS.iter().any(|table| table.iter().any(|(known, _, _)| *known == name));
    }
    matches!(name, "initialize" | "initialize_copy" | "method_missing" | "respond_to_missing?")
        || (is("Module") || is("Class") || is("BasicObject")) && module::PRIVATE.contains(&name)
}
