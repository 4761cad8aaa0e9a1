//! Ruby values as JSON, in the way that tools which compare configurations expect (symbols are text, a range is
//! `{"$range": …}`, absent and nil are the same), and JSON literals of the tables as Ruby values.

use serde_json::{Map, Value as Json, json};
use yado_ruby::{Args, Interpreter, Value};

use crate::config::ConfigCell;
use crate::dummy::DummyCell;

/// How deep values are followed; deeper ones are cut off.
const DEPTH: usize = 40;

/// The Ruby value of a JSON text of ours.
pub(crate) fn from_json(text: &str) -> Value {
    // Most are a word or a number, and hundreds are read for every machine.
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        "[]" => return Value::array(Vec::new()),
        _ => {}
    }
    if let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'))
        && !inner.bytes().any(|byte| byte == b'\\')
    {
        return Value::str(inner);
    }
    if let Ok(number) = text.parse() {
        return Value::Int(number);
    }
    serde_json::from_str::<Json>(text).map_or(Value::Nil, |json| ruby(&json))
}

fn ruby(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(it) => Value::Bool(*it),
        Json::Number(it) => it.as_i64().map_or_else(|| Value::Float(it.as_f64().unwrap_or(0.0)), Value::Int),
        Json::String(it) => Value::str(it.as_str()),
        Json::Array(items) => Value::array(items.iter().map(ruby).collect()),
        Json::Object(items) => {
            Value::hash(items.iter().map(|(key, value)| (Value::str(key.as_str()), ruby(value))))
        }
    }
}

/// A map without the entries that are null, sorted by key.
pub(crate) fn sorted(pairs: impl IntoIterator<Item = (String, Json)>) -> Json {
    let mut pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_null()).collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Json::Object(pairs.into_iter().collect::<Map<_, _>>())
}

/// Any Ruby value as JSON.
pub(crate) fn to_json(interpreter: &mut Interpreter, value: &Value) -> Json {
    at_depth(interpreter, value, 0)
}

fn float(number: f64) -> Json {
    if number.is_finite() {
        return serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number);
    }
    let shown = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    json!({ "$float": shown })
}

fn at_depth(interpreter: &mut Interpreter, value: &Value, depth: usize) -> Json {
    if depth > DEPTH {
        return json!({ "$deep": true });
    }
    // A value that holds another many times over is written out as often. Whoever asked checks the limits.
    if interpreter.charge(128).is_err() {
        return Json::Null;
    }
    match value {
        Value::Nil => Json::Null,
        Value::Bool(it) => Json::Bool(*it),
        Value::Int(it) => json!(it),
        Value::Big(it) => serde_json::from_str(&it.to_string()).unwrap_or(Json::Null),
        Value::Float(it) => float(*it),
        Value::Sym(it) => json!(it.as_str()),
        Value::Str(it) => json!(it.text()),
        Value::Array(it) => {
            Json::Array(it.to_vec().iter().map(|item| at_depth(interpreter, item, depth + 1)).collect())
        }
        Value::Hash(it) => {
            let mut pairs = Vec::new();
            for (key, item) in it.to_vec() {
                pairs.push((key_text(interpreter, &key), at_depth(interpreter, &item, depth + 1)));
            }
            sorted(pairs)
        }
        Value::Range(it) => json!({"$range": [
            at_depth(interpreter, &it.begin, depth + 1), at_depth(interpreter, &it.end, depth + 1), it.exclusive
        ]}),
        Value::Regexp(it) => json!({"$regexp": *it.source, "options": it.options}),
        Value::Proc(_) | Value::Method(_) => json!({ "$proc": true }),
        Value::Class(it) => json!({ "$class": interpreter.class_name(it) }),
        Value::Object(_) => object(interpreter, value, depth),
    }
}

/// The text of a hash key.
pub(crate) fn key_text(interpreter: &mut Interpreter, key: &Value) -> String {
    match key.text_or_symbol() {
        Some(text) => text,
        None => interpreter.inspect(key).unwrap_or_default(),
    }
}

fn object(interpreter: &mut Interpreter, value: &Value, depth: usize) -> Json {
    if let Some(dummy) = DummyCell::of(value) {
        return dummy.to_json(interpreter, depth + 1);
    }
    if let Some(cell) = ConfigCell::of(value) {
        return config_json(interpreter, &cell);
    }
    let class = interpreter.class_of(value);
    let name = interpreter.class_name(&class);
    match name.as_str() {
        "Pathname" => return json!(interpreter.to_s(value).unwrap_or_default()),
        "Set" => {
            if let Ok(items) = interpreter.send(value, "to_a", Args::none()) {
                return at_depth(interpreter, &items, depth + 1);
            }
        }
        "IPAddr" | "URI::Generic" | "URI::HTTP" | "URI::HTTPS" | "Time" | "Date" | "DateTime"
        | "Gem::Version" => {
            return json!({ "$object": name, "to_s": interpreter.to_s(value).unwrap_or_default() });
        }
        _ => {}
    }
    let structured = name == "OpenStruct"
        || interpreter.class_named("Struct").is_some_and(|base| interpreter.is_a(value, &base));
    if structured && let Ok(hash) = interpreter.send(value, "to_h", Args::none()) {
        return json!({ "$object": name, "to_h": at_depth(interpreter, &hash, depth + 1) });
    }
    json!({ "$object": name })
}

/// A configuration object of ours: its values, and the settings that do not exist.
pub(crate) fn config_json(interpreter: &mut Interpreter, cell: &ConfigCell) -> Json {
    let (values, mut invalid) = {
        let config = cell.config.borrow();
        let values: Vec<_> = config
            .values
            .iter()
            .filter(|(name, _)| !name.starts_with("__") && !config.section.is_newer(name))
            .map(|(name, entry)| ((*name).to_owned(), entry.value.clone()))
            .collect();
        (values, config.unknown_to_vagrant().into_iter().map(|(name, _)| name).collect::<Vec<_>>())
    };
    let mut pairs: Vec<_> =
        values.iter().map(|(name, value)| (name.clone(), to_json(interpreter, value))).collect();
    if !invalid.is_empty() {
        invalid.sort();
        pairs.push(("$invalid".to_owned(), json!(invalid)));
    }
    sorted(pairs)
}
