//! What providers, provisioners and synced folder types have in common: a name, settings, usability. The settings
//! table is the single source for the Vagrantfile's language, and for what is told of it.

use crate::host::Host;

/// Whether a kind can work on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usable {
    /// It can.
    Yes,
    /// It cannot, and why: a full sentence with the remedy.
    No(String),
}

/// The type of a setting's value, as far as it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A number with or without fraction.
    Number,
    /// Text (symbols are taken as text).
    Text,
    /// A list of anything.
    List,
    /// A hash with text keys.
    Map,
    /// Anything.
    Any,
}

/// One setting that a kind takes: `name = value` in its block.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in the Vagrantfile.
    pub name: &'static str,
    /// What its value must be.
    pub kind: SettingType,
    /// Its default as JSON text; empty when unset means "nothing".
    pub default: &'static str,
    /// One sentence on what it does.
    pub doc: &'static str,
}

/// The settings of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// All settings, in the order that they are listed in.
    pub settings: &'static [Setting],
}

/// What every kind brings.
pub trait Kind: Sync {
    /// Its name in the Vagrantfile and on the command line.
    fn name(&self) -> &'static str;
    /// The settings that its block takes.
    fn schema(&self) -> &'static Schema;
    /// Whether it can work on this host. Must be quick and must change nothing.
    fn usable(&self, host: &Host) -> Usable {
        let _ = host;
        Usable::Yes
    }
}

/// A list of [`Setting`]s: `"name" Type "default" "What it is for.";` for each.
#[macro_export]
macro_rules! settings {
    ($($name:literal $kind:ident $default:literal $doc:literal;)*) => {
        [$($crate::Setting { name: $name, kind: $crate::SettingType::$kind, default: $default, doc: $doc },)*]
    };
}
