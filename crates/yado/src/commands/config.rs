//! `yado config`: the configuration as it was understood, and where each part of it comes from.

use clap::Args;
use yado_core::{Error, ErrorKind, Result};
use yado_vagrantfile::Setting;

use crate::session::Session;

/// Show the configuration as it was understood
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Everything as one JSON document, defaults filled in
    #[arg(long, conflicts_with = "explain")]
    json: bool,
    /// Where a setting such as `vm.box`, `vm.network` or `providers.virtualbox.memory` comes from
    #[arg(long, value_name = "KEY")]
    explain: Option<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    if arguments.json {
        let document = session.canonical_configuration()?;
        let text = serde_json::to_string_pretty(&document)
            .map_err(|problem| Error::system("writing the configuration as JSON", problem))?;
        session.ui.raw(&format!("{text}\n"));
        return Ok(0);
    }
    let mut loaded = session.load()?;
    let mut text = String::new();
    let mut known = false;
    for machine in loaded.machines() {
        let forced = loaded.forced_provider();
        let mentioned = loaded.mentioned_providers(&machine.name);
        let provider =
            forced.or_else(|| mentioned.first().cloned()).unwrap_or_else(|| "container".to_owned());
        let settings = loaded.settings(&machine.name, &provider)?;
        text.push_str(&format!("{} ({provider})\n", machine.name));
        for setting in &settings {
            let shown = match &arguments.explain {
                Some(key) => is_below(&setting.key, key),
                None => setting.origin.is_some(),
            };
            if shown {
                known = true;
                text.push_str(&described(setting));
            }
        }
    }
    match &arguments.explain {
        Some(key) if !known => Err(Error::new(
            ErrorKind::Usage,
            format!("There is no setting '{key}'. `yado config --json` shows all that there are."),
        )),
        Some(_) => {
            session.ui.raw(&text);
            Ok(0)
        }
        None => {
            session.ui.raw(&text);
            session.ui.raw("Everything else has its default; `yado config --json` shows it.\n");
            Ok(0)
        }
    }
}

/// Whether a setting is the one asked for, or a part of it. `config.` in front is what people type, too.
fn is_below(key: &str, asked: &str) -> bool {
    let asked = asked.strip_prefix("config.").unwrap_or(asked);
    key.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// One line for a setting and its place, and one for each value that it displaced.
fn described(setting: &Setting) -> String {
    let place = setting.origin.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
    let mut text = format!("  {} = {}  ({place})\n", setting.key, setting.value);
    for (value, origin) in &setting.overrode {
        text.push_str(&format!("    instead of {value}  ({origin})\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_a_setting_and_what_is_below_it() {
        assert!(
            is_below("vm.box", "vm.box") && is_below("vm.box", "config.vm.box") && is_below("vm.box", "vm")
        );
        assert!(!is_below("vm.box_url", "vm.box") && !is_below("ssh.port", "vm"));
    }
}
