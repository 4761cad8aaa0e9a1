//! `shell`: runs a script in the machine, given inline, as a file of the host, or by URL.

mod run;
mod script;

use std::path::PathBuf;

use serde_json::Value;
use yado_core::spec::{MachineSpec, ProvisionerSpec};
use yado_core::{
    Aftermath, Context, Error, ErrorKind, Guest, Kind, Provisioner, ProvisionerKind, Result, Schema, settings,
};

use crate::provisioners::guest_command::quoted;

use crate::provisioners::fingerprint::Fingerprint;

/// The kind.
pub(super) static SHELL: ShellKind = ShellKind;

pub(super) struct ShellKind;

static SCHEMA: Schema = Schema {
    settings: &settings! {
        "inline" Text "" "The script itself.";
        "path" Text "" "A script on the host, relative to the project, or its URL.";
        "args" Any "" "Arguments: text is passed as it is, elements of a list are quoted.";
        "env" Map "{}" "Environment variables for the script.";
        "privileged" Bool "true" "Run as root.";
        "binary" Bool "false" "Leave CRLF line ends alone.";
        "name" Text "" "Shown instead of the script's place.";
        "upload_path" Text "" "Where the script is put in the guest.";
        "keep_color" Bool "false" "Leave the script's own colours alone.";
        "sensitive" Bool "false" "Hide the values of `env` in all output.";
        "reset" Bool "false" "Connect anew afterwards.";
        "reboot" Bool "false" "Switch the machine off and on afterwards.";
        "md5" Text "" "Expected digest of a remote script.";
        "sha1" Text "" "Expected digest of a remote script.";
        "sha256" Text "" "Expected digest of a remote script.";
        "sha384" Text "" "Expected digest of a remote script.";
        "sha512" Text "" "Expected digest of a remote script.";
    },
};

impl Kind for ShellKind {
    fn name(&self) -> &'static str {
        "shell"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }
}

impl ProvisionerKind for ShellKind {
    fn open(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Box<dyn Provisioner>> {
        Ok(Box::new(Shell::from_spec(spec, machine)?))
    }
}

/// Where the script comes from.
#[derive(Debug, Clone)]
enum Script {
    Inline(String),
    File(PathBuf),
    Url {
        url: String,
        digest: Option<(&'static str, String)>,
    },
    /// Only `reboot` or `reset` was asked for.
    Nothing,
}

#[derive(Debug, Clone)]
struct Shell {
    script: Script,
    /// Ready for a command line: quoted where they were a list.
    arguments: String,
    environment: Vec<(String, String)>,
    privileged: bool,
    binary: bool,
    keep_color: bool,
    sensitive: bool,
    name: Option<String>,
    upload_path: String,
    aftermath: Aftermath,
}

impl Shell {
    fn from_spec(spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Self> {
        let settings = &spec.settings;
        let text = |key: &str| settings.get(key).and_then(as_text);
        let flag = |key: &str, default: bool| settings.get(key).and_then(Value::as_bool).unwrap_or(default);
        let script = match (text("inline"), text("path")) {
            (Some(inline), None) => Script::Inline(inline),
            (None, Some(path)) if script::is_url(&path) => {
                let digest = ["md5", "sha1", "sha256", "sha384", "sha512"]
                    .into_iter()
                    .find_map(|kind| text(kind).map(|expected| (kind, expected)));
                Script::Url { url: path, digest }
            }
            (None, Some(path)) => Script::File(script::on_host(&path, &machine.project)),
            (None, None) if flag("reboot", false) || flag("reset", false) => Script::Nothing,
            (Some(_), Some(_)) | (None, None) => {
                return Err(Error::new(
                    ErrorKind::ConfigInvalid,
                    "The shell provisioner needs one of 'inline' and 'path'.",
                )
                .at(spec.origin.clone()));
            }
        };
        if let Script::File(path) = &script
            && !path.is_file()
        {
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("The shell provisioner's script '{}' does not exist.", path.display()),
            )
            .at(spec.origin.clone()));
        }
        Ok(Self {
            script,
            arguments: arguments(settings.get("args")),
            environment: environment(settings.get("env")),
            privileged: flag("privileged", true),
            binary: flag("binary", false),
            keep_color: flag("keep_color", false),
            sensitive: flag("sensitive", false),
            name: text("name"),
            upload_path: text("upload_path").unwrap_or_else(|| "/tmp/vagrant-shell".to_owned()),
            aftermath: if flag("reboot", false) {
                Aftermath::Reboot
            } else if flag("reset", false) {
                Aftermath::Reconnect
            } else {
                Aftermath::Nothing
            },
        })
    }
}

impl Provisioner for Shell {
    fn fingerprint(&self) -> Result<String> {
        let mut digest = Fingerprint::new();
        match &self.script {
            Script::Inline(text) => digest.add(text),
            Script::File(path) => digest.add_path(path)?,
            Script::Url { url, .. } => digest.add(url),
            Script::Nothing => {}
        }
        digest.add(&self.arguments);
        for (name, value) in &self.environment {
            digest.add(name);
            digest.add(value);
        }
        digest.add(if self.privileged { "root" } else { "user" });
        Ok(digest.finish())
    }

    fn run(&mut self, context: &Context, guest: &Guest<'_>) -> Result<Aftermath> {
        if let Some((text, what)) = self.fetch(context)? {
            self.run_script(context, guest, &text, &what)?;
        }
        Ok(self.aftermath)
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Text is passed to the shell as it is; elements of a list are quoted.
fn arguments(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(list)) => {
            list.iter().filter_map(as_text).map(|argument| quoted(&argument)).collect::<Vec<_>>().join(" ")
        }
        Some(other) => as_text(other).unwrap_or_default(),
    }
}

fn environment(value: Option<&Value>) -> Vec<(String, String)> {
    let Some(Value::Object(map)) = value else { return Vec::new() };
    map.iter().map(|(name, value)| (name.clone(), as_text(value).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_arguments_is_quoted_and_text_is_not() {
        assert_eq!(arguments(Some(&serde_json::json!(["a b", 3, "it's"]))), r"'a b' '3' 'it'\''s'");
        assert_eq!(arguments(Some(&serde_json::json!("a 'b c'"))), "a 'b c'");
        assert_eq!(arguments(None), "");
    }
}
