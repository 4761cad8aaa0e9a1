//! The interpreter's state, and its small change: classes of values, raising, the current place.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::rc::Rc;

use crate::class::{ClassRef, RClass};
use crate::control::Tag;
use crate::core::CoreClasses;
use crate::dispatch::CallStyle;
use crate::failure::Location;
use crate::frame::{Context, Lexical};
use crate::host::Host;
use crate::limits::{Limits, Usage};
use crate::object::RObject;
use crate::procs::Proc;
use crate::source::{SourceFile, Span};
use crate::symbol::{BySymbol, Symbol};
use crate::value::Value;

/// A call in progress, for backtraces.
pub(crate) struct Activation {
    /// What the backtrace calls it.
    pub(crate) label: Label,
    /// Where it was called from.
    pub(crate) called_at: Span,
}

/// The name of an activation in a backtrace.
#[derive(Clone, Copy)]
pub(crate) enum Label {
    /// A method, by name.
    Method(Symbol),
    /// A block, in the method (or file) of this name.
    Block(Symbol),
    /// A class or module body.
    Body(Symbol, bool),
}

/// A Ruby interpreter: classes, globals, and a host that is its only way out.
pub struct Interpreter {
    /// The outside world.
    pub host: Box<dyn Host>,
    /// The classes that the evaluator itself needs.
    pub(crate) core: CoreClasses,
    /// The top-level object.
    pub main: Value,
    /// The environment as Ruby code sees and changes it.
    pub environment: BTreeMap<String, String>,
    /// The working directory as Ruby code sees and changes it.
    pub directory: PathBuf,
    pub(crate) globals: HashMap<Symbol, Value, BySymbol>,
    pub(crate) global_aliases: HashMap<Symbol, Symbol, BySymbol>,
    pub(crate) files: Vec<SourceFile>,
    pub(crate) loaded: Vec<PathBuf>,
    pub(crate) load_path: Vec<PathBuf>,
    pub(crate) contexts: Vec<Context>,
    pub(crate) activations: Vec<Activation>,
    pub(crate) span: Span,
    pub(crate) generation: u64,
    pub(crate) next_tag: Tag,
    pub(crate) usage: Usage,
    pub(crate) top_lexical: Rc<Lexical>,
    pub(crate) at_exit: Vec<Rc<Proc>>,
    pub(crate) catch_tags: Vec<Value>,
    pub(crate) operators_redefined: bool,
    pub(crate) inspecting: Vec<usize>,
    pub(crate) toplevel_context: Option<Context>,
    /// The calls and methods that jumps can still reach, innermost last.
    pub(crate) active_tags: Vec<Tag>,
    /// How the call was written that `method_missing` is answering.
    pub(crate) missing_style: CallStyle,
    /// Constants of libraries that are there only once the library was required.
    pub(crate) withheld: Vec<crate::features::Withheld>,
    /// The program's own sequence of random numbers, once it was asked for.
    pub(crate) random: Option<crate::core::random::Sequence>,
}

impl Interpreter {
    /// An interpreter with the core library.
    pub fn new(host: Box<dyn Host>) -> Self {
        let core = CoreClasses::bootstrap();
        let main = Value::Object(RObject::new(core.object.clone()));
        let top_lexical = Rc::new(Lexical { module: core.object.clone(), parent: None });
        let mut interpreter = Self {
            environment: host.environment(),
            directory: host.working_directory(),
            host,
            core,
            main,
            globals: HashMap::default(),
            global_aliases: HashMap::default(),
            files: Vec::new(),
            loaded: Vec::new(),
            load_path: Vec::new(),
            contexts: Vec::new(),
            activations: Vec::new(),
            span: Span { file: u32::MAX, start: 0, end: 0 },
            generation: 1,
            next_tag: 1,
            usage: Usage::new(Limits::default()),
            top_lexical,
            at_exit: Vec::new(),
            catch_tags: Vec::new(),
            operators_redefined: false,
            inspecting: Vec::new(),
            toplevel_context: None,
            active_tags: Vec::new(),
            missing_style: CallStyle::Explicit,
            random: None,
            withheld: Vec::new(),
        };
        crate::core::define(&mut interpreter);
        interpreter
    }

    /// Changes how much programs may use.
    pub fn set_limits(&mut self, limits: Limits) {
        self.usage.set_limits(limits);
    }

    pub(crate) fn fresh_tag(&mut self) -> Tag {
        self.next_tag += 1;
        self.next_tag
    }

    /// Says that a class changed, so that everything remembered about method look-up is stale.
    pub(crate) fn hierarchy_changed(&mut self) {
        self.generation += 1;
    }

    /// The place of the program's own code that is being executed.
    pub fn location(&self) -> Option<Location> {
        self.location_of(self.own_span())
    }

    /// The span being executed; inside a library that comes with the interpreter, the call that led there.
    pub(crate) fn own_span(&self) -> Span {
        self.nearest_span(|file| !file.name.starts_with("<internal:"))
    }

