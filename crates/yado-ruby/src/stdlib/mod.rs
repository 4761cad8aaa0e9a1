//! The standard library: what becomes available by `require`. What is rarely used is written in Ruby, in `lib/`.

pub(crate) mod base64;
pub(crate) mod erb;
pub(crate) mod gem_version;
pub(crate) mod json;
pub(crate) mod native;
pub(crate) mod shellwords;
pub(crate) mod yaml;
