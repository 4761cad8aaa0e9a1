//! `puppet`: applies manifests inside the machine, without a server. The project's manifests and modules are copied into
//! the guest for each run, so that it does not matter which folders are synced.

use std::path::PathBuf;

use serde_json::{Map, Value};
use yado_core::spec::{MachineSpec, Origin, ProvisionerSpec};
use yado_core::{
    Aftermath, Context, Error, ErrorKind, Guest, Kind, Provisioner, ProvisionerKind, Result, Schema, settings,
};

use super::fingerprint::Fingerprint;
use super::guest_command::{ask, quoted, run};

/// The kind.
pub(super) static PUPPET: PuppetKind = PuppetKind;

pub(super) struct PuppetKind;

static SCHEMA: Schema = Schema {
    settings: &settings! {
        "manifests_path" Any "manifests" "The directory of manifests; `[:vm, path]` is one in the guest.";
        "manifest_file" Text "default.pp" "The manifest to apply.";
        "module_path" Any "" "Directories of modules on the host.";
        "environment_path" Any "" "The directory of environments; `[:vm, path]` is one in the guest.";
        "environment" Text "" "The environment.";
        "environment_variables" Map "{}" "Variables for Puppet.";
        "facter" Map "{}" "Facts.";
        "structured_facts" Bool "false" "Facts may be lists and maps.";
        "hiera_config_path" Text "" "Hiera's configuration on the host.";
        "options" Any "[]" "Further options of `puppet apply`.";
        "binary_path" Text "" "The directory of Puppet's programs in the guest.";
        "working_directory" Text "" "The directory in the guest to work in.";
        "temp_dir" Text "/tmp/vagrant-puppet" "Where manifests and modules are put in the guest.";
        "synced_folder_type" Any "" "Of no meaning here: the files are copied.";
        "synced_folder_args" Any "" "Of no meaning here: the files are copied.";
    },
};

impl Kind for PuppetKind {
    fn name(&self) -> &'static str {
        "puppet"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }
}

impl ProvisionerKind for PuppetKind {
    fn open(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Box<dyn Provisioner>> {
        let puppet = Puppet {
            settings: spec.settings.clone(),
            project: machine.project.clone(),
            origin: spec.origin.clone(),
        };
        for (setting, path) in puppet.sources() {
            if !path.exists() {
                return Err(
                    puppet.wrong(format!("`{setting}` does not exist on the host: {}", path.display()))
                );
            }
        }
        Ok(Box::new(puppet))
    }
}

struct Puppet {
    settings: Map<String, Value>,
    project: PathBuf,
    origin: Option<Origin>,
}

/// A directory on either side.
enum Place {
    Host(PathBuf),
    Guest(String),
}

/// How the command line came out.
struct Plan {
    /// What is copied: from the host, to the guest.
    copies: Vec<(PathBuf, String)>,
    line: String,
}

impl Provisioner for Puppet {
    fn fingerprint(&self) -> Result<String> {
        let mut digest = Fingerprint::new();
        digest.add(&Value::Object(self.settings.clone()).to_string());
        for (_, path) in self.sources() {
            digest.add_path(&path)?;
        }
        Ok(digest.finish())
    }

    fn run(&mut self, context: &Context, guest: &Guest<'_>) -> Result<Aftermath> {
        let program = self.program(context, guest)?;
        let plan = self.plan(&program);
        let folder = self.temporary();
        let prepare =
            format!("rm -rf {0} && mkdir -p {0} && chown {1} {0}", quoted(&folder), quoted(guest.user));
        if !ask(context, guest, true, &prepare)?.0.success() {
            return Err(self.failed(format!("'{folder}' could not be made in the machine.")));
        }
        for (from, to) in &plan.copies {
            guest.communicator.upload(context, from, to)?;
        }
        if self.settings.get("structured_facts").and_then(Value::as_bool) == Some(true) {
            self.put_facts(context, guest)?;
        }
        context.detail(match self.text("environment_path") {
            Some(_) => {
                format!("Running Puppet with environment {}...", self.text("environment").unwrap_or_default())
            }
            None => format!("Running Puppet with {}...", self.text("manifest_file").unwrap_or_default()),
        });
        // With --detailed-exitcodes 2 says that something was changed.
        match run(context, guest, true, &plan.line)?.code() {
            0 | 2 => Ok(Aftermath::Nothing),
            code => Err(self.failed(format!(
                "Puppet failed (exit status {code}). Any error output should be visible above. Please fix these errors \
                 and try again."
            ))),
        }
    }
}

impl Puppet {
    fn text(&self, name: &str) -> Option<String> {
        match self.settings.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(other) => Some(other.to_string()),
        }
    }

