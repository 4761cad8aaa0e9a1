//! The host's own apt configuration: which mirror it uses, which keys it trusts, which proxy is in between.

use std::path::{Path, PathBuf};

use super::deb822;
use super::distribution::Distribution;
use crate::fetch::Proxies;

/// A source of binary packages that the host uses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    uri: String,
    suites: Vec<String>,
    components: Vec<String>,
    signed_by: Vec<PathBuf>,
}

/// Mirrors of a distribution and how to reach and trust them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// Whose they are.
    pub(crate) distribution: &'static Distribution,
    /// The main archive, without a final slash; `None` when nothing says where it is.
    pub(crate) mirror: Option<String>,
    /// The security archive.
    pub(crate) security: Option<String>,
    /// Keyrings that its signatures are checked with, those that exist.
    pub(crate) keyrings: Vec<PathBuf>,
    /// Proxies.
    pub(crate) proxies: Proxies,
    /// Whether descriptions that have expired are refused; mirrors of the past need that switched off.
    pub(crate) refuse_expired: bool,
}

impl Configuration {
    /// What the host whose root directory is `host` says of a distribution.
    pub(crate) fn read(host: &Path, distribution: &'static Distribution) -> Self {
        let entries = entries(&host.join("etc/apt"));
        let is_web = |entry: &&Entry| {
            ["http://", "https://", "file:"].iter().any(|scheme| entry.uri.starts_with(scheme))
        };
        let main = entries.iter().filter(is_web).find(|entry| is_main(entry, distribution));
        let security = entries.iter().filter(is_web).find(|entry| is_security(entry, distribution));
        let plain = |uri: &str| uri.trim_end_matches('/').to_owned();
        let uri = |entry: Option<&Entry>| entry.map(|entry| plain(&entry.uri));
        let named = std::env::var(distribution.mirror_variable).ok().map(|uri| plain(&uri));
        let mirror = uri(main).or(named).or_else(|| distribution.archive().map(str::to_owned));
        // Mirrors keep both archives side by side, or in one.
        let beside = |mirror: &String| match distribution.security {
            None => Some(mirror.clone()),
            Some(ending) => {
                let is_named_as_usual = distribution.archives.iter().any(|name| mirror.ends_with(name));
                is_named_as_usual.then(|| format!("{mirror}{ending}"))
            }
        };
        let security_mirror = uri(security).or_else(|| mirror.as_ref().and_then(beside));
        let mut keyrings: Vec<PathBuf> =
            [main, security].into_iter().flatten().flat_map(|entry| entry.signed_by.clone()).collect();
        keyrings.extend(distribution.keyrings.iter().map(|keyring| host.join(keyring)));
        keyrings.sort();
        keyrings.dedup();
        keyrings.retain(|path| path.is_file());
        let settings = all_settings(&host.join("etc/apt"));
        let is_off = |value: &str| matches!(value, "false" | "no" | "0" | "off" | "without" | "disable");
        Self {
            distribution,
            mirror,
            security: security_mirror,
            keyrings,
            refuse_expired: last(&settings, "acquire::check-valid-until").is_none_or(|value| !is_off(value)),
            proxies: proxies(&settings),
        }
    }
}

/// Suites of the main archive have the distribution's names; other distributions' and vendors' do not.
fn is_main(entry: &Entry, distribution: &Distribution) -> bool {
    let uri = entry.uri.trim_end_matches('/');
    entry.suites.iter().any(|suite| distribution.suites.contains(&suite.as_str()))
        && entry.components.iter().any(|component| component == "main")
        && distribution.archives.iter().any(|name| uri.ends_with(name))
}

fn is_security(entry: &Entry, distribution: &Distribution) -> bool {
    let uri = entry.uri.trim_end_matches('/');
    match distribution.security {
        Some(ending) => uri.ends_with(&format!("{}{ending}", distribution.name)),
        None => {
            entry.suites.iter().any(|suite| suite.ends_with("-security"))
                && distribution.archives.iter().any(|name| uri.ends_with(name))
        }
    }
}

