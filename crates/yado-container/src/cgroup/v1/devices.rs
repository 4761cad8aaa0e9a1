//! v1 devices: which device nodes may be opened.

use std::path::Path;

use crate::cgroup::files::write;
use crate::error::Result;
use crate::spec::DeviceRule;

/// A rule as the kernel reads it.
pub(super) fn line(rule: &DeviceRule) -> String {
    let kind = rule.kind.as_deref().unwrap_or("a");
    let number = |number: Option<i64>| match number {
        Some(number) if number >= 0 => number.to_string(),
        _ => "*".to_owned(),
    };
    let access = rule.access.as_deref().unwrap_or("rwm");
    format!("{kind} {}:{} {access}", number(rule.major), number(rule.minor))
}

pub(super) fn apply(folder: &Path, rules: &[DeviceRule]) -> Result<()> {
    for rule in rules {
        let file = if rule.allow { "devices.allow" } else { "devices.deny" };
        let whole =
            rule.kind.as_deref().unwrap_or("a") == "a" && rule.major.is_none() && rule.minor.is_none();
        let text = if whole { "a".to_owned() } else { line(rule) };
        write(&folder.join(file), &text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_written_in_the_kernels_words() {
        let rule = DeviceRule {
            allow: true,
            kind: Some("c".to_owned()),
            major: Some(136),
            minor: None,
            access: Some("rw".to_owned()),
        };
        assert_eq!(line(&rule), "c 136:* rw");
    }
}
