//! `ansible`, which runs on the host, and `ansible_local`, which runs in the guest.

use std::rc::Rc;

use yado_ruby::{Eval, Interpreter, Value};

use crate::config::Config;
use crate::schema::{EMPTY, Section, plain, with};
use crate::session::Session;
use crate::validate::ansible as check;

/// What both have.
macro_rules! common {
    ($($more:expr),* $(,)?) => {
        &[
            with("become", "false"),
            plain("become_user"),
            with("compatibility_mode", "\"auto\""),
            plain("config_file"),
            plain("extra_vars"),
            with("galaxy_command", "\"ansible-galaxy install --role-file=%{role_file} --roles-path=%{roles_path} --force\""),
            plain("galaxy_role_file"),
            plain("galaxy_roles_path"),
            with("groups", "{}"),
            with("host_vars", "{}"),
            plain("inventory_path"),
            plain("limit"),
            plain("playbook"),
            with("playbook_command", "\"ansible-playbook\""),
            plain("raw_arguments"),
            plain("skip_tags"),
            plain("start_at_task"),
            plain("tags"),
            plain("vault_password_file"),
            with("verbose", "false"),
            with("version", "\"\""),
            $($more),*
        ]
    };
}

/// `ansible`
pub(super) static ANSIBLE: Section = Section {
    class: "VagrantPlugins::Ansible::Config::Host",
    title: "ansible remote provisioner",
    settings: common![
        with("ask_become_pass", "false"),
        with("ask_vault_pass", "false"),
        with("force_remote_user", "true"),
        with("host_key_checking", "false"),
        plain("raw_ssh_args"),
    ],
    aliases: &[("sudo", "become"), ("sudo_user", "become_user"), ("ask_sudo_pass", "ask_become_pass")],
    finalize: Some(finish),
    validate: Some(check::ansible),
    ..EMPTY
};

/// `ansible_local`
pub(super) static ANSIBLE_LOCAL: Section = Section {
    class: "VagrantPlugins::Ansible::Config::Guest",
    title: "ansible local provisioner",
    settings: common![
        with("install", "true"),
        with("install_mode", "\"default\""),
        with("pip_args", "\"\""),
        with("pip_install_cmd", "\"\""),
        with("provisioning_path", "\"/vagrant\""),
        with("tmp_path", "\"/tmp/vagrant-ansible\""),
    ],
    aliases: &[("sudo", "become"), ("sudo_user", "become_user")],
    finalize: Some(finish),
    validate: Some(check::ansible),
    ..EMPTY
};

/// A mode that does not exist, or is a symbol, is forgotten, and complained about later.
fn finish(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    let mode = config.get("compatibility_mode").as_text().unwrap_or_default();
    if !["auto", "1.8", "2.0"].contains(&mode.as_str()) {
        config.put("compatibility_mode", Value::Nil);
    }
    for (name, default) in [
        ("become", false),
        ("ask_become_pass", false),
        ("ask_vault_pass", false),
        ("host_key_checking", false),
        ("force_remote_user", true),
        ("install", true),
    ] {
        // Anything but the opposite of the default counts as the default.
        if config.is_set(name) && !matches!(config.get(name), Value::Bool(value) if value != default) {
            config.put(name, Value::Bool(default));
        }
    }
    Ok(())
}
