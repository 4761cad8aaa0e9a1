//! `config.vm.disk`: how large the boot disk is, more disks, and discs to read.

use serde_json::Value;
use yado_core::MachineSpec;
use yado_core::spec::EntrySpec;

use super::disks::{bytes, safe};
use super::settings::{ExtraDisk, Settings, option, plain};

/// Extensions of files that the provider makes or reads anyway.
const OWN_EXTENSIONS: &[&str] = &["qcow2", "raw", "img"];

/// Takes them over.
pub(super) fn take(settings: &mut Settings, spec: &MachineSpec) {
    for entry in &spec.disks {
        let place = entry.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
        if let Some(extension) = text(entry, "disk_ext").filter(|it| !OWN_EXTENSIONS.contains(&it.as_str())) {
            settings.idle.push(format!(
                "'disk_ext: \"{extension}\"' of a disk has no effect: new disks are files of QEMU's own \
                 kind{place}."
            ));
        }
        if let Err(message) = take_one(settings, spec, entry)
            && !(entry.checked && message.is_empty())
        {
            settings.refuse(message, entry.origin.clone());
        }
    }
    let mut names: Vec<&str> = settings.disks.iter().map(|disk| disk.name.as_str()).collect();
    names.sort_unstable();
    let mut twice = None;
    names.dedup_by(|second, first| {
        let is_twice = first == second;
        twice = twice.or(is_twice.then_some(*first));
        is_twice
    });
    if let Some(twice) = twice {
        let message = format!(
            "Two additional disks would both be called '{}' in the machine: the first twenty letters count.",
            twice
        );
        settings.refuse(message, None);
    }
}

fn text(entry: &EntrySpec, name: &str) -> Option<String> {
    option(&entry.options, name).map(plain).filter(|text| !text.is_empty())
}

/// What is wrong with it; an empty text where the machine's problems say so already.
fn take_one(settings: &mut Settings, spec: &MachineSpec, entry: &EntrySpec) -> Result<(), String> {
    let said_already = |message: String| if entry.checked { String::new() } else { message };
    if let Some(unknown) = entry.unknown.first() {
        return Err(said_already(format!("A disk has no option '{unknown}'.")));
    }
    let size = text(entry, "size");
    let size_in_bytes = size.as_deref().and_then(bytes);
    let wrong_size = || {
        said_already(format!(
            "'size: {}' of a disk is no size, such as '10GB'.",
            size.clone().unwrap_or_default()
        ))
    };
    let file = text(entry, "file").map(|file| spec.project.join(file));
    if let Some(file) = file.as_ref().filter(|file| !file.is_file()) {
        return Err(said_already(format!("There is no file '{}' for a disk.", file.display())));
    }
    let is_primary = option(&entry.options, "primary").is_some_and(|value| value == &Value::Bool(true));
    let name = text(entry, "name");
    let named = || name.as_deref().map(safe).ok_or_else(|| said_already("A disk needs a 'name'.".to_owned()));
    match (entry.kind.as_str(), is_primary) {
        ("disk", true) => {
            if file.is_some() {
                return Err("The primary disk is the box's; 'file' cannot replace it.".to_owned());
            }
            // What is said for this provider alone counts more.
            settings.disk_size.get_or_insert(size_in_bytes.ok_or_else(wrong_size)?);
        }
        ("disk", false) => {
            let size = if file.is_some() { None } else { Some(size_in_bytes.ok_or_else(wrong_size)?) };
            settings.disks.push(ExtraDisk { name: named()?, size, file, cdrom: false });
        }
        ("dvd", _) => {
            let file = file.ok_or_else(|| said_already("A disc (':dvd') needs a 'file'.".to_owned()))?;
            settings.disks.push(ExtraDisk { name: named()?, size: None, file: Some(file), cdrom: true });
        }
        ("floppy", _) => {
            return Err("Floppies are not possible with this provider; use a disc (':dvd').".to_owned());
        }
        (other, _) => return Err(said_already(format!("There are no disks of the type '{other}'."))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::settings::tests::spec;
    use super::*;

    fn entry(kind: &str, options: Value) -> EntrySpec {
        let Value::Object(options) = options else { panic!("options are a map") };
        EntrySpec { kind: kind.to_owned(), options, unknown: Vec::new(), checked: false, origin: None }
    }

    fn settings(disks: Vec<EntrySpec>) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("disc.iso"), "").unwrap();
        let mut spec = spec(json!([]));
        spec.project = folder.path().to_owned();
        spec.disks = disks;
        Settings::of(&spec)
    }

    #[test]
    fn the_boot_disk_grows_and_others_come_with_it() {
        let settings = settings(vec![
            entry("disk", json!({"primary": true, "name": "vagrant_primary", "size": "3GB"})),
            entry("disk", json!({"name": "data", "size": 1 << 20, "disk_ext": "vdi"})),
            entry("dvd", json!({"name": "tools", "file": "disc.iso"})),
        ]);
        assert!(settings.problems.is_empty(), "{:?}", settings.problems);
        assert_eq!(settings.disk_size, Some(3 << 30));
        assert_eq!((settings.disks[0].name.as_str(), settings.disks[0].size), ("data", Some(1 << 20)));
        assert!(settings.disks[1].cdrom && settings.disks[1].file.is_some());
        assert!(settings.idle[0].contains("\"vdi\""), "{:?}", settings.idle);
    }

    #[test]
    fn what_cannot_be_is_refused_and_nothing_is_said_twice() {
        let settings = settings(vec![
            entry("floppy", json!({"name": "a", "file": "disc.iso"})),
            entry("disk", json!({"name": "b", "size": "large"})),
            EntrySpec { checked: true, ..entry("disk", json!({"name": "c", "size": "large"})) },
            entry("dvd", json!({"name": "d", "file": "nowhere.iso"})),
            entry("disk", json!({"name": "e", "size": 1 << 20})),
            entry("disk", json!({"name": "e", "size": 1 << 20})),
        ]);
        let said: Vec<&str> = settings.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(said.len(), 4, "{said:?}");
        for (at, word) in ["Floppies", "'size: large'", "nowhere.iso", "called 'e'"].iter().enumerate() {
            assert!(said[at].contains(word), "{said:?}");
        }
    }
}
