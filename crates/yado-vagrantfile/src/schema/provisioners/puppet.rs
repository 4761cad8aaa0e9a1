//! `puppet` and `puppet_server`.

use std::rc::Rc;

use yado_ruby::{Eval, Interpreter, Value};

use crate::config::Config;
use crate::hash::merged;
use crate::schema::{EMPTY, Section, plain, starting, with};
use crate::session::Session;
use crate::validate::puppet as check;

/// `puppet`
pub(super) static APPLY: Section = Section {
    class: "VagrantPlugins::Puppet::Config::Puppet",
    title: "puppet provisioner",
    settings: &[
        plain("binary_path"),
        plain("environment"),
        plain("environment_path"),
        with("environment_variables", "{}"),
        starting("facter", "{}"),
        plain("hiera_config_path"),
        plain("manifest_file"),
        plain("manifests_path"),
        plain("module_path"),
        starting("options", "[]"),
        plain("structured_facts"),
        plain("synced_folder_args"),
        plain("synced_folder_type"),
        with("temp_dir", "\"/tmp/vagrant-puppet\""),
        plain("working_directory"),
    ],
    merge: Some(merge_facts),
    finalize: Some(finish),
    validate: Some(check::apply),
    ..EMPTY
};

/// `puppet_server`
pub(super) static SERVER: Section = Section {
    class: "VagrantPlugins::Puppet::Config::PuppetServer",
    title: "puppet server provisioner",
    settings: &[
        plain("binary_path"),
        plain("client_cert_path"),
        plain("client_private_key_path"),
        starting("facter", "{}"),
        starting("options", "[]"),
        plain("puppet_node"),
        with("puppet_server", "\"puppet\""),
    ],
    merge: Some(merge_facts),
    validate: Some(check::server),
    ..EMPTY
};

fn merge_facts(older: &Config, newer: &Config, result: &mut Config) {
    if let (Value::Hash(older), Value::Hash(newer)) = (older.get("facter"), newer.get("facter")) {
        result.put("facter", Value::Hash(merged(&older, &newer)));
    }
}

/// A path with the side that it lies on.
fn sided(config: &mut Config, name: &'static str) {
    let value = config.get(name);
    if !value.is_nil() && !matches!(value, Value::Array(_)) {
        config.put(name, Value::array(vec![Value::sym("host"), value]));
    }
}

/// Manifests are the default unless environments are used.
fn finish(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    if config.get("environment_path").is_nil() {
        if config.get("manifests_path").is_nil() {
            config.put("manifests_path", Value::str("manifests"));
        }
        if config.get("manifest_file").is_nil() {
            config.put("manifest_file", Value::str("default.pp"));
        }
        if config.get("environment").is_nil() {
            config.put("environment", Value::str(""));
        }
    } else if config.get("environment").is_nil() {
        config.put("environment", Value::str("production"));
    }
    sided(config, "manifests_path");
    sided(config, "environment_path");
    Ok(())
}
