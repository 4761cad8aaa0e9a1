//! [`Source`]: where a box comes from.

use std::path::{Path, PathBuf};

use crate::bootstrap::well_known;

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
    /// An archive to be downloaded: `http://`, `https://` or `file://`.
    Url(String),
}

impl Source {
    /// The source that an argument of `box add` stands for: `host`, a well-known box name, `bootstrap:debian/SUITE`
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
            .or_else(|| well_known::suite(text).map(|known| bootstrap(known.distribution, known.suite)))
    }

    /// The source that a `box_url`, an argument of `box add` or a box's name stands for, relative to `base`:
    /// a URL, or a file or directory that exists.
    pub fn recognize(text: &str, base: &Path) -> Option<Self> {
        if let Some(path) = text.strip_prefix("file://") {
            return Some(Self::of_path(&PathBuf::from(decode(path))));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Some(Self::Url(text.to_owned()));
        }
        let path = base.join(text);
        (!text.is_empty() && path.exists()).then(|| Self::of_path(&path))
    }

    fn of_path(path: &Path) -> Self {
        if path.is_dir() { Self::Directory(path.to_owned()) } else { Self::Archive(path.to_owned()) }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Directory(path) | Self::Archive(path) => write!(f, "{}", path.display()),
            Self::Bootstrap { distribution, suite } => write!(f, "bootstrap:{distribution}/{suite}"),
            Self::Url(url) => f.write_str(url),
        }
    }
}

/// Percent-decoding; what is no valid escape stays.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escape = (bytes[index] == b'%').then(|| text.get(index + 1..index + 3)).flatten();
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                index += 3;
            }
            None => {
                decoded.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
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