    /// The span being executed in a file that was read: an evaluated string can say that it is called anything.
    pub(crate) fn span_in_file(&self) -> Span {
        self.nearest_span(|file| !file.name.starts_with("<internal:") && !file.evaluated)
    }

    fn nearest_span(&self, counts: impl Fn(&SourceFile) -> bool) -> Span {
        let calls = self.activations.iter().rev().map(|activation| activation.called_at);
        let mut spans = std::iter::once(self.span).chain(calls);
        let wanted = |span: &Span| self.files.get(span.file as usize).is_none_or(&counts);
        spans.find(wanted).unwrap_or(self.span)
    }

    /// The place of a span.
    pub fn location_of(&self, span: Span) -> Option<Location> {
        self.files.get(span.file as usize).map(|file| file.location(span))
    }

    /// The calls in progress as Ruby's `caller` prints them, innermost first, without the first `skip`.
    pub fn backtrace(&self, skip: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut span = self.span;
        for activation in self.activations.iter().rev() {
            self.push_backtrace_line(&mut lines, span, Some(activation.label));
            span = activation.called_at;
        }
        self.push_backtrace_line(&mut lines, span, None);
        lines.drain(..skip.min(lines.len()));
        lines
    }

    fn push_backtrace_line(&self, lines: &mut Vec<String>, span: Span, label: Option<Label>) {
        let Some(file) = self.files.get(span.file as usize) else { return };
        let (line, _) = file.position(span.start);
        let label = match label {
            Some(Label::Method(name)) => name.as_str().to_owned(),
            Some(Label::Block(name)) => format!("block in {name}"),
            Some(Label::Body(name, module)) => {
                format!("<{}:{name}>", if module { "module" } else { "class" })
            }
            None => "<main>".to_owned(),
        };
        lines.push(format!("{}:{line}:in `{label}'", file.name));
    }

    /// The class that decides which methods a value has: its singleton class if it has one.
    pub fn dispatch_class(&self, value: &Value) -> ClassRef {
        match value {
            Value::Nil => self.core.nil.clone(),
            Value::Bool(true) => self.core.true_class.clone(),
            Value::Bool(false) => self.core.false_class.clone(),
            Value::Int(_) | Value::Big(_) => self.core.integer.clone(),
            Value::Float(_) => self.core.float.clone(),
            Value::Sym(_) => self.core.symbol.clone(),
            Value::Str(it) => {
                it.meta.borrow().as_ref().map_or_else(|| self.core.string.clone(), |it| it.class.clone())
            }
            Value::Array(it) => {
                it.meta.borrow().as_ref().map_or_else(|| self.core.array.clone(), |it| it.class.clone())
            }
            Value::Hash(it) => {
                it.meta.borrow().as_ref().map_or_else(|| self.core.hash.clone(), |it| it.class.clone())
            }
            Value::Proc(it) => {
                it.meta.borrow().as_ref().map_or_else(|| self.core.proc.clone(), |it| it.class.clone())
            }
            Value::Range(_) => self.core.range.clone(),
            Value::Regexp(_) => self.core.regexp.clone(),
            Value::Object(object) => object.class.borrow().clone(),
            Value::Class(class) => self.class_of_class(class),
            Value::Method(method) if method.receiver.is_none() => self.core.unbound_method.clone(),
            Value::Method(_) => self.core.method.clone(),
        }
    }

    /// The singleton class of a class, or of its nearest ancestor that has one, else `Class` or `Module`.
    fn class_of_class(&self, class: &ClassRef) -> ClassRef {
        let mut current = class.clone();
        loop {
            if let Some(singleton) = current.singleton.borrow().clone() {
                return singleton;
            }
            let Some(superclass) = current.superclass.borrow().clone() else { break };
            current = superclass;
        }
        if class.is_module { self.core.module.clone() } else { self.core.class.clone() }
    }

    /// What `value.class` answers.
    pub fn class_of(&self, value: &Value) -> ClassRef {
        match value {
            Value::Class(class) if class.is_module => self.core.module.clone(),
            Value::Class(_) => self.core.class.clone(),
            other => self.dispatch_class(other).real(),
        }
    }

    /// The name of a class or module, as `Class#to_s` gives it.
    pub fn class_name(&self, class: &ClassRef) -> String {
        if let Some(name) = &*class.name.borrow() {
            return name.clone();
        }
        if let Some(attached) = &*class.attached.borrow() {
            return match attached {
                Value::Class(inner) => format!("#<Class:{}>", self.class_name(inner)),
                other => format!("#<Class:{}>", self.plain_inspect(other)),
            };
        }
        let kind = if class.is_module { "Module" } else { "Class" };
        format!("#<{kind}:0x{:016x}>", Rc::as_ptr(class) as usize)
    }

