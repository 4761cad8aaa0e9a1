//! The small protocols that everything uses: truth, equality, `to_s`, `inspect`, implicit conversions.

use std::rc::Rc;

use crate::args::Args;
use crate::hash::{HashKey, HashRef};
use crate::interpreter::Interpreter;
use crate::procs::Proc;
use crate::symbol::{Symbol, names};
use crate::value::{ArrayRef, Eval, Value};

impl Interpreter {
    /// The text that `puts` and interpolation show.
    pub fn to_s(&mut self, value: &Value) -> Eval<String> {
        match value {
            Value::Str(string) => Ok(string.text()),
            Value::Sym(symbol) => Ok(symbol.as_str().to_owned()),
            Value::Nil => Ok(String::new()),
            Value::Int(number) => Ok(number.to_string()),
            Value::Bool(it) => Ok(it.to_string()),
            other => match self.call_method(other, names::TO_S, Args::none())? {
                Value::Str(string) => Ok(string.text()),
                _ => Ok(self.plain_inspect(other)),
            },
        }
    }

    /// The text that `p` shows.
    pub fn inspect(&mut self, value: &Value) -> Eval<String> {
        let shown = self.call_method(value, names::INSPECT, Args::none())?;
        self.to_s(&shown)
    }

    /// Runs `show` unless this object is being shown already: then it contains itself, and `again` is shown.
    pub fn inspect_guarded(
        &mut self,
        value: &Value,
        again: &str,
        show: impl FnOnce(&mut Self) -> Eval<String>,
    ) -> Eval<String> {
        let address = value.address();
        if self.inspecting.contains(&address) {
            return Ok(again.to_owned());
        }
        self.inspecting.push(address);
        let shown = show(self);
        self.inspecting.pop();
        shown
    }

    /// `a == b`
    pub fn eq(&mut self, a: &Value, b: &Value) -> Eval<bool> {
        match (a, b) {
            (
                Value::Int(_) | Value::Nil | Value::Bool(_) | Value::Sym(_),
                Value::Int(_) | Value::Nil | Value::Bool(_) | Value::Sym(_),
            ) => Ok(a.same(b)),
            (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => Ok(*a as f64 == *b),
            (Value::Float(a), Value::Float(b)) => Ok(a == b),
            (Value::Str(a), Value::Str(b)) => {
                Ok(Rc::ptr_eq(a, b) || a.with_bytes(|a| b.with_bytes(|b| a == b)))
            }
            _ => Ok(self.call_method(a, names::EQUAL, Args::one(b.clone()))?.truthy()),
        }
    }

    /// `pattern === value`
    pub fn case_eq(&mut self, pattern: &Value, value: &Value) -> Eval<bool> {
        match (pattern, value) {
            (Value::Str(_), Value::Str(_))
            | (Value::Int(_), Value::Int(_))
            | (Value::Sym(_) | Value::Nil, _) => self.eq(pattern, value),
            _ => Ok(self.call_method(pattern, names::CASE_EQUAL, Args::one(value.clone()))?.truthy()),
        }
    }

    /// `a <=> b`; `None` when they cannot be compared.
    pub fn compare(&mut self, a: &Value, b: &Value) -> Eval<Option<std::cmp::Ordering>> {
        match (a, b) {
            (Value::Int(a), Value::Int(b)) => return Ok(Some(a.cmp(b))),
            (Value::Float(a), Value::Float(b)) => return Ok(a.partial_cmp(b)),
            (Value::Str(a), Value::Str(b)) => return Ok(Some(a.with_bytes(|a| b.with_bytes(|b| a.cmp(b))))),
            _ => {}
        }
        match self.call_method(a, names::COMPARE, Args::one(b.clone()))? {
            Value::Int(number) => Ok(Some(number.cmp(&0))),
            Value::Big(number) => Ok(Some((*number).cmp(&Rc::new(0.into())))),
            Value::Float(number) => Ok(number.partial_cmp(&0.0)),
            _ => Ok(None),
        }
    }

    /// `a <=> b` where it must be possible: for sorting, `min`, `max`.
    pub fn compare_or_raise(&mut self, a: &Value, b: &Value) -> Eval<std::cmp::Ordering> {
        if let Some(ordering) = self.compare(a, b)? {
            return Ok(ordering);
        }
        let left = self.class_name(&self.class_of(a));
        let right = match b {
            Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) => self.inspect(b)?,
            other => self.class_name(&self.class_of(other)),
        };
        self.raise("ArgumentError", format!("comparison of {left} with {right} failed"))
    }

    /// The hash key for a value, asking objects that define `hash` themselves.
    pub fn hash_key(&mut self, value: &Value) -> Eval<HashKey> {
        if let Value::Object(_) = value {
            let class = self.dispatch_class(value);
            if let Some(method) = self.find_method(&class, names::HASH)
                && !Rc::ptr_eq(&method.owner, &self.core.kernel)
                && let Value::Int(hash) = self.call_method(value, names::HASH, Args::none())?
            {
                return Ok(HashKey::with_hash(value.clone(), hash));
            }
        }
        Ok(HashKey::new(value.clone()))
    }

    /// Reads a hash as `hash[key]` does, with its defaults.
    pub fn hash_fetch(&mut self, hash: &HashRef, key: &Value) -> Eval {
        let found = {
            let wanted = self.hash_key(key)?;
            hash.entries.borrow().get(&wanted).cloned()
        };
        if let Some(value) = found {
            return Ok(value);
        }
        let default_proc = hash.default_proc.borrow().clone();
        if let Some(block) = default_proc {
            return self.call_proc(&block, Args::of(vec![Value::Hash(hash.clone()), key.clone()]));
        }
        Ok(hash.default.borrow().clone().unwrap_or(Value::Nil))
    }

