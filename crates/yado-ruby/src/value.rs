//! What a Ruby expression evaluates to. Small immediate values are stored in place, everything else is
//! shared by reference as in Ruby; there is one interpreter per thread, so plain `Rc` is enough.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use num_bigint::BigInt;

use crate::class::ClassRef;
use crate::control::Control;
use crate::hash::{HashRef, RHash};
use crate::object::{Meta, ObjectRef};
use crate::procs::{MethodObject, Proc};
use crate::regexp::Regexp;
use crate::symbol::Symbol;

/// The outcome of evaluating something: a value, or a reason to leave the usual path.
pub type Eval<T = Value> = Result<T, Control>;
/// A shared, mutable string.
pub type StrRef = Rc<RString>;
/// A shared, mutable array.
pub type ArrayRef = Rc<RArray>;

/// Any Ruby value.
#[derive(Clone)]
pub enum Value {
    /// `nil`
    Nil,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not fit 64 bits; always outside the range of `Int`.
    Big(Rc<BigInt>),
    /// A floating-point number.
    Float(f64),
    /// `:symbol`
    Sym(Symbol),
    /// `"string"`
    Str(StrRef),
    /// `[array]`
    Array(ArrayRef),
    /// `{hash => value}`
    Hash(HashRef),
    /// `first..last`
    Range(Rc<Range>),
    /// `/regular expression/`
    Regexp(Rc<Regexp>),
    /// A block that became an object, or a lambda.
    Proc(Rc<Proc>),
    /// An instance of any other class; may carry native data.
    Object(ObjectRef),
    /// A class or a module.
    Class(ClassRef),
    /// A method taken as an object, bound or not.
    Method(Rc<MethodObject>),
}

/// A Ruby string: bytes that are usually UTF-8.
#[derive(Default)]
pub struct RString {
    pub(crate) bytes: RefCell<Vec<u8>>,
    /// Whether changing it is an error.
    pub frozen: Cell<bool>,
    /// Whether it is a string of bytes (`ASCII-8BIT`) rather than of characters.
    pub binary: Cell<bool>,
    /// Subclass, singleton class and instance variables, when it has any.
    pub meta: RefCell<Option<Box<Meta>>>,
}

/// A Ruby array.
#[derive(Default)]
pub struct RArray {
    /// The elements.
    pub items: RefCell<Vec<Value>>,
    /// Whether changing it is an error.
    pub frozen: Cell<bool>,
    /// Subclass, singleton class and instance variables, when it has any.
    pub meta: RefCell<Option<Box<Meta>>>,
}

/// A Ruby range; an open end is `nil`.
pub struct Range {
    /// The first value.
    pub begin: Value,
    /// The last value, or the one after it.
    pub end: Value,
    /// Whether the end is left out (`...`).
    pub exclusive: bool,
}

impl RString {
    /// A new unfrozen string of characters.
    pub fn new(text: impl Into<String>) -> StrRef {
        Self::from_bytes(text.into().into_bytes())
    }

    /// A new unfrozen string with these bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> StrRef {
        Rc::new(Self { bytes: RefCell::new(bytes), ..Self::default() })
    }

    /// The text; bytes that are not UTF-8 become replacement characters.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.borrow()).into_owned()
    }

    /// Looks at the text without copying it (when it is UTF-8). Do not change the string meanwhile.
    pub fn with<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        look(&String::from_utf8_lossy(&self.bytes.borrow()))
    }

    /// Looks at the bytes. Do not change the string meanwhile.
    pub fn with_bytes<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.bytes.borrow())
    }

    /// A copy of the bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }

    /// The number of bytes.
    pub fn byte_len(&self) -> usize {
        self.bytes.borrow().len()
    }

    /// Replaces the content. The caller has checked that it is not frozen.
    pub fn set(&self, text: impl Into<String>) {
        *self.bytes.borrow_mut() = text.into().into_bytes();
    }

    /// Replaces the content by bytes. The caller has checked that it is not frozen.
    pub fn set_bytes(&self, bytes: Vec<u8>) {
        *self.bytes.borrow_mut() = bytes;
    }

    /// Appends bytes. The caller has checked that it is not frozen.
    pub fn push_bytes(&self, more: &[u8]) {
        self.bytes.borrow_mut().extend_from_slice(more);
    }
}

impl RArray {
    /// A new unfrozen array.
    pub fn new(items: Vec<Value>) -> ArrayRef {
        Rc::new(Self { items: RefCell::new(items), ..Self::default() })
    }

