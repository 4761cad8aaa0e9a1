//! `config.ssh`, `config.winssh`, `config.winrm`.

use yado_ruby::Value;

use super::Report;
use crate::config::{Config, ConfigCell};

fn connection(config: &Config, report: &mut Report<'_>) {
    if let Value::Array(keys) = config.get("private_key_path") {
        for key in keys.to_vec() {
            let Some(path) = report.path(&key) else { continue };
            let path_of_key = report.absolute(&path);
            // Vagrant writes the key that everybody has on its first start; yado, which needs none, does not miss it.
            let well_known = path_of_key.ends_with(".vagrant.d/insecure_private_key");
            if !well_known && !path_of_key.is_file() {
                report.say(
                    format!("`private_key_path` file must exist: {path}"),
                    config.origin("private_key_path"),
                );
            }
        }
    }
    if let Some(path) = report.path(&config.get("config"))
        && !report.absolute(&path).is_file()
    {
        report.say(format!("`config` file must exist: {path}"), config.origin("config"));
    }
    check_timeout(config, report);
}

fn check_timeout(config: &Config, report: &mut Report<'_>) {
    if let Value::Int(seconds) = config.get("connect_timeout")
        && seconds < 1
    {
        let message =
            format!("The `connect_timeout` key only accepts values greater than 1 (received `{seconds}`)");
        report.say(message, config.origin("connect_timeout"));
    }
}

/// `config.ssh`
pub(crate) fn ssh(config: &Config, report: &mut Report<'_>) {
    connection(config, report);
    if let Some(defaults) = ConfigCell::of(&config.get("default")) {
        super::check(report, &defaults.config.borrow());
    }
}

/// `config.ssh.default`
pub(crate) fn ssh_defaults(config: &Config, report: &mut Report<'_>) {
    connection(config, report);
}

/// `config.winssh`
pub(crate) fn winssh(config: &Config, report: &mut Report<'_>) {
    connection(config, report);
}

/// `config.winrm`
pub(crate) fn winrm(config: &Config, report: &mut Report<'_>) {
    for name in [
        "username",
        "password",
        "port",
        "guest_port",
        "max_tries",
        "retry_delay",
        "timeout",
        "execution_time_limit",
    ] {
        if config.get(name).is_nil() {
            report.say(format!("winrm.{name} cannot be nil."), config.origin(name));
        }
    }
    for name in ["ssl_peer_verification", "basic_auth_only"] {
        if !matches!(config.get(name), Value::Bool(_)) {
            report.say(format!("winrm.{name} must be a boolean."), config.origin(name));
        }
    }
}
