//! Brings the core classes into being: first those that the others need, then the list in `core`.

use std::rc::Rc;

use crate::class::{ClassRef, Constant, RClass};
use crate::interpreter::Interpreter;
use crate::symbol::Symbol;
use crate::value::Value;

macro_rules! core_classes {
    ($($field:ident = $path:literal),* $(,)?) => {
        /// The classes that the evaluator itself needs.
        #[allow(missing_docs)]
        pub(crate) struct CoreClasses { $(pub $field: ClassRef),* }

        impl CoreClasses {
            fn create() -> Self {
                Self { $($field: RClass::new(Some($path.to_owned()), None, matches!($path, "Kernel" | "Comparable" | "Enumerable"))),* }
            }

            fn all(&self) -> Vec<(&'static str, ClassRef)> {
                vec![$(($path, self.$field.clone())),*]
            }
        }
    };
}

core_classes! {
    basic_object = "BasicObject", object = "Object", kernel = "Kernel", module = "Module", class = "Class",
    comparable = "Comparable", enumerable = "Enumerable", nil = "NilClass", true_class = "TrueClass",
    false_class = "FalseClass", numeric = "Numeric", integer = "Integer", float = "Float", string = "String",
    symbol = "Symbol", array = "Array", hash = "Hash", range = "Range", regexp = "Regexp",
    match_data = "MatchData", proc = "Proc", method = "Method", unbound_method = "UnboundMethod",
    binding = "Binding", exception = "Exception", standard_error = "StandardError",
}

impl CoreClasses {
    pub(crate) fn bootstrap() -> Self {
        let classes = Self::create();
        for (path, class) in classes.all() {
            let name = Symbol::new(path);
            classes.object.constants.borrow_mut().insert(name, Constant::Value(Value::Class(class)));
        }
        classes
    }
}

