//! [`Catalogue`]: Vagrant's description of a box, in which versions, for which providers and architectures it can be
//! had, and where; and the choice among them.

use serde::Deserialize;
use yado_core::{Error, ErrorKind, Result};

use crate::platform;
use crate::version::{Constraints, Version};

/// The largest catalogue that is read, in bytes. A box that is made every day for ten years, for three providers, has one
/// of half of this.
pub(crate) const LARGEST: u64 = 8 << 20;
/// The most versions, and the most files of a version. What has more was made to fill the memory.
const MOST_VERSIONS: usize = 50_000;
const MOST_OFFERS: usize = 1000;

/// What the world's boxes may be for so that yado's containers can use them, the best first.
pub(crate) const CONTAINER_FORMATS: &[&str] = &["container", "yado", "lxc"];
/// The same for virtual machines.
const KVM_FORMATS: &[&str] = &["kvm", "libvirt", "qemu", "virtualbox"];

/// A box as its catalogue describes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Catalogue {
    /// The box's name.
    pub(crate) name: String,
    #[serde(default, deserialize_with = "at_most::<MOST_VERSIONS, _, _>")]
    versions: Vec<Entry>,
}

#[derive(Debug, Clone, Deserialize)]
struct Entry {
    version: String,
    #[serde(default, deserialize_with = "at_most::<MOST_OFFERS, _, _>")]
    providers: Vec<Offer>,
}

/// Reads a list, and no longer than it may be.
fn at_most<'de, const MOST: usize, T, D>(from: D) -> std::result::Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    struct List<const MOST: usize, T>(std::marker::PhantomData<T>);
    impl<'de, const MOST: usize, T: Deserialize<'de>> serde::de::Visitor<'de> for List<MOST, T> {
        type Value = Vec<T>;

        fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(to, "a list of at most {MOST}")
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut from: A,
        ) -> std::result::Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = from.next_element()? {
                if list.len() == MOST {
                    return Err(serde::de::Error::custom(format_args!(
                        "a list has more than {MOST} entries"
                    )));
                }
                list.push(item);
            }
            Ok(list)
        }
    }
    from.deserialize_seq(List::<MOST, T>(std::marker::PhantomData))
}

/// One file of a version.
#[derive(Debug, Clone, Deserialize)]
struct Offer {
    name: String,
    url: String,
    #[serde(default)]
    checksum: Option<String>,
    #[serde(default)]
    checksum_type: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    default_architecture: bool,
}

/// What is wanted of a box.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Version constraints, comma separated; empty for any.
    pub(crate) constraints: &'a str,
    /// The provider that asks.
    pub(crate) provider: &'a str,
    /// The architecture: `auto` is the host's, `None` the catalogue's default one.
    pub(crate) architecture: Option<&'a str>,
}

impl Wanted<'_> {
    /// The names under which a catalogue may have something for the provider.
    fn formats(&self) -> Vec<&str> {
        match self.provider {
            "container" => CONTAINER_FORMATS.to_vec(),
            "kvm" => KVM_FORMATS.to_vec(),
            other => vec![other],
        }
    }
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The version as the catalogue writes it.
    pub(crate) version: String,
    /// Where its file is.
    pub(crate) url: String,
    /// The checksum of the file, and its type.
    pub(crate) checksum: Option<(String, String)>,
    /// The architecture, when the catalogue states one.
    pub(crate) architecture: Option<String>,
}

impl Catalogue {
    /// Reads a catalogue that came from `address`.
    pub(crate) fn parse(text: &[u8], address: &str) -> Result<Self> {
        let catalogue: Self = serde_json::from_slice(text).map_err(|error| {
            Error::new(
                ErrorKind::BoxImport,
                format!("The box's catalogue at '{address}' cannot be understood: {error}."),
            )
            .caused_by(error)
        })?;
        for entry in &catalogue.versions {
            if Version::parse(&entry.version).is_none() {
                return Err(Error::new(
                    ErrorKind::BoxImport,
                    format!(
                        "The box's catalogue at '{address}' has the version '{}', which is none.",
                        entry.version
                    ),
                ));
            }
        }
        Ok(catalogue)
    }

