//! Push strategies.

use yado_ruby::Value;

use super::Report;
use crate::config::{Config, ConfigCell};

/// One push.
pub(super) fn check(report: &mut Report<'_>, config: &Value) {
    let Some(cell) = ConfigCell::of(config) else { return };
    super::check(report, &cell.config.borrow());
    let config = cell.config.borrow();
    match config.section.title {
        "FTP push" => {
            for setting in ["host", "username"] {
                if config.text(setting).is_none_or(|value| value.is_empty()) {
                    let message = missing(
                        setting,
                        "FTP Push plugin\nrequires you set this attribute. Please set this attribute in your\nVagrantfile",
                        "ftp",
                    );
                    report.say_under("FTP push", message, None);
                }
            }
        }
        "Local Exec push" => local_exec(report, &config),
        _ => {}
    }
}

fn missing(setting: &str, plugin: &str, strategy: &str) -> String {
    format!(
        "Missing required attribute '{setting}'. The Vagrant {plugin}, for example:\n\n    config.push.define \"{strategy}\" do |push|\n      push.{setting} = \"...\"\n    end"
    )
}

fn local_exec(report: &mut Report<'_>, config: &Config) {
    let (script, inline) = (config.get("script"), config.get("inline"));
    if script.is_nil() && inline.is_nil() {
        let message = missing(
            "script",
            "Local Exec Push\nplugin requires you set this attribute. Please set this attribute in\nyour Vagrantfile",
            "local-exec",
        );
        report.say_under("Local Exec push", message, None);
    } else if !script.is_nil() && !inline.is_nil() {
        let message = "You have specified both the 'script' and 'inline' attributes for the\nVagrant Local Exec Push plugin. You may only specify one of these\nattributes.";
        report.say_under("Local Exec push", message, config.origin("script"));
    }
    if !matches!(config.get("args"), Value::Nil | Value::Str(_) | Value::Array(_)) {
        report.say_under(
            "Local Exec push",
            "Local-exec push `args` must be a string or array.",
            config.origin("args"),
        );
    }
}
