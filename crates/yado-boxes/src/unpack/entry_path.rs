//! [`EntryPath`]: a path from an archive that has been looked at with suspicion.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// A relative path without `.` and `..`; empty for the root itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct EntryPath(OsString);

/// Why a path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It begins with `/`.
    #[error("is absolute")]
    Absolute,
    /// It has a component `..`.
    #[error("contains '..'")]
    Upwards,
    /// It has a NUL byte, or is longer than the kernel takes.
    #[error("is not a possible path")]
    Impossible,
}

impl EntryPath {
    /// The path that an archive names, or why it is refused.
    pub(crate) fn parse(raw: &[u8]) -> Result<Self, Refused> {
        if raw.starts_with(b"/") {
            return Err(Refused::Absolute);
        }
        if raw.contains(&0) || raw.len() > 4000 {
            return Err(Refused::Impossible);
        }
        let mut clean = Vec::with_capacity(raw.len());
        for component in raw.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => return Err(Refused::Upwards),
                name if name.len() > 255 => return Err(Refused::Impossible),
                name => {
                    if !clean.is_empty() {
                        clean.push(b'/');
                    }
                    clean.extend_from_slice(name);
                }
            }
        }
        Ok(Self(OsString::from_vec(clean)))
    }

    /// Whether it is the root itself.
    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The directory that it lies in, and its last component.
    pub(crate) fn split(&self) -> (Self, &OsStr) {
        let bytes = self.0.as_bytes();
        match bytes.iter().rposition(|byte| *byte == b'/') {
            Some(at) => {
                (Self(OsStr::from_bytes(&bytes[..at]).to_owned()), OsStr::from_bytes(&bytes[at + 1..]))
            }
            None => (Self::default(), &self.0),
        }
    }

    /// The path below this one.
    pub(crate) fn join(&self, name: &OsStr) -> Self {
        let mut joined = self.0.clone();
        if !joined.is_empty() {
            joined.push("/");
        }
        joined.push(name);
        Self(joined)
    }

    /// How many components it has.
    pub(crate) fn depth(&self) -> usize {
        self.as_path().components().count()
    }

    /// As a relative path.
    pub(crate) fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// As bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl From<&'static str> for EntryPath {
    /// For paths written in this program; those never have `..`.
    fn from(path: &'static str) -> Self {
        debug_assert!(!path.starts_with('/') && !path.contains(".."), "{path}");
        Self(path.into())
    }
}

impl std::fmt::Display for EntryPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_path().display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_out_are_refused_and_noise_is_dropped() {
        assert_eq!(EntryPath::parse(b"/etc/passwd"), Err(Refused::Absolute));
        assert_eq!(EntryPath::parse(b"a/../../b"), Err(Refused::Upwards));
        assert_eq!(EntryPath::parse(b".."), Err(Refused::Upwards));
        assert_eq!(EntryPath::parse(b"a\0b"), Err(Refused::Impossible));
        assert_eq!(EntryPath::parse(b"./a//b/").unwrap().as_bytes(), b"a/b");
        assert_eq!(EntryPath::parse(b"..a/b..").unwrap().as_bytes(), b"..a/b..");
        assert!(EntryPath::parse(b"./").unwrap().is_root());
    }

    #[test]
    fn splitting_gives_parent_and_name() {
        let path = EntryPath::parse(b"a/b/c").unwrap();
        assert_eq!(path.depth(), 3);
        let (parent, name) = path.split();
        assert_eq!((parent.as_bytes(), name), (&b"a/b"[..], OsStr::new("c")));
        assert_eq!(parent.join(name), path);
    }
}
