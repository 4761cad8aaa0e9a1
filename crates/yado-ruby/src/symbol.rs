//! Interned names. A symbol is a number; the text lives as long as the thread, because the set of names in
//! a configuration is small and comparing numbers makes every method call and constant lookup cheap.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// An interned name, as in Ruby's `:name`. Equal text means equal symbol within one thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol(u32);

impl Hash for Symbol {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.0);
    }
}

/// Hashes symbols by one multiplication. A program cannot choose their numbers, which are counted upwards, and so cannot
/// make them collide.
#[derive(Default, Clone, Copy)]
pub struct SymbolHasher(u64);

/// How a table whose keys are symbols finds them.
pub type BySymbol = BuildHasherDefault<SymbolHasher>;

impl Hasher for SymbolHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // The golden ratio, as an odd 64-bit number: both ends of the product differ between neighbours.
        self.0 = (self.0.rotate_left(5) ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

struct Interner {
    numbers: HashMap<&'static str, u32, foldhash::fast::RandomState>,
    texts: Vec<&'static str>,
}

thread_local! {
    static INTERNER: RefCell<Interner> = RefCell::new(Interner::seeded());
}

impl Interner {
    fn seeded() -> Self {
        let mut interner = Self {
            numbers: HashMap::with_capacity_and_hasher(512, foldhash::fast::RandomState::default()),
            texts: Vec::with_capacity(512),
        };
        for text in names::ALL {
            interner.add(text);
        }
        interner
    }

    fn add(&mut self, text: &'static str) -> u32 {
        let number = self.texts.len() as u32;
        self.texts.push(text);
        self.numbers.insert(text, number);
        number
    }
}

impl Symbol {
    /// The symbol with this text.
    pub fn new(text: &str) -> Self {
        INTERNER.with_borrow_mut(|interner| {
            if let Some(number) = interner.numbers.get(text) {
                return Symbol(*number);
            }
            Symbol(interner.add(Box::leak(text.to_owned().into_boxed_str())))
        })
    }

    /// The text of this symbol.
    pub fn as_str(self) -> &'static str {
        INTERNER.with_borrow(|interner| interner.texts[self.0 as usize])
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, ":{}", self.as_str())
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Declares the names that the evaluator itself needs, so that using one costs no look-up.
macro_rules! well_known {
    ($($constant:ident = $text:literal),* $(,)?) => {
        /// Names that the evaluator itself refers to.
        pub(crate) mod names {
            #![allow(missing_docs)]
            use super::Symbol;
            // The variants exist for their numbers alone.
            #[allow(non_camel_case_types, clippy::upper_case_acronyms, dead_code)]
            enum Number { $($constant),* }
            pub(super) const ALL: &[&str] = &[$($text),*];
            $(pub(crate) const $constant: Symbol = Symbol(Number::$constant as u32);)*
        }
    };
}

well_known! {
    INITIALIZE = "initialize", NEW = "new", CALL = "call", EACH = "each", TO_S = "to_s", TO_STR = "to_str",
    TO_A = "to_a", TO_ARY = "to_ary", TO_HASH = "to_hash", TO_PROC = "to_proc", INSPECT = "inspect",
    EQUAL = "==", CASE_EQUAL = "===", NOT_EQUAL = "!=", MATCH = "=~",
    HASH = "hash", COMPARE = "<=>", METHOD_MISSING = "method_missing",
    RESPOND_TO_MISSING = "respond_to_missing?", CONST_MISSING = "const_missing",
    INHERITED = "inherited", INCLUDED = "included", EXTENDED = "extended", PREPENDED = "prepended",
    METHOD_ADDED = "method_added", SINGLETON_METHOD_ADDED = "singleton_method_added",
    INITIALIZE_COPY = "initialize_copy", EXCEPTION = "exception",
    INDEX = "[]", INDEX_SET = "[]=",
    PLUS = "+", MINUS = "-", TIMES = "*", DIVIDE = "/", MODULO = "%", LESS = "<", LESS_EQUAL = "<=",
    GREATER = ">", GREATER_EQUAL = ">=", AND = "&", OR = "|", XOR = "^", DECONSTRUCT = "deconstruct",
    DECONSTRUCT_KEYS = "deconstruct_keys", SUCC = "succ", COERCE = "coerce", BLOCK_SLOT = "(block)", REST_SLOT = "(rest)",
    KEYWORD_REST_SLOT = "(keywords)", LAMBDA = "lambda", BACKTICK = "`", WRITE = "write", PUTS = "puts",
    MAIN = "<main>", TOP = "<top (required)>",
    HIDDEN_MESSAGE = "__message", HIDDEN_BACKTRACE = "__backtrace", HIDDEN_CAUSE = "__cause",
    HIDDEN_STATUS = "__status", HIDDEN_NAME = "__name", HIDDEN_RECEIVER = "__receiver", HIDDEN_RESULT = "__result",
    HIDDEN_KEY = "__key",
    TO_INT = "to_int", TO_F = "to_f",

}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_text_is_the_same_symbol() {
        assert_eq!(Symbol::new("box"), Symbol::new("box"));
        assert_ne!(Symbol::new("box"), Symbol::new("boxes"));
        assert_eq!(Symbol::new("box").as_str(), "box");
    }

    #[test]
    fn well_known_names_have_their_text() {
        assert_eq!(names::INITIALIZE.as_str(), "initialize");
        assert_eq!(Symbol::new("each"), names::EACH);
    }
}
