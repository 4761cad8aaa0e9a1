//! The whole configuration as canonical JSON: every machine with its finished values. Tools that compare yado with
//! Vagrant read it, and `yado config --json` prints it.

use serde_json::{Map, Value as Json, json};
use yado_ruby::Value;

use crate::config::{ConfigCell, Extra};
use crate::dummy::DummyCell;
use crate::json::{config_json, sorted, to_json};
use crate::loaded::Loaded;
use crate::loader::vm_cell;
use crate::object::invalid_of;
use crate::root::Root;
use crate::schema::{Section, sections};
use crate::session::{Kind, Session};
use crate::vm::{Disk, Provisioner, Vm};

/// Everything.
pub(crate) fn all(loaded: &mut Loaded) -> Json {
    match machines(loaded) {
        Ok(machines) => json!({ "oracle": 1, "vagrant": crate::vagrant::VERSION, "machines": machines }),
        Err(error) => failed(&error),
    }
}

/// What is printed when there is no configuration.
pub(crate) fn failed(error: &crate::LoadError) -> Json {
    let mut shown = Map::new();
    shown.insert("class".to_owned(), json!(error.class));
    shown.insert("message".to_owned(), json!(error.message));
    if let Some(status) = error.status {
        shown.insert("status".to_owned(), json!(status));
    }
    json!({ "oracle": 1, "vagrant": crate::vagrant::VERSION, "error": shown })
}

fn machines(loaded: &mut Loaded) -> Result<Vec<Json>, crate::LoadError> {
    let mut rows = Vec::new();
    let names = loaded.machines();
    for machine in &names {
        let provider = loaded.first_provider(&machine.name)?;
        let config = loaded.configured(&machine.name, Some(&provider))?;
        let mut row = vec![
            ("name".to_owned(), json!(machine.name)),
            ("primary".to_owned(), json!(machine.primary)),
            ("autostart".to_owned(), json!(machine.autostart)),
        ];
        let options = loaded.define_options(&machine.name);
        if !options.is_empty() {
            row.push(("define_options".to_owned(), sorted(options)));
        }
        row.extend(Dump { loaded, config: &config }.machine(&provider));
        rows.push((row, provider));
    }
    // Checked last, from configurations put together anew: checking runs the providers' blocks once more.
    let mut result = Vec::new();
    for (machine, (mut row, provider)) in names.iter().zip(rows) {
        let config = loaded.configured(&machine.name, Some(&provider))?;
        let found = loaded.complaints(&config, &machine.name, &provider, false);
        let shown = found.into_iter().map(|(title, list)| {
            let messages: Vec<String> = list.into_iter().map(|complaint| complaint.message).collect();
            (title, json!(messages))
        });
        row.push(("validation".to_owned(), sorted(shown)));
        result.push(Json::Object(row.into_iter().collect()));
    }
    Ok(result)
}

/// One machine, as it is when this provider builds it.
pub(crate) fn machine(loaded: &mut Loaded, name: &str, provider: &str) -> Result<Json, crate::LoadError> {
    let config = loaded.configured(name, Some(provider))?;
    let row = Dump { loaded, config: &config }.machine(provider);
    Ok(Json::Object(row.into_iter().collect()))
}

/// The parts of one machine.
struct Dump<'a> {
    loaded: &'a mut Loaded,
    config: &'a Root,
}

type Pairs = Vec<(String, Json)>;