/// The exception classes: name, superclass.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("NoMemoryError", "Exception"),
    ("ScriptError", "Exception"),
    ("LoadError", "ScriptError"),
    ("NotImplementedError", "ScriptError"),
    ("SyntaxError", "ScriptError"),
    ("SecurityError", "Exception"),
    ("SignalException", "Exception"),
    ("Interrupt", "SignalException"),
    ("SystemExit", "Exception"),
    ("SystemStackError", "Exception"),
    ("StandardError", "Exception"),
    ("ArgumentError", "StandardError"),
    ("UncaughtThrowError", "ArgumentError"),
    ("EncodingError", "StandardError"),
    ("FiberError", "StandardError"),
    ("IOError", "StandardError"),
    ("EOFError", "IOError"),
    ("IndexError", "StandardError"),
    ("KeyError", "IndexError"),
    ("StopIteration", "IndexError"),
    ("LocalJumpError", "StandardError"),
    ("NameError", "StandardError"),
    ("NoMethodError", "NameError"),
    ("RangeError", "StandardError"),
    ("FloatDomainError", "RangeError"),
    ("RegexpError", "StandardError"),
    ("RuntimeError", "StandardError"),
    ("FrozenError", "RuntimeError"),
    ("SystemCallError", "StandardError"),
    ("ThreadError", "StandardError"),
    ("TypeError", "StandardError"),
    ("ZeroDivisionError", "StandardError"),
    ("NoMatchingPatternError", "StandardError"),
    ("NoMatchingPatternKeyError", "NoMatchingPatternError"),
    ("Refused", "StandardError"),
    ("Psych::Exception", "RuntimeError"),
    ("Psych::SyntaxError", "Psych::Exception"),
    ("Psych::BadAlias", "Psych::Exception"),
    ("Psych::DisallowedClass", "Psych::Exception"),
    ("JSON::JSONError", "StandardError"),
    ("JSON::ParserError", "JSON::JSONError"),
    ("JSON::NestingError", "JSON::ParserError"),
    ("JSON::GeneratorError", "JSON::JSONError"),
    ("Math::DomainError", "ArgumentError"),
    ("Errno::ENOENT", "SystemCallError"),
    ("Errno::EACCES", "SystemCallError"),
    ("Errno::EEXIST", "SystemCallError"),
    ("Errno::ENOTDIR", "SystemCallError"),
    ("Errno::EISDIR", "SystemCallError"),
    ("Errno::ENOTEMPTY", "SystemCallError"),
    ("Errno::EINVAL", "SystemCallError"),
    ("Errno::EPIPE", "SystemCallError"),
    ("Errno::ECONNREFUSED", "SystemCallError"),
    ("Errno::EPERM", "SystemCallError"),
    ("Errno::EADDRINUSE", "SystemCallError"),
    ("Errno::EADDRNOTAVAIL", "SystemCallError"),
    ("Errno::EAGAIN", "SystemCallError"),
    ("Errno::EBADF", "SystemCallError"),
    ("Errno::EBUSY", "SystemCallError"),
    ("Errno::ECHILD", "SystemCallError"),
    ("Errno::ECONNABORTED", "SystemCallError"),
    ("Errno::ECONNRESET", "SystemCallError"),
    ("Errno::EHOSTDOWN", "SystemCallError"),
    ("Errno::EHOSTUNREACH", "SystemCallError"),
    ("Errno::EINTR", "SystemCallError"),
    ("Errno::EIO", "SystemCallError"),
    ("Errno::ELOOP", "SystemCallError"),
    ("Errno::ENAMETOOLONG", "SystemCallError"),
    ("Errno::ENETDOWN", "SystemCallError"),
    ("Errno::ENETUNREACH", "SystemCallError"),
    ("Errno::ENOEXEC", "SystemCallError"),
    ("Errno::ENOSPC", "SystemCallError"),
    ("Errno::ENOTCONN", "SystemCallError"),
    ("Errno::ENOTTY", "SystemCallError"),
    ("Errno::EROFS", "SystemCallError"),
    ("Errno::ESRCH", "SystemCallError"),
    ("Errno::ETIMEDOUT", "SystemCallError"),
    ("Errno::EXDEV", "SystemCallError"),
];

/// Defines the whole core library.
pub(crate) fn define(interpreter: &mut Interpreter) {
    for spec in super::CLASSES {
        let class = match spec.superclass {
            None => interpreter.define_module(spec.path),
            Some(superclass) => {
                let superclass = interpreter.class_named(superclass);
                let class = interpreter.define_class(spec.path, superclass.as_ref());
                if !Rc::ptr_eq(&class, &interpreter.core.basic_object) {
                    (*class.superclass.borrow_mut()).clone_from(&superclass);
                }
                class
            }
        };
        for module in spec.includes {
            class.includes.borrow_mut().extend(interpreter.class_named(module));
        }
        class.tables.borrow_mut().extend(spec.instance);
        if !spec.singleton.is_empty() {
            let singleton = interpreter.singleton_of_class(&class);
            singleton.tables.borrow_mut().extend(spec.singleton);
        }
    }
    for (path, superclass) in EXCEPTIONS {
        let superclass = interpreter.class_named(superclass);
        let class = interpreter.define_class(path, superclass.as_ref());
        *class.superclass.borrow_mut() = superclass;
    }
    let main = interpreter.main.clone();
    if let Some(class) = interpreter.singleton_class(&main) {
        class.tables.borrow_mut().push(super::module::MAIN);
    }
    interpreter.hierarchy_changed();
    super::kernel::define_globals(interpreter);
    if let Some(class) = interpreter.class_named("SystemCallError") {
        interpreter.add_methods(&class, super::files::SYSTEM_CALL_ERROR);
    }
    super::kernel_values::define_constants(interpreter);
    super::streams::define_standard(interpreter);
    super::environment::define(interpreter);
    let psych = interpreter.define_module("Psych");
    interpreter.set_constant(None, "YAML", Value::Class(psych));
}
