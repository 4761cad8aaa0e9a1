//! The store against a real file in a temporary directory.

use std::path::Path;
use std::sync::Arc;

use super::{LeaseKind, Operation, Owner, ProvisionRecord, Store};
use crate::provider::MachineState;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("home")).unwrap();
    store.put_environment("e1", Path::new("/p"), "Vagrantfile").unwrap();
    (folder, store)
}

#[test]
fn others_are_kept_out_of_a_home_and_a_directory_in_use_is_no_home() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let open_to_all = |name: &str| {
        let place = folder.path().join(name);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).unwrap();
        place
    };
    let mode = |place: &Path| std::fs::metadata(place).unwrap().permissions().mode() & 0o777;
    let home = open_to_all("home");
    Store::open(&home).unwrap();
    assert_eq!(mode(&home), 0o700);
    Store::open(&open_to_all("home")).unwrap();
    assert_eq!(mode(&home), 0o700, "one that has a state already");
    let other = open_to_all("documents");
    std::fs::write(other.join("letter"), "").unwrap();
    let refusal = Store::open(&other).unwrap_err();
    assert!(refusal.message().contains("cannot be yado's home"), "{refusal}");
    assert_eq!(mode(&other), 0o755);
    assert!(!other.join("state.sqlite").exists());
}

#[test]
fn many_may_open_a_new_state_at_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Store::open(&home).map(drop))).collect();
            for thread in threads {
                thread.join().unwrap().unwrap();
            }
        });
    }
}

