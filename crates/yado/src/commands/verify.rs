//! `yado verify`: what machines were built from, as a list of facts and one fingerprint over them, that two people can
//! compare. Facts say nothing about where the project lies or who built it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use sha2::{Digest, Sha256};
use yado_boxes::LockFile;
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Image, MachineRecord, MachineSpec, Result, provisioning};

use crate::agreement::lock_path;
use crate::session::Session;
use crate::targets::{Target, Wanted};

/// Show what the machines were built from, with a fingerprint to compare
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    /// Compare with what 'yado verify' printed elsewhere, and list the differences
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
}

/// What is known, by name.
type Facts = BTreeMap<String, String>;

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let targets = session.targets(&arguments.names, Wanted { spec: true, ..Wanted::default() })?;
    let lock = match session.vagrantfile() {
        Some(path) => LockFile::read(&lock_path(&path))?.unwrap_or_default(),
        None => LockFile::default(),
    };
    let mut facts = Facts::new();
    for target in &targets {
        // Machines that nobody brings up by themselves may be missing on either side.
        let is_optional =
            arguments.names.is_empty() && target.spec.as_ref().is_some_and(|spec| !spec.autostart);
        let Some(record) = &target.record else {
            if is_optional {
                continue;
            }
            return Err(Error::new(
                ErrorKind::MachineNotFound,
                format!("The machine '{}' does not exist, so there is nothing to verify.", target.name),
            )
            .hinted("'yado up' makes it."));
        };
        of_machine(session, target, record, &lock, &mut facts)?;
    }
    match &arguments.compare {
        None => {
            session.ui.raw(&render(&facts));
            Ok(0)
        }
        Some(path) => {
            let text = std::fs::read_to_string(session.directory.join(path))
                .doing(|| format!("reading '{}'", path.display()))?;
            compare(session, &facts, &parse(&text, path)?)
        }
    }
}

fn of_machine(
    session: &Session,
    target: &Target,
    record: &MachineRecord,
    lock: &LockFile,
    facts: &mut Facts,
) -> Result<()> {
    let name = &target.name;
    let mut put = |key: &str, value: String| drop(facts.insert(format!("{name}.{key}"), value));
    put("provider", record.provider.clone());
    if let Some(text) = &record.image {
        let image: Image = serde_json::from_str(text).doing(|| "reading the machine's image record")?;
        put("box", format!("{} {} {}", image.name, image.version, image.digest));
    }
    // What it was last started with, which is not always what the Vagrantfile says now.
    let recorded = record.spec.as_deref().map(serde_json::from_str::<MachineSpec>).transpose();
    let recorded = recorded.doing(|| "reading the machine's configuration record")?;
    let Some(built) = recorded.as_ref().or(target.spec.as_ref()) else { return Ok(()) };
    for (key, value) in settings(built, &record.provider)? {
        put(&key, value);
    }
    let records = session.store()?.provision_records(&record.id)?;
    for (position, provisioner) in built.provisioners.iter().enumerate() {
        let label = provisioning::label(provisioner);
        let run = records.iter().find(|run| run.position as usize == position && run.label == label);
        let Some(run) = run else {
            put(&format!("provisioner.{}", position + 1), format!("{label}: has not run"));
            continue;
        };
        let path = provisioner.settings.get("path").and_then(Value::as_str).unwrap_or_default();
        let script = lock.script(path).map(|locked| format!(" {}", locked.digest)).unwrap_or_default();
        put(&format!("provisioner.{}", position + 1), format!("{label}: sha256:{}{script}", run.fingerprint));
        let registry = &session.workshop()?.registry;
        let now = registry
            .provisioner(&provisioner.kind)
            .zip(target.spec.as_ref())
            .and_then(|(kind, spec)| kind.open(spec.provisioners.get(position)?, spec).ok())
            .and_then(|opened| opened.fingerprint().ok());
        if now.is_some_and(|now| now != run.fingerprint) {
            // Standard output is for the facts alone.
            session.ui.error(&format!(
                "{name}: the provisioner {} ({label}) has changed since it ran; 'yado provision' runs it again.",
                position + 1
            ));
        }
    }
    Ok(())
}

