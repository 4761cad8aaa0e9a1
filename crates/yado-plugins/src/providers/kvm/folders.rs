//! Synced folders: copied into the machine by rsync when it has started, as Vagrant does where a machine sees nothing of
//! the host's file systems.

use std::path::Path;

use serde_json::Value;
use yado_core::spec::FolderSpec;
use yado_core::ssh::{Copy, Ssh};
use yado_core::{Context, MachineSpec, Result};

use super::links::{self, Survey};
use super::settings::plain;

/// Directories of the project's tools.
const LEFT_OUT: [&str; 2] = [".vagrant", ".yado"];

/// Where links in a folder lead, as far as what they lead to is copied.
pub(super) fn links_of(folder: &FolderSpec) -> Survey {
    let own = words(folder, "rsync__args");
    let follows = |word: &String| match word.strip_prefix("--") {
        Some(option) => option.starts_with("copy-") && option.ends_with("links"),
        None => word.starts_with('-') && word.contains(['L', 'k']),
    };
    if own.is_empty() {
        links::survey(&folder.host_path, &LEFT_OUT)
    } else if own.iter().any(follows) {
        links::survey(&folder.host_path, &[])
    } else {
        Survey::default()
    }
}

/// Copies all of them.
pub(super) fn copy_all(context: &Context, spec: &MachineSpec, inside: &Ssh, user: &str) -> Result<()> {
    for folder in &spec.synced_folders {
        let text = |name: &str| folder.options.get(name).map(plain).filter(|text| !text.is_empty());
        let user = text("owner").unwrap_or_else(|| user.to_owned());
        let group = text("group").unwrap_or_else(|| user.clone());
        let has_no_owner = folder.options.get("rsync__chown") == Some(&Value::Bool(false));
        // What belongs to the project's tools is not the machine's, and would be taken away from it by `--delete`.
        let mut exclude = LEFT_OUT.map(|name| format!("{name}/")).to_vec();
        exclude.extend(words(folder, "rsync__exclude"));
        let own = words(folder, "rsync__args");
        let links = if own.is_empty() { links_of(folder) } else { Survey::default() };
        if !links.has_loop {
            // What has no content is left out: rsync would take it for a failure, and delete nothing.
            exclude.extend(links.broken.iter().filter_map(|link| anchored(link)));
        }
        let has_loop = links.has_loop;
        if has_loop {
            context.warn(format!(
                "Links in '{}' are copied as links, and not what they lead to: one leads to a directory that it is in.",
                folder.host_path.display()
            ));
        }
        let copy = Copy {
            from: &folder.host_path,
            to: &folder.guest_path,
            owner: (!has_no_owner).then(|| format!("{user}:{group}")),
            exclude,
            follows_links: !has_loop,
            options: (!own.is_empty()).then_some(own),
        };
        inside.rsync(context, &copy)?;
    }
    Ok(())
}

/// A pattern for one path; none where the path would be more than one pattern.
fn anchored(path: &Path) -> Option<String> {
    let text = path.to_str().filter(|text| !text.contains(['*', '?', '[', '\\']))?;
    Some(format!("/{text}"))
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
