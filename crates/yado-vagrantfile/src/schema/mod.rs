//! What can be configured, as tables: one file per group of sections, providers, provisioners and pushes. A table
//! says which settings exist, how they start and what they become when nobody set them; whatever cannot be said
//! in a table is a function beside it.

use std::rc::Rc;

use yado_ruby::{Eval, Interpreter, Table};

use crate::config::Config;
use crate::session::Session;
use crate::validate::Report;

pub(crate) mod providers;
pub(crate) mod provisioners;
pub(crate) mod pushes;
pub(crate) mod sections;
pub(crate) mod ssh;

/// What a setting holds before anybody sets it.
#[derive(Clone, Copy)]
pub(crate) enum Initial {
    /// Nothing: merging keeps the other side's value.
    Unset,
    /// A value, as JSON: merging with a newer object takes the newer one's, also when nobody set it.
    Json(&'static str),
}

/// What an unset setting becomes in the end.
#[derive(Clone, Copy)]
pub(crate) enum Fallback {
    /// Nil.
    Nil,
    /// This value, as JSON.
    Json(&'static str),
}

/// One setting.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    /// Its name; a name with two leading underscores holds something that is no setting by itself.
    pub(crate) name: &'static str,
    /// How it starts.
    pub(crate) initial: Initial,
    /// How it ends when it was never set.
    pub(crate) fallback: Fallback,
}

/// A setting that is nil unless set.
pub(crate) const fn plain(name: &'static str) -> Setting {
    Setting { name, initial: Initial::Unset, fallback: Fallback::Nil }
}

/// A setting with a default.
pub(crate) const fn with(name: &'static str, json: &'static str) -> Setting {
    Setting { name, initial: Initial::Unset, fallback: Fallback::Json(json) }
}

/// A setting that holds a value from the start, so that Ruby code can change it in place.
pub(crate) const fn starting(name: &'static str, json: &'static str) -> Setting {
    Setting { name, initial: Initial::Json(json), fallback: Fallback::Nil }
}

/// Combines two objects of the same section; called after the newer one's values were laid over the older one's.
pub(crate) type Merge = fn(older: &Config, newer: &Config, result: &mut Config);
/// Completes an object after everything is known and defaults are filled in.
pub(crate) type Finalize = fn(&mut Interpreter, &Rc<Session>, &mut Config) -> Eval<()>;
/// Says what is wrong with a finished object.
pub(crate) type Validate = fn(&Config, &mut Report<'_>);

/// The description of one kind of configuration object.
pub(crate) struct Section {
    /// The name of its Ruby class.
    pub(crate) class: &'static str,
    /// What validation calls it.
    pub(crate) title: &'static str,
    /// Its settings.
    pub(crate) settings: &'static [Setting],
    /// Other names of settings.
    pub(crate) aliases: &'static [(&'static str, &'static str)],
    /// Methods that do more than set or get one value.
    pub(crate) methods: Table,
    /// How two objects combine, beyond the rule for single values.
    pub(crate) merge: Option<Merge>,
    /// What happens before defaults are filled in.
    pub(crate) prepare: Option<Finalize>,
    /// What happens after defaults are filled in.
    pub(crate) finalize: Option<Finalize>,
    /// What validation checks.
    pub(crate) validate: Option<Validate>,
}

/// A section without any settings, to fill in by struct update.
pub(crate) const EMPTY: Section = Section {
    class: "",
    title: "",
    settings: &[],
    aliases: &[],
    methods: &[],
    merge: None,
    prepare: None,
    finalize: None,
    validate: None,
};

/// Settings of Vagrant 2.4, by the title of their section. They count, but what is compared with 2.3.4 names them
/// as that version does: settings that do not exist.
const NEWER: &[(&str, &[&str])] = &[
    (
        "vm",
        &["box_architecture", "box_download_disable_ssl_revoke_best_effort", "cloud_init_first_boot_only"],
    ),
    ("SSH", NEWER_SSH),
    ("SSH Defaults", NEWER_SSH),
    ("WINSSH", NEWER_SSH),
];

const NEWER_SSH: &[&str] =
    &["connect_retries", "connect_retry_delay", "disable_deprecated_algorithms", "key_type"];

impl Section {
    /// Whether a setting came with Vagrant 2.4.
    pub(crate) fn is_newer(&self, name: &str) -> bool {
        NEWER.iter().any(|(title, names)| *title == self.title && names.contains(&name))
    }

    /// The setting of this name, or of this other name.
    pub(crate) fn find(&self, name: &str) -> Option<&Setting> {
        let name = self.aliases.iter().find(|(other, _)| *other == name).map_or(name, |(_, real)| real);
        self.settings.iter().find(|setting| setting.name == name)
    }
}
