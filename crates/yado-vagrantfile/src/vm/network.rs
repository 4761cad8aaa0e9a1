//! `config.vm.network TYPE, options`.

use indexmap::IndexMap;
use yado_core::spec::Origin;
use yado_ruby::{Args, Eval, HashRef, Interpreter, RHash, Value};

use super::{Vm, cell_of, with_vm};
use crate::config::origin;
use crate::hash::{copied, merged, option, put, take_options};

/// One network.
#[derive(Clone)]
pub(crate) struct Network {
    /// Its type, such as `forwarded_port`.
    pub(crate) kind: String,
    /// Its options.
    pub(crate) options: HashRef,
    /// Where it was asked for.
    pub(crate) origin: Option<Origin>,
}

/// `config.vm.network`
pub(super) fn network(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let options = take_options(&mut args);
    if args.len() != 1 {
        return interpreter.wrong_arguments(args.len(), "1");
    }
    let kind = interpreter.to_s(&args.at(0))?;
    if option(&options, "protocol").is_none() {
        put(&options, "protocol", Value::str("tcp"));
    }
    let id = match option(&options, "id") {
        Some(id) => interpreter.to_s(&id)?,
        None if kind == "forwarded_port" => {
            let mut id = String::new();
            for part in ["host_ip", "protocol", "host"] {
                id.push_str(&interpreter.to_s(&options.get_symbol(part).unwrap_or(Value::Nil))?);
            }
            put(&options, "id", Value::str(id.as_str()));
            id
        }
        None => format!("#{}", cell.session.number()),
    };
    let origin = origin(interpreter);
    with_vm(&cell, |vm| add(vm, &kind, &id, options, origin));
    Ok(Value::Nil)
}

fn add(vm: &mut Vm, kind: &str, id: &str, options: HashRef, origin: Option<Origin>) {
    let key = format!("{kind}-{id}");
    let options = vm.networks.get(&key).map_or(options.clone(), |older| merged(&older.options, &options));
    vm.networks.insert(key, Network { kind: kind.to_owned(), options, origin });
}

/// `config.vm.networks`: pairs of type and options.
pub(super) fn networks(interpreter: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let list = with_vm(&cell, |vm| {
        vm.networks
            .values()
            .map(|network| {
                Value::array(vec![Value::sym(&network.kind), Value::Hash(network.options.clone())])
            })
            .collect()
    });
    Ok(Value::array(list.unwrap_or_default()))
}

/// Adds the forwards that every machine has.
pub(super) fn add_implicit(vm: &mut Vm, communicator: Option<&str>) {
    let mut implicit = vec![("ssh", 22, 2222)];
    if communicator == Some("winrm") {
        implicit.splice(0..0, [("winrm", 5985, 55985), ("winrm-ssl", 5986, 55986)]);
    }
    for (id, guest, host) in implicit {
        if vm.networks.contains_key(&format!("forwarded_port-{id}")) {
            continue;
        }
        let options = RHash::new();
        put(&options, "guest", Value::Int(guest));
        put(&options, "host", Value::Int(host));
        put(&options, "host_ip", Value::str("127.0.0.1"));
        put(&options, "id", Value::str(id));
        put(&options, "auto_correct", Value::Bool(true));
        put(&options, "protocol", Value::str("tcp"));
        add(vm, "forwarded_port", id, options, None);
    }
}

/// Makes numbers of ports that were given as text.
pub(super) fn number_ports(
    interpreter: &mut Interpreter,
    networks: &mut IndexMap<String, Network>,
) -> Eval<()> {
    for network in networks.values_mut().filter(|network| network.kind == "forwarded_port") {
        let options = copied(&network.options);
        for name in ["guest", "host"] {
            let Some(value) = option(&options, name) else { continue };
            let number = match value {
                Value::Int(_) => value,
                other => interpreter.send(&other, "to_i", Args::none())?,
            };
            put(&options, name, number);
        }
        network.options = options;
    }
    Ok(())
}
