//! Where settings come from: every setting of a machine with its value, the place that gave it, and what that place
//! displaced.

use serde_json::{Value as Json, json};
use yado_core::spec::Origin;
use yado_ruby::Value;

use crate::LoadError;
use crate::config::{ConfigCell, Extra};
use crate::json::to_json;
use crate::loaded::Loaded;
use crate::loader::vm_cell;
use crate::vm::Vm;

/// A setting of one machine.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name, such as `vm.box`, `ssh.username`, `vm.network` or `providers.virtualbox.memory`.
    pub key: String,
    /// Its value as it counts in the end.
    pub value: Json,
    /// The place that gave the value; `None` for a default.
    pub origin: Option<Origin>,
    /// What other places gave and no longer counts, the first one first.
    pub overrode: Vec<(Json, Origin)>,
    /// Whether it would have this value without having been set.
    pub is_default: bool,
}

impl Loaded {
    /// All settings of a machine when this provider builds it, defaults among them.
    pub fn settings(&mut self, machine: &str, provider: &str) -> Result<Vec<Setting>, LoadError> {
        let config = self.configured(machine, Some(provider))?;
        let mut found = Vec::new();
        let sections: Vec<(String, Value)> =
            config.sections.borrow().iter().map(|(name, section)| (name.clone(), section.clone())).collect();
        for (name, section) in &sections {
            let start = found.len();
            self.plain(name, section, &mut found);
            self.mark_defaults(name, &mut found[start..]);
        }
        if let Some(cell) = vm_cell(&config)
            && let Extra::Vm(vm) = &*cell.extra.borrow()
        {
            self.lists(vm, &mut found);
        }
        let unknown = config.unknown.borrow().clone();
        for (name, origin) in unknown {
            if let Some((_, section)) = sections.iter().find(|(known, _)| *known == name) {
                let value = to_json(&mut self.interpreter, section);
                found.push(Setting { key: name, value, origin, overrode: Vec::new(), is_default: false });
            }
        }
        Ok(found)
    }

    /// Finds out which of a section's settings have the value that they would have anyway.
    fn mark_defaults(&mut self, section: &str, settings: &mut [Setting]) {
        if settings.iter().all(|setting| setting.origin.is_none()) {
            for setting in settings {
                setting.is_default = true;
            }
            return;
        }
        let mut untouched = Vec::new();
        let kind = self.session.section(section);
        if let Some(finished) = self.finished(&kind) {
            self.plain(section, &finished, &mut untouched);
        }
        for setting in settings {
            setting.is_default =
                untouched.iter().any(|other| other.key == setting.key && other.value == setting.value);
        }
    }

    /// The single values of a section or provider.
    fn plain(&mut self, prefix: &str, object: &Value, found: &mut Vec<Setting>) {
        let Some(cell) = ConfigCell::of(object) else { return };
        let config = cell.config.borrow();
        for (name, entry) in config.values.iter().filter(|(name, _)| !name.starts_with("__")) {
            let key = format!("{prefix}.{name}");
            if ConfigCell::of(&entry.value).is_some() {
                self.plain(&key, &entry.value, found);
                continue;
            }
            let value = to_json(&mut self.interpreter, &entry.value);
            let mut overrode = Vec::new();
            for (value, origin) in &entry.earlier {
                overrode.push((to_json(&mut self.interpreter, value), origin.clone()));
            }
            found.push(Setting { key, value, origin: entry.origin.clone(), overrode, is_default: false });
        }
    }

    /// Networks, folders, provisioners and providers.
    fn lists(&mut self, vm: &Vm, found: &mut Vec<Setting>) {
        let mut add = |key: String, value: Json, origin: Option<Origin>| {
            found.push(Setting { key, value, origin, overrode: Vec::new(), is_default: false });
        };
        for network in vm.networks.values() {
            let options = to_json(&mut self.interpreter, &Value::Hash(network.options.clone()));
            let value = json!({ "type": network.kind, "options": options });
            add("vm.network".to_owned(), value, network.origin.clone());
        }
        for (name, folder) in &vm.folders {
            let options = to_json(&mut self.interpreter, &Value::Hash(folder.options.clone()));
            add(
                "vm.synced_folder".to_owned(),
                json!({ "id": name, "options": options }),
                folder.origin.clone(),
            );
        }
        for one in &vm.provisioners {
            let one = one.borrow().clone();
            let config = to_json(&mut self.interpreter, &one.config.unwrap_or(Value::Nil));
            let value = json!({ "type": one.kind, "name": one.name, "config": config });
            add("vm.provision".to_owned(), value, one.origin);
        }
        for (part, list) in [("vm.disk", &vm.disks), ("vm.cloud_init", &vm.cloud_init)] {
            for disk in list {
                let options = to_json(&mut self.interpreter, &Value::Hash(disk.options.clone()));
                add(part.to_owned(), options, disk.origin.clone());
            }
        }
        for (name, mention) in &vm.providers {
            let Some(config) = vm.compiled.get(name) else { continue };
            let prefix = format!("providers.{name}");
            if ConfigCell::of(config).is_some() {
                let start = found.len();
                self.plain(&prefix, config, found);
                let mut defaults = Vec::new();
                let kind = self.session.provider(name);
                if let Some(untouched) = self.finished(&kind) {
                    self.plain(&prefix, &untouched, &mut defaults);
                }
                // What methods of the block did has the place of the block.
                for setting in found[start..].iter_mut().filter(|setting| setting.origin.is_none()) {
                    let same = |other: &Setting| other.key == setting.key && other.value == setting.value;
                    if !defaults.iter().any(same) {
                        setting.origin.clone_from(&mention.origin);
                    }
                }
            } else {
                let value = to_json(&mut self.interpreter, config);
                found.push(Setting {
                    key: prefix,
                    value,
                    origin: mention.origin.clone(),
                    overrode: Vec::new(),
                    is_default: false,
                });
            }
        }
    }
}