/// What a Vagrantfile says about the machine itself.
fn settings(spec: &MachineSpec, provider: &str) -> Result<Vec<(String, String)>> {
    let mut found = vec![
        ("hostname".to_owned(), spec.hostname.clone().unwrap_or_default()),
        ("user".to_owned(), spec.ssh.username.clone().unwrap_or_default()),
    ];
    let mut put = |key: String, value: Result<Value, serde_json::Error>| -> Result<()> {
        let mut value = value.doing(|| "writing down the configuration")?;
        anywhere(&mut value, &spec.project);
        found.push((key, value.to_string()));
        Ok(())
    };
    for (position, network) in spec.networks.iter().enumerate() {
        put(format!("network.{}", position + 1), serde_json::to_value(network))?;
    }
    for folder in &spec.synced_folders {
        put(format!("folder.{}", folder.guest_path), serde_json::to_value(folder))?;
    }
    for settings in spec.providers.iter().filter(|settings| settings.name == provider) {
        put("settings".to_owned(), serde_json::to_value(&settings.settings))?;
        put("calls".to_owned(), serde_json::to_value(&settings.calls))?;
    }
    Ok(found)
}

/// Takes out of a value where the project lies and which line it comes from, and sorts its keys.
fn anywhere(value: &mut Value, project: &Path) {
    match value {
        Value::String(text) => {
            if let Ok(inside) = Path::new(text.as_str()).strip_prefix(project) {
                *text = format!("./{}", inside.display());
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|one| anywhere(one, project)),
        Value::Object(map) => {
            map.retain(|key, _| key != "origin");
            map.values_mut().for_each(|one| anywhere(one, project));
            map.sort_keys();
        }
        _ => {}
    }
}

/// One line for each fact; the fingerprint is over these lines.
fn render(facts: &Facts) -> String {
    let lines = facts
        .iter()
        .fold(String::new(), |text, (key, value)| text + &format!("{key} = {}\n", one_line(value)));
    let digest =
        Sha256::digest(&lines).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("# yado verify\nfingerprint = sha256:{digest}\n{lines}")
}

fn one_line(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\n', "\\n")
}

fn parse(text: &str, path: &Path) -> Result<Facts> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let facts: Option<Facts> = lines
        .map(|line| line.split_once(" = ").map(|(key, value)| (key.to_owned(), value.to_owned())))
        .collect();
    let mut facts = facts.unwrap_or_default();
    if facts.remove("fingerprint").is_none() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("'{}' is not what 'yado verify' printed.", path.display()),
        )
        .hinted("Write it there with 'yado verify > FILE'."));
    }
    Ok(facts)
}

fn compare(session: &Session, here: &Facts, there: &Facts) -> Result<u8> {
    let told = differences(here, there);
    for line in &told {
        session.ui.plain(line);
    }
    if told.is_empty() {
        session.ui.plain("Both were built from the same.");
        return Ok(0);
    }
    Ok(1)
}

fn differences(here: &Facts, there: &Facts) -> Vec<String> {
    let keys: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
    let shown = |value: Option<String>| value.unwrap_or_else(|| "(nothing)".to_owned());
    keys.into_iter()
        .filter_map(|key| {
            let mine = here.get(key).map(|value| one_line(value));
            let theirs = there.get(key).cloned();
            (mine != theirs).then(|| format!("{key}\n  here:  {}\n  there: {}", shown(mine), shown(theirs)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_is_read_again_and_every_difference_is_named() {
        let facts = |list: &[(&str, &str)]| -> Facts {
            list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let here = facts(&[("a.box", "x = 1\\\n2"), ("a.hostname", ""), ("a.provisioner.1", "shell: 1")]);
        let same = parse(&render(&here), Path::new("f")).unwrap();
        assert_eq!(differences(&here, &same), Vec::<String>::new());
        let there = facts(&[("a.box", "x = 1\\\\\\n2"), ("a.provisioner.1", "shell: 2"), ("b.box", "y")]);
        let told = differences(&here, &there);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("a.hostname\n") && told[0].ends_with("there: (nothing)"), "{told:?}");
        assert!(told[1].starts_with("a.provisioner.1\n  here:  shell: 1\n  there: shell: 2"), "{told:?}");
        assert!(parse("hello\n", Path::new("f")).is_err());
    }

    #[test]
    fn two_checkouts_of_a_project_say_the_same() {
        let text = |project: &str| {
            let mut value = serde_json::json!({"z": 1, "origin": {"line": 3}, "host_path": format!("{project}/src"),
                "list": [{"b": 1, "a": project}]});
            anywhere(&mut value, Path::new(project));
            value.to_string()
        };
        assert_eq!(text("/home/a/p"), text("/srv/q"));
        assert_eq!(text("/p"), r#"{"host_path":"./src","list":[{"a":"./","b":1}],"z":1}"#);
    }
}