    /// `#<Name>` without looking inside.
    pub fn plain_inspect(&self, value: &Value) -> String {
        if value.same(&self.main) {
            return "main".to_owned();
        }
        format!("#<{}:0x{:016x}>", self.class_name(&self.class_of(value)), value.address())
    }

    /// The singleton class of a value, made when it is first asked for.
    pub fn singleton_class(&mut self, value: &Value) -> Option<ClassRef> {
        use crate::object::Meta;
        if let Value::Class(class) = value {
            return Some(self.singleton_of_class(class));
        }
        let current = self.dispatch_class(value);
        match value {
            Value::Nil | Value::Bool(_) => return Some(current),
            Value::Int(_) | Value::Big(_) | Value::Float(_) | Value::Sym(_) => return None,
            Value::Range(_) | Value::Regexp(_) | Value::Method(_) => return None,
            _ => {}
        }
        if current.is_singleton() {
            return Some(current);
        }
        let singleton = RClass::new(None, Some(current), false);
        *singleton.attached.borrow_mut() = Some(value.clone());
        let meta = match value {
            Value::Object(object) => {
                *object.class.borrow_mut() = singleton.clone();
                return Some(singleton);
            }
            Value::Str(it) => &it.meta,
            Value::Array(it) => &it.meta,
            Value::Hash(it) => &it.meta,
            Value::Proc(it) => &it.meta,
            _ => return None,
        };
        let mut meta = meta.borrow_mut();
        match meta.as_mut() {
            Some(meta) => meta.class = singleton.clone(),
            None => {
                *meta = Some(Box::new(Meta {
                    class: singleton.clone(),
                    variables: crate::object::Variables::default(),
                }));
            }
        }
        Some(singleton)
    }

    /// The singleton class of a class or module, made when it is first asked for.
    pub fn singleton_of_class(&mut self, class: &ClassRef) -> ClassRef {
        if let Some(singleton) = class.singleton.borrow().clone() {
            return singleton;
        }
        // Its superclass is found when ancestors are computed, because that may get a singleton class later.
        let base = if class.is_module { self.core.module.clone() } else { self.core.class.clone() };
        let singleton = RClass::new(None, Some(base), false);
        *singleton.attached.borrow_mut() = Some(Value::Class(class.clone()));
        *class.singleton.borrow_mut() = Some(singleton.clone());
        self.hierarchy_changed();
        singleton
    }

    /// Where classes that are searched for a value's methods come from, nearest first.
    pub fn ancestors(&self, class: &ClassRef) -> Rc<[ClassRef]> {
        if let (generation, Some(known)) = &*class.ancestors.borrow()
            && *generation == self.generation
        {
            return known.clone();
        }
        let mut list = Vec::new();
        self.collect_ancestors(class, &mut list);
        let list: Rc<[ClassRef]> = list.into();
        *class.ancestors.borrow_mut() = (self.generation, Some(list.clone()));
        list
    }

    fn collect_ancestors(&self, class: &ClassRef, list: &mut Vec<ClassRef>) {
        let known = |list: &[ClassRef], module: &ClassRef| list.iter().any(|it| Rc::ptr_eq(it, module));
        for module in class.prepends.borrow().iter().rev() {
            if !known(list, module) {
                self.collect_ancestors(module, list);
            }
        }
        // What the superclass already includes is not included again.
        let mut above = Vec::new();
        let parent = self.parent_of(class);
        if let Some(parent) = &parent {
            above.extend(self.ancestors(parent).iter().cloned());
        }
        list.push(class.clone());
        for module in class.includes.borrow().iter().rev() {
            if known(list, module) || known(&above, module) {
                continue;
            }
            let mut inner = Vec::new();
            self.collect_ancestors(module, &mut inner);
            inner.retain(|it| !known(list, it) && !known(&above, it));
            list.extend(inner);
        }
        list.extend(above);
    }

    fn parent_of(&self, class: &ClassRef) -> Option<ClassRef> {
        if let Some(Value::Class(attached)) = &*class.attached.borrow() {
            let mut current = attached.superclass.borrow().clone();
            while let Some(superclass) = current.take() {
                if let Some(singleton) = superclass.singleton.borrow().clone() {
                    return Some(singleton);
                }
                current.clone_from(&superclass.superclass.borrow());
            }
        }
        class.superclass.borrow().clone()
    }

    /// Whether a value is an instance of a class or has a module (`is_a?`).
    pub fn is_a(&self, value: &Value, class: &ClassRef) -> bool {
        let own = self.dispatch_class(value);
        Rc::ptr_eq(&own, class) || self.ancestors(&own).iter().any(|it| Rc::ptr_eq(it, class))
    }

    /// Whether a class is the other one or descends from it (`<=`).
    pub fn descends(&self, class: &ClassRef, other: &ClassRef) -> bool {
        Rc::ptr_eq(class, other) || self.ancestors(class).iter().any(|it| Rc::ptr_eq(it, other))
    }
}
