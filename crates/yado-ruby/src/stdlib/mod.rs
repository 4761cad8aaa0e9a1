//! The standard library: what becomes available by `require`.

pub(crate) mod base64;
pub(crate) mod erb;
pub(crate) mod gem_version;
pub(crate) mod shellwords;
