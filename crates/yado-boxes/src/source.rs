//! [`Source`]: where a box comes from.

use std::path::{Path, PathBuf};

use crate::bootstrap::well_known;
use crate::catalogue::{Catalogue, LARGEST};
use crate::fetch::Address;

/// Where a box comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// This machine's own `/usr` with a generated rest.
    Host,
    /// A directory that holds a root file system.
    Directory(PathBuf),
    /// A root file system as tar archive, or a `.box` that has one; compressed or not.
    Archive(PathBuf),
    /// Made from a distribution's packages.
    Bootstrap {
        /// Such as `debian`.
        distribution: String,
        /// Such as `bookworm`.
        suite: String,
    },
    /// An archive or a catalogue to be downloaded: `http://` or `https://`.
    Url(String),
    /// A catalogue in a file.
    Catalogue(PathBuf),
    /// An image of containers in a registry, without the `oci:` before it.
    Oci(String),
    /// A folder that is an image of containers in OCI's layout.
    OciLayout(PathBuf),
    /// A name that a catalogue server may know, such as `org/box`.
    Named(String),
}

impl Source {
    /// The source that an argument of `box add` stands for: `host`, a well-known box name, `bootstrap:DISTRIBUTION/SUITE`
    /// or what [`Source::recognize`] knows.
    pub fn find(text: &str, base: &Path) -> Option<Self> {
        if text == crate::host::NAME {
            return Some(Self::Host);
        }
        let bootstrap = |distribution: &str, suite: &str| Self::Bootstrap {
            distribution: distribution.to_owned(),
            suite: suite.to_owned(),
        };
        if let Some((distribution, suite)) =
            text.strip_prefix("bootstrap:").and_then(|rest| rest.split_once('/'))
        {
            return Some(bootstrap(distribution, suite));
        }
        Self::recognize(text, base)
            .or_else(|| well_known::suite(text).map(|known| bootstrap(known.distribution.name, known.suite)))
            .or_else(|| is_box_name(text).then(|| Self::Named(text.to_owned())))
    }

    /// The source that a `box_url`, an argument of `box add` or a box's name stands for, relative to `base`:
    /// a URL, or a file or directory that exists.
    pub fn recognize(text: &str, base: &Path) -> Option<Self> {
        if let Some(path) = text.strip_prefix("file://") {
            return Some(Self::of_path(&PathBuf::from(crate::fetch::decode(path))));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Some(Self::Url(text.to_owned()));
        }
        if let Some(reference) = text.strip_prefix("oci:") {
            return Some(Self::Oci(reference.to_owned()));
        }
        let path = base.join(text);
        (!text.is_empty() && path.exists()).then(|| Self::of_path(&path))
    }

    fn of_path(path: &Path) -> Self {
        let is_catalogue = || {
            path.metadata().is_ok_and(|data| data.len() <= LARGEST)
                && std::fs::File::open(path).is_ok_and(starts_like_json)
                && std::fs::read(path).is_ok_and(|text| Catalogue::is_one(&text))
        };
        match () {
            () if crate::oci::is_layout(path) => Self::OciLayout(path.to_owned()),
            () if path.is_dir() => Self::Directory(path.to_owned()),
            () if is_catalogue() => Self::Catalogue(path.to_owned()),
            () => Self::Archive(path.to_owned()),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Directory(path) | Self::Archive(path) | Self::Catalogue(path) | Self::OciLayout(path) => {
                write!(f, "{}", path.display())
            }
            Self::Bootstrap { distribution, suite } => write!(f, "bootstrap:{distribution}/{suite}"),
            Self::Oci(reference) => write!(f, "oci:{reference}"),
            Self::Url(url) => f.write_str(&shown(url)),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// Whether a text has the form of a name in a catalogue: `org/box`.
pub(crate) fn is_box_name(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name) && !owner.starts_with('.'))
}

/// A URL without user and password, which nobody is to find in a list of boxes.
fn shown(url: &str) -> String {
    Address::parse(url).map_or_else(|_| url.to_owned(), |address| address.to_string())
}

/// Boxes are not text; only what may be JSON is read as a whole.
fn starts_like_json(mut file: std::fs::File) -> bool {
    use std::io::Read;
    let mut start = [0; 16];
    let read = file.read(&mut start).unwrap_or(0);
    start[..read].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_files_and_directories_are_recognized_and_names_are_not() {
        let base = tempfile::tempdir().unwrap();
        std::fs::write(base.path().join("a b.tar"), "").unwrap();
        let path = base.path().join("a b.tar");
        let recognize = |text: &str| Source::recognize(text, base.path());
        assert_eq!(recognize("a b.tar"), Some(Source::Archive(path.clone())));
        assert_eq!(
            recognize(&format!("file://{}/a%20b.tar", base.path().display())),
            Some(Source::Archive(path))
        );
        assert_eq!(recognize("."), Some(Source::Directory(base.path().join("."))));
        assert_eq!(recognize("https://x/y.box"), Some(Source::Url("https://x/y.box".into())));
        assert_eq!(recognize("debian/bookworm64"), None);
        let bookworm = Source::Bootstrap { distribution: "debian".into(), suite: "bookworm".into() };
        for text in ["debian/bookworm64", "generic/debian12", "bootstrap:debian/bookworm"] {
            assert_eq!(Source::find(text, base.path()), Some(bookworm.clone()));
        }
        assert_eq!(Source::find("host", base.path()), Some(Source::Host));
    }
}
