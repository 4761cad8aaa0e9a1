//! Users and groups of a machine, read from its own `/etc`.

/// An entry of `/etc/passwd` (passwd(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: String,
    pub(super) shell: String,
}

/// What `/etc/passwd` and `/etc/group` say.
#[derive(Debug, Clone, Default)]
pub(super) struct Accounts {
    users: Vec<Account>,
    groups: Vec<(String, u32, Vec<String>)>,
}

impl Accounts {
    /// Reads the two files' texts; lines that make no sense are passed over, as the C library does.
    pub(super) fn parse(passwd: &str, group: &str) -> Self {
        let users = passwd
            .lines()
            .filter_map(|line| {
                let fields: Vec<&str> = line.split(':').collect();
                Some(Account {
                    name: (*fields.first()?).to_owned(),
                    uid: fields.get(2)?.parse().ok()?,
                    gid: fields.get(3)?.parse().ok()?,
                    home: (*fields.get(5)?).to_owned(),
                    shell: (*fields.get(6)?).to_owned(),
                })
            })
            .collect();
        let groups = group
            .lines()
            .filter_map(|line| {
                let fields: Vec<&str> = line.split(':').collect();
                let members =
                    fields.get(3)?.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
                Some(((*fields.first()?).to_owned(), fields.get(2)?.parse().ok()?, members))
            })
            .collect();
        Self { users, groups }
    }

    /// The user of this name, or of this number.
    pub(super) fn user(&self, name: &str) -> Option<Account> {
        self.users
            .iter()
            .find(|account| account.name == name)
            .or_else(|| self.users.iter().find(|account| name.parse() == Ok(account.uid)))
            .cloned()
    }

    /// The group id of this name, or this number.
    pub(super) fn group(&self, name: &str) -> Option<u32> {
        self.groups
            .iter()
            .find(|(known, _, _)| known == name)
            .map(|(_, id, _)| *id)
            .or_else(|| name.parse().ok())
    }

    /// The additional groups of a user.
    pub(super) fn groups_of(&self, user: &str) -> Vec<u32> {
        self.groups
            .iter()
            .filter(|(_, _, members)| members.iter().any(|name| name == user))
            .map(|(_, id, _)| *id)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_or_number_with_their_groups() {
        let accounts = Accounts::parse(
            "root:x:0:0:root:/root:/bin/bash\nbroken\nvagrant:x:1000:1001::/home/vagrant:/bin/sh\n",
            "root:x:0:\nsudo:x:27:vagrant,other\nvagrant:x:1001:\n",
        );
        let user = accounts.user("vagrant").unwrap();
        assert_eq!(
            (user.uid, user.gid, user.home.as_str(), user.shell.as_str()),
            (1000, 1001, "/home/vagrant", "/bin/sh")
        );
        assert_eq!(accounts.user("1000").unwrap().name, "vagrant");
        assert_eq!(accounts.user("nobody"), None);
        assert_eq!(accounts.groups_of("vagrant"), [27]);
        assert_eq!(accounts.group("sudo"), Some(27));
    }
}
