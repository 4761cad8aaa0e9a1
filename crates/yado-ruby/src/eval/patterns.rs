//! `case … in`, `value => pattern`, `value in pattern`.

use crate::args::Args;
use crate::frame::Context;
use crate::hash::{HashRef, RHash};
use crate::interpreter::Interpreter;
use crate::symbol::{Symbol, names};
use crate::tree::{CaseIn, Expr, HashRest, Pattern, Target};
use crate::value::{Eval, Value};

/// Why a value is not what a pattern wants.
enum Mismatch {
    /// A key is not there.
    Key(Symbol),
    /// Something else, in Ruby's words.
    Other(String),
}

impl Interpreter {
    pub(super) fn eval_case_in(&mut self, expr: &Expr, case: &CaseIn, cx: &Context) -> Eval {
        let subject = self.eval(&case.subject, cx)?;
        for (pattern, guard, body) in &case.branches {
            if !self.matches(pattern, &subject, cx)? {
                continue;
            }
            if let Some((guard, negated)) = guard
                && self.eval(guard, cx)?.truthy() == *negated
            {
                continue;
            }
            return self.eval(body, cx);
        }
        match &case.otherwise {
            Some(otherwise) => self.eval(otherwise, cx),
            None => {
                let only = case.branches.first().filter(|_| case.branches.len() == 1);
                self.no_pattern(
                    expr,
                    only.map(|(pattern, guard, _)| (pattern, guard.is_some())),
                    &subject,
                    cx,
                )
            }
        }
    }

    /// Raises the error for a value that no pattern wanted. Where there was one pattern (and whether it had a guard),
    /// Ruby says what in it did not match.
    fn no_pattern(
        &mut self,
        expr: &Expr,
        only: Option<(&Pattern, bool)>,
        subject: &Value,
        cx: &Context,
    ) -> Eval {
        self.span = expr.span;
        let text = self.inspect(subject)?;
        let Some((pattern, guarded)) = only else { return self.raise("NoMatchingPatternError", text) };
        match self.mismatch(pattern, subject, cx)? {
            Some(Mismatch::Key(key)) => {
                self.raise("NoMatchingPatternKeyError", format!("{text}: key not found: :{key}"))
            }
            Some(Mismatch::Other(reason)) => {
                self.raise("NoMatchingPatternError", format!("{text}: {reason}"))
            }
            None if guarded => {
                self.raise("NoMatchingPatternError", format!("{text}: guard clause does not return true"))
            }
            None => self.raise("NoMatchingPatternError", text),
        }
    }

    /// What in a pattern does not match a value.
    fn mismatch(&mut self, pattern: &Pattern, value: &Value, cx: &Context) -> Eval<Option<Mismatch>> {
        if self.matches(pattern, value, cx)? {
            return Ok(None);
        }
        let constant = match pattern {
            Pattern::Value(wanted) => Some(wanted),
            Pattern::Array { constant, .. }
            | Pattern::Find { constant, .. }
            | Pattern::Hash { constant, .. } => constant.as_ref(),
            _ => None,
        };
        if let Some(wanted) = constant {
            let wanted = self.eval(wanted, cx)?;
            if !self.case_eq(&wanted, value)? {
                let (wanted, shown) = (self.inspect(&wanted)?, self.inspect(value)?);
                return Ok(Some(Mismatch::Other(format!("{wanted} === {shown} does not return true"))));
            }
        }
        match pattern {
            Pattern::Alternatives(_, last) => self.mismatch(last, value, cx),
            Pattern::Capture(inner, _) => self.mismatch(inner, value, cx),
            Pattern::Array { before, rest, after, .. } => {
                let Some(items) = self.deconstructed(None, value, cx)? else {
                    return self.without("deconstruct", value);
                };
                self.array_mismatch((before, rest.is_some(), after), &items, cx)
            }
            Pattern::Find { .. } => {
                let shown = self.inspect(value)?;
                Ok(Some(Mismatch::Other(format!("{shown} does not match to find pattern"))))
            }
            Pattern::Hash { entries, rest, .. } => {
                let Some(hash) = self.deconstructed_keys(None, entries, rest, value, cx)? else {
                    return self.without("deconstruct_keys", value);
                };
                self.hash_mismatch(entries, &hash, cx)
            }
            _ => Ok(None),
        }
    }

