//! Mount options in fstab's words, sorted into what the kernel's calls want.

use crate::sys::mount::{
    ATIME_FIELD, NOATIME, NODEV, NODIRATIME, NOEXEC, NOSUID, NOSYMFOLLOW, RDONLY, STRICTATIME,
};

/// Mount options, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MountOptions {
    /// Attributes to set.
    pub(crate) set: u64,
    /// Attributes to clear.
    pub(crate) clear: u64,
    /// Attributes to set on the mount and everything beneath it.
    pub(crate) set_recursively: u64,
    /// Attributes to clear on the mount and everything beneath it.
    pub(crate) clear_recursively: u64,
    /// Whether a host path appears inside.
    pub(crate) bind: bool,
    /// Whether what is mounted beneath comes too.
    pub(crate) recursive: bool,
    /// How mount events spread, and whether that holds for what is beneath.
    pub(crate) propagation: Option<(u64, bool)>,
    /// Whether a mount that is there already gets these options.
    pub(crate) again: bool,
    /// Whether owners are translated by the container's own mapping.
    pub(crate) map_ids: bool,
    /// Whether a tmpfs starts with what it covers.
    pub(crate) copy_up: bool,
    /// The file system's own options.
    pub(crate) data: Vec<(String, Option<String>)>,
}

const ATTRIBUTES: [(&str, u64, bool); 18] = [
    ("ro", RDONLY, true),
    ("rw", RDONLY, false),
    ("nosuid", NOSUID, true),
    ("suid", NOSUID, false),
    ("nodev", NODEV, true),
    ("dev", NODEV, false),
    ("noexec", NOEXEC, true),
    ("exec", NOEXEC, false),
    ("noatime", NOATIME, true),
    ("atime", NOATIME, false),
    ("strictatime", STRICTATIME, true),
    ("nostrictatime", STRICTATIME, false),
    ("nodiratime", NODIRATIME, true),
    ("diratime", NODIRATIME, false),
    ("nosymfollow", NOSYMFOLLOW, true),
    ("symfollow", NOSYMFOLLOW, false),
    // Relatime is the zero of the field for access times: to choose it is to clear the field.
    ("relatime", ATIME_FIELD, false),
    ("norelatime", ATIME_FIELD, false),
];

/// What the kernel knows by other names or does not need to be told: words of mount(8), and defaults.
const WORDS: [&str; 13] = [
    "defaults",
    "auto",
    "noauto",
    "user",
    "nouser",
    "loud",
    "silent",
    "nofail",
    "iversion",
    "noiversion",
    "remount",
    "idmap",
    "ridmap",
];

/// Settings of the file system itself that all of them understand.
const SETTINGS: [&str; 7] = ["async", "sync", "dirsync", "lazytime", "nolazytime", "mand", "nomand"];

const PROPAGATION: [(&str, u64); 4] = [
    ("private", libc::MS_PRIVATE),
    ("slave", libc::MS_SLAVE),
    ("shared", libc::MS_SHARED),
    ("unbindable", libc::MS_UNBINDABLE),
];

/// The mount options that mean the same for every file system.
pub fn mount_option_names() -> Vec<String> {
    let plain = ATTRIBUTES.iter().map(|entry| entry.0);
    let recursive = plain.clone().map(|name| format!("r{name}"));
    let spread = PROPAGATION.iter().flat_map(|(name, _)| [(*name).to_owned(), format!("r{name}")]);
    let others = ["bind", "rbind", "tmpcopyup"].into_iter().chain(WORDS).chain(SETTINGS).map(str::to_owned);
    let mut names: Vec<String> =
        plain.clone().map(str::to_owned).chain(recursive).chain(spread).chain(others).collect();
    names.sort();
    names
}

/// The propagation that a word means, and whether it is the recursive form.
pub(super) fn propagation(word: &str) -> Option<(u64, bool)> {
    let find = |word: &str| PROPAGATION.iter().find(|entry| entry.0 == word).map(|entry| entry.1);
    find(word)
        .map(|value| (value, false))
        .or_else(|| word.strip_prefix('r').and_then(find).map(|value| (value, true)))
}

impl MountOptions {
    /// Sorts a list of options.
    pub(crate) fn parse(options: &[String]) -> Self {
        let mut sorted = Self::default();
        for option in options {
            sorted.add(option);
        }
        sorted
    }

    fn add(&mut self, option: &str) {
        let find = |word: &str| ATTRIBUTES.iter().find(|entry| entry.0 == word).copied();
        if let Some((_, attribute, on)) = find(option) {
            change(&mut self.set, &mut self.clear, attribute, on);
            return;
        }
        if let Some((_, attribute, on)) = option.strip_prefix('r').and_then(find) {
            change(&mut self.set_recursively, &mut self.clear_recursively, attribute, on);
            return;
        }
        if let Some(found) = propagation(option) {
            self.propagation = Some(found);
            return;
        }
        match option {
            "bind" => self.bind = true,
            "rbind" => {
                self.bind = true;
                self.recursive = true;
            }
            "idmap" | "ridmap" => self.map_ids = true,
            "tmpcopyup" => self.copy_up = true,
            "remount" => self.again = true,
            "" => {}
            word if WORDS.contains(&word) => {}
            _ => self.data.push(match option.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (option.to_owned(), None),
            }),
        }
    }
}

/// Takes one more word about an attribute: the last one counts. Of access times there is but one setting, so that each
/// word about them replaces what was said before.
fn change(set: &mut u64, clear: &mut u64, attribute: u64, on: bool) {
    if attribute & ATIME_FIELD != 0 {
        *set &= !ATIME_FIELD;
        *clear |= ATIME_FIELD;
    }
    if on {
        *set |= attribute;
        *clear &= !attribute | ATIME_FIELD;
    } else {
        *clear |= attribute;
        *set &= !attribute;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> MountOptions {
        MountOptions::parse(&text.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_sorted_into_attributes_propagation_and_data() {
        let options = parse("rbind,ro,nosuid,rslave,rnoexec,size=64k,huge");
        assert!(options.bind && options.recursive);
        assert_eq!(options.set, RDONLY | NOSUID);
        assert_eq!(options.set_recursively, NOEXEC);
        assert_eq!(options.propagation, Some((libc::MS_SLAVE, true)));
        assert_eq!(options.data, [("size".to_owned(), Some("64k".to_owned())), ("huge".to_owned(), None)]);
    }

    #[test]
    fn the_last_word_wins() {
        let options = parse("ro,rw");
        assert_eq!((options.set, options.clear), (0, RDONLY));
        assert_eq!(parse("rw,ro").set, RDONLY);
        let options = parse("noatime,relatime");
        assert_eq!((options.set, options.clear), (0, ATIME_FIELD));
        let options = parse("rrelatime,rstrictatime,rrw");
        assert_eq!((options.set_recursively, options.clear_recursively), (STRICTATIME, ATIME_FIELD | RDONLY));
    }

    #[test]
    fn every_word_that_is_promised_is_understood() {
        for name in mount_option_names().iter().filter(|name| !SETTINGS.contains(&name.as_str())) {
            assert_eq!(parse(name).data, [], "{name}");
        }
    }
}
