//! `yado lock`: what the team agreed on, in a file beside the Vagrantfile.

use clap::{Args, Subcommand};
use yado_boxes::{AddOptions, BoxStore, LockFile, LockedBox, LockedScript};
use yado_core::spec::BoxSpec;
use yado_core::{Error, ErrorKind, Result};

use crate::agreement::{difference, lock_path, locked, script_difference, script_url};
use crate::session::{Session, no_environment};
use crate::targets::{Target, Wanted};

/// Agree on boxes and scripts, or check what was agreed on
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: LockCommand,
}

#[derive(Debug, Subcommand)]
enum LockCommand {
    /// Write down the newest boxes and scripts that the Vagrantfile allows; machines stay as they are
    Update {
        /// Only this box, or the script of this URL
        name: Option<String>,
    },
    /// Tell differences between the lock file, the Vagrantfile, the boxes here and the scripts; change nothing
    Check,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    match &arguments.command {
        LockCommand::Update { name } => update(session, name.as_deref()),
        LockCommand::Check => check(session),
    }
}

/// What the Vagrantfile uses that can be agreed on.
struct Used {
    /// Boxes with the machine that uses each first.
    boxes: Vec<(Target, BoxSpec)>,
    scripts: Vec<String>,
}

fn used(session: &Session) -> Result<Used> {
    let mut used = Used { boxes: Vec::new(), scripts: Vec::new() };
    for target in session.targets(&[], Wanted { spec: true, ..Wanted::default() })? {
        let Some(spec) = target.spec.clone() else { continue };
        for url in spec.provisioners.iter().filter_map(script_url) {
            if !used.scripts.iter().any(|known| known == url) {
                used.scripts.push(url.to_owned());
            }
        }
        let name = spec.image.name.as_deref().unwrap_or("host");
        if name != "host" && target.kind.needs_box(&spec) {
            used.boxes.push((target, spec.image));
        }
    }
    Ok(used)
}

fn update(session: &Session, only: Option<&str>) -> Result<u8> {
    session.prepare_for_changes()?;
    let vagrantfile = session.vagrantfile().ok_or_else(no_environment)?;
    let path = lock_path(&vagrantfile);
    let used = used(session)?;
    let store = session.boxes()?;
    let before = LockFile::read(&path)?.unwrap_or_default();
    let mut lock = match only {
        None => LockFile::default(),
        Some(name) => {
            let mut kept = before.clone();
            kept.boxes.retain(|locked| locked.name != name);
            kept.scripts.retain(|locked| locked.url != name);
            kept
        }
    };
    let mut found = false;
    for (target, spec) in &used.boxes {
        if only.is_some_and(|name| spec.name.as_deref() != Some(name)) {
            continue;
        }
        found = true;
        lock.put_box(newest(session, &store, target, spec)?);
    }
    for url in &used.scripts {
        if only.is_some_and(|name| url != name) {
            continue;
        }
        found = true;
        let digest = store.digest_of_url(&session.context, url)?;
        lock.put_script(LockedScript { url: url.clone(), digest });
    }
    if let (false, Some(name)) = (found, only) {
        return Err(Error::new(
            ErrorKind::BoxNotFound,
            format!("No machine of this project uses a box or a script '{name}' that can be locked."),
        ));
    }
    lock.write(&path)?;
    let told = changes(&before, &lock);
    for line in &told {
        session.ui.plain(line);
    }
    if told.is_empty() {
        session.ui.plain(&format!("'{}' has the newest already.", path.display()));
    }
    Ok(0)
}

/// The newest box that a machine may be made from, installed.
fn newest(session: &Session, store: &BoxStore, target: &Target, spec: &BoxSpec) -> Result<LockedBox> {
    let context = session.context.for_machine(&target.name);
    let project = target.spec.as_ref().map(|machine| machine.project.clone()).unwrap_or_default();
    let provider = target.kind.boxes();
    let mut image = store.resolve(&context, spec, &project, provider)?;
    if let Some(installed) = store.find(&image.name, Some(&format!("= {}", image.version)), provider)? {
        let options = AddOptions {
            download: spec.download.clone(),
            server: spec.server.clone(),
            ..AddOptions::default()
        };
        let constraints = spec.version.as_deref().unwrap_or("");
        if let Some(updated) = store.update(&context, &installed, constraints, &options)? {
            image = store.image(&updated);
        }
    }
    locked(store, &image, provider, &project)
}

