//! Well-known box names whose content yado can make from a distribution's packages.

use super::distribution::{DEBIAN, Distribution, UBUNTU};

/// A suite of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suite {
    pub(crate) distribution: &'static Distribution,
    pub(crate) suite: &'static str,
}

/// Names and the suites of Debian that they stand for; architecture and vendor do not matter here.
const OF_DEBIAN: &[(&str, &str)] = &[
    ("debian/bookworm64", "bookworm"),
    ("debian/bullseye64", "bullseye"),
    ("debian/trixie64", "trixie"),
    ("debian/forky64", "forky"),
    ("debian/testing64", "testing"),
    ("debian/sid64", "sid"),
    ("debian/contrib-bookworm64", "bookworm"),
    ("debian/contrib-bullseye64", "bullseye"),
    ("debian/contrib-testing64", "testing"),
    ("debian/bookworm", "bookworm"),
    ("debian/bullseye", "bullseye"),
    ("debian/trixie", "trixie"),
    ("generic/debian11", "bullseye"),
    ("generic/debian12", "bookworm"),
    ("generic-x64/debian11", "bullseye"),
    ("generic-x64/debian12", "bookworm"),
    ("roboxes/debian11", "bullseye"),
    ("roboxes/debian12", "bookworm"),
    ("bento/debian-11", "bullseye"),
    ("bento/debian-12", "bookworm"),
    ("bento/debian-13", "trixie"),
    ("cloud-image/debian-11", "bullseye"),
    ("cloud-image/debian-12", "bookworm"),
    ("cloud-image/debian-13", "trixie"),
    ("boxomatic/debian-11", "bullseye"),
    ("boxomatic/debian-12", "bookworm"),
    ("boxomatic/debian-13", "trixie"),
    ("alvistack/debian-12", "bookworm"),
    ("alvistack/debian-13", "trixie"),
];

/// Names and the suites of Ubuntu that they stand for.
const OF_UBUNTU: &[(&str, &str)] = &[
    ("ubuntu/focal64", "focal"),
    ("ubuntu/jammy64", "jammy"),
    ("ubuntu/noble64", "noble"),
    ("generic/ubuntu2004", "focal"),
    ("generic/ubuntu2204", "jammy"),
    ("generic-x64/ubuntu2004", "focal"),
    ("generic-x64/ubuntu2204", "jammy"),
    ("roboxes/ubuntu2004", "focal"),
    ("roboxes/ubuntu2204", "jammy"),
    ("bento/ubuntu-20.04", "focal"),
    ("bento/ubuntu-22.04", "jammy"),
    ("bento/ubuntu-24.04", "noble"),
    ("cloud-image/ubuntu-20.04", "focal"),
    ("cloud-image/ubuntu-22.04", "jammy"),
    ("cloud-image/ubuntu-24.04", "noble"),
    ("alvistack/ubuntu-22.04", "jammy"),
    ("alvistack/ubuntu-24.04", "noble"),
];

/// The suite that a box name stands for.
pub(crate) fn suite(name: &str) -> Option<Suite> {
    [(&DEBIAN, OF_DEBIAN), (&UBUNTU, OF_UBUNTU)].into_iter().find_map(|(distribution, names)| {
        let (_, suite) = names.iter().find(|(known, _)| *known == name)?;
        Some(Suite { distribution, suite })
    })
}

/// Every name in the tables.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    OF_DEBIAN.iter().chain(OF_UBUNTU).map(|(name, _)| *name)
}
