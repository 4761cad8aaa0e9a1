//! The four Chef provisioners.

use std::rc::Rc;

use yado_ruby::{Args, Arity, Eval, Interpreter, Table, Value};

use crate::config::{Config, ConfigCell};
use crate::hash::merged;
use crate::schema::{EMPTY, Section, Setting, plain, starting, with};
use crate::session::Session;
use crate::validate::chef as check;

/// What all have.
macro_rules! base {
    ($($more:expr),* $(,)?) => {
        &[
            plain("binary_env"),
            plain("binary_path"),
            with("channel", "\"stable\""),
            with("install", "true"),
            plain("installer_download_path"),
            with("log_level", "\"info\""),
            with("omnibus_url", "\"https://omnitruck.chef.io\""),
            with("product", "\"chef\""),
            with("version", "\"latest\""),
            $($more),*
        ]
    };
}

/// What all but `chef_apply` have.
macro_rules! runner {
    ($($more:expr),* $(,)?) => {
        base![
            plain("arguments"),
            with("attempts", "1"),
            plain("custom_config_path"),
            with("enable_reporting", "true"),
            plain("encrypted_data_bag_secret_key_path"),
            plain("environment"),
            plain("file_backup_path"),
            plain("file_cache_path"),
            plain("formatter"),
            plain("http_proxy"),
            plain("http_proxy_pass"),
            plain("http_proxy_user"),
            plain("https_proxy"),
            plain("https_proxy_pass"),
            plain("https_proxy_user"),
            starting("json", "{}"),
            plain("no_proxy"),
            plain("node_name"),
            plain("provisioning_path"),
            starting("run_list", "[]"),
            with("verbose_logging", "false"),
            $($more),*
        ]
    };
}

const METHODS: Table =
    &[("add_recipe", add_recipe, Arity::exactly(1)), ("add_role", add_role, Arity::exactly(1))];

/// `chef_solo`
pub(super) static SOLO: Section = Section {
    class: "VagrantPlugins::Chef::Config::ChefSolo",
    title: "chef solo provisioner",
    settings: runner![
        plain("cookbooks_path"),
        plain("data_bags_path"),
        plain("environments_path"),
        with("legacy_mode", "false"),
        plain("nodes_path"),
        plain("recipe_url"),
        plain("roles_path"),
        plain("synced_folder_type"),
    ],
    methods: METHODS,
    merge: Some(merge),
    prepare: Some(prepare_cookbooks),
    finalize: Some(finish_folders),
    validate: Some(check::solo),
    ..EMPTY
};

/// `chef_zero`
pub(super) static ZERO: Section = Section {
    class: "VagrantPlugins::Chef::Config::ChefZero",
    title: "chef zero provisioner",
    settings: runner![
        plain("cookbooks_path"),
        plain("data_bags_path"),
        plain("environments_path"),
        plain("nodes_path"),
        plain("roles_path"),
        plain("synced_folder_type"),
    ],
    methods: METHODS,
    merge: Some(merge),
    prepare: Some(prepare_cookbooks),
    finalize: Some(finish_zero),
    validate: Some(check::zero),
    ..EMPTY
};

/// `chef_client`
pub(super) static CLIENT: Section = Section {
    class: "VagrantPlugins::Chef::Config::ChefClient",
    title: "chef client provisioner",
    settings: runner![
        plain("chef_server_url"),
        plain("client_key_path"),
        with("delete_client", "false"),
        with("delete_node", "false"),
        with("validation_client_name", "\"chef-validator\""),
        plain("validation_key_path"),
    ],
    methods: METHODS,
    merge: Some(merge),
    finalize: Some(finish),
    validate: Some(check::client),
    ..EMPTY
};

/// `chef_apply`
pub(super) static APPLY: Section = Section {
    class: "VagrantPlugins::Chef::Config::ChefApply",
    title: "chef apply provisioner",
    settings: APPLY_SETTINGS,
    finalize: Some(finish),
    validate: Some(check::apply),
    ..EMPTY
};

const APPLY_SETTINGS: &[Setting] = base![plain("recipe"), with("upload_path", "\"/tmp/vagrant-chef-apply\"")];

fn add(interpreter: &mut Interpreter, this: &Value, kind: &str, name: &Value) -> Eval {
    let name = interpreter.to_s(name)?;
    let item = if name.starts_with(&format!("{kind}[")) { name } else { format!("{kind}[{name}]") };
    if let Some(cell) = ConfigCell::of(this)
        && let Value::Array(list) = cell.config.borrow().get("run_list")
    {
        list.items.borrow_mut().push(Value::str(item));
    }
    Ok(Value::Nil)
}

fn add_recipe(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    add(interpreter, this, "recipe", &args.at(0))
}

fn add_role(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    add(interpreter, this, "role", &args.at(0))
}

/// Attributes are laid over each other, run lists follow each other.
fn merge(older: &Config, newer: &Config, result: &mut Config) {
    if let (Value::Hash(older), Value::Hash(newer)) = (older.get("json"), newer.get("json")) {
        result.put("json", Value::Hash(merged(&older, &newer)));
    }
    if let (Value::Array(older), Value::Array(newer)) = (older.get("run_list"), newer.get("run_list")) {
        let mut both = older.to_vec();
        both.extend(newer.to_vec());
        result.put("run_list", Value::array(both));
    }
}

fn finish(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    for name in ["log_level", "install"] {
        if let Some(text) = config.text(name) {
            config.put(name, Value::sym(&text));
        }
    }
    Ok(())
}

/// The settings that are lists of folders.
const FOLDERS: [&str; 5] =
    ["cookbooks_path", "data_bags_path", "environments_path", "nodes_path", "roles_path"];

/// A list of folders, each with the side that it lies on. `host` makes the path of those that name no side.
fn folders(value: &Value, host: impl Fn(Value) -> Value) -> Value {
    let list = match value {
        Value::Nil => Vec::new(),
        Value::Array(list) => {
            let items = list.to_vec();
            let pair = matches!(items.first(), Some(Value::Sym(_)));
            if pair { vec![value.clone()] } else { items }
        }
        one => vec![one.clone()],
    };
    let sided = list.into_iter().map(|item| match &item {
        Value::Array(_) => item,
        _ => Value::array(vec![Value::sym("host"), host(item)]),
    });
    Value::array(sided.collect())
}

/// Where cookbooks are looked for when nothing is said; a Vagrantfile that says nil means nowhere.
fn prepare_cookbooks(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    if !config.is_set("cookbooks_path") {
        let mut default = vec![Value::array(vec![Value::sym("vm"), Value::str("cookbooks")])];
        if config.get("recipe_url").is_nil() {
            default.insert(0, Value::array(vec![Value::sym("host"), Value::str("cookbooks")]));
        }
        config.put("cookbooks_path", Value::array(default));
    }
    Ok(())
}

fn finish_folders(interpreter: &mut Interpreter, session: &Rc<Session>, config: &mut Config) -> Eval<()> {
    finish(interpreter, session, config)?;
    for name in FOLDERS {
        let value = config.get(name);
        config.put(name, folders(&value, |path| path));
    }
    Ok(())
}

/// Like `chef_solo`; paths that name no side are made absolute.
fn finish_zero(interpreter: &mut Interpreter, session: &Rc<Session>, config: &mut Config) -> Eval<()> {
    finish(interpreter, session, config)?;
    let absolute = |path: Value| {
        let path = path.as_text().unwrap_or_default();
        Value::str(session.project.join(path).to_string_lossy().into_owned())
    };
    for name in FOLDERS {
        let value = config.get(name);
        config.put(name, folders(&value, absolute));
    }
    Ok(())
}