impl Dump<'_> {
    fn machine(&mut self, provider: &str) -> Pairs {
        let mut row: Pairs = vec![("provider".to_owned(), json!(provider))];
        if let Some(cell) = vm_cell(self.config) {
            row.push(("vm".to_owned(), config_json(&mut self.loaded.interpreter, &cell)));
            if let Extra::Vm(vm) = &*cell.extra.borrow() {
                row.push(("networks".to_owned(), self.networks(vm)));
                row.push(("synced_folders".to_owned(), self.folders(vm)));
                row.push(("provisioners".to_owned(), self.provisioners(vm)));
                row.push(("providers".to_owned(), self.providers(vm, provider)));
                row.push(("disks".to_owned(), self.disks(&vm.disks)));
                row.push(("cloud_init".to_owned(), self.disks(&vm.cloud_init)));
            }
        }
        self.sections(&mut row);
        row
    }

    fn networks(&mut self, vm: &Vm) -> Json {
        let mut rows = Vec::new();
        for network in vm.networks.values() {
            let options = to_json(&mut self.loaded.interpreter, &Value::Hash(network.options.clone()));
            rows.push(json!({ "type": network.kind, "options": options }));
        }
        Json::Array(rows)
    }

    fn folders(&mut self, vm: &Vm) -> Json {
        let mut rows = Vec::new();
        for (name, folder) in &vm.folders {
            let options = to_json(&mut self.loaded.interpreter, &Value::Hash(folder.options.clone()));
            rows.push(json!({ "id": name, "options": options }));
        }
        Json::Array(rows)
    }

    fn provisioners(&mut self, vm: &Vm) -> Json {
        let ordered = crate::vm::experimental(&mut self.loaded.interpreter, "dependency_provisioners");
        let mut rows = Vec::new();
        for provisioner in &vm.provisioners {
            let one: Provisioner = provisioner.borrow().clone();
            let mut row = Map::new();
            row.insert("type".to_owned(), json!(one.kind));
            if let Some(name) = one.name {
                row.insert("name".to_owned(), json!(name));
            }
            if let Some(run) = one.run {
                row.insert("run".to_owned(), json!(run));
            }
            if one.preserve_order {
                row.insert("preserve_order".to_owned(), json!(true));
            }
            for (name, value) in [("before", one.before), ("after", one.after)] {
                if let Some(value) = value.filter(|_| ordered) {
                    row.insert(name.to_owned(), to_json(&mut self.loaded.interpreter, &value));
                }
            }
            if !one.communicator_required {
                row.insert("communicator_required".to_owned(), json!(false));
            }
            if one.unknown {
                row.insert("unknown_type".to_owned(), json!(true));
            }
            let config = one.config.unwrap_or(Value::Nil);
            row.insert("config".to_owned(), self.object(&config));
            rows.push(Json::Object(row));
        }
        Json::Array(rows)
    }

    fn providers(&mut self, vm: &Vm, chosen: &str) -> Json {
        let mut names: Vec<&str> = vm.providers.keys().map(String::as_str).collect();
        if !names.contains(&chosen) {
            names.push(chosen);
        }
        let mut rows = Vec::new();
        for name in names {
            let kind = self.loaded.session.provider(name);
            let installed = !matches!(kind, Kind::Unknown);
            let mut row = Map::new();
            row.insert("name".to_owned(), json!(name));
            row.insert("installed".to_owned(), json!(installed));
            let config = match vm.compiled.get(name) {
                Some(config) => Some(config.clone()),
                None if installed => self.loaded.finished(&kind),
                None => None,
            };
            if let Some(config) = config {
                row.insert("config".to_owned(), self.object(&config));
            }
            rows.push(Json::Object(row));
        }
        Json::Array(rows)
    }

    fn disks(&mut self, list: &[Disk]) -> Json {
        let mut rows = Vec::new();
        for disk in list.iter().filter(|disk| disk.flagged) {
            let options = to_json(&mut self.loaded.interpreter, &Value::Hash(disk.options.clone()));
            let mut options = match options {
                Json::Object(options) => options,
                _ => Map::new(),
            };
            if !disk.invalid.is_empty() {
                options.insert("$invalid".to_owned(), json!(disk.invalid));
            }
            rows.push(Json::Object(options));
        }
        Json::Array(rows)
    }

    fn sections(&mut self, row: &mut Pairs) {
        let sections: Vec<(String, Value)> =
            self.config.sections.borrow().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let unknown: Vec<String> =
            self.config.unknown.borrow().iter().map(|(name, _)| name.clone()).collect();
        let (mut known, mut strange) = (Vec::new(), Vec::new());
        let mut triggers = json!({ "before": [], "after": [] });
        let mut pushes = json!([]);
        for (name, section) in sections.into_iter().filter(|(name, _)| name != "vm") {
            if unknown.contains(&name) {
                strange.push((name, self.object(&section)));
                continue;
            }
            if let Some(cell) = ConfigCell::of(&section) {
                match &*cell.extra.borrow() {
                    Extra::Triggers(list) => {
                        let mut side = |list: &[crate::trigger::Trigger]| -> Json {
                            list.iter().map(|trigger| self.object(&trigger.config)).collect()
                        };
                        triggers = json!({ "before": side(&list.before), "after": side(&list.after) });
                        continue;
                    }
                    Extra::Pushes(list) => {
                        pushes = list
                            .compiled
                            .iter()
                            .map(|(name, (strategy, config))| {
                                json!({ "name": name, "strategy": strategy, "config": self.object(config) })
                            })
                            .collect();
                        continue;
                    }
                    _ => {}
                }
            }
            let shown = self.object(&section);
            let default = sections::find(&name).map(|table| self.default_of(table));
            if default.as_ref() != Some(&shown) {
                known.push((name, shown));
            }
        }
        row.push(("triggers".to_owned(), triggers));
        row.push(("pushes".to_owned(), pushes));
        row.push(("sections".to_owned(), sorted(known)));
        row.push(("unknown_sections".to_owned(), sorted(strange)));
    }

    fn default_of(&mut self, table: &'static Section) -> Json {
        let finished = self.loaded.finished(&Kind::Table(table));
        finished.map_or(Json::Null, |object| self.object(&object))
    }

    /// Any configuration object.
    fn object(&mut self, object: &Value) -> Json {
        let interpreter = &mut self.loaded.interpreter;
        if DummyCell::of(object).is_some() || ConfigCell::of(object).is_some() {
            return to_json(interpreter, object);
        }
        if !matches!(object, Value::Object(_)) {
            return to_json(interpreter, object);
        }
        let mut pairs = Vec::new();
        for name in interpreter.instance_variable_names(object) {
            let key = name.as_str().trim_start_matches('@');
            let value = interpreter.instance_variable(object, name);
            if !key.starts_with("__") && key != "logger" && !value.same(&Session::unset()) {
                pairs.push((key.to_owned(), to_json(interpreter, &value)));
            }
        }
        let mut invalid = invalid_of(interpreter, object);
        if !invalid.is_empty() {
            invalid.sort();
            pairs.push(("$invalid".to_owned(), json!(invalid)));
        }
        sorted(pairs)
    }
}