#[test]
fn a_record_is_the_one_that_was_read_before_until_somebody_changes_it() {
    let (folder, store) = store();
    let other = Store::open(&folder.path().join("home")).unwrap();
    let names = ["a", "b", "c"];
    for name in names {
        store.add_machine("e1", name, "container").unwrap();
    }
    let read = || store.machines_as_known(Some("e1")).unwrap();
    let before = read();
    assert_eq!(before.iter().map(|record| record.name.as_str()).collect::<Vec<_>>(), names, "oldest first");
    assert!(before.iter().zip(&read()).all(|(old, new)| Arc::ptr_eq(old, new)));
    let id = before[1].id.clone();
    // Each that can change, by another process as it were.
    type Change<'a> = &'a dyn Fn(&Store);
    let changes: [(&str, Change<'_>); 6] = [
        ("state", &|store| store.set_state(&id, MachineState::Running).unwrap()),
        ("spec", &|store| store.set_spec(&id, "{}").unwrap()),
        ("image", &|store| store.set_image(&id, "{}").unwrap()),
        ("spec again", &|store| store.set_spec(&id, "{ }").unwrap()),
        ("provisioned", &|store| store.set_provisioned(&id, true).unwrap()),
        ("project", &|store| store.put_environment("e1", Path::new("/moved"), "Vagrantfile").unwrap()),
    ];
    let mut last = before;
    for (what, change) in changes {
        change(&other);
        let now = read();
        assert_ne!(now[1], last[1], "{what}");
        assert_eq!(Some(now[1].as_ref()), store.machine("e1", "b").unwrap().as_ref(), "{what}");
        assert_eq!(Arc::ptr_eq(&now[0], &last[0]), what != "project", "{what}");
        last = now;
    }
    other.remove_machine(&id).unwrap();
    assert_eq!(read().iter().map(|record| record.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
}

#[test]
fn numbers_of_removed_machines_are_used_again() {
    let (_folder, store) = store();
    let first = store.add_machine("e1", "a", "container").unwrap();
    let second = store.add_machine("e1", "b", "container").unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    store.remove_machine(&first.id).unwrap();
    assert_eq!(store.add_machine("e1", "c", "container").unwrap().number, 1);
}

#[test]
fn a_name_exists_once_in_an_environment() {
    let (_folder, store) = store();
    store.add_machine("e1", "a", "container").unwrap();
    assert!(store.add_machine("e1", "a", "container").is_err());
}

#[test]
fn a_port_belongs_to_one_machine_until_it_is_given_back() {
    let (_folder, store) = store();
    let a = store.add_machine("e1", "a", "container").unwrap();
    let b = store.add_machine("e1", "b", "container").unwrap();
    let key = "tcp/127.0.0.1/8080";
    assert!(store.lease(LeaseKind::Port, key, Owner::Machine(&a.id)).unwrap());
    assert!(store.lease(LeaseKind::Port, key, Owner::Machine(&a.id)).unwrap(), "asking again is fine");
    assert!(!store.lease(LeaseKind::Port, key, Owner::Machine(&b.id)).unwrap());
    assert_eq!(store.lease_holder(LeaseKind::Port, key).unwrap(), Some(("a".into(), "/p".into())));
    store.release(LeaseKind::Port, &a.id).unwrap();
    assert!(store.lease(LeaseKind::Port, key, Owner::Machine(&b.id)).unwrap());
}

#[test]
fn leases_and_the_environment_go_with_the_last_machine() {
    let (_folder, store) = store();
    let a = store.add_machine("e1", "a", "container").unwrap();
    store.lease(LeaseKind::Subnet, "10.1.0.0/24", Owner::Environment("e1")).unwrap();
    store.lease(LeaseKind::Address, "10.1.0.2", Owner::Machine(&a.id)).unwrap();
    store.remove_machine(&a.id).unwrap();
    assert_eq!(store.environment("e1").unwrap(), None);
    assert!(store.all_leases(LeaseKind::Subnet).unwrap().is_empty());
    assert!(store.all_leases(LeaseKind::Address).unwrap().is_empty());
}

#[test]
fn state_journal_and_provision_records_survive_reopening() {
    let (folder, store) = store();
    let a = store.add_machine("e1", "a", "container").unwrap();
    store.set_state(&a.id, MachineState::Running).unwrap();
    store.begin(&a.id, Operation::Start).unwrap();
    let record = ProvisionRecord { position: 0, label: "shell".into(), fingerprint: "f".into() };
    store.put_provision_record(&a.id, &record).unwrap();
    drop(store);
    let store = Store::open(&folder.path().join("home")).unwrap();
    assert_eq!(store.machine("e1", "a").unwrap().unwrap().state, "running");
    assert_eq!(store.unfinished(&a.id).unwrap(), Some(Operation::Start));
    assert_eq!(store.provision_records(&a.id).unwrap(), vec![record]);
    store.end(&a.id).unwrap();
    assert_eq!(store.unfinished(&a.id).unwrap(), None);
}

#[test]
fn an_operation_ends_with_all_that_it_changed() {
    let (_folder, store) = store();
    let a = store.add_machine("e1", "a", "container").unwrap();
    assert!(store.has_machines("e1").unwrap() && !store.has_machines("e2").unwrap());
    store.begin_start(&a.id, "{}", "[1]").unwrap();
    let record = store.machine("e1", "a").unwrap().unwrap();
    assert_eq!((record.spec.as_deref(), record.forwards.as_deref()), (Some("{}"), Some("[1]")));
    assert_eq!(store.unfinished(&a.id).unwrap(), Some(Operation::Start));
    store.finish(&a.id, MachineState::Running).unwrap();
    assert_eq!(store.machine("e1", "a").unwrap().unwrap().state, "running");
    assert_eq!(store.unfinished(&a.id).unwrap(), None);
    assert!(store.lease(LeaseKind::Port, "tcp/127.0.0.1/8080", Owner::Machine(&a.id)).unwrap());
    store.begin(&a.id, Operation::Stop).unwrap();
    store.finish_stopped(&a.id).unwrap();
    let record = store.machine("e1", "a").unwrap().unwrap();
    assert_eq!((record.state.as_str(), record.forwards.as_deref()), ("stopped", Some("[]")));
    assert!(store.all_leases(LeaseKind::Port).unwrap().is_empty());
    assert_eq!(store.unfinished(&a.id).unwrap(), None);
}

#[test]
fn two_connections_never_lease_the_same_port() {
    let (folder, store) = store();
    let home = folder.path().join("home");
    let a = store.add_machine("e1", "a", "container").unwrap().id;
    let b = store.add_machine("e1", "b", "container").unwrap().id;
    let take = |machine: String| {
        let home = home.clone();
        std::thread::spawn(move || {
            let store = Store::open(&home).unwrap();
            (0..200)
                .filter(|port| {
                    store.lease(LeaseKind::Port, &port.to_string(), Owner::Machine(&machine)).unwrap()
                })
                .count()
        })
    };
    let (first, second) = (take(a), take(b));
    assert_eq!(first.join().unwrap() + second.join().unwrap(), 200);
}

#[test]
fn closing_leaves_the_log_for_whoever_comes_next() {
    let (folder, store) = store();
    let made = store.add_machine("e1", "a", "container").unwrap();
    drop(store);
    let home = folder.path().join("home");
    // Copied into the file, it would be gone, and the disk been waited for.
    assert!(std::fs::metadata(home.join("state.sqlite-wal")).unwrap().len() > 0);
    let again = Store::open(&home).unwrap();
    assert_eq!(again.machine("e1", "a").unwrap().unwrap().id, made.id);
}
