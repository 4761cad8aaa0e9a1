//! Binding arguments to parameters: strictly for methods and lambdas, loosely for other blocks.

use std::rc::Rc;

use crate::args::{Args, copied};
use crate::frame::Context;
use crate::hash::{HashRef, RHash};
use crate::interpreter::Interpreter;
use crate::symbol::Symbol;
use crate::tree::{KeywordRest, Param, Params};
use crate::value::{Eval, Value};

impl Interpreter {
    /// Binds the arguments of a method or lambda; a wrong number is an error.
    pub(super) fn bind_strictly(&mut self, params: &Params, cx: &Context, mut args: Args) -> Eval<()> {
        self.settle_keywords(params, &mut args)?;
        let required = params.required.len() + params.post.len();
        let most = required + params.optional.len();
        let given = args.len();
        if given < required || (params.rest.is_none() && given > most) {
            return self.wrong_parameters(params, given);
        }
        self.bind_positional(params, cx, std::mem::take(&mut args.positional))?;
        self.bind_keywords(params, cx, args.keywords.take())?;
        Self::bind_block(params, cx, args);
        Ok(())
    }

    /// Binds the arguments of a block: missing ones are nil, extra ones are dropped, and one array is
    /// taken apart for several parameters.
    pub(super) fn bind_loosely(&mut self, params: &Params, cx: &Context, mut args: Args) -> Eval<()> {
        self.settle_keywords(params, &mut args)?;
        let required = params.required.len() + params.post.len();
        let named = required + params.optional.len();
        let several = named > 1
            || params.trailing_comma
            || (named == 1 && params.rest.is_some())
            || (named == 1 && params.takes_keywords());
        if several
            && args.len() == 1
            && let Some(array) = self.try_array(&args.positional[0].clone())?
        {
            args.positional = array.to_vec();
        }
        let mut values = std::mem::take(&mut args.positional);
        if values.len() < required {
            self.bind_too_few(params, cx, values)?;
        } else {
            if params.rest.is_none() {
                values.truncate(named);
            }
            self.bind_positional(params, cx, values)?;
        }
        self.bind_keywords(params, cx, args.keywords.take())?;
        Self::bind_block(params, cx, args);
        Ok(())
    }

    /// Keywords become a positional hash for those that declare none.
    fn settle_keywords(&mut self, params: &Params, args: &mut Args) -> Eval<()> {
        if args.keywords.is_none() || params.takes_keywords() {
            return Ok(());
        }
        if matches!(params.keyword_rest, KeywordRest::Forbidden) {
            return self.raise("ArgumentError", "no keywords accepted");
        }
        args.fold_keywords();
        Ok(())
    }

    fn wrong_parameters(&mut self, params: &Params, given: usize) -> Eval<()> {
        let least = params.required.len() + params.post.len();
        let most = least + params.optional.len();
        let mut expected = if params.rest.is_some() {
            format!("{least}+")
        } else if least == most {
            least.to_string()
        } else {
            format!("{least}..{most}")
        };
        let missing: Vec<&str> = params
            .keywords
            .iter()
            .filter(|(_, _, default)| default.is_none())
            .map(|(name, _, _)| name.as_str())
            .collect();
        if !missing.is_empty() {
            let noun = if missing.len() == 1 { "keyword" } else { "keywords" };
            expected.push_str(&format!("; required {noun}: {}", missing.join(", ")));
        }
        self.wrong_arguments(given, &expected)
    }

    fn bind_positional(&mut self, params: &Params, cx: &Context, values: Vec<Value>) -> Eval<()> {
        let count = values.len();
        let mut values = values.into_iter();
        for param in &params.required {
            let value = values.next().unwrap_or(Value::Nil);
            self.bind_param(param, cx, value)?;
        }
        let mut spare = count.saturating_sub(params.required.len() + params.post.len());
        for (slot, default) in &params.optional {
            let value = if spare > 0 {
                spare -= 1;
                values.next().unwrap_or(Value::Nil)
            } else {
                self.eval(default, cx)?
            };
            cx.scope.set(*slot, value);
        }
        if let Some(rest) = &params.rest {
            let taken: Vec<Value> = values.by_ref().take(spare).collect();
            if let Some(slot) = rest {
                cx.scope.set(*slot, Value::array(taken));
            }
        }
        for param in &params.post {
            let value = values.next().unwrap_or(Value::Nil);
            self.bind_param(param, cx, value)?;
        }
        Ok(())
    }

    /// A block got less than it requires: the first parameters get what there is.
    fn bind_too_few(&mut self, params: &Params, cx: &Context, values: Vec<Value>) -> Eval<()> {
        let mut values = values.into_iter();
        for param in params.required.iter().chain(&params.post) {
            let value = values.next().unwrap_or(Value::Nil);
            self.bind_param(param, cx, value)?;
        }
        for (slot, default) in &params.optional {
            let value = self.eval(default, cx)?;
            cx.scope.set(*slot, value);
        }
        if let Some(Some(slot)) = &params.rest {
            cx.scope.set(*slot, Value::array(Vec::new()));
        }
        Ok(())
    }

    fn bind_param(&mut self, param: &Param, cx: &Context, value: Value) -> Eval<()> {
        match param {
            Param::Slot(slot) => cx.scope.set(*slot, value),
            Param::Multi(targets) => {
                let values = match self.try_array(&value)? {
                    Some(array) => array.to_vec(),
                    None => vec![value],
                };
                self.assign_multi(targets, values, cx)?;
            }
        }
        Ok(())
    }

    fn bind_keywords(&mut self, params: &Params, cx: &Context, given: Option<HashRef>) -> Eval<()> {
        if !params.takes_keywords() {
            return Ok(());
        }
        let left: Rc<RHash> = given.as_ref().map_or_else(RHash::new, copied);
        let mut missing: Vec<Symbol> = Vec::new();
        for (name, slot, default) in &params.keywords {
            match (left.remove(&Value::Sym(*name)), default) {
                (Some(value), _) => cx.scope.set(*slot, value),
                (None, Some(default)) => {
                    let value = self.eval(default, cx)?;
                    cx.scope.set(*slot, value);
                }
                (None, None) => missing.push(*name),
            }
        }
        if !missing.is_empty() {
            let noun = if missing.len() == 1 { "keyword" } else { "keywords" };
            let names: Vec<String> = missing.iter().map(|name| format!(":{name}")).collect();
            return self.raise("ArgumentError", format!("missing {noun}: {}", names.join(", ")));
        }
        match &params.keyword_rest {
            KeywordRest::Slot(Some(slot)) => cx.scope.set(*slot, Value::Hash(left)),
            KeywordRest::Slot(None) => {}
            _ if left.is_empty() => {}
            _ => {
                let noun = if left.len() == 1 { "keyword" } else { "keywords" };
                let mut names = Vec::new();
                for (key, _) in left.to_vec() {
                    names.push(self.inspect(&key)?);
                }
                return self.raise("ArgumentError", format!("unknown {noun}: {}", names.join(", ")));
            }
        }
        Ok(())
    }

    fn bind_block(params: &Params, cx: &Context, args: Args) {
        if let Some(slot) = params.block {
            cx.scope.set(slot, args.block.map_or(Value::Nil, Value::Proc));
        }
    }
}
