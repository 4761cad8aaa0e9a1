//! The evaluator: walks the tree.
use std::path::{Path, PathBuf};
use std::rc::Rc;
use crate::args::Args;
use crate::class::ClassRef;
use crate::control::Tag;
use crate::frame::{Context, Lexical};
use crate::interpreter::Interpreter;
use crate::procs::{Method, Proc};
use crate::symbol::Symbol;
use crate::tree::{BlockCode, MethodCode};
use crate::value::{Eval, Value};

#[allow(missing_docs, unused_variables)]
impl Interpreter {
    fn later<T>(&mut self) -> Eval<T> { self.raise("NotImplementedError", "evaluator not there yet") }
    pub fn eval_file(&mut self, path: &Path) -> Eval { self.later() }
    pub fn eval_source(&mut self, name: &str, source: &str) -> Eval { self.later() }
    pub fn eval_in_context(&mut self, context: &Context, file: &str, line: usize, source: &str) -> Eval { self.later() }
    pub fn eval_in_binding(&mut self, binding: &Value, file: &str, line: usize, source: &str) -> Eval { self.later() }
    pub(crate) fn eval_string_with_self(&mut self, this: &Value, definee: Option<ClassRef>, source: &str, args: &Args) -> Eval { self.later() }
    pub fn require(&mut self, name: &str) -> Eval<bool> { self.later() }
    pub fn require_relative(&mut self, name: &str) -> Eval<bool> { self.later() }
    pub fn load(&mut self, name: &str) -> Eval { self.later() }
    pub fn absolute(&self, path: &str) -> PathBuf { self.directory.join(path) }
    pub(crate) fn caller_binding(&mut self) -> Eval { self.later() }
    pub(crate) fn binding_of(&mut self, context: Context) -> Value { Value::Nil }
    pub(crate) fn binding_context(&self, binding: &Value) -> Option<Context> { None }
    pub(crate) fn binding_names(&self, binding: &Value) -> Vec<Symbol> { Vec::new() }
    pub(crate) fn binding_variable(&self, binding: &Value, name: Symbol) -> Option<Value> { None }
    pub(crate) fn set_binding_variable(&self, binding: &Value, name: Symbol, value: Value) {}
    pub(crate) fn run_method(&mut self, this: &Value, method: &Rc<Method>, code: &Rc<MethodCode>, lexical: &Rc<Lexical>, args: Args) -> Eval { self.later() }
    pub(crate) fn run_block_as_method(&mut self, this: &Value, method: &Rc<Method>, block: &Rc<Proc>, args: Args) -> Eval { self.later() }
    pub(crate) fn run_block(&mut self, block: &Rc<Proc>, code: &Rc<BlockCode>, context: &Context, tag: Tag, with_self: Option<(Value, Option<ClassRef>)>, args: Args) -> Eval { self.later() }
    pub fn call_proc_explicitly(&mut self, block: &Rc<Proc>, args: Args) -> Eval { self.call_proc(block, args) }
    pub fn constant_in(&mut self, class: &ClassRef, name: Symbol, inherit: bool) -> Eval { self.later() }
    pub fn find_constant(&mut self, class: &ClassRef, name: Symbol, inherit: bool) -> Eval<Option<Value>> { self.later() }
    pub(crate) fn uninitialized_constant<T>(&mut self, class: &ClassRef, name: Symbol) -> Eval<T> { self.later() }
    pub(crate) fn class_variable(&mut self, class: &ClassRef, name: Symbol) -> Eval { self.later() }
    pub(crate) fn class_variable_owner(&self, class: &ClassRef, name: Symbol) -> Option<ClassRef> { None }
    pub(crate) fn set_class_variable(&mut self, class: &ClassRef, name: Symbol, value: Value) {}
}