    /// Whether a file's content is a catalogue rather than a box.
    pub(crate) fn is_one(text: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Any {
            #[serde(rename = "versions")]
            _versions: Vec<serde::de::IgnoredAny>,
        }
        text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
            && serde_json::from_slice::<Any>(text).is_ok()
    }

    /// The newest version that satisfies the constraints and has something for provider and architecture.
    pub(crate) fn choose(&self, wanted: &Wanted<'_>, address: &str) -> Result<Choice> {
        let constraints = Constraints::parse(wanted.constraints)?;
        let mut allowed: Vec<(Version, &Entry)> = self
            .versions
            .iter()
            .filter_map(|entry| Some((Version::parse(&entry.version)?, entry)))
            .filter(|(version, _)| constraints.allow(version))
            .collect();
        allowed.sort_by(|(a, _), (b, _)| b.cmp(a));
        for (_, entry) in &allowed {
            for format in wanted.formats() {
                let offers: Vec<&Offer> =
                    entry.providers.iter().filter(|offer| offer.name == format).collect();
                if let Some(offer) = by_architecture(&offers, wanted.architecture) {
                    return Ok(offer.chosen(&entry.version));
                }
            }
        }
        Err(self.nothing(wanted, &allowed, address))
    }

    /// Why there is nothing to choose.
    fn nothing(&self, wanted: &Wanted<'_>, allowed: &[(Version, &Entry)], address: &str) -> Error {
        let name = &self.name;
        let Some((_, newest)) = allowed.first() else {
            let versions = shortened(self.versions.iter().rev().map(|entry| entry.version.clone()).collect());
            return Error::new(
                ErrorKind::BoxNotFound,
                format!(
                    "The box '{name}' has no version that satisfies '{}'.\n\nAddress: {address}\nVersions: {versions}",
                    wanted.constraints
                ),
            );
        };
        let formats = wanted.formats();
        let fitting: Vec<&Offer> =
            newest.providers.iter().filter(|offer| formats.contains(&offer.name.as_str())).collect();
        if fitting.is_empty() {
            let mut providers: Vec<String> =
                newest.providers.iter().map(|offer| offer.name.clone()).collect();
            providers.sort();
            providers.dedup();
            let error = Error::new(
                ErrorKind::BoxNotFound,
                format!(
                    "The box '{name}' (v{}) has nothing for the provider '{}'.\n\nAddress: {address}\nProviders: {}",
                    newest.version,
                    wanted.provider,
                    shortened(providers)
                ),
            );
            return if wanted.provider == "container" {
                error.hinted(
                    "A container can be made from a box for 'lxc' or from any root file system (`yado box add`).",
                )
            } else {
                error
            };
        }
        let named = |offer: &&Offer| offer.architecture.clone().unwrap_or_else(|| "unknown".to_owned());
        Error::new(
            ErrorKind::BoxNotFound,
            format!(
                "The box '{name}' (v{}) has nothing for the architecture '{}'.\n\nAddress: {address}\n\
                 Architectures: {}",
                newest.version,
                wanted.architecture.map_or("the default one", resolved),
                shortened(fitting.iter().map(named).collect())
            ),
        )
    }
}

impl Offer {
    fn chosen(&self, version: &str) -> Choice {
        let kind = self.checksum_type.clone().filter(|kind| !kind.is_empty());
        let checksum = self.checksum.clone().filter(|sum| !sum.is_empty());
        Choice {
            version: version.to_owned(),
            url: self.url.clone(),
            checksum: checksum.zip(kind),
            architecture: self.architecture.clone().filter(|name| name != "unknown"),
        }
    }
}

/// `auto` is the host's architecture.
fn resolved(name: &str) -> &str {
    if name == "auto" { platform::catalogue_architecture() } else { name }
}

