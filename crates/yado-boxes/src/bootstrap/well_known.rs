//! Well-known box names whose content yado can make from a distribution's packages.

/// A suite of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suite {
    pub(crate) distribution: &'static str,
    pub(crate) suite: &'static str,
}

impl Suite {
    /// The distribution's name in a sentence.
    pub(crate) fn distribution_title(self) -> &'static str {
        match self.distribution {
            "debian" => "Debian",
            other => other,
        }
    }
}

/// Names and the suites of Debian that they stand for; architecture and vendor do not matter here.
const DEBIAN: &[(&str, &str)] = &[
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

/// The suite that a box name stands for.
pub(crate) fn suite(name: &str) -> Option<Suite> {
    let (_, suite) = DEBIAN.iter().find(|(known, _)| *known == name)?;
    Some(Suite { distribution: "debian", suite })
}

/// Every name in the table.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    DEBIAN.iter().map(|(name, _)| *name)
}