    /// Stores into a hash as `hash[key] = value` does.
    pub fn hash_store(&mut self, hash: &HashRef, key: &Value, value: Value) -> Eval<()> {
        self.check_frozen(&Value::Hash(hash.clone()))?;
        let key = self.hash_key(key)?;
        hash.entries.borrow_mut().insert(key, value);
        Ok(())
    }

    /// Whether a value answers to a method (as `respond_to?`).
    pub fn responds_to(&mut self, value: &Value, method: Symbol) -> Eval<bool> {
        let class = self.dispatch_class(value);
        if let Some(found) = self.find_method(&class, method) {
            return Ok(found.visibility == crate::procs::Visibility::Public);
        }
        match self.find_method(&class, names::RESPOND_TO_MISSING) {
            Some(own) if !Rc::ptr_eq(&own.owner, &self.core.kernel) => {
                let args = Args::of(vec![Value::Sym(method), Value::Bool(false)]);
                Ok(self.invoke(value, &own, args)?.truthy())
            }
            _ => Ok(false),
        }
    }

    /// The implicit conversion to a string, for arguments that must be strings.
    pub fn expect_string(&mut self, value: &Value) -> Eval<String> {
        match value {
            Value::Str(string) => Ok(string.text()),
            other => {
                if self.responds_to(other, names::TO_STR)?
                    && let Value::Str(string) = self.call_method(other, names::TO_STR, Args::none())?
                {
                    return Ok(string.text());
                }
                self.no_conversion(other, "String")
            }
        }
    }

    /// The implicit conversion to a name, for arguments that may be strings or symbols.
    pub fn expect_name(&mut self, value: &Value) -> Eval<Symbol> {
        match value {
            Value::Sym(symbol) => Ok(*symbol),
            Value::Str(string) => Ok(string.with(Symbol::new)),
            other => {
                let text = self.inspect(other)?;
                self.raise("TypeError", format!("{text} is not a symbol nor a string"))
            }
        }
    }

    /// The implicit conversion to an integer.
    pub fn expect_int(&mut self, value: &Value) -> Eval<i64> {
        match value {
            Value::Int(number) => Ok(*number),
            Value::Float(number) if number.is_finite() => Ok(*number as i64),
            Value::Nil => self.raise("TypeError", "no implicit conversion from nil to integer"),
            Value::Big(_) => self.raise("RangeError", "bignum too big to convert into `long'"),
            other => {
                if self.responds_to(other, names::TO_INT)?
                    && let Value::Int(number) = self.call_method(other, names::TO_INT, Args::none())?
                {
                    return Ok(number);
                }
                self.no_conversion(other, "Integer")
            }
        }
    }

    /// The implicit conversion to an array; `None` when there is none.
    pub fn try_array(&mut self, value: &Value) -> Eval<Option<ArrayRef>> {
        match value {
            Value::Array(array) => Ok(Some(array.clone())),
            Value::Object(_) if self.responds_to(value, names::TO_ARY)? => {
                match self.call_method(value, names::TO_ARY, Args::none())? {
                    Value::Array(array) => Ok(Some(array)),
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// The implicit conversion to an array, for arguments that must be arrays.
    pub fn expect_array(&mut self, value: &Value) -> Eval<ArrayRef> {
        match self.try_array(value)? {
            Some(array) => Ok(array),
            None => self.no_conversion(value, "Array"),
        }
    }

    /// The implicit conversion to a hash, for arguments that must be hashes.
    pub fn expect_hash(&mut self, value: &Value) -> Eval<HashRef> {
        match value {
            Value::Hash(hash) => Ok(hash.clone()),
            other => {
                if self.responds_to(other, names::TO_HASH)?
                    && let Value::Hash(hash) = self.call_method(other, names::TO_HASH, Args::none())?
                {
                    return Ok(hash);
                }
                self.no_conversion(other, "Hash")
            }
        }
    }

    /// What `*value` spreads into.
    pub fn splat(&mut self, value: &Value) -> Eval<Vec<Value>> {
        match value {
            Value::Array(array) => Ok(array.to_vec()),
            Value::Nil => Ok(Vec::new()),
            Value::Hash(hash) => {
                Ok(hash.to_vec().into_iter().map(|(key, value)| Value::array(vec![key, value])).collect())
            }
            Value::Str(_) | Value::Int(_) | Value::Sym(_) | Value::Bool(_) | Value::Float(_) => {
                Ok(vec![value.clone()])
            }
            other => {
                if self.responds_to(other, names::TO_A)?
                    && let Value::Array(array) = self.call_method(other, names::TO_A, Args::none())?
                {
                    return Ok(array.to_vec());
                }
                Ok(vec![other.clone()])
            }
        }
    }

    /// The elements that `each` yields, for anything that has it. Several yielded values become an array.
    pub fn elements(&mut self, value: &Value) -> Eval<Vec<Value>> {
        match value {
            Value::Array(array) => Ok(array.to_vec()),
            Value::Hash(_) => self.splat(value),
            other => {
                let found: Rc<std::cell::RefCell<Vec<Value>>> = Rc::default();
                let sink = found.clone();
                let block = Proc::native(crate::args::Arity::at_least(0), move |_, _, mut args| {
                    args.fold_keywords();
                    let item = if args.len() == 1 { args.at(0) } else { Value::array(args.positional) };
                    sink.borrow_mut().push(item);
                    Ok(Value::Nil)
                });
                self.call_method(other, names::EACH, Args::none().with_block(Some(block)))?;
                Ok(found.take())
            }
        }
    }
}
