//! Stand-ins for what is not installed: sections, providers and provisioners that yado does not know. They take
//! any call and write it down, so that nothing in a Vagrantfile is lost without trace.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::{Map, Value as Json, json};
use yado_core::spec::Origin;
use yado_ruby::{Args, Eval, Interpreter, Symbol, Value};

use crate::config::origin;
use crate::json::to_json;
use crate::session::Session;

/// One call made on a stand-in.
#[derive(Clone)]
pub(crate) struct Call {
    /// The method.
    pub(crate) name: Symbol,
    /// Its arguments, keywords as a last hash.
    pub(crate) arguments: Vec<Value>,
    /// Whether a block was given.
    pub(crate) block: bool,
    /// The stand-in that it answered, which may have been called in turn.
    pub(crate) result: Option<Value>,
    /// Where it was called.
    pub(crate) origin: Option<Origin>,
}

/// A stand-in as Ruby sees it.
pub(crate) struct DummyCell {
    /// The load that it belongs to.
    pub(crate) session: Rc<Session>,
    /// The calls so far.
    pub(crate) calls: RefCell<Vec<Call>>,
    /// Whether it is the section by which `.env` files are asked for.
    pub(crate) reads_env: Cell<bool>,
}

impl DummyCell {
    /// The stand-in behind a Ruby object, if it is one.
    pub(crate) fn of(value: &Value) -> Option<Rc<DummyCell>> {
        value.data::<Rc<DummyCell>>().map(|cell| Rc::clone(&cell))
    }

    /// Takes any call but the conversions that Ruby tries by itself.
    pub(crate) fn missing(&self, interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
        args.fold_keywords();
        let Some(Value::Sym(name)) = args.get(0).cloned() else { return Ok(Value::Nil) };
        if matches!(name.as_str(), "to_hash" | "to_ary" | "to_str" | "to_json" | "as_json" | "to_proc") {
            let shown = interpreter.plain_inspect(this);
            return interpreter.raise("NoMethodError", format!("undefined method `{name}' for {shown}"));
        }
        if self.reads_env.get() && matches!(name.as_str(), "enable" | "load") {
            crate::vagrant::load_environment_files(
                interpreter,
                &self.session.project,
                &args.positional[1..],
            )?;
        }
        let result = self.session.dummy(interpreter);
        self.calls.borrow_mut().push(Call {
            name,
            arguments: args.positional.split_off(1),
            block: args.block.is_some(),
            result: Some(result.clone()),
            origin: origin(interpreter),
        });
        Ok(result)
    }

    /// Puts an older stand-in's calls before this one's, as merging does.
    pub(crate) fn prepend(&self, older: &DummyCell) {
        let mut calls = older.calls.borrow().clone();
        calls.append(&mut self.calls.borrow_mut());
        *self.calls.borrow_mut() = calls;
    }

    /// `{"$calls": …}`
    pub(crate) fn to_json(&self, interpreter: &mut Interpreter, depth: usize) -> Json {
        json!({ "$calls": self.calls_json(interpreter, depth) })
    }

    /// The calls as lists: name, arguments, and what was called on the result.
    pub(crate) fn calls_json(&self, interpreter: &mut Interpreter, depth: usize) -> Vec<Json> {
        let calls = self.calls.borrow().clone();
        let mut rows = Vec::new();
        for call in calls {
            let mut row = vec![json!(call.name.as_str())];
            row.extend(call.arguments.iter().map(|argument| to_json(interpreter, argument)));
            if call.block {
                row.push(json!({ "$block": true }));
            }
            let inner = call.result.as_ref().and_then(DummyCell::of).filter(|_| depth < 20);
            if let Some(inner) = inner.map(|inner| inner.calls_json(interpreter, depth + 1))
                && !inner.is_empty()
            {
                row.push(json!({ "$then": inner }));
            }
            rows.push(Json::Array(row));
        }
        rows
    }

    /// The plain assignments among the calls: `name = value`, the last one of each name.
    pub(crate) fn settings(
        &self,
        interpreter: &mut Interpreter,
    ) -> (Map<String, Json>, Vec<(String, Origin)>) {
        let calls = self.calls.borrow().clone();
        let (mut settings, mut origins) = (Map::new(), Vec::new());
        for call in &calls {
            if let (Some(name), [value]) = (call.name.as_str().strip_suffix('='), call.arguments.as_slice())
                && name != "[]"
            {
                settings.insert(name.to_owned(), to_json(interpreter, value));
                if let Some(origin) = call.origin.clone() {
                    origins.retain(|(known, _)| known != name);
                    origins.push((name.to_owned(), origin));
                }
            }
        }
        (settings, origins)
    }
}
