//! Synced folders: copied into the machine by rsync when it has started, as Vagrant does where a machine sees nothing of
//! the host's file systems.

use serde_json::Value;
use yado_core::spec::FolderSpec;
use yado_core::ssh::{Copy, Ssh};
use yado_core::{Context, MachineSpec, Result};

use super::settings::plain;

/// Copies all of them.
pub(super) fn copy_all(context: &Context, spec: &MachineSpec, inside: &Ssh, user: &str) -> Result<()> {
    for folder in &spec.synced_folders {
        let text = |name: &str| folder.options.get(name).map(plain).filter(|text| !text.is_empty());
        let user = text("owner").unwrap_or_else(|| user.to_owned());
        let group = text("group").unwrap_or_else(|| user.clone());
        let has_no_owner = folder.options.get("rsync__chown") == Some(&Value::Bool(false));
        // What belongs to the project's tools is not the machine's, and would be taken away from it by `--delete`.
        let mut exclude = [".vagrant/", ".yado/"].map(str::to_owned).to_vec();
        exclude.extend(words(folder, "rsync__exclude"));
        let own = words(folder, "rsync__args");
        let copy = Copy {
            from: &folder.host_path,
            to: &folder.guest_path,
            owner: (!has_no_owner).then(|| format!("{user}:{group}")),
            exclude,
            options: (!own.is_empty()).then_some(own),
        };
        inside.rsync(context, &copy)?;
    }
    Ok(())
}

/// Types that ask for something else than a copy.
pub(super) fn idle(spec: &MachineSpec) -> Vec<String> {
    let others = spec.synced_folders.iter().filter_map(|folder| {
        let kind = folder.kind.as_deref().filter(|kind| !matches!(*kind, "rsync" | ""))?;
        let place = folder.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
        Some(format!(
            "'type: \"{kind}\"' of the synced folder '{}' has no effect: it is copied by rsync when the machine \
             starts{place}.",
            folder.guest_path
        ))
    });
    others.collect()
}

/// The words of an option that may be a list or one word.
pub(super) fn words(folder: &FolderSpec, name: &str) -> Vec<String> {
    match folder.options.get(name) {
        Some(Value::Array(list)) => list.iter().map(plain).collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(other) => vec![plain(other)],
    }
}