/// The offer for an architecture, as Vagrant 2.4 looks it up.
fn by_architecture<'a>(offers: &[&'a Offer], wanted: Option<&str>) -> Option<&'a Offer> {
    let has = |name: &str| offers.iter().find(|offer| offer.architecture.as_deref() == Some(name)).copied();
    let default = || offers.iter().find(|offer| offer.default_architecture).copied();
    let found = match wanted {
        Some("auto") => has(platform::catalogue_architecture()).or_else(|| {
            default().filter(|offer| offer.architecture.as_deref().is_none_or(|name| name == "unknown"))
        }),
        Some(name) => has(name),
        None => default(),
    };
    // A catalogue of before there were architectures.
    found.or_else(|| offers.first().copied().filter(|only| offers.len() == 1 && only.architecture.is_none()))
}

/// A list for people: what is beyond a dozen is counted.
fn shortened(mut names: Vec<String>) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let more = names.len().saturating_sub(12);
    names.truncate(12);
    let list = names.join(", ");
    if more > 0 { format!("{list} and {more} more") } else { list }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(versions: serde_json::Value) -> Catalogue {
        let text = serde_json::json!({"name": "a/b", "versions": versions}).to_string();
        assert!(Catalogue::is_one(text.as_bytes()));
        Catalogue::parse(text.as_bytes(), "here").unwrap()
    }

    fn choose(catalogue: &Catalogue, constraints: &str, architecture: Option<&str>) -> Result<Choice> {
        catalogue.choose(&Wanted { constraints, provider: "container", architecture }, "here")
    }

    #[test]
    fn the_newest_version_that_has_the_provider_is_chosen() {
        let offer = |name: &str, url: &str| serde_json::json!({"name": name, "url": url});
        let boxes = catalogue(serde_json::json!([
            {"version": "1.9.0", "providers": [offer("lxc", "old")]},
            {"version": "1.10.0", "providers": [offer("lxc", "ten"), offer("virtualbox", "no")]},
            {"version": "2.0.0", "providers": [offer("virtualbox", "no")]},
        ]));
        assert_eq!(choose(&boxes, "", Some("auto")).unwrap().url, "ten");
        assert_eq!(choose(&boxes, "~> 1.9.0", Some("auto")).unwrap().url, "old");
        let error = choose(&boxes, ">= 2", Some("auto")).unwrap_err();
        assert!(error.message().contains("Providers: virtualbox"), "{error}");
        let error = choose(&boxes, "= 3", Some("auto")).unwrap_err();
        assert!(error.message().contains("Versions: 2.0.0, 1.10.0, 1.9.0"), "{error}");
    }

    #[test]
    fn architectures_are_looked_up_as_vagrant_does() {
        let offer = |architecture: &str, default: bool| {
            serde_json::json!({"name": "lxc", "url": architecture, "architecture": architecture,
                "default_architecture": default})
        };
        let own = platform::catalogue_architecture();
        let boxes = catalogue(serde_json::json!([
            {"version": "1", "providers": [offer("s390x", true), offer(own, false)]}]));
        assert_eq!(choose(&boxes, "", Some("auto")).unwrap().url, own);
        assert_eq!(choose(&boxes, "", Some("s390x")).unwrap().url, "s390x");
        assert_eq!(choose(&boxes, "", None).unwrap().url, "s390x");
        assert!(choose(&boxes, "", Some("mips")).unwrap_err().message().contains("s390x"));
        let unknown = catalogue(serde_json::json!([{"version": "1", "providers": [offer("unknown", true)]}]));
        assert_eq!(choose(&unknown, "", Some("auto")).unwrap().architecture, None);
    }

    #[test]
    fn what_is_no_catalogue_is_told_apart_and_a_bad_version_is_refused() {
        assert!(!Catalogue::is_one(b"\x1f\x8b"));
        assert!(!Catalogue::is_one(b"{\"provider\": \"lxc\"}"));
        let error =
            Catalogue::parse(br#"{"name": "a/b", "versions": [{"version": "x y"}]}"#, "here").unwrap_err();
        assert!(error.message().contains("'x y'"), "{error}");
    }
}
