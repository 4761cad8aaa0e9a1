//! [`Playbook`]: the settings of either provisioner, and the words of the command line that follow from them.

use std::path::Path;

use serde_json::{Map, Value};
use yado_core::spec::{MachineSpec, Origin, ProvisionerSpec};
use yado_core::{Error, ErrorKind, Result};

use super::galaxy::Galaxy;
use crate::provisioners::fingerprint::Fingerprint;

/// What is asked for.
pub(super) struct Playbook {
    settings: Map<String, Value>,
    /// The machine's name, which the run is limited to unless said otherwise.
    pub(super) machine: String,
    /// The playbook's own path.
    pub(super) file: String,
    pub(super) galaxy: Option<Galaxy>,
    pub(super) origin: Option<Origin>,
}

impl Playbook {
    pub(super) fn from_spec(spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Self> {
        let mut playbook = Self {
            settings: spec.settings.clone(),
            machine: machine.name.clone(),
            file: String::new(),
            galaxy: None,
            origin: spec.origin.clone(),
        };
        playbook.file = playbook
            .text("playbook")
            .ok_or_else(|| playbook.wrong("`playbook` file path must be set.".to_owned()))?;
        playbook.galaxy = Galaxy::of(&playbook);
        Ok(playbook)
    }

    /// A setting that is a text, unless it is empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.settings.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(other) => Some(other.to_string()),
        }
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.settings.get(name).and_then(Value::as_bool).unwrap_or(default)
    }

    pub(super) fn map(&self, name: &str) -> Option<&Map<String, Value>> {
        self.settings.get(name).and_then(Value::as_object)
    }

    /// A list, or a text with commas, as one word.
    fn joined(&self, name: &str) -> Option<String> {
        match self.settings.get(name) {
            Some(Value::Array(list)) => Some(list.iter().map(plain).collect::<Vec<_>>().join(",")),
            _ => self.text(name),
        }
    }

    /// A list, or a single word.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        match self.settings.get(name) {
            Some(Value::Array(list)) => list.iter().map(plain).collect(),
            _ => self.text(name).into_iter().collect(),
        }
    }

    /// The hosts that the run is limited to.
    pub(super) fn limit(&self) -> String {
        self.joined("limit").unwrap_or_else(|| self.machine.clone())
    }

    /// The program with its arguments. `lead` stands before what follows from the settings.
    pub(super) fn command(&self, inventory: &str, lead: &[String]) -> Vec<String> {
        let mut argv = vec![self.text("playbook_command").unwrap_or_else(|| "ansible-playbook".to_owned())];
        argv.extend_from_slice(lead);
        argv.push(format!("--limit={}", self.limit()));
        argv.push(format!("--inventory={inventory}"));
        match self.settings.get("extra_vars") {
            Some(Value::Object(map)) if map.is_empty() => {}
            Some(Value::Object(map)) => {
                argv.push(format!("--extra-vars={}", Value::Object(map.clone())));
            }
            Some(Value::String(file)) if !file.is_empty() => {
                argv.push(format!("--extra-vars=@{}", file.strip_prefix('@').unwrap_or(file)));
            }
            _ => {}
        }
        if self.flag("become", false) {
            argv.push("--become".to_owned());
        }
        if let Some(user) = self.text("become_user") {
            argv.push(format!("--become-user={user}"));
        }
        argv.extend(self.verbosity());
        for (option, value) in [
            ("vault-password-file", self.text("vault_password_file")),
            ("tags", self.joined("tags")),
            ("skip-tags", self.joined("skip_tags")),
            ("start-at-task", self.text("start_at_task")),
        ] {
            argv.extend(value.map(|value| format!("--{option}={value}")));
        }
        argv.extend(self.words("raw_arguments"));
        argv.push(self.file.clone());
        argv
    }

    /// `-v` to `-vvvv`.
    pub(super) fn verbosity(&self) -> Option<String> {
        match self.settings.get("verbose") {
            None | Some(Value::Null | Value::Bool(false)) => None,
            Some(Value::String(text)) => {
                let letters = text.trim_start_matches('-');
                let all_v = !letters.is_empty() && letters.chars().all(|letter| letter == 'v');
                Some(if all_v { format!("-{letters}") } else { "-v".to_owned() })
            }
            Some(_) => Some("-v".to_owned()),
        }
    }

    /// Variables for the program, in order.
    pub(super) fn environment(&self, colour: bool) -> Vec<(String, String)> {
        let mut variables = vec![("PYTHONUNBUFFERED".to_owned(), "1".to_owned())];
        let name = if colour { "ANSIBLE_FORCE_COLOR" } else { "ANSIBLE_NOCOLOR" };
        variables.push((name.to_owned(), "true".to_owned()));
        if let Some(path) = self.text("galaxy_roles_path") {
            variables.push(("ANSIBLE_ROLES_PATH".to_owned(), path));
        }
        if let Some(file) = self.text("config_file") {
            variables.push(("ANSIBLE_CONFIG".to_owned(), file));
        }
        variables
    }

    /// What decides what a run does: the settings, and the project's files that they name.
    pub(super) fn fingerprint(&self, project: &Path) -> Result<String> {
        let mut digest = Fingerprint::new();
        digest.add(&Value::Object(self.settings.clone()).to_string());
        let files =
            ["playbook", "galaxy_role_file", "config_file"].into_iter().filter_map(|name| self.text(name));
        for file in files.map(|file| project.join(file)).filter(|file| file.is_file()) {
            digest.add_path(&file)?;
        }
        Ok(digest.finish())
    }

    /// An error at the place of the provisioner.
    pub(super) fn wrong(&self, text: String) -> Error {
        Error::new(ErrorKind::ConfigInvalid, text).at(self.origin.clone())
    }

    /// What is said when the playbook failed.
    pub(super) fn failed(&self, code: i32) -> Error {
        Error::new(
            ErrorKind::GuestCommandFailed,
            format!(
                "Ansible failed to complete successfully. Any error output should be visible above. Please fix these \
                 errors and try again.\n\nPlaybook: {}\nExit status: {code}",
                self.file
            ),
        )
        .at(self.origin.clone())
    }

    /// Refuses another version of Ansible than the one that is asked for; `said` is what `--version` printed.
    pub(super) fn check_version(&self, said: &str) -> Result<()> {
        let Some(wanted) = self.text("version").filter(|wanted| wanted != "latest") else { return Ok(()) };
        let found = version_in(said);
        if found.as_deref() == Some(wanted.as_str()) {
            return Ok(());
        }
        Err(self
            .wrong(format!(
                "The requested Ansible version ({wanted}) was not found: it is {}.",
                found.unwrap_or_else(|| "not known".to_owned())
            ))
            .hinted("Install that version, or leave `version` out."))
    }
}