    fn without(&mut self, method: &str, value: &Value) -> Eval<Option<Mismatch>> {
        let shown = self.inspect(value)?;
        Ok(Some(Mismatch::Other(format!("{shown} does not respond to #{method}"))))
    }

    fn array_mismatch(
        &mut self,
        (before, open, after): (&[Pattern], bool, &[Pattern]),
        items: &[Value],
        cx: &Context,
    ) -> Eval<Option<Mismatch>> {
        let fixed = before.len() + after.len();
        if items.len() < fixed || (!open && items.len() > fixed) {
            let shown = self.inspect(&Value::array(items.to_vec()))?;
            let (given, more) = (items.len(), if open { "+" } else { "" });
            let reason = format!("{shown} length mismatch (given {given}, expected {fixed}{more})");
            return Ok(Some(Mismatch::Other(reason)));
        }
        let tail = &items[items.len() - after.len()..];
        for (pattern, item) in before.iter().zip(items).chain(after.iter().zip(tail)) {
            if let Some(mismatch) = self.mismatch(pattern, item, cx)? {
                return Ok(Some(mismatch));
            }
        }
        Ok(None)
    }

    fn hash_mismatch(
        &mut self,
        entries: &[(Symbol, Pattern)],
        hash: &HashRef,
        cx: &Context,
    ) -> Eval<Option<Mismatch>> {
        for (name, pattern) in entries {
            let Some(value) = hash.get(&Value::Sym(*name)) else { return Ok(Some(Mismatch::Key(*name))) };
            if let Some(mismatch) = self.mismatch(pattern, &value, cx)? {
                return Ok(Some(mismatch));
            }
        }
        let rest = RHash::new();
        for (key, value) in hash.to_vec() {
            if !entries.iter().any(|(name, _)| matches!(key, Value::Sym(key) if key == *name)) {
                self.hash_store(&rest, &key, value)?;
            }
        }
        let shown = self.inspect(&Value::Hash(rest))?;
        Ok(Some(Mismatch::Other(format!("rest of {shown} is not empty"))))
    }

    pub(super) fn eval_match_pattern(
        &mut self,
        expr: &Expr,
        value: &Expr,
        pattern: &Pattern,
        required: bool,
        cx: &Context,
    ) -> Eval {
        let subject = self.eval(value, cx)?;
        let matched = self.matches(pattern, &subject, cx)?;
        if !required {
            return Ok(Value::Bool(matched));
        }
        if matched {
            return Ok(Value::Nil);
        }
        self.span = expr.span;
        self.no_pattern(expr, Some((pattern, false)), &subject, cx)
    }

    fn matches(&mut self, pattern: &Pattern, value: &Value, cx: &Context) -> Eval<bool> {
        match pattern {
            Pattern::Value(expr) => {
                let wanted = self.eval(expr, cx)?;
                self.span = expr.span;
                self.case_eq(&wanted, value)
            }
            Pattern::Bind(target) => {
                self.assign(target, value.clone(), cx)?;
                Ok(true)
            }
            Pattern::Alternatives(left, right) => {
                Ok(self.matches(left, value, cx)? || self.matches(right, value, cx)?)
            }
            Pattern::Capture(inner, target) => {
                if !self.matches(inner, value, cx)? {
                    return Ok(false);
                }
                self.assign(target, value.clone(), cx)?;
                Ok(true)
            }
            Pattern::Array { constant, before, rest, after } => {
                let Some(items) = self.deconstructed(constant.as_ref(), value, cx)? else { return Ok(false) };
                self.matches_array(before, rest.as_ref(), after, &items, cx)
            }
            Pattern::Find { constant, before, middle, after } => {
                let Some(items) = self.deconstructed(constant.as_ref(), value, cx)? else { return Ok(false) };
                self.matches_find((before.as_ref(), middle, after.as_ref()), &items, cx)
            }
            Pattern::Hash { constant, entries, rest } => {
                let Some(hash) = self.deconstructed_keys(constant.as_ref(), entries, rest, value, cx)? else {
                    return Ok(false);
                };
                self.matches_hash(entries, rest, &hash, cx)
            }
        }
    }

    fn is_constant(&mut self, constant: Option<&Expr>, value: &Value, cx: &Context) -> Eval<bool> {
        match constant {
            None => Ok(true),
            Some(expr) => {
                let class = self.eval(expr, cx)?;
                self.case_eq(&class, value)
            }
        }
    }

