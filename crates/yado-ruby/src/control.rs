//! The ways in which evaluation leaves the usual path: exceptions, jumps, and the limits of the sandbox.

use crate::failure::Limit;
use crate::value::Value;

/// Names one activation of a method, block or loop as the target of a jump.
pub type Tag = u64;

/// Why evaluation did not simply yield a value.
#[derive(Clone)]
pub enum Control {
    /// An exception object on its way to a `rescue`.
    Raise(Value),
    /// `break`: leaves the call that the block was given to, or (tag 0) the innermost loop.
    Break {
        /// The block's call.
        tag: Tag,
        /// What that call evaluates to.
        value: Value,
    },
    /// `next`: leaves the block or goes to the loop's next turn.
    Next(Value),
    /// `return`: leaves the method (or lambda).
    Return {
        /// The method's activation.
        tag: Tag,
        /// What the call evaluates to.
        value: Value,
    },
    /// `throw`: leaves the `catch` with the same tag.
    Throw {
        /// The object that `catch` was given.
        tag: Value,
        /// What the `catch` evaluates to.
        value: Value,
    },
    /// `retry` on its way to its `begin`.
    Retry,
    /// `redo` on its way to its block or loop.
    Redo,
    /// A limit of the sandbox was reached; nothing in the program can rescue it.
    Abort(Limit),
}
