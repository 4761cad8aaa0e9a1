//! The packages that a mirror has: reading `Packages` files and choosing the ones that make a system.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead};

use yado_core::{Error, ErrorKind, Result};

use super::deb822::Paragraphs;
use super::relation::{self, Relation};

const FIELDS: &[&str] = &[
    "Package",
    "Version",
    "Architecture",
    "Priority",
    "Essential",
    "Depends",
    "Pre-Depends",
    "Provides",
    "Filename",
    "Size",
    "SHA256",
];

/// A package, as far as choosing and fetching it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Whether a system is not complete without it (`Priority: required` or `Essential: yes`).
    pub(crate) required: bool,
    /// `Pre-Depends` and `Depends`.
    depends: String,
    provides: String,
    /// Where it lies, from the mirror's root.
    pub(crate) filename: String,
    /// The mirror that has it.
    pub(crate) mirror: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its digest, lower-case hexadecimal.
    pub(crate) sha256: String,
}

/// What a mirror, or several, have.
#[derive(Debug, Default)]
pub(crate) struct Index {
    packages: HashMap<String, Package>,
    /// Virtual packages and who provides them.
    providers: HashMap<String, Vec<String>>,
}

impl Index {
    /// Adds the packages of a `Packages` file; of two versions the newer counts.
    pub(crate) fn read(&mut self, source: impl BufRead, mirror: &str) -> io::Result<()> {
        let mut paragraphs = Paragraphs::new(source, FIELDS);
        while let Some(paragraph) = paragraphs.next()? {
            let text = |field: &str| paragraph.get(field).unwrap_or("").to_owned();
            let package = Package {
                name: text("Package"),
                version: text("Version"),
                required: text("Priority") == "required" || text("Essential") == "yes",
                depends: text("Pre-Depends") + "," + paragraph.get("Depends").unwrap_or(""),
                provides: text("Provides"),
                filename: text("Filename"),
                mirror: mirror.to_owned(),
                size: text("Size").parse().unwrap_or(0),
                sha256: text("SHA256").to_ascii_lowercase(),
            };
            let is_usable = !package.name.is_empty()
                && package.sha256.len() == 64
                && package.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_newer = self
                .packages
                .get(&package.name)
                .is_none_or(|known| relation::compare(&package.version, &known.version).is_gt());
            if is_usable && is_newer {
                for group in relation::parse(&package.provides) {
                    for provided in group {
                        let providers = self.providers.entry(provided.name).or_default();
                        if !providers.contains(&package.name) {
                            providers.push(package.name.clone());
                        }
                    }
                }
                self.packages.insert(package.name.clone(), package);
            }
        }
        Ok(())
    }

    /// How many packages are known.
    pub(crate) fn len(&self) -> usize {
        self.packages.len()
    }

    /// The package of this name.
    pub(crate) fn package(&self, name: &str) -> Result<&Package> {
        self.packages
            .get(name)
            .ok_or_else(|| Error::new(ErrorKind::BoxImport, format!("The mirror has no package '{name}'.")))
    }

    /// The names of required packages.
    fn required(&self) -> Vec<&str> {
        self.packages
            .values()
            .filter(|package| package.required)
            .map(|package| package.name.as_str())
            .collect()
    }

    /// The required packages and what they depend on: enough to run the package manager.
    pub(crate) fn core(&self, preferred: &[&str]) -> Result<Vec<Package>> {
        self.select(self.required(), preferred)
    }

    /// The required packages, the `wanted` ones, and what they depend on.
    pub(crate) fn system(&self, wanted: &[&str], preferred: &[&str]) -> Result<Vec<Package>> {
        let mut names = self.required();
        names.extend(wanted);
        self.select(names, preferred)
    }

