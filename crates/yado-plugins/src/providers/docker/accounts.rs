//! Who may be entered as: the container's own user list.

use yado_core::{Context, Result};

use super::engine::Engine;

/// Which shells a container has; small images have `sh` alone, or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Shells {
    /// No shell at all.
    #[default]
    None,
    /// `sh`.
    Sh,
    /// `bash`, and so `sh`.
    Bash,
}

/// One look for all: each call of `exec` costs as much as a small program's whole run.
const LOOK: &str =
    "if command -v bash >/dev/null 2>&1; then echo bash; else echo sh; fi; cat /etc/passwd 2>/dev/null";

/// Homes of a container's users, from its `/etc/passwd`.
#[derive(Debug, Clone, Default)]
pub(super) struct Accounts(Vec<(String, String)>);

impl Accounts {
    /// Reads the list of a running container, and which shells it has; one without the file has root alone.
    pub(super) fn read(engine: Engine, context: &Context, container: &str) -> Result<(Self, Shells)> {
        let output = engine.try_run(context, &["exec", "-u", "0", container, "sh", "-c", LOOK])?;
        let text = String::from_utf8_lossy(&output.stdout);
        let shells = match text.lines().next() {
            Some("bash") => Shells::Bash,
            Some("sh") => Shells::Sh,
            _ => Shells::None,
        };
        Ok((Self::parse(&text), shells))
    }

    fn parse(text: &str) -> Self {
        let account = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            Some(((*fields.first()?).to_owned(), (*fields.get(5)?).to_owned()))
        };
        Self(text.lines().filter_map(account).collect())
    }

    /// A user's home, when there is such a user.
    pub(super) fn home(&self, name: &str) -> Option<&str> {
        let known = self.0.iter().find(|(user, _)| user == name).map(|(_, home)| home.as_str());
        known.or((name == "root").then_some("/root"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_there_without_a_list() {
        let accounts = Accounts::parse("web:x:7:7::/srv/web:/bin/sh\nbroken\n");
        assert_eq!(accounts.home("web"), Some("/srv/web"));
        assert_eq!(accounts.home("root"), Some("/root"));
        assert_eq!(accounts.home("broken"), None);
    }
}