/// What became of the lock file, a line for each change.
fn changes(before: &LockFile, after: &LockFile) -> Vec<String> {
    let boxes = |from: &LockFile, than: &LockFile, word: &str| {
        let others: Vec<_> = from.boxes.iter().filter(|locked| !than.boxes.contains(locked)).collect();
        let line = |locked: &&LockedBox| {
            let LockedBox { name, version, provider, digest, .. } = locked;
            format!("{word} {name} {version} ({provider}, {digest})")
        };
        others.iter().map(line).collect::<Vec<_>>()
    };
    let scripts = |from: &LockFile, than: &LockFile, word: &str| {
        let others = from.scripts.iter().filter(|locked| !than.scripts.contains(locked));
        others.map(|locked| format!("{word} {} ({})", locked.url, locked.digest)).collect::<Vec<_>>()
    };
    let mut told = boxes(before, after, "-");
    told.extend(boxes(after, before, "+"));
    told.extend(scripts(before, after, "-"));
    told.extend(scripts(after, before, "+"));
    told
}

fn check(session: &Session) -> Result<u8> {
    let vagrantfile = session.vagrantfile().ok_or_else(no_environment)?;
    let path = lock_path(&vagrantfile);
    let Some(lock) = LockFile::read(&path)? else {
        return Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!("There is no lock file '{}'.", path.display()),
        )
        .hinted("'yado up' or 'yado lock update' writes it."));
    };
    let used = used(session)?;
    let mut told = check_boxes(session, &lock, &used)?;
    let store = session.boxes()?;
    for url in &used.scripts {
        match lock.script(url) {
            None => told.push(format!("The lock file has no script '{url}'.")),
            Some(locked) => {
                told.extend(script_difference(locked, &store.digest_of_url(&session.context, url)?));
            }
        }
    }
    for unused in lock.scripts.iter().filter(|locked| !used.scripts.contains(&locked.url)) {
        told.push(format!("No machine uses the script '{}' of the lock file any more.", unused.url));
    }
    told.sort();
    told.dedup();
    for line in &told {
        session.ui.error(line);
    }
    if told.is_empty() {
        session.ui.plain(&format!("'{}' agrees with what is here.", path.display()));
    }
    Ok(u8::from(!told.is_empty()))
}

fn check_boxes(session: &Session, lock: &LockFile, used: &Used) -> Result<Vec<String>> {
    let store = session.boxes()?;
    let mut told = Vec::new();
    let mut wanted: Vec<&LockedBox> = Vec::new();
    for (target, spec) in &used.boxes {
        let name = spec.name.as_deref().unwrap_or_default();
        let provider = target.kind.boxes();
        let constraints = spec.version.as_deref();
        let Some(agreed) = lock.find(name, provider, yado_boxes::architecture(), constraints)? else {
            told.push(format!(
                "The lock file has no box '{name}' for the provider '{provider}' that satisfies '{}'.",
                constraints.unwrap_or(">= 0")
            ));
            continue;
        };
        wanted.push(agreed);
        let exact = format!("= {}", agreed.version);
        if let Some(installed) = store.find(name, Some(&exact), provider)?
            && installed.digest != agreed.digest
        {
            told.push(difference(agreed, &LockedBox { digest: installed.digest, ..agreed.clone() }));
        }
        let record = target.record.as_ref().and_then(|record| record.image.as_deref());
        let image: Option<yado_core::Image> = record.and_then(|text| serde_json::from_str(text).ok());
        if let Some(image) = image.filter(|image| image.digest != agreed.digest) {
            let made = LockedBox { version: image.version, digest: image.digest, ..agreed.clone() };
            told.push(format!("The machine '{}': {}", target.name, difference(agreed, &made)));
        }
    }
    for unused in lock.boxes.iter().filter(|locked| !wanted.contains(locked)) {
        told.push(format!(
            "No machine uses the box '{}' (version {}) of the lock file any more.",
            unused.name, unused.version
        ));
    }
    Ok(told)
}
