//! [`Address`]: a URL as far as fetching it needs: whom it leads to, and where a redirect from it goes.

use base64::Engine as _;

/// An `http` or `https` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    scheme: String,
    /// `user:password`, decoded.
    user: Option<String>,
    /// Host and port as given.
    authority: String,
    /// Path and query, beginning with `/`.
    path: String,
}

impl Address {
    /// Reads a URL; says what is wrong with it otherwise.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("'{url}' {why}");
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("is no URL"))?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(wrong("is neither http nor https"));
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(decode(user)), host),
            None => (None, authority),
        };
        if authority.is_empty() {
            return Err(wrong("names no host"));
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { scheme, user, authority: authority.to_ascii_lowercase(), path })
    }

    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host without the port.
    pub(crate) fn host(&self) -> &str {
        match self.authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => self.authority.split(':').next().unwrap_or_default(),
        }
    }

    /// Whom credentials for this URL are meant for: scheme, host and port.
    pub(crate) fn origin(&self) -> (String, String) {
        let port = if self.scheme == "https" { ":443" } else { ":80" };
        let authority = self.authority.strip_suffix(port).unwrap_or(&self.authority);
        (self.scheme.clone(), authority.to_owned())
    }

    /// The `Authorization` header that the user and password in the URL stand for.
    pub(crate) fn authorization(&self) -> Option<String> {
        self.user.as_deref().map(basic)
    }

    /// Where a redirect from here to `location` leads.
    pub(crate) fn join(&self, location: &str) -> Result<Self, String> {
        if location.contains("://") {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme));
        }
        let path = if location.starts_with('/') {
            location.to_owned()
        } else {
            let path = self.path.split('?').next().unwrap_or("/");
            let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
            format!("{folder}{location}")
        };
        Ok(Self { path, ..self.clone() })
    }
}

impl std::fmt::Display for Address {
    /// Without user and password: this is what is sent, logged and shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

/// `user:password` as an `Authorization` header.
pub(crate) fn basic(user: &str) -> String {
    format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(user))
}

/// Percent-decoding; what is no valid escape stays.
pub(crate) fn decode(text: &str) -> String {
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
    fn credentials_are_taken_out_of_the_url_and_belong_to_its_origin() {
        let address = Address::parse("HTTPS://us%40er:pw@Example.org:443/a/b?c#d").unwrap();
        assert_eq!(address.to_string(), "https://example.org:443/a/b?c");
        assert_eq!(address.authorization().unwrap(), "Basic dXNAZXI6cHc=");
        assert_eq!(address.origin(), Address::parse("https://example.org/x").unwrap().origin());
        assert_ne!(address.origin(), Address::parse("http://example.org/x").unwrap().origin());
        assert_eq!(Address::parse("http://[::1]:5000/").unwrap().host(), "::1");
        for wrong in ["x", "ftp://h/", "http:///p"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn redirects_are_followed_from_where_one_is() {
        let from = Address::parse("http://u:p@h/a/b?q").unwrap();
        let joined = |location: &str| from.join(location).unwrap().to_string();
        assert_eq!(joined("https://other/x"), "https://other/x");
        assert_eq!(joined("//other/x"), "http://other/x");
        assert_eq!(joined("/x?y"), "http://h/x?y");
        assert_eq!(joined("c"), "http://h/a/c");
        assert!(from.join("/x").unwrap().authorization().is_some());
        assert!(from.join("http://other/").unwrap().authorization().is_none());
    }
}