/// `ansible-playbook [core 2.14.18]` or `ansible 2.9.27`: the number in the first line.
fn version_in(said: &str) -> Option<String> {
    let line = said.lines().next()?;
    let word =
        line.split([' ', '[', ']']).find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))?;
    Some(word.to_owned())
}

/// A value as a word.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::provisioners::ansible) fn playbook(settings: Value) -> Playbook {
        let Value::Object(mut settings) = settings else { panic!("not a map") };
        settings.entry("playbook").or_insert_with(|| "site.yml".into());
        let mut playbook = Playbook {
            file: plain(&settings["playbook"]),
            settings,
            machine: "web".to_owned(),
            galaxy: None,
            origin: None,
        };
        playbook.galaxy = Galaxy::of(&playbook);
        playbook
    }

    #[test]
    fn the_command_line_has_the_settings_in_ansibles_words() {
        let playbook = playbook(serde_json::json!({
            "extra_vars": {"port": 80, "name": "it's"}, "become": true, "become_user": "app", "verbose": "vv",
            "tags": ["a", "b"], "skip_tags": "c,d", "start_at_task": "Copy it", "raw_arguments": ["--diff", "-e", "x=1"],
            "vault_password_file": "secret",
        }));
        assert_eq!(
            playbook.command("inv", &["--timeout=30".to_owned()]),
            [
                "ansible-playbook",
                "--timeout=30",
                "--limit=web",
                "--inventory=inv",
                r#"--extra-vars={"port":80,"name":"it's"}"#,
                "--become",
                "--become-user=app",
                "-vv",
                "--vault-password-file=secret",
                "--tags=a,b",
                "--skip-tags=c,d",
                "--start-at-task=Copy it",
                "--diff",
                "-e",
                "x=1",
                "site.yml"
            ]
        );
    }

    #[test]
    fn files_of_variables_limits_and_true_are_understood() {
        let playbook = playbook(serde_json::json!({
            "extra_vars": "vars.yml", "limit": ["all", "!db"], "verbose": true, "raw_arguments": "--check",
        }));
        assert_eq!(
            playbook.command("inv", &[]),
            [
                "ansible-playbook",
                "--limit=all,!db",
                "--inventory=inv",
                "--extra-vars=@vars.yml",
                "-v",
                "--check",
                "site.yml"
            ]
        );
    }

    #[test]
    fn versions_are_read_in_both_forms() {
        assert_eq!(version_in("ansible-playbook [core 2.14.18]\n  config"), Some("2.14.18".to_owned()));
        assert_eq!(version_in("ansible-playbook 2.9.27"), Some("2.9.27".to_owned()));
        let wants = playbook(serde_json::json!({"version": "2.9.27"}));
        assert!(wants.check_version("ansible-playbook 2.9.27").is_ok());
        assert!(wants.check_version("ansible-playbook [core 2.14.18]").is_err());
    }
}