/// The enabled binary sources in `sources.list` and `sources.list.d`.
fn entries(apt: &Path) -> Vec<Entry> {
    let mut found = Vec::new();
    for path in configuration_files(&apt.join("sources.list"), &apt.join("sources.list.d")) {
        let Ok(text) = std::fs::read(&path) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => found.extend(deb822::parse(&text).iter().flat_map(from_paragraph)),
            Some("list") => found.extend(String::from_utf8_lossy(&text).lines().filter_map(from_line)),
            _ => {}
        }
    }
    found
}

/// A file, then the files of a directory by name.
fn configuration_files(file: &Path, directory: &Path) -> Vec<PathBuf> {
    let mut paths = vec![file.to_owned()];
    if let Ok(entries) = std::fs::read_dir(directory) {
        let mut more: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        more.sort();
        paths.extend(more);
    }
    paths
}

/// `Signed-By` may also be a key itself or a fingerprint; only files are of use here.
fn key_files(value: &str) -> Vec<PathBuf> {
    value.split([',', ' ', '\n']).filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

fn from_paragraph(paragraph: &deb822::Paragraph) -> Vec<Entry> {
    let is_off = paragraph.get("Enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"));
    if is_off || !paragraph.words("Types").iter().any(|kind| kind == "deb") {
        return Vec::new();
    }
    let entry = |uri: String| Entry {
        uri,
        suites: paragraph.words("Suites"),
        components: paragraph.words("Components"),
        signed_by: key_files(paragraph.get("Signed-By").unwrap_or("")),
    };
    paragraph.words("URIs").into_iter().map(entry).collect()
}

/// `deb [options] uri suite component…`
fn from_line(line: &str) -> Option<Entry> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
    let mut signed_by = Vec::new();
    if let Some(inner) = rest.strip_prefix('[') {
        let (options, after) = inner.split_once(']')?;
        for option in options.split_whitespace() {
            if let Some(value) = option.strip_prefix("signed-by=") {
                signed_by = key_files(value);
            }
        }
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = (words.next()?, words.next()?);
    Some(Entry { uri, suites: vec![suite], components: words.collect(), signed_by })
}

/// `Acquire::http::Proxy` and its like. A proxy without an address means none.
fn proxies(settings: &[(String, String)]) -> Proxies {
    let proxy = |name: &str| {
        last(settings, name)
            .map(|value| if value.is_empty() { "DIRECT".to_owned() } else { value.to_owned() })
    };
    Proxies { http: proxy("acquire::http::proxy"), https: proxy("acquire::https::proxy") }
}