    fn words(&self, name: &str) -> Vec<String> {
        match self.settings.get(name) {
            Some(Value::Array(list)) => list.iter().map(plain).collect(),
            _ => self.text(name).into_iter().collect(),
        }
    }

    /// A path with its side: `["host", "manifests"]`.
    fn place(&self, name: &str) -> Option<Place> {
        match self.settings.get(name)? {
            Value::Array(pair) if pair.len() == 2 => {
                let path = plain(&pair[1]);
                Some(if plain(&pair[0]) == "vm" {
                    Place::Guest(path)
                } else {
                    Place::Host(self.project.join(path))
                })
            }
            _ => self.text(name).map(|path| Place::Host(self.project.join(path))),
        }
    }

    fn temporary(&self) -> String {
        self.text("temp_dir").unwrap_or_else(|| "/tmp/vagrant-puppet".to_owned())
    }

    /// The files and directories of the host that count, with the settings that name them.
    fn sources(&self) -> Vec<(&'static str, PathBuf)> {
        let mut sources = Vec::new();
        for name in ["manifests_path", "environment_path"] {
            if let Some(Place::Host(path)) = self.place(name) {
                if let ("manifests_path", Some(file)) = (name, self.text("manifest_file")) {
                    sources.push(("manifest_file", path.join(file)));
                }
                sources.push((name, path));
            }
        }
        // The directory is the clearer complaint.
        sources.reverse();
        sources.extend(
            self.words("module_path").into_iter().map(|path| ("module_path", self.project.join(path))),
        );
        sources.extend(
            self.text("hiera_config_path").map(|path| ("hiera_config_path", self.project.join(path))),
        );
        sources
    }

    /// Puppet's program in the guest. The vendor's packages put it where root's PATH does not lead.
    fn program(&self, context: &Context, guest: &Guest<'_>) -> Result<String> {
        let candidates = match self.text("binary_path") {
            Some(folder) => vec![format!("{}/puppet", folder.trim_end_matches('/'))],
            None => vec!["puppet".to_owned(), "/opt/puppetlabs/bin/puppet".to_owned()],
        };
        for candidate in candidates {
            if ask(context, guest, true, &format!("command -v {}", quoted(&candidate)))?.0.success() {
                return Ok(candidate);
            }
        }
        Err(self
            .failed("The `puppet` binary appears not to be in the PATH of the guest.".to_owned())
            .hinted("Install it with a `shell` provisioner before this one, or use a box that has it."))
    }

