//! Strings, symbols, regular expressions, arrays, hashes and ranges written out.

use std::cell::RefCell;
use std::rc::Rc;

use crate::args::Args;
use crate::frame::Context;
use crate::hash::{HashRef, RHash};
use crate::interpreter::Interpreter;
use crate::regexp::Regexp;
use crate::symbol::{Symbol, names};
use crate::tree::{Expr, Kind, Pair};
use crate::value::{Eval, RString, Value};

impl Interpreter {
    pub(super) fn string_literal(bytes: &Rc<[u8]>, frozen: bool) -> Value {
        let string = RString::from_bytes(bytes.to_vec());
        string.frozen.set(frozen);
        Value::Str(string)
    }

    /// The parts of an interpolated literal, put together.
    pub(super) fn joined(&mut self, parts: &[Expr], cx: &Context) -> Eval<Vec<u8>> {
        let mut joined = Vec::new();
        for part in parts {
            if let Kind::Str { bytes, .. } = &part.kind {
                joined.extend_from_slice(bytes);
                continue;
            }
            match self.eval(part, cx)? {
                Value::Str(string) => string.with_bytes(|bytes| joined.extend_from_slice(bytes)),
                other => {
                    self.span = part.span;
                    joined.extend_from_slice(self.to_s(&other)?.as_bytes());
                }
            }
        }
        self.charge(joined.len())?;
        Ok(joined)
    }

    pub(super) fn symbol_of_parts(&mut self, parts: &[Expr], cx: &Context) -> Eval {
        let bytes = self.joined(parts, cx)?;
        Ok(Value::Sym(Symbol::new(&String::from_utf8_lossy(&bytes))))
    }

    pub(super) fn shell_literal(&mut self, expr: &Expr, parts: &[Expr], cx: &Context) -> Eval {
        let command = Value::bytes(self.joined(parts, cx)?);
        self.span = expr.span;
        self.call_method(&cx.frame.self_value.clone(), names::BACKTICK, Args::one(command))
    }

    pub(super) fn regexp_of_parts(
        &mut self,
        parts: &[Expr],
        options: u32,
        once: Option<&RefCell<Option<Rc<Regexp>>>>,
        cx: &Context,
    ) -> Eval {
        if let Some(known) = once.and_then(|once| once.borrow().clone()) {
            return Ok(Value::Regexp(known));
        }
        let mut source = String::new();
        for part in parts {
            if let Kind::Str { bytes, .. } = &part.kind {
                source.push_str(&String::from_utf8_lossy(bytes));
                continue;
            }
            let value = self.eval(part, cx)?;
            self.span = part.span;
            // A regular expression keeps its own options: its `to_s` is `(?-mix:…)`.
            source.push_str(&self.to_s(&value)?);
        }
        let regexp = Regexp::new(source, options);
        if let Err(message) = regexp.regex() {
            return self.raise("RegexpError", message);
        }
        if let Some(once) = once {
            *once.borrow_mut() = Some(regexp.clone());
        }
        Ok(Value::Regexp(regexp))
    }

    /// Elements of an array literal or arguments, with splats taken apart.
    pub(super) fn eval_items(&mut self, items: &[Expr], cx: &Context) -> Eval<Vec<Value>> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            if let Kind::Splat(inner) = &item.kind {
                let value = self.eval(inner, cx)?;
                self.span = item.span;
                values.extend(self.splat(&value)?);
            } else {
                values.push(self.eval(item, cx)?);
            }
        }
        Ok(values)
    }

    pub(super) fn array_literal(&mut self, items: &[Expr], cx: &Context) -> Eval {
        self.usage.step()?;
        Ok(Value::array(self.eval_items(items, cx)?))
    }

    pub(super) fn hash_literal(&mut self, pairs: &[Pair], cx: &Context) -> Eval {
        self.usage.step()?;
        Ok(Value::Hash(self.eval_pairs(pairs, cx)?))
    }

    pub(super) fn eval_pairs(&mut self, pairs: &[Pair], cx: &Context) -> Eval<HashRef> {
        let hash = RHash::new();
        for pair in pairs {
            match pair {
                Pair::Entry(key, value) => {
                    let key = self.eval(key, cx)?;
                    let value = self.eval(value, cx)?;
                    let key = self.hash_key(&key)?;
                    hash.entries.borrow_mut().insert(key, value);
                }
                Pair::Splat(inner) => {
                    let value = self.eval(inner, cx)?;
                    if value.is_nil() && matches!(inner.kind, Kind::Local { .. }) {
                        continue;
                    }
                    self.span = inner.span;
                    let other = self.expect_hash(&value)?;
                    let entries = other.entries.borrow().clone();
                    hash.entries.borrow_mut().extend(entries);
                }
            }
        }
        Ok(hash)
    }

    pub(super) fn range_literal(
        &mut self,
        expr: &Expr,
        begin: &Expr,
        end: &Expr,
        exclusive: bool,
        cx: &Context,
    ) -> Eval {
        let begin = self.eval(begin, cx)?;
        let end = self.eval(end, cx)?;
        let plain =
            |value: &Value| matches!(value, Value::Int(_) | Value::Nil | Value::Str(_) | Value::Float(_));
        self.span = expr.span;
        let comparable = begin.is_nil()
            || end.is_nil()
            || (plain(&begin)
                && plain(&end)
                && std::mem::discriminant(&begin) == std::mem::discriminant(&end))
            || self.call_method(&begin, names::COMPARE, Args::one(end.clone())).is_ok_and(|it| !it.is_nil());
        if !comparable {
            return self.raise("ArgumentError", "bad value for range");
        }
        Ok(Value::range(begin, end, exclusive))
    }
}
