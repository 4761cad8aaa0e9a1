//! What values there are to complete: names of machines, boxes, providers, provisioners and snapshots.

use clap::Arg;
use yado_core::lifecycle;

use crate::session::Session;

/// The values that an argument can have, as far as they are known; none where the shell had better offer files.
pub(super) fn of(session: &Session, path: &[&str], argument: &Arg) -> Vec<String> {
    let possible: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().to_owned())
        .collect();
    if !possible.is_empty() {
        return possible;
    }
    match (path, argument.get_id().as_str()) {
        (["box", "add"] | ["plugin" | "push", ..], _) | (["init"], "url") => Vec::new(),
        (["init"] | ["box", ..] | ["lock", "update"], "name") => boxes(session),
        (_, "provider") => {
            let registry = yado_plugins::registry();
            registry.providers.iter().map(|kind| kind.name().to_owned()).collect()
        }
        (_, "provision_with") => provisioners(session),
        (["snapshot", "restore" | "delete"], "names") => {
            let mut names = snapshots(session);
            names.extend(machines(session));
            names
        }
        (_, "names" | "name" | "target_guest") => machines(session),
        _ => Vec::new(),
    }
}

/// The machines of the Vagrantfile here or above, or those on record when it cannot be read.
fn machines(session: &Session) -> Vec<String> {
    if let Some(loaded) = session.load_silently() {
        return loaded.machines().into_iter().map(|machine| machine.name).collect();
    }
    records(session).into_iter().map(|record| record.name).collect()
}

/// The machines of this project that exist.
fn records(session: &Session) -> Vec<yado_core::MachineRecord> {
    // A key must not make what was not there.
    if !session.settings.home.join("state.sqlite").is_file() {
        return Vec::new();
    }
    let environment = session.environment_without_vagrantfile().ok().flatten();
    let id = environment.as_ref().and_then(|environment| environment.id());
    let machines = id.and_then(|id| session.store().ok()?.machines(Some(id)).ok());
    machines.unwrap_or_default()
}

fn boxes(session: &Session) -> Vec<String> {
    if !session.settings.home.is_dir() {
        return Vec::new();
    }
    let boxes = session.boxes().and_then(|store| store.list()).unwrap_or_default();
    boxes.into_iter().map(|installed| installed.name).collect()
}

/// The names and types of the provisioners of all machines.
fn provisioners(session: &Session) -> Vec<String> {
    let Some(mut loaded) = session.load_silently() else { return Vec::new() };
    let mut found = Vec::new();
    for machine in loaded.machines() {
        let mentioned = loaded.mentioned_providers(&machine.name);
        let Ok(chosen) = session.choose_provider(&mentioned, None) else { continue };
        let Ok(spec) = loaded.machine(&machine.name, chosen.kind.name()) else { continue };
        for provisioner in spec.provisioners {
            found.extend(provisioner.name);
            found.push(provisioner.kind);
        }
    }
    found
}

/// The snapshots of this project's machines.
fn snapshots(session: &Session) -> Vec<String> {
    let mut found = Vec::new();
    for record in records(session) {
        let (Ok(workshop), Ok(store)) = (session.workshop(), session.store()) else { continue };
        let Ok(kind) = lifecycle::kind_of(&workshop.registry, &record) else { continue };
        let Ok(mut provider) = kind.open(&record, None, &lifecycle::place(store, &record)) else { continue };
        let names = provider.snapshots().map(|snapshots| snapshots.list(&session.context));
        found.extend(names.and_then(Result::ok).unwrap_or_default());
    }
    found
}