/// The value that counts: settings made later win. Names are compared without case.
fn last<'a>(settings: &'a [(String, String)], name: &str) -> Option<&'a str> {
    settings.iter().rfind(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// The settings of `apt.conf.d` and `apt.conf`, in the order in which they are made.
fn all_settings(apt: &Path) -> Vec<(String, String)> {
    let mut paths = configuration_files(&apt.join("apt.conf"), &apt.join("apt.conf.d"));
    // apt reads its single file after those in the directory.
    paths.rotate_left(1);
    let texts = paths.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    texts.flat_map(|text| settings(&text)).collect()
}

/// Names (with scopes joined by `::`) and values of an apt configuration file.
fn settings(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut scopes: Vec<String> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut letters = text.chars().peekable();
    let full = |scopes: &[String], name: &str| {
        scopes
            .iter()
            .map(String::as_str)
            .chain([name])
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("::")
    };
    while let Some(letter) = letters.next() {
        match letter {
            '/' if letters.peek() == Some(&'/') => {
                while letters.next_if(|letter| *letter != '\n').is_some() {}
            }
            '#' => while letters.next_if(|letter| *letter != '\n').is_some() {},
            '/' if letters.peek() == Some(&'*') => {
                let mut before = ' ';
                for letter in letters.by_ref() {
                    if before == '*' && letter == '/' {
                        break;
                    }
                    before = letter;
                }
            }
            '"' => words.push(letters.by_ref().take_while(|letter| *letter != '"').collect()),
            '{' => scopes.push(words.pop().unwrap_or_default()),
            '}' => drop(scopes.pop()),
            ';' => {
                if let [name, value] = &words[..] {
                    found.push((full(&scopes, name), value.clone()));
                }
                words.clear();
            }
            letter if letter.is_whitespace() => {}
            letter => {
                let mut word = String::from(letter);
                while let Some(letter) =
                    letters.next_if(|letter| !letter.is_whitespace() && !"\"{};".contains(*letter))
                {
                    word.push(letter);
                }
                words.push(word);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::distribution::{DEBIAN, UBUNTU};

    fn host(files: &[(&str, &str)]) -> tempfile::TempDir {
        let host = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = host.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        host
    }

    #[test]
    fn a_host_without_configuration_has_no_mirror_until_one_is_named() {
        let host = host(&[(DEBIAN.keyrings[0], "")]);
        let found = Configuration::read(host.path(), &DEBIAN);
        assert_eq!((found.mirror, found.security), (None, None));
        assert_eq!(found.keyrings, [host.path().join(DEBIAN.keyrings[0])]);
        assert_eq!(found.proxies, Proxies::default());
    }

    #[test]
    fn both_formats_of_sources_are_read_and_other_vendors_ignored() {
        let lines = host(&[(
            "etc/apt/sources.list",
            "# deb http://old/debian bookworm main\ndeb https://vendor/apt stable main\ndeb cdrom:[x]/ bookworm main\n\
             deb-src http://src/debian bookworm main\n\
             deb [arch=amd64 signed-by=/dev/null] http://near/debian/ bookworm main contrib # near\n\
             deb http://safe/debian-security bookworm-security main\n",
        )]);
        let found = Configuration::read(lines.path(), &DEBIAN);
        assert_eq!(
            (found.mirror.as_deref(), found.security.as_deref()),
            (Some("http://near/debian"), Some("http://safe/debian-security"))
        );
        let paragraphs = host(&[
            (
                "etc/apt/sources.list.d/a.sources",
                "Enabled: no\nTypes: deb\nURIs: http://off/debian\nSuites: trixie\nComponents: main\n",
            ),
            (
                "etc/apt/sources.list.d/b.sources",
                "Types: deb deb-src\n# comment\nURIs: http://near/debian\nSuites: trixie trixie-updates\nComponents: main\nSigned-By:\n -----BEGIN\n",
            ),
        ]);
        let beside = Configuration::read(paragraphs.path(), &DEBIAN);
        assert_eq!(beside.mirror.as_deref(), Some("http://near/debian"));
        assert_eq!(beside.security.as_deref(), Some("http://near/debian-security"));
    }

    #[test]
    fn a_host_of_ubuntu_has_mirrors_of_ubuntu_and_none_of_debian() {
        let ubuntu = host(&[
            (
                "etc/apt/sources.list",
                "deb [signed-by=/dev/null] http://archive/ubuntu noble main\n\
                 deb http://safe/ubuntu noble-security main\n",
            ),
            (UBUNTU.keyrings[0], ""),
        ]);
        assert_eq!(Configuration::read(ubuntu.path(), &DEBIAN).mirror, None);
        let found = Configuration::read(ubuntu.path(), &UBUNTU);
        assert_eq!(
            (found.mirror.as_deref(), found.security.as_deref()),
            (Some("http://archive/ubuntu"), Some("http://safe/ubuntu"))
        );
        assert_eq!(found.keyrings, [ubuntu.path().join(UBUNTU.keyrings[0])]);
        // A host of Debian's has no source of Ubuntu's; Ubuntu's own archive has security updates, too.
        let debian = host(&[("etc/apt/sources.list", "deb http://near/debian bookworm main\n")]);
        let found = Configuration::read(debian.path(), &UBUNTU);
        assert!(found.mirror.as_ref().unwrap().contains("ubuntu"), "{found:?}");
        assert_eq!(found.mirror, found.security);
    }

    #[test]
    fn proxies_are_read_in_every_spelling() {
        let flat = host(&[
            (
                "etc/apt/apt.conf.d/10",
                "Acquire::http::Proxy \"http://one:3128\"; // Acquire::http::Proxy \"x\";\n",
            ),
            (
                "etc/apt/apt.conf",
                "/* ; */ acquire { HTTPS::proxy \"DIRECT\"; Retries \"3\"; http { Proxy \"http://two/\"; }; };\n# end",
            ),
        ]);
        let found = proxies(&all_settings(&flat.path().join("etc/apt")));
        assert_eq!(found, Proxies { http: Some("http://two/".into()), https: Some("DIRECT".into()) });
    }
}