    /// `names`, those of `preferred` that exist, and everything that they depend on, sorted by name.
    fn select(&self, names: Vec<&str>, preferred: &[&str]) -> Result<Vec<Package>> {
        let mut chosen: BTreeMap<&str, &Package> = BTreeMap::new();
        let mut open: Vec<&Package> = Vec::new();
        let preferred = preferred.iter().copied().filter(|name| self.packages.contains_key(*name));
        let mut names: Vec<&str> = names.into_iter().chain(preferred).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let package = self.package(name)?;
            chosen.insert(&package.name, package);
            open.push(package);
        }
        while let Some(package) = open.pop() {
            for group in relation::parse(&package.depends) {
                if group.iter().any(|relation| self.satisfied(relation, &chosen)) {
                    continue;
                }
                let next = group
                    .iter()
                    .find_map(|relation| self.candidate(relation).map(|package| package.name.clone()))
                    .and_then(|name| self.packages.get(&name))
                    .ok_or_else(|| {
                        Error::new(
                            ErrorKind::BoxImport,
                            format!(
                                "The package '{}' needs '{}', which the mirror does not have.",
                                package.name, group[0].name
                            ),
                        )
                    })?;
                chosen.insert(&next.name, next);
                open.push(next);
            }
        }
        Ok(chosen.into_values().cloned().collect())
    }

    fn satisfied(&self, relation: &Relation, chosen: &BTreeMap<&str, &Package>) -> bool {
        chosen.get(relation.name.as_str()).is_some_and(|package| relation.allows(&package.version))
            || self.provided_by(relation).any(|package| chosen.contains_key(package.name.as_str()))
    }

    /// The package to take for a relation: the one of that name, else the provider whose name comes first.
    fn candidate<'a>(&'a self, relation: &'a Relation) -> Option<&'a Package> {
        let direct = self.packages.get(&relation.name).filter(|package| relation.allows(&package.version));
        direct.or_else(|| self.provided_by(relation).min_by_key(|package| &package.name))
    }

    fn provided_by<'a>(&'a self, relation: &'a Relation) -> impl Iterator<Item = &'a Package> {
        let names = self.providers.get(&relation.name).map_or(&[][..], Vec::as_slice);
        names.iter().filter_map(|name| self.packages.get(name)).filter(|package| {
            relation.bound.is_none()
                || relation::parse(&package.provides).iter().flatten().any(|provided| {
                    provided.name == relation.name
                        && provided.bound.as_ref().is_some_and(|(_, version)| relation.allows(version))
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(text: &str) -> Index {
        let mut index = Index::default();
        let text = text.replace("\n\n", &format!("\nSHA256: {}\n\n", "a".repeat(64)));
        index.read(text.as_bytes(), "http://mirror").unwrap();
        index
    }

    fn names(packages: Vec<Package>) -> Vec<String> {
        packages.into_iter().map(|package| package.name).collect()
    }

    #[test]
    fn required_packages_bring_their_dependencies_and_nothing_else() {
        let index = index(
            "Package: base\nVersion: 1\nPriority: required\nPre-Depends: awk\nDepends: lib (>= 2), merged | merge-tool\n\n\
             Package: mawk\nVersion: 1\nPriority: required\nProvides: awk\n\n\
             Package: gawk\nVersion: 1\nProvides: awk\n\n\
             Package: lib\nVersion: 2.1\n\n\
             Package: merged\nVersion: 1\n\nPackage: merge-tool\nVersion: 1\nDepends: perl\n\n\
             Package: perl\nVersion: 5\n\nPackage: tool\nVersion: 1\nDepends: mail-transport\n\n\
             Package: zmail\nVersion: 1\nProvides: mail-transport\n\nPackage: amail\nVersion: 1\nProvides: mail-transport\n\n",
        );
        assert_eq!(names(index.core(&[]).unwrap()), ["base", "lib", "mawk", "merged"]);
        assert_eq!(
            names(index.core(&["merge-tool", "absent"]).unwrap()),
            ["base", "lib", "mawk", "merge-tool", "perl"]
        );
        assert_eq!(
            names(index.system(&["tool"], &[]).unwrap()),
            ["amail", "base", "lib", "mawk", "merged", "tool"]
        );
    }

    #[test]
    fn of_two_versions_the_newer_counts_and_too_old_ones_do_not_satisfy() {
        let index = index(
            "Package: a\nVersion: 1-1\nPriority: required\nDepends: b (>= 2)\n\nPackage: b\nVersion: 1.9\n\n\
             Package: a\nVersion: 1-2\nPriority: required\nDepends: b (>= 1)\n\nPackage: a\nVersion: 1-1.5\n\n",
        );
        assert_eq!(index.core(&[]).unwrap()[0].version, "1-2");
        let index = super::tests::index(
            "Package: a\nVersion: 1\nEssential: yes\nDepends: b (>= 2)\n\nPackage: b\nVersion: 1.9\n\n",
        );
        let error = index.core(&[]).unwrap_err();
        assert!(error.message().contains("'a' needs 'b'"), "{error}");
    }

    #[test]
    fn a_package_without_a_digest_does_not_exist() {
        let mut index = Index::default();
        index.read(&b"Package: a\nVersion: 1\nSHA256: ../../x\n\n"[..], "m").unwrap();
        assert_eq!(index.len(), 0);
    }
}
