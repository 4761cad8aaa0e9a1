//! Real Vagrantfiles of other projects, where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod collection;
mod compare;
#[path = "../../yado-container/tests/support/skipped.rs"]
mod skipped;

use std::path::{Path, PathBuf};

use collection::collection;
use compare::{compare, configuration, named};
use serde_json::Value;

/// The cases that are read otherwise than Vagrant reads them, each with its reason in docs/vagrantfile.md. The test
/// trusts none: those that write or run programs cannot be among the others.
const DIFFERING: &[&str] = &["201-eli-pavlov-vagrant-kubernetes-EZ"];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(entry.path().read_link().unwrap(), target).unwrap();
        } else if !["expected.json", "case.json", "source.txt"].iter().any(|ours| entry.file_name() == *ours)
        {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Whether one case is read as Vagrant reads it; `None` when it does not count.
fn agrees(case: &Path, home: &Path) -> Option<bool> {
    let facts: Value = serde_json::from_str(&std::fs::read_to_string(case.join("case.json")).ok()?).ok()?;
    if facts["host_dependent"] == Value::Bool(true) {
        return None;
    }
    let want: Value =
        serde_json::from_str(&std::fs::read_to_string(case.join("expected.json")).ok()?).ok()?;
    let room = tempfile::tempdir().unwrap();
    let root = room.path().join("p1/p2").join(case.file_name()?);
    copy(case, &root);
    let source = std::fs::read_to_string(case.join("source.txt")).unwrap_or_default();
    let below = source.lines().find_map(|line| line.strip_prefix("dir: ")).unwrap_or(".").trim().to_owned();
    let folder = if below == "." { root.clone() } else { root.join(below) };
    let got = configuration(&folder, home);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let places = [
        (text(&root), "${CASE}"),
        (text(&room.path().join("p1/p2")), "${CASE}/.."),
        (text(&room.path().join("p1")), "${CASE}/../.."),
        (text(home), "${HOME}"),
        (text(room.path()), "${CASE}/../../.."),
    ];
    Some(compare(&named(&want, &[]), &named(&got, &places), false).is_empty())
}

#[test]
fn real_vagrantfiles_are_read_as_vagrant_reads_them() {
    let corpus = match collection() {
        Ok(corpus) => corpus,
        Err(reason) => return skipped::because("corpus", &reason),
    };
    let home = corpus.join("home");
    let mut cases: Vec<PathBuf> =
        corpus.join("open").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let (mut good, mut all, mut differing) = (0, 0, Vec::new());
    for case in cases {
        if let Some(same) = agrees(&case, &home) {
            all += 1;
            good += usize::from(same);
            if !same {
                differing.push(case.file_name().unwrap_or_default().to_string_lossy().into_owned());
            }
        }
    }
    println!("{good} of {all} agree; not: {}", differing.join(" "));
    assert!(all >= 100, "the collection is whole");
    assert_eq!(differing, DIFFERING, "{good} of {all} agree");
}
