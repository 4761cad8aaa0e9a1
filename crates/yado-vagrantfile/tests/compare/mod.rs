//! Holds a computed configuration against the one that Vagrant computed, field by field.

use std::path::Path;

use serde_json::{Map, Value};
use yado_vagrantfile::{LoadOptions, failure_json, load, on_big_stack};

/// The parts of a machine that count.
const PARTS: &[&str] = &[
    "name",
    "primary",
    "autostart",
    "define_options",
    "provider",
    "vm",
    "networks",
    "synced_folders",
    "provisioners",
    "providers",
    "disks",
    "cloud_init",
    "triggers",
    "pushes",
    "sections",
    "unknown_sections",
    "validation",
];

/// The canonical JSON of the Vagrantfile in a folder, read in a sandbox.
pub(crate) fn configuration(folder: &Path, home: &Path) -> Value {
    on_big_stack(|| {
        let mut options = LoadOptions::new(folder);
        options.argv = vec!["status".to_owned()];
        let home = home.to_string_lossy().into_owned();
        let user = "vagrant-oracle".to_owned();
        options.env =
            [("HOME", home), ("USER", user.clone()), ("LOGNAME", user), ("PATH", "/usr/bin:/bin".to_owned())]
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec();
        // As a shell has it; Vagrantfiles build paths from it.
        options.env.push(("PWD".to_owned(), folder.to_string_lossy().into_owned()));
        match load(options) {
            Ok(mut loaded) => loaded.canonical_json(),
            Err(error) => failure_json(&error),
        }
    })
}

/// The same value with absolute places written by name, and without keys whose value is null.
pub(crate) fn named(value: &Value, places: &[(String, &str)]) -> Value {
    match value {
        Value::String(text) => {
            let mut text = text.clone();
            for (place, name) in places {
                text = text.replace(place.as_str(), name);
            }
            Value::String(text)
        }
        Value::Array(items) => items.iter().map(|item| named(item, places)).collect(),
        Value::Object(map) => {
            let pairs = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                pairs.map(|(key, value)| (key.clone(), named(value, places))).collect::<Map<_, _>>(),
            )
        }
        other => other.clone(),
    }
}

/// Where two values differ, in words.
fn differences(place: &str, want: &Value, got: &Value, found: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(any), _) if any.get("$any") == Some(&Value::Bool(true)) => {}
        (Value::Object(want), Value::Object(got)) => {
            for (key, value) in want {
                differences(&format!("{place}.{key}"), value, got.get(key).unwrap_or(&Value::Null), found);
            }
            for key in got.keys().filter(|key| !want.contains_key(*key)) {
                found.push(format!("{place}.{key}: not expected"));
            }
        }
        (Value::Array(want), Value::Array(got)) if want.len() == got.len() => {
            for (index, (want, got)) in want.iter().zip(got).enumerate() {
                differences(&format!("{place}[{index}]"), want, got, found);
            }
        }
        _ if want == got => {}
        _ => found.push(format!("{place}: expected {want}, not {got}")),
    }
}

/// Where a computed configuration differs from the expected one. Two errors are the same when `strict` is off, or
/// when their classes are the same.
pub(crate) fn compare(want: &Value, got: &Value, strict: bool) -> Vec<String> {
    let mut found = Vec::new();
    let (want_error, got_error) = (want.get("error"), got.get("error"));
    match (want_error, got_error) {
        (Some(want), Some(got)) => {
            if strict && want["class"] != got["class"] {
                found.push(format!("expected the error {}, not {}", want["class"], got["class"]));
            }
            return found;
        }
        (None, None) => {}
        // A hash where Ruby 3 wants keywords: Vagrant on Ruby 2.7 took it, and so do we.
        (Some(want), None)
            if want["message"].as_str().is_some_and(|text| text.contains("given 2, expected 1")) =>
        {
            return found;
        }
        (want, got) => {
            found.push(format!("expected the error {want:?}, not {got:?}"));
            return found;
        }
    }
    let empty = Vec::new();
    let machines = |side: &Value| side["machines"].as_array().unwrap_or(&empty).clone();
    let (want, got) = (machines(want), machines(got));
    if want.len() != got.len() {
        found.push(format!("expected {} machines, not {}", want.len(), got.len()));
    }
    for (want, got) in want.iter().zip(&got) {
        for part in PARTS {
            let name = want["name"].as_str().unwrap_or_default();
            differences(&format!("{name}.{part}"), &want[part], &got[part], &mut found);
        }
    }
    found
}