    fn deconstructed(
        &mut self,
        constant: Option<&Expr>,
        value: &Value,
        cx: &Context,
    ) -> Eval<Option<Vec<Value>>> {
        if !self.is_constant(constant, value, cx)? {
            return Ok(None);
        }
        if let Value::Array(array) = value {
            return Ok(Some(array.to_vec()));
        }
        if !self.responds_to(value, names::DECONSTRUCT)? {
            return Ok(None);
        }
        match self.call_method(value, names::DECONSTRUCT, Args::none())? {
            Value::Array(array) => Ok(Some(array.to_vec())),
            _ => self.raise("TypeError", "deconstruct must return Array"),
        }
    }

    fn matches_array(
        &mut self,
        before: &[Pattern],
        rest: Option<&Option<Target>>,
        after: &[Pattern],
        items: &[Value],
        cx: &Context,
    ) -> Eval<bool> {
        let fixed = before.len() + after.len();
        if items.len() < fixed || (rest.is_none() && items.len() > fixed) {
            return Ok(false);
        }
        if !self.matches_each(before, &items[..before.len()], cx)? {
            return Ok(false);
        }
        let end = items.len() - after.len();
        if let Some(Some(target)) = rest {
            self.assign(target, Value::array(items[before.len()..end].to_vec()), cx)?;
        }
        self.matches_each(after, &items[end..], cx)
    }

    fn matches_each(&mut self, patterns: &[Pattern], items: &[Value], cx: &Context) -> Eval<bool> {
        for (pattern, item) in patterns.iter().zip(items) {
            if !self.matches(pattern, item, cx)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn matches_find(
        &mut self,
        (before, middle, after): (Option<&Target>, &[Pattern], Option<&Target>),
        items: &[Value],
        cx: &Context,
    ) -> Eval<bool> {
        let mut start = 0;
        while start + middle.len() <= items.len() {
            if self.matches_each(middle, &items[start..start + middle.len()], cx)? {
                if let Some(target) = before {
                    self.assign(target, Value::array(items[..start].to_vec()), cx)?;
                }
                if let Some(target) = after {
                    self.assign(target, Value::array(items[start + middle.len()..].to_vec()), cx)?;
                }
                return Ok(true);
            }
            start += 1;
        }
        Ok(false)
    }

    fn deconstructed_keys(
        &mut self,
        constant: Option<&Expr>,
        entries: &[(Symbol, Pattern)],
        rest: &HashRest,
        value: &Value,
        cx: &Context,
    ) -> Eval<Option<HashRef>> {
        if !self.is_constant(constant, value, cx)? {
            return Ok(None);
        }
        if let Value::Hash(hash) = value {
            return Ok(Some(hash.clone()));
        }
        if !self.responds_to(value, names::DECONSTRUCT_KEYS)? {
            return Ok(None);
        }
        let wanted = match rest {
            HashRest::Bound(_) => Value::Nil,
            _ => Value::array(entries.iter().map(|(name, _)| Value::Sym(*name)).collect()),
        };
        match self.call_method(value, names::DECONSTRUCT_KEYS, Args::one(wanted))? {
            Value::Hash(hash) => Ok(Some(hash)),
            _ => self.raise("TypeError", "deconstruct_keys must return Hash"),
        }
    }

    fn matches_hash(
        &mut self,
        entries: &[(Symbol, Pattern)],
        rest: &HashRest,
        hash: &HashRef,
        cx: &Context,
    ) -> Eval<bool> {
        for (name, pattern) in entries {
            let Some(value) = hash.get(&Value::Sym(*name)) else { return Ok(false) };
            if !self.matches(pattern, &value, cx)? {
                return Ok(false);
            }
        }
        let others = || {
            let left = RHash::new();
            for (key, value) in hash.to_vec() {
                let named = matches!(&key, Value::Sym(key) if entries.iter().any(|(name, _)| name == key));
                if !named {
                    left.insert(key, value);
                }
            }
            left
        };
        match rest {
            // `in {}` matches only an empty hash.
            HashRest::Ignored => Ok(!entries.is_empty() || hash.is_empty()),
            HashRest::Forbidden => Ok(others().is_empty()),
            HashRest::Bound(target) => {
                self.assign(target, Value::Hash(others()), cx)?;
                Ok(true)
            }
        }
    }
}
