//! [`Distribution`]: what making a system needs to know of a distribution. What all of them share is in the other
//! files here.

use yado_core::{Error, ErrorKind, Result};

use crate::platform;

/// A distribution whose systems are made from packages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Distribution {
    /// As in `bootstrap:NAME/SUITE` and as `ID` in `/etc/os-release`.
    pub(crate) name: &'static str,
    /// Its name in a sentence.
    pub(crate) title: &'static str,
    /// Names a mirror where the host's apt does not.
    pub(crate) mirror_variable: &'static str,
    /// Suites by which the host's apt sources are known to be this distribution's.
    pub(super) suites: &'static [&'static str],
    /// The ends of addresses of the main archive.
    pub(super) archives: &'static [&'static str],
    /// Where the security archive lies beside the main one; the main one has those suites itself when there is none.
    pub(super) security: Option<&'static str>,
    /// Where the distribution's own package puts its keys, on any host.
    pub(super) keyrings: &'static [&'static str],
    /// The package that has them.
    pub(super) keyring_package: &'static str,
    /// What the system's apt is to know of the archive.
    pub(super) components: &'static str,
}

/// Debian.
pub(crate) static DEBIAN: Distribution = Distribution {
    name: "debian",
    title: "Debian",
    mirror_variable: "YADO_DEBIAN_MIRROR",
    suites: &[
        "bullseye",
        "bookworm",
        "trixie",
        "forky",
        "sid",
        "oldoldstable",
        "oldstable",
        "stable",
        "testing",
        "unstable",
    ],
    archives: &["/debian"],
    security: Some("-security"),
    keyrings: &[
        "usr/share/keyrings/debian-archive-keyring.gpg",
        "usr/share/keyrings/debian-archive-keyring.pgp",
    ],
    keyring_package: "debian-archive-keyring",
    components: "main",
};

/// Ubuntu.
pub(crate) static UBUNTU: Distribution = Distribution {
    name: "ubuntu",
    title: "Ubuntu",
    mirror_variable: "YADO_UBUNTU_MIRROR",
    suites: &["bionic", "focal", "jammy", "noble", "plucky", "questing", "resolute", "devel"],
    archives: &["/ubuntu", "/ubuntu-ports"],
    security: None,
    keyrings: &[
        "usr/share/keyrings/ubuntu-archive-keyring.gpg",
        "usr/share/keyrings/ubuntu-archive-keyring.pgp",
    ],
    keyring_package: "ubuntu-keyring",
    components: "main restricted universe multiverse",
};

static ALL: [&Distribution; 2] = [&DEBIAN, &UBUNTU];

impl Distribution {
    /// The distribution of this name.
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        ALL.into_iter().find(|known| known.name == name).ok_or_else(|| {
            let names: Vec<String> = ALL.iter().map(|known| format!("'{}'", known.name)).collect();
            Error::new(
                ErrorKind::BoxNotFound,
                format!("yado cannot make systems of the distribution '{name}' from packages."),
            )
            .hinted(format!("It can for {}.", names.join(" and ")))
        })
    }

    /// The archive that is used where neither the host's apt nor the user names one: whoever runs Debian has no source
    /// of Ubuntu's. What comes from there is verified as anywhere.
    pub(super) fn archive(&self) -> Option<&'static str> {
        match (self.name, platform::architecture()) {
            ("ubuntu", "amd64" | "i386") => Some("http://archive.ubuntu.com/ubuntu"),
            ("ubuntu", _) => Some("http://ports.ubuntu.com/ubuntu-ports"),
            _ => None,
        }
    }

    /// The package of the kernel that is made for virtual machines, or else of the one for everything.
    pub(super) fn kernel_package(&self) -> &'static str {
        match (self.name, platform::architecture()) {
            ("ubuntu", _) => "linux-image-virtual",
            (_, "amd64") => "linux-image-cloud-amd64",
            (_, "arm64") => "linux-image-cloud-arm64",
            (_, "armhf") => "linux-image-armmp",
            (_, "ppc64el") => "linux-image-powerpc64le",
            (_, "s390x") => "linux-image-s390x",
            (_, "riscv64") => "linux-image-riscv64",
            _ => "linux-image-686-pae",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_distribution_is_refused_with_those_that_are_known() {
        assert_eq!(Distribution::named("ubuntu").unwrap().title, "Ubuntu");
        let error = Distribution::named("slackware").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BoxNotFound);
        assert_eq!(error.hints(), ["It can for 'debian' and 'ubuntu'."]);
    }
}
