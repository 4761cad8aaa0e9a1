//! Operators on integers and floats without a method call, as long as nobody redefined them.

use crate::interpreter::Interpreter;
use crate::symbol::{Symbol, names};
use crate::value::Value;

impl Interpreter {
    /// The result of an operator on two plain numbers; `None` when a real call is needed.
    pub(super) fn quick_operator(&self, left: &Value, name: Symbol, right: &Value) -> Option<Value> {
        if self.operators_redefined {
            return None;
        }
        match (left, right) {
            (Value::Int(left), Value::Int(right)) => integers(*left, name, *right),
            (Value::Float(left), Value::Float(right)) => floats(*left, name, *right),
            (Value::Int(left), Value::Float(right)) => floats(*left as f64, name, *right),
            (Value::Float(left), Value::Int(right)) => floats(*left, name, *right as f64),
            _ => None,
        }
    }
}

fn integers(left: i64, name: Symbol, right: i64) -> Option<Value> {
    Some(match name {
        names::PLUS => Value::Int(left.checked_add(right)?),
        names::MINUS => Value::Int(left.checked_sub(right)?),
        names::TIMES => Value::Int(left.checked_mul(right)?),
        names::LESS => Value::Bool(left < right),
        names::LESS_EQUAL => Value::Bool(left <= right),
        names::GREATER => Value::Bool(left > right),
        names::GREATER_EQUAL => Value::Bool(left >= right),
        names::EQUAL => Value::Bool(left == right),
        names::NOT_EQUAL => Value::Bool(left != right),
        // Ruby rounds towards negative infinity.
        names::DIVIDE if right > 0 => Value::Int(left.div_euclid(right)),
        names::MODULO if right > 0 => Value::Int(left.rem_euclid(right)),
        names::AND => Value::Int(left & right),
        names::OR => Value::Int(left | right),
        names::XOR => Value::Int(left ^ right),
        _ => return None,
    })
}

fn floats(left: f64, name: Symbol, right: f64) -> Option<Value> {
    Some(match name {
        names::PLUS => Value::Float(left + right),
        names::MINUS => Value::Float(left - right),
        names::TIMES => Value::Float(left * right),
        names::DIVIDE => Value::Float(left / right),
        names::LESS => Value::Bool(left < right),
        names::LESS_EQUAL => Value::Bool(left <= right),
        names::GREATER => Value::Bool(left > right),
        names::GREATER_EQUAL => Value::Bool(left >= right),
        names::EQUAL => Value::Bool(left == right),
        names::NOT_EQUAL => Value::Bool(left != right),
        _ => return None,
    })
}
