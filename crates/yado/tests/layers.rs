//! The layering: which crate may use which, checked against the manifests and the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each crate may use of ours (`ARCHITECTURE.md`).
const ALLOWED: &[(&str, &[&str])] = &[
    ("yado-core", &[]),
    ("yado-ruby", &[]),
    ("yado-container", &[]),
    ("yado-boxes", &["yado-core"]),
    ("yado-vagrantfile", &["yado-core", "yado-ruby"]),
    ("yado-plugins", &["yado-core", "yado-boxes", "yado-container"]),
    ("yado-compare", &["yado-core"]),
    (
        "yado",
        &["yado-core", "yado-vagrantfile", "yado-boxes", "yado-container", "yado-plugins", "yado-compare"],
    ),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates/").to_owned()
}

/// The crates of ours in a manifest's `[dependencies]`.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.starts_with("yado"))
        .map(|line| line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned())
        .collect()
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            found.push((path, text));
        }
    }
    found
}

#[test]
fn every_crate_uses_only_what_its_layer_may_use() {
    for entry in std::fs::read_dir(crates()).expect("crates/").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let manifest = std::fs::read_to_string(entry.path().join("Cargo.toml")).expect("a manifest");
        let allowed = ALLOWED
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("'{name}' has no line in the table of layers"));
        for used in dependencies(&manifest) {
            assert!(allowed.1.contains(&used.as_str()), "'{name}' must not use '{used}'");
        }
    }
}

#[test]
fn only_the_container_provider_and_the_networks_of_this_host_know_the_engine() {
    let source = crates().join("yado-plugins/src");
    for (path, text) in sources(&source) {
        let within = ["providers/container", "providers/networks"]
            .iter()
            .any(|part| path.starts_with(source.join(part)));
        assert!(within || !text.contains("yado_container"), "{} must not know the engine", path.display());
    }
}

#[test]
fn no_plugin_imports_a_sibling() {
    for group in ["providers", "provisioners"] {
        let folder = crates().join("yado-plugins/src").join(group);
        for (path, text) in sources(&folder) {
            for other in
                ["providers", "provisioners", "communicators"].iter().filter(|other| **other != group)
            {
                assert!(!text.contains(&format!("crate::{other}::")), "{} imports {other}", path.display());
            }
        }
    }
}

#[test]
fn every_source_file_says_what_it_is_for_and_stays_readable() {
    for entry in std::fs::read_dir(crates()).expect("crates/").flatten() {
        for (path, text) in sources(&entry.path().join("src")) {
            assert!(text.starts_with("//!"), "{} does not open with a module comment", path.display());
            assert!(text.lines().count() <= 500, "{} has {} lines", path.display(), text.lines().count());
        }
    }
}

#[test]
fn libraries_do_not_print() {
    for name in ALLOWED.iter().map(|(name, _)| name).filter(|name| **name != "yado") {
        for (path, text) in sources(&crates().join(name).join("src")) {
            if path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests") {
                continue;
            }
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in ["println!(", "eprintln!(", "print!(", "dbg!("] {
                let printed =
                    product.lines().any(|line| line.contains(word) && !line.trim_start().starts_with("//"));
                assert!(!printed, "{} prints with {word}", path.display());
            }
        }
    }
}
