//! Global variables, those with a meaning of their own among them, and what the last match left.

use crate::frame::Context;
use crate::interpreter::Interpreter;
use crate::regexp::MatchData;
use crate::symbol::{Symbol, names};
use crate::value::{Eval, Value};

impl Interpreter {
    pub(super) fn global(&mut self, name: Symbol) -> Eval {
        let name = self.global_aliases.get(&name).copied().unwrap_or(name);
        if let Some(value) = self.globals.get(&name) {
            return Ok(value.clone());
        }
        Ok(match name.as_str() {
            "$~" => self.contexts.last().map_or(Value::Nil, |cx| cx.frame.last_match.borrow().clone()),
            // By these names only through an alias; written out, they are looked up where they stand.
            part @ ("$&" | "$`" | "$'" | "$+") => {
                let part = part.chars().nth(1).unwrap_or_default();
                self.contexts.last().map_or(Value::Nil, |cx| Self::match_part(cx, part))
            }
            "$@" => match self.get_global("$!") {
                Value::Object(exception) => exception.variable(names::HIDDEN_BACKTRACE).unwrap_or(Value::Nil),
                _ => Value::Nil,
            },
            "$0" => self.get_global("$PROGRAM_NAME"),
            "$*" => self.constant_named("ARGV").unwrap_or(Value::Nil),
            "$$" => Value::Int(i64::from(std::process::id())),
            "$:" | "$LOAD_PATH" | "$-I" => {
                let paths = self.load_path.iter().map(|path| Value::str(path.to_string_lossy())).collect();
                let list = Value::array(paths);
                for name in ["$:", "$LOAD_PATH", "$-I"] {
                    self.set_global(name, list.clone());
                }
                list
            }
            "$\"" | "$LOADED_FEATURES" => {
                Value::array(self.loaded.iter().map(|path| Value::str(path.to_string_lossy())).collect())
            }
            _ => Value::Nil,
        })
    }

    pub(super) fn assign_global(&mut self, name: Symbol, value: Value) -> Eval<()> {
        let name = self.global_aliases.get(&name).copied().unwrap_or(name);
        match name.as_str() {
            "$~" => {
                if let Some(cx) = self.contexts.last() {
                    *cx.frame.last_match.borrow_mut() = value;
                }
                return Ok(());
            }
            "$0" => {
                self.set_global("$PROGRAM_NAME", value);
                return Ok(());
            }
            "$stdout" | "$stderr" if !self.responds_to(&value, names::WRITE)? => {
                let class = self.class_name(&self.class_of(&value));
                return self.raise("TypeError", format!("{name} must have write method, {class} given"));
            }
            _ => {}
        }
        self.globals.insert(name, value);
        Ok(())
    }

    pub(super) fn match_group(cx: &Context, number: usize) -> Value {
        let last = cx.frame.last_match.borrow();
        last.data::<MatchData>().and_then(|found| found.group(number)).into()
    }

    pub(super) fn match_named(cx: &Context, name: &str) -> Value {
        let last = cx.frame.last_match.borrow();
        last.data::<MatchData>().and_then(|found| found.named(name)).into()
    }

    pub(super) fn match_part(cx: &Context, part: char) -> Value {
        let last = cx.frame.last_match.borrow();
        let Some(found) = last.data::<MatchData>() else { return Value::Nil };
        match part {
            '&' => found.group(0).into(),
            '`' => found.before().into(),
            '\'' => found.after().into(),
            _ => (1..found.groups.len()).rev().find_map(|number| found.group(number)).into(),
        }
    }
}
