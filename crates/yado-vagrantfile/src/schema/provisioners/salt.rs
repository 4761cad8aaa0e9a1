//! `salt`

use yado_ruby::{Args, Arity, Eval, HashRef, Interpreter, RHash, Value};

use crate::config::ConfigCell;
use crate::hash::copied;
use crate::schema::{EMPTY, Section, plain, with};
use crate::validate::salt as check;

/// `salt`
pub(super) static SALT: Section = Section {
    class: "VagrantPlugins::Salt::Config",
    title: "salt provisioner",
    settings: &[
        plain("always_install"),
        plain("bootstrap_options"),
        plain("bootstrap_script"),
        plain("colorize"),
        plain("grains_config"),
        plain("install_args"),
        plain("install_command"),
        plain("install_master"),
        plain("install_syndic"),
        plain("install_type"),
        plain("log_level"),
        plain("master_config"),
        plain("master_id"),
        plain("master_json_config"),
        plain("master_key"),
        plain("master_pub"),
        with("masterless", "false"),
        plain("minion_config"),
        plain("minion_id"),
        plain("minion_json_config"),
        plain("minion_key"),
        plain("minion_pub"),
        plain("no_minion"),
        plain("orchestrations"),
        with("pillar_data", "{}"),
        plain("python_version"),
        plain("run_highstate"),
        plain("run_overstate"),
        plain("run_service"),
        plain("salt_args"),
        plain("salt_call_args"),
        plain("seed_master"),
        plain("temp_config_dir"),
        plain("verbose"),
        plain("version"),
    ],
    methods: &[("pillar", pillar, Arity::exactly(1))],
    validate: Some(check::salt),
    ..EMPTY
};

/// Both hashes together; hashes in them are joined in turn.
fn deep_merged(older: &HashRef, newer: &HashRef) -> HashRef {
    let result = copied(older);
    for (key, value) in newer.to_vec() {
        let joined = match (result.get(&key), &value) {
            (Some(Value::Hash(inner)), Value::Hash(more)) => Value::Hash(deep_merged(&inner, more)),
            _ => value,
        };
        result.insert(key, joined);
    }
    result
}

/// `pillar({…})` adds to what is there.
fn pillar(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if let (Some(cell), Value::Hash(more)) = (ConfigCell::of(this), args.at(0)) {
        let mut config = cell.config.borrow_mut();
        let known = match config.get("pillar_data") {
            Value::Hash(known) => known,
            _ => RHash::new(),
        };
        config.put("pillar_data", Value::Hash(deep_merged(&known, &more)));
    }
    Ok(Value::Nil)
}
