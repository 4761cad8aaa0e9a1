//! Values of Vagrantfiles, as providers read them.

use serde_json::Value;

/// A number, also one that was written as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
