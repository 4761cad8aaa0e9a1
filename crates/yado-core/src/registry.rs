//! [`Registry`]: the kinds that this program knows, as two visible lists; and which provider a new machine gets.

use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kind::Usable;
use crate::provider::ProviderKind;
use crate::provisioner::ProvisionerKind;

/// All kinds. The order is that of help texts.
#[derive(Clone, Copy)]
pub struct Registry {
    /// Providers.
    pub providers: &'static [&'static dyn ProviderKind],
    /// Provisioners.
    pub provisioners: &'static [&'static dyn ProvisionerKind],
}

/// Where a choice of provider comes from.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProviderWish<'a> {
    /// `--provider` or `VAGRANT_DEFAULT_PROVIDER`: taken without asking further.
    pub forced: Option<&'a str>,
    /// `VAGRANT_PREFERRED_PROVIDERS`, in order.
    pub preferred: &'a [String],
}

/// The choice, and why it is not what the Vagrantfile asks for first, when it is not.
pub struct ChosenProvider {
    /// The provider.
    pub kind: &'static dyn ProviderKind,
    /// A sentence for the user when the Vagrantfile names providers and none of them can be used.
    pub instead_of: Option<String>,
}

impl Registry {
    /// The provider of this name.
    pub fn provider(&self, name: &str) -> Option<&'static dyn ProviderKind> {
        self.providers.iter().copied().find(|kind| kind.name() == name)
    }

    /// The provider that is meant by this name, also one of its other names.
    pub fn provider_called(&self, name: &str) -> Option<&'static dyn ProviderKind> {
        let also = || self.providers.iter().copied().find(|kind| kind.aliases().contains(&name));
        self.provider(name).or_else(also)
    }

    /// The kind of boxes that serve machines of this provider.
    pub fn boxes<'a>(&self, provider: &'a str) -> &'a str {
        self.provider(provider).map_or(provider, |kind| kind.boxes())
    }

    /// The provisioner of this name.
    pub fn provisioner(&self, name: &str) -> Option<&'static dyn ProvisionerKind> {
        self.provisioners.iter().copied().find(|kind| kind.name() == name)
    }

    /// The provider for a new machine whose configuration mentions `mentioned`, in Vagrant's order of preference.
    pub fn choose(
        &self,
        host: &Host,
        mentioned: &[String],
        wish: ProviderWish<'_>,
    ) -> Result<ChosenProvider> {
        if let Some(name) = wish.forced {
            let kind = self.provider_called(name).ok_or_else(|| self.unknown(name))?;
            if let Usable::No(reason) = kind.usable(host) {
                return Err(Error::new(
                    ErrorKind::ProviderNotUsable,
                    format!(
                        "The provider '{name}' that was requested cannot be used on this system.\n{reason}"
                    ),
                ));
            }
            return Ok(ChosenProvider { kind, instead_of: None });
        }
        let usable = |name: &String| self.provider(name).filter(|kind| kind.usable(host) == Usable::Yes);
        let preferred_and_mentioned =
            mentioned.iter().filter(|name| wish.preferred.contains(name)).find_map(usable);
        if let Some(kind) = preferred_and_mentioned.or_else(|| mentioned.iter().find_map(usable)) {
            return Ok(ChosenProvider { kind, instead_of: None });
        }
        let by_priority = || {
            let mut candidates: Vec<_> =
                self.providers.iter().filter(|kind| kind.priority().is_some()).collect();
            candidates.sort_by_key(|kind| std::cmp::Reverse(kind.priority()));
            candidates.into_iter().copied().find(|kind| kind.usable(host) == Usable::Yes)
        };
        let called =
            |name: &String| self.provider_called(name).filter(|kind| kind.usable(host) == Usable::Yes);
        match wish.preferred.iter().find_map(called).or_else(by_priority) {
            Some(kind) => {
                let instead_of = (!mentioned.is_empty()).then(|| {
                    format!(
                        "The Vagrantfile has settings for '{}', which this yado cannot use here; '{}' is used instead.",
                        mentioned.join("', '"),
                        kind.name()
                    )
                });
                Ok(ChosenProvider { kind, instead_of })
            }
            None => Err(self.none_usable(host)),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let names: Vec<_> = self.providers.iter().map(|kind| kind.name()).collect();
        let error =
            Error::new(ErrorKind::ProviderNotFound, format!("The provider '{name}' could not be found."));
        match nearest(name, names.iter().copied()) {
            Some(near) => error.hinted(format!("Did you mean '{near}'?")),
            None => error.hinted(format!("This yado knows: {}.", names.join(", "))),
        }
    }

    fn none_usable(&self, host: &Host) -> Error {
        let mut text = String::from("No usable default provider could be found for your system.");
        for kind in self.providers {
            if let Usable::No(reason) = kind.usable(host) {
                text.push_str(&format!("\n  {}: {reason}", kind.name()));
            }
        }
        Error::new(ErrorKind::ProviderNotUsable, text)
    }
}

/// The candidate that differs least from `name`, when it is near enough to be a slip of the fingers.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    candidates
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many slips of the fingers lead from one word to the other: a character added, left out, replaced, or swapped
/// with its neighbour (optimal string alignment).
fn edit_distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut table = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (i, row) in table.iter_mut().enumerate() {
        row[0] = i;
    }
    table[0] = (0..=to.len()).collect();
    for i in 1..=from.len() {
        for j in 1..=to.len() {
            let replaced = table[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(table[i - 2][j - 2] + 1);
            }
            table[i][j] = least;
        }
    }
    table[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not_offered() {
        let names = ["container", "docker", "virtualbox"];
        assert_eq!(nearest("virtulabox", names.into_iter()), Some("virtualbox"));
        assert_eq!(nearest("contaner", names.into_iter()), Some("container"));
        assert_eq!(nearest("aws", names.into_iter()), None);
    }

    #[test]
    fn edit_distance_counts_insertions_deletions_and_substitutions() {
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("same", "same"), 0);
        assert_eq!(edit_distance("wbe", "web"), 1);
    }
}
