//! Whole programs: files, strings, `require`, `load`, `eval` and bindings.

use std::cell::{Cell, RefCell};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use crate::args::Args;
use crate::class::ClassRef;
use crate::control::Control;
use crate::exceptions::Origin;
use crate::failure::Diagnostic;
use crate::frame::{Context, Frame, Scope};
use crate::host::HostError;
use crate::interpreter::{Activation, Interpreter, Label};
use crate::lower::{Program, lower};
use crate::object::RObject;
use crate::procs::Visibility;
use crate::source::SourceFile;
use crate::symbol::{Symbol, names};
use crate::value::{Eval, Value};

/// The native data of a `Binding`.
struct BindingData {
    context: RefCell<Context>,
}

impl Interpreter {
    /// Evaluates a file at the top level.
    pub fn eval_file(&mut self, path: &Path) -> Eval {
        let name = path.to_string_lossy().into_owned();
        let full = self.absolute(&name);
        let bytes = match self.host.read_file(&full) {
            Ok(bytes) => bytes,
            Err(HostError::Refused(what)) => return self.refuse(&what),
            Err(HostError::System(_)) => {
                return self.raise("LoadError", format!("cannot load such file -- {name}"));
            }
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.eval_source(&name, &text)
    }

    /// Evaluates source text at the top level; `name` is what `__FILE__` and backtraces say.
    pub fn eval_source(&mut self, name: &str, source: &str) -> Eval {
        let program = self.lowered(name, 1, source, &[])?;
        if let Some(data) = &program.data {
            self.define_data(data)?;
        }
        let tag = self.fresh_tag();
        let frame = Frame {
            self_value: self.main.clone(),
            method: None,
            lexical: self.top_lexical.clone(),
            definee: Some(self.core.object.clone()),
            block: None,
            tag,
            visibility: Cell::new(Visibility::Private),
            module_function: Cell::new(false),
            last_match: Rc::new(RefCell::new(Value::Nil)),
        };
        let scope = Scope::new(program.names.clone(), None);
        let cx = Context { frame: Rc::new(frame), scope, break_tag: u64::MAX };
        if self.toplevel_context.is_none() {
            self.toplevel_context = Some(cx.clone());
            let binding = self.binding_of(cx.clone());
            self.set_constant(None, "TOPLEVEL_BINDING", binding);
        }
        let span = self.span;
        let nested = !self.contexts.is_empty();
        if nested {
            self.activations.push(Activation { label: Label::Method(names::TOP), called_at: span });
        }
        let active = self.active_tags.len();
        self.active_tags.push(tag);
        let result = self.eval_in(&program.body, &cx);
        self.active_tags.truncate(active);
        if nested {
            self.activations.pop();
            self.span = span;
        }
        match result {
            // `return` at the top level ends the file.
            Err(Control::Return { tag: target, .. }) if target == tag => Ok(Value::Nil),
            other => other,
        }
    }

    /// `DATA`: what follows `__END__`, as something to read from.
    fn define_data(&mut self, text: &str) -> Eval<()> {
        if let Some(class) = self.class_named("StringIO") {
            let data = self.send(&Value::Class(class), "new", Args::one(Value::str(text)))?;
            self.set_constant(None, "DATA", data);
        }
        Ok(())
    }

    fn lowered(
        &mut self,
        name: &str,
        first_line: usize,
        source: &str,
        outer: &[Vec<Symbol>],
    ) -> Eval<Program> {
        let file = self.files.len() as u32;
        let mut source = SourceFile::new(name, source, first_line);
        source.evaluated = !outer.is_empty();
        let program = lower(&source, file, outer);
        self.host.note_source(&source);
        self.files.push(source);
        match program {
            Ok(program) => Ok(program),
            Err(diagnostics) => Err(self.syntax_error(diagnostics)),
        }
    }

    fn syntax_error(&mut self, diagnostics: Vec<Diagnostic>) -> Control {
        let lines: Vec<String> =
            diagnostics.iter().map(|it| format!("{}: syntax error, {}", it.location, it.message)).collect();
        let class = self.class_named("SyntaxError").unwrap_or_else(|| self.core.standard_error.clone());
        let exception = self.new_exception(&class, Value::str(lines.join("\n")));
        if let Value::Object(object) = &exception {
            *object.data.borrow_mut() = Some(Box::new(Origin { span: self.span, diagnostics }));
        }
        self.prepare_raise(&exception);
        Control::Raise(exception)
    }

    /// Evaluates a string among the variables of a context.
    pub fn eval_in_context(&mut self, context: &Context, file: &str, line: usize, source: &str) -> Eval {
        self.eval_nested(context, file, line, source).0
    }

    fn eval_nested(
        &mut self,
        context: &Context,
        file: &str,
        line: usize,
        source: &str,
    ) -> (Eval, Option<Context>) {
        let mut outer = Vec::new();
        let mut scope = Some(&context.scope);
        while let Some(here) = scope {
            outer.push(here.names.to_vec());
            scope = here.parent.as_ref();
        }
        outer.reverse();
        let program = match self.lowered(file, line, source, &outer) {
            Ok(program) => program,
            Err(control) => return (Err(control), None),
        };
        let scope = Scope::new(program.names.clone(), Some(context.scope.clone()));
        let inner = Context { frame: context.frame.clone(), scope, break_tag: context.break_tag };
        let span = self.span;
        let name = context.frame.method.as_ref().map_or(names::MAIN, |method| method.name);
        self.activations.push(Activation { label: Label::Method(name), called_at: span });
        let result = self.eval_in(&program.body, &inner);
        self.activations.pop();
        self.span = span;
        (result, Some(inner))
    }

    /// Evaluates a string in a binding, which then knows the variables that it defined.
    pub fn eval_in_binding(&mut self, binding: &Value, file: &str, line: usize, source: &str) -> Eval {
        let Some(context) = self.binding_context(binding) else {
            let class = self.class_name(&self.class_of(binding));
            return self.raise("TypeError", format!("wrong argument type {class} (expected binding)"));
        };
        let (result, inner) = self.eval_nested(&context, file, line, source);
        if let Some(inner) = inner
            && !inner.scope.names.is_empty()
            && let Some(data) = binding.data::<BindingData>()
        {
            *data.context.borrow_mut() = inner;
        }
        result
    }

    /// `instance_eval` and `class_eval` with a string.
    pub(crate) fn eval_string_with_self(
        &mut self,
        this: &Value,
        definee: Option<ClassRef>,
        source: &str,
        args: &Args,
    ) -> Eval {
        let Some(context) = self.caller_context().cloned() else {
            return self.raise("RuntimeError", "no surroundings to evaluate in");
        };
        let mut frame = context.frame.with_self(this.clone(), definee.clone());
        let module = definee.or_else(|| self.singleton_class(this));
        if let Some(module) = module {
            let parent = Some(context.frame.lexical.clone());
            frame.lexical = Rc::new(crate::frame::Lexical { module, parent });
        }
        let inner =
            Context { frame: Rc::new(frame), scope: context.scope.clone(), break_tag: context.break_tag };
        let file = args.get(1).and_then(Value::as_text);
        let line = match args.get(2) {
            Some(Value::Int(line)) => *line as usize,
            _ => 1,
        };
        self.eval_in_context(&inner, file.as_deref().unwrap_or("(eval)"), line, source)
    }

    pub(crate) fn caller_binding(&mut self) -> Eval {
        match self.caller_context().cloned() {
            Some(context) => Ok(self.binding_of(context)),
            None => self.raise("RuntimeError", "Can't create Binding from C level"),
        }
    }

    pub(crate) fn binding_of(&mut self, context: Context) -> Value {
        let data = BindingData { context: RefCell::new(context) };
        Value::Object(RObject::with_data(self.core.binding.clone(), Some(Box::new(data))))
    }

    pub(crate) fn binding_context(&self, binding: &Value) -> Option<Context> {
        binding.data::<BindingData>().map(|data| data.context.borrow().clone())
    }

    pub(crate) fn binding_names(&self, binding: &Value) -> Vec<Symbol> {
        let mut found = Vec::new();
        let mut scope = self.binding_context(binding).map(|context| context.scope);
        while let Some(here) = scope.take() {
            for name in here.names.iter() {
                if !name.as_str().starts_with('(') && !found.contains(name) {
                    found.push(*name);
                }
            }
            scope.clone_from(&here.parent);
        }
        found
    }

    pub(crate) fn binding_variable(&self, binding: &Value, name: Symbol) -> Option<Value> {
        let (scope, slot) = self.binding_context(binding)?.scope.find(name)?;
        Some(scope.get(slot))
    }

    pub(crate) fn set_binding_variable(&self, binding: &Value, name: Symbol, value: Value) {
        let Some(data) = binding.data::<BindingData>() else { return };
        let context = data.context.borrow().clone();
        if let Some((scope, slot)) = context.scope.find(name) {
            scope.set(slot, value);
            return;
        }
        let scope = Scope::new(Rc::new([name]), Some(context.scope.clone()));
        scope.set(0, value);
        *data.context.borrow_mut() = Context { scope, ..context };
    }

    /// A path made absolute by the directory that Ruby code is in, without `.` and `..`.
    pub fn absolute(&self, path: &str) -> PathBuf {
        normalized(&self.directory.join(path))
    }

    fn readable(&self, path: &Path) -> bool {
        self.host.facts(path, true).is_ok_and(|facts| facts.file)
    }

    fn with_extension(&self, path: PathBuf) -> Option<PathBuf> {
        let mut named = path.clone().into_os_string();
        named.push(".rb");
        let named = PathBuf::from(named);
        if self.readable(&named) {
            return Some(named);
        }
        (path.extension().is_some_and(|it| it == "rb") && self.readable(&path)).then_some(path)
    }

    /// `require`: a library that is built in, or a file on the load path, once.
    pub fn require(&mut self, name: &str) -> Eval<bool> {
        if let Some(result) = crate::features::require(self, name) {
            return result;
        }
        let found = if name.starts_with('/') || name.starts_with("./") || name.starts_with("../") {
            self.with_extension(self.absolute(name))
        } else {
            self.search_path()
                .iter()
                .find_map(|directory| self.with_extension(normalized(&directory.join(name))))
        };
        match found {
            Some(path) => self.load_once(path),
            None => self.cannot_load(name),
        }
    }

    /// The load path, with what the program added to `$:`.
    fn search_path(&mut self) -> Vec<PathBuf> {
        match self.get_global("$:") {
            Value::Array(list) => {
                list.to_vec().iter().filter_map(Value::as_text).map(|path| self.absolute(&path)).collect()
            }
            _ => self.load_path.clone(),
        }
    }

    fn cannot_load<T>(&mut self, name: &str) -> Eval<T> {
        let exception = self.exception("LoadError", format!("cannot load such file -- {name}"));
        if let Control::Raise(Value::Object(object)) = &exception {
            object.set_variable(Symbol::new("@path"), Value::str(name));
        }
        Err(exception)
    }

    fn load_once(&mut self, path: PathBuf) -> Eval<bool> {
        if self.loaded.contains(&path) {
            return Ok(false);
        }
        self.loaded.push(path.clone());
        if let Err(control) = self.eval_file(&path) {
            self.loaded.retain(|known| *known != path);
            return Err(control);
        }
        Ok(true)
    }

    /// `require_relative`: a file beside the one that is being evaluated, once.
    pub fn require_relative(&mut self, name: &str) -> Eval<bool> {
        let file = self.location().map(|location| location.file);
        let directory = file.and_then(|file| self.absolute(&file).parent().map(Path::to_owned));
        let path = normalized(&directory.unwrap_or_else(|| self.directory.clone()).join(name));
        match self.with_extension(path.clone()) {
            Some(path) => self.load_once(path),
            None => self.cannot_load(&path.to_string_lossy()),
        }
    }

    /// `load`: a file, every time.
    pub fn load(&mut self, name: &str) -> Eval {
        let path = self.absolute(name);
        if self.readable(&path) {
            return self.eval_file(&path);
        }
        let found =
            self.search_path().into_iter().map(|directory| directory.join(name)).find(|it| self.readable(it));
        match found {
            Some(path) => self.eval_file(&path),
            None => self.cannot_load(name),
        }
    }
}

/// A path without `.` and `..`, without asking the file system.
fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