    /// A copy of the elements, safe to iterate while Ruby code changes the array.
    pub fn to_vec(&self) -> Vec<Value> {
        self.items.borrow().clone()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.items.borrow().len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.items.borrow().is_empty()
    }

    /// The element at this index, if there is one.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.items.borrow().get(index).cloned()
    }
}

impl Value {
    /// A new Ruby string.
    pub fn str(text: impl Into<String>) -> Self {
        Value::Str(RString::new(text))
    }

    /// A new Ruby string of raw bytes.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        Value::Str(RString::from_bytes(bytes))
    }

    /// A symbol.
    pub fn sym(text: &str) -> Self {
        Value::Sym(Symbol::new(text))
    }

    /// A new Ruby array.
    pub fn array(items: Vec<Value>) -> Self {
        Value::Array(RArray::new(items))
    }

    /// A new Ruby hash with these entries.
    pub fn hash(entries: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let hash = RHash::default();
        for (key, value) in entries {
            hash.insert(key, value);
        }
        Value::Hash(Rc::new(hash))
    }

    /// A new range.
    pub fn range(begin: Value, end: Value, exclusive: bool) -> Self {
        Value::Range(Rc::new(Range { begin, end, exclusive }))
    }

    /// An integer.
    pub fn integer(number: i128) -> Self {
        i64::try_from(number).map_or_else(|_| Value::Big(Rc::new(BigInt::from(number))), Value::Int)
    }

    /// An integer of any size.
    pub fn big(number: BigInt) -> Self {
        i64::try_from(&number).map_or_else(|_| Value::Big(Rc::new(number)), Value::Int)
    }

    /// The integer, unless it needs more than 128 bits.
    pub fn as_integer(&self) -> Option<i128> {
        match self {
            Value::Int(number) => Some(i128::from(*number)),
            Value::Big(number) => i128::try_from(&**number).ok(),
            _ => None,
        }
    }

    /// The integer, whatever its size.
    pub fn as_big(&self) -> Option<BigInt> {
        match self {
            Value::Int(number) => Some(BigInt::from(*number)),
            Value::Big(number) => Some((**number).clone()),
            _ => None,
        }
    }

    /// Whether it is an integer of any size.
    pub fn is_integer(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Big(_))
    }

    /// Whether it counts as true: everything but `nil` and `false`.
    pub fn truthy(&self) -> bool {
        !matches!(self, Value::Nil | Value::Bool(false))
    }

    /// Whether it is `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    /// The text of a string (not of a symbol).
    pub fn as_text(&self) -> Option<String> {
        match self {
            Value::Str(string) => Some(string.text()),
            _ => None,
        }
    }

    /// The text of a string or symbol.
    pub fn text_or_symbol(&self) -> Option<String> {
        match self {
            Value::Str(string) => Some(string.text()),
            Value::Sym(symbol) => Some(symbol.as_str().to_owned()),
            _ => None,
        }
    }

    /// Whether both are the very same object (`equal?`).
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Nil, Value::Nil) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Big(a), Value::Big(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Sym(a), Value::Sym(b)) => a == b,
            (
                Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) | Value::Sym(_),
                _,
            )
            | (
                _,
                Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) | Value::Sym(_),
            ) => false,
            _ => self.address() == other.address(),
        }
    }

    /// Where a shared value lives; 0 for immediate ones. Identifies it while it is alive.
    pub fn address(&self) -> usize {
        match self {
            Value::Str(it) => Rc::as_ptr(it) as usize,
            Value::Array(it) => Rc::as_ptr(it) as usize,
            Value::Hash(it) => Rc::as_ptr(it) as usize,
            Value::Range(it) => Rc::as_ptr(it) as usize,
            Value::Regexp(it) => Rc::as_ptr(it) as usize,
            Value::Proc(it) => Rc::as_ptr(it) as usize,
            Value::Object(it) => Rc::as_ptr(it) as usize,
            Value::Class(it) => Rc::as_ptr(it) as usize,
            Value::Method(it) => Rc::as_ptr(it) as usize,
            Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) | Value::Sym(_) => {
                0
            }
        }
    }

    /// What `object_id` answers.
    pub fn object_id(&self) -> i64 {
        match self {
            Value::Nil => 8,
            Value::Bool(true) => 20,
            Value::Bool(false) => 0,
            Value::Int(number) => number.wrapping_mul(2).wrapping_add(1),
            Value::Sym(symbol) => symbol.as_str().as_ptr() as i64,
            Value::Float(number) => number.to_bits() as i64 | 2,
            Value::Big(number) => Rc::as_ptr(number) as i64,
            _ => (self.address() / 8) as i64,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::str(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::str(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Nil, Into::into)
    }
}