    fn plan(&self, program: &str) -> Plan {
        let folder = self.temporary();
        let mut copies = Vec::new();
        let mut inside = |place: Place, name: &str| match place {
            Place::Guest(path) => path,
            Place::Host(path) => {
                let to = format!("{folder}/{name}");
                copies.push((path, to.clone()));
                to
            }
        };
        let mut words = vec![program.to_owned(), "apply".to_owned()];
        words.extend(self.words("options"));
        let mut modules: Vec<String> = self
            .words("module_path")
            .into_iter()
            .enumerate()
            .map(|(at, path)| inside(Place::Host(self.project.join(path)), &format!("modules-{at}")))
            .collect();
        if !modules.is_empty() {
            modules.push("/etc/puppet/modules".to_owned());
            words.push(format!("--modulepath={}", quoted(&modules.join(":"))));
        }
        if let Some(path) = self.text("hiera_config_path") {
            let path = inside(Place::Host(self.project.join(path)), "hiera.yaml");
            words.push(format!("--hiera_config={}", quoted(&path)));
        }
        if !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            words.push("--color=false".to_owned());
        }
        words.push("--detailed-exitcodes".to_owned());
        let manifests = self.place("manifests_path").map(|place| inside(place, "manifests"));
        let environments = self.place("environment_path").map(|place| inside(place, "environments"));
        let environment = self.text("environment");
        if let (Some(path), Some(name)) = (&environments, &environment) {
            words.push(format!("--environmentpath={} --environment={}", quoted(path), quoted(name)));
        }
        let manifest = match (manifests, self.text("manifest_file"), environments, environment) {
            (Some(path), Some(file), ..) => format!("{path}/{file}"),
            (_, None, Some(path), Some(name)) => format!("{path}/{name}/manifests"),
            (_, Some(file), Some(path), Some(name)) => format!("{path}/{name}/manifests/{file}"),
            (_, file, ..) => file.unwrap_or_default(),
        };
        words.push(quoted(&manifest));
        let mut line = String::new();
        if let Some(directory) = self.text("working_directory") {
            line.push_str(&format!("cd {} && ", quoted(&directory)));
        }
        line.push_str("env ");
        let facts = self.settings.get("facter").and_then(Value::as_object).into_iter().flatten();
        let facts = facts.map(|(name, value)| (format!("FACTER_{name}"), value));
        let own = self.settings.get("environment_variables").and_then(Value::as_object).into_iter().flatten();
        for (name, value) in own.map(|(name, value)| (name.clone(), value)).chain(facts) {
            line.push_str(&format!("{name}={} ", quoted(&plain(value))));
        }
        line.push_str(&words.join(" "));
        Plan { copies, line }
    }

    /// Facts that are lists and maps, where Facter looks for them.
    fn put_facts(&self, context: &Context, guest: &Guest<'_>) -> Result<()> {
        let facts = self.settings.get("facter").cloned().unwrap_or_default().to_string();
        let line = format!(
            "folder=/etc/facter/facts.d; [ ! -d /opt/puppetlabs ] || folder=/etc/puppetlabs/facter/facts.d\n\
             mkdir -p $folder && printf %s {} > $folder/vagrant_facts.json",
            quoted(&facts)
        );
        if ask(context, guest, true, &line)?.0.success() {
            return Ok(());
        }
        Err(self.failed("The facts could not be put into the machine.".to_owned()))
    }

    fn wrong(&self, text: String) -> Error {
        Error::new(ErrorKind::ConfigInvalid, text).at(self.origin.clone())
    }

    fn failed(&self, text: String) -> Error {
        Error::new(ErrorKind::GuestCommandFailed, text).at(self.origin.clone())
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn puppet(settings: Value) -> Puppet {
        let Value::Object(settings) = settings else { panic!("not a map") };
        Puppet { settings, project: PathBuf::from("/p"), origin: None }
    }

    #[test]
    fn manifests_modules_and_facts_become_one_command_line() {
        let plan = puppet(serde_json::json!({
            "manifests_path": ["host", "manifests"], "manifest_file": "base.pp", "module_path": ["modules", "more"],
            "facter": {"role": "it's web"}, "options": ["--verbose"], "environment": "",
        }))
        .plan("puppet");
        assert_eq!(
            plan.line,
            r"env FACTER_role='it'\''s web' puppet apply --verbose --modulepath='/tmp/vagrant-puppet/modules-0:/tmp/vagrant-puppet/modules-1:/etc/puppet/modules' --color=false --detailed-exitcodes '/tmp/vagrant-puppet/manifests/base.pp'"
        );
        let copies: Vec<_> =
            plan.copies.iter().map(|(from, to)| (from.to_string_lossy(), to.as_str())).collect();
        assert_eq!(
            copies,
            [
                ("/p/modules".into(), "/tmp/vagrant-puppet/modules-0"),
                ("/p/more".into(), "/tmp/vagrant-puppet/modules-1"),
                ("/p/manifests".into(), "/tmp/vagrant-puppet/manifests"),
            ]
        );
    }

    #[test]
    fn environments_take_the_place_of_manifests() {
        let plan = puppet(serde_json::json!({
            "environment_path": ["vm", "/srv/env"], "environment": "test", "working_directory": "/srv",
        }))
        .plan("puppet");
        assert_eq!(
            plan.line,
            "cd '/srv' && env puppet apply --color=false --detailed-exitcodes --environmentpath='/srv/env' \
             --environment='test' '/srv/env/test/manifests'"
        );
        assert!(plan.copies.is_empty());
    }
}
