//! [`Reference`]: what `registry/name:tag` or `registry/name@digest` means.

use yado_core::{Error, ErrorKind, Result};

/// The name of an image in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Host and port.
    pub(crate) registry: String,
    /// The repository.
    pub(crate) name: String,
    /// `latest` when neither a tag nor a digest is given.
    pub(crate) tag: String,
    /// What counts when it is given.
    pub(crate) digest: Option<String>,
}

impl Reference {
    /// Reads a reference without the `oci:` before it. What names no registry is Docker's own.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(ErrorKind::Usage, format!("'oci:{text}' names no image: {why}."))
                .hinted("An image is named as in 'oci:registry.example/team/image:tag' or '…@sha256:DIGEST'.")
        };
        let text = text.strip_prefix("//").unwrap_or(text);
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        if digest.as_deref().is_some_and(|digest| !is_digest(digest)) {
            return Err(wrong("what follows the '@' is no digest"));
        }
        let (registry, rest) = match rest.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest.to_owned()),
            Some(_) => ("docker.io", rest.to_owned()),
            None => ("docker.io", format!("library/{rest}")),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) => (name.to_owned(), tag.to_owned()),
            None => (rest, "latest".to_owned()),
        };
        let is_plain = |text: &str, more: &[u8]| {
            !text.is_empty()
                && text.bytes().all(|byte| {
                    byte.is_ascii_alphanumeric() || b"._-".contains(&byte) || more.contains(&byte)
                })
        };
        if !is_plain(&name, b"/") || name.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
            return Err(wrong("its name has other letters than it may have"));
        }
        if !is_plain(&tag, b"") || !is_plain(registry, b":[]") {
            return Err(wrong("its registry or its tag has other letters than it may have"));
        }
        Ok(Self { registry: registry.to_owned(), name, tag, digest })
    }

    /// What is asked for in the registry.
    pub(crate) fn wanted(&self) -> &str {
        self.digest.as_deref().unwrap_or(&self.tag)
    }

    /// The host that answers for the registry.
    pub(crate) fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }

    /// Whether the registry is on this computer, where one without TLS is trusted.
    pub(crate) fn is_local(&self) -> bool {
        let host = self.registry.rsplit_once(':').map_or(self.registry.as_str(), |(host, _)| host);
        host == "localhost" || host == "[::1]" || host.starts_with("127.")
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "oci:{}/{}:{}", self.registry, self.name, self.tag)?;
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// Whether a text has the form of a digest.
pub(super) fn is_digest(text: &str) -> bool {
    let length = |kind: &str| if kind == "sha512" { 128 } else { 64 };
    text.split_once(':').is_some_and(|(kind, hex)| {
        matches!(kind, "sha256" | "sha512")
            && hex.len() == length(kind)
            && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_docker_reads_them() {
        let read = |text: &str| Reference::parse(text).unwrap().to_string();
        assert_eq!(read("localhost:5000/a/b:1.0"), "oci:localhost:5000/a/b:1.0");
        assert_eq!(read("debian"), "oci:docker.io/library/debian:latest");
        assert_eq!(read("team/image:x"), "oci:docker.io/team/image:x");
        assert_eq!(read("[::1]:5000/a"), "oci:[::1]:5000/a:latest");
        let digest = format!("sha256:{}", "0f".repeat(32));
        let pinned = Reference::parse(&format!("r.example/a:t@{digest}")).unwrap();
        assert_eq!((pinned.wanted(), pinned.tag.as_str()), (digest.as_str(), "t"));
        for wrong in ["", "r.example/", "r.example/../x", "a@sha256:00", "a:b c", "r.example//x", "a:../../x"]
        {
            assert!(Reference::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Reference::parse("127.0.0.1:5000/a").unwrap().is_local());
    }
}
