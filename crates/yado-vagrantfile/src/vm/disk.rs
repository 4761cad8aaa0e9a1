//! `config.vm.disk TYPE, options` and `config.vm.cloud_init TYPE, options`.

use yado_core::spec::Origin;
use yado_ruby::{Args, Eval, HashRef, Interpreter, RHash, Value};

use super::{cell_of, with_vm};
use crate::config::origin;
use crate::hash::{option, put, take_options, text};

/// A disk, or a part of the user data of cloud-init.
#[derive(Clone)]
pub(crate) struct Disk {
    /// Its options, with defaults.
    pub(crate) options: HashRef,
    /// Whether Vagrant 2.3.4 would have taken it: there it needs an experimental flag.
    pub(crate) flagged: bool,
    /// Where it was asked for.
    pub(crate) origin: Option<Origin>,
}

/// Whether an experimental feature is switched on by the environment as the Vagrantfile sees it.
pub(crate) fn experimental(interpreter: &mut Interpreter, feature: &str) -> bool {
    let environment = interpreter.constant_named("ENV");
    let Some(environment) = environment else { return false };
    let value = interpreter.send(&environment, "[]", Args::one(Value::str("VAGRANT_EXPERIMENTAL")));
    let text = value.ok().and_then(|value| value.as_text()).unwrap_or_default().to_lowercase();
    text.split(',').any(|word| word == "1" || word.trim() == feature)
}

/// The kind (a first argument that is no hash) and the options of a call, and the fields that its block sets.
fn arguments(interpreter: &mut Interpreter, mut args: Args, kind: &str) -> Eval<(String, HashRef)> {
    let block = args.block.take();
    let options = take_options(&mut args);
    let kind = args.at(0).text_or_symbol().unwrap_or_else(|| kind.to_owned());
    if let Some(block) = block {
        let class = interpreter.define_class("Yado::Fields", None);
        if interpreter
            .find_method(&class, yado_ruby::Symbol::new("method_missing"))
            .is_none_or(|it| it.owner.name.borrow().as_deref() != Some("Yado::Fields"))
        {
            interpreter.define_method(&class, "method_missing", |_, this, args| {
                let name = args.get(0).and_then(Value::text_or_symbol).unwrap_or_default();
                let Some(fields) = this.data::<HashRef>().map(|fields| fields.clone()) else {
                    return Ok(Value::Nil);
                };
                if let Some(name) = name.strip_suffix('=') {
                    put(&fields, name, args.at(1));
                }
                Ok(fields.get_symbol(&name).unwrap_or(Value::Nil))
            });
        }
        let fields = interpreter.new_object(&class, Some(Box::new(options.clone())));
        interpreter.call_proc(&block, Args::one(fields))?;
    }
    Ok((kind, options))
}

/// `config.vm.disk`
pub(super) fn disk(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let origin = origin(interpreter);
    let (kind, given) = arguments(interpreter, args, "disk")?;
    let options = RHash::new();
    put(&options, "type", Value::sym(&kind));
    let provider_config = RHash::new();
    for (key, value) in given.to_vec() {
        let name = interpreter.to_s(&key)?;
        match name.split_once("__") {
            Some((provider, setting)) => {
                let held = provider_config.get_symbol(provider);
                let held = if let Some(Value::Hash(held)) = held { held } else { RHash::new() };
                put(&held, setting, value);
                put(&provider_config, provider, Value::Hash(held));
            }
            None => put(&options, &name, value),
        }
    }
    if option(&options, "provider_config").is_none() {
        put(&options, "provider_config", Value::Hash(provider_config));
    }
    let primary = option(&options, "primary").is_some_and(|primary| primary.truthy());
    put(&options, "primary", Value::Bool(primary));
    if primary && text(&options, "name").is_none() {
        put(&options, "name", Value::str("vagrant_primary"));
    }
    if let Some(Value::Str(size)) = option(&options, "size") {
        let size = size.text();
        put(&options, "size", bytes(&size).map_or(Value::Nil, Value::Int));
    }
    let flagged = experimental(interpreter, "disks");
    with_vm(&cell, |vm| vm.disks.push(Disk { options, flagged, origin }));
    Ok(Value::Nil)
}

/// `10GB` as a number of bytes.
pub(crate) fn bytes(text: &str) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: i64 = text[..split].parse().ok()?;
    let factor = match text[split..].trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" => 1 << 10,
        "M" | "MB" => 1 << 20,
        "G" | "GB" => 1 << 30,
        "T" | "TB" => 1_i64 << 40,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// `config.vm.cloud_init`
pub(super) fn cloud_init(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let origin = origin(interpreter);
    let (kind, options) = arguments(interpreter, args, "user_data")?;
    put(&options, "type", Value::sym(&kind));
    let flagged = experimental(interpreter, "cloud_init");
    with_vm(&cell, |vm| vm.cloud_init.push(Disk { options, flagged, origin }));
    Ok(Value::Nil)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_counted_in_powers_of_1024() {
        assert_eq!(bytes("10GB"), Some(10 << 30));
        assert_eq!(bytes("5 MB"), Some(5 << 20));
        assert_eq!(bytes("512"), Some(512));
        assert_eq!(bytes("a lot"), None);
    }
}
