//! Users and groups of a root file system, edited as text: no program of it is run.

use yado_core::Result;
use yado_core::error::Doing;

use crate::unpack::{Attributes, EntryPath, Tree};

/// Where a password would be: none fits, but other ways in are open.
const NO_PASSWORD: &str = "*";
/// The day of the last password change, in the past and the same everywhere.
const DAY: &str = "19000";

/// `/etc/passwd`, `/etc/group`, `/etc/shadow` and `/etc/gshadow`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Accounts {
    pub(crate) passwd: Vec<Vec<String>>,
    pub(crate) group: Vec<Vec<String>>,
    shadow: Option<Vec<Vec<String>>>,
    gshadow: Option<Vec<Vec<String>>>,
}

/// The user that everything is done as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// User id.
    pub(crate) id: u32,
    /// Primary group id.
    pub(crate) group: u32,
    /// Home directory, absolute.
    pub(crate) home: String,
}

/// Splits a file of colon separated lines; comments and blank lines stay as lines with one field.
pub(crate) fn parse(text: &[u8]) -> Vec<Vec<String>> {
    String::from_utf8_lossy(text).lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
}

fn print(lines: &[Vec<String>]) -> String {
    lines.iter().map(|fields| fields.join(":") + "\n").collect()
}

fn fields<const N: usize>(fields: [&str; N]) -> Vec<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

impl Accounts {
    /// The accounts of a tree; what is missing is empty.
    pub(crate) fn load(tree: &Tree) -> Result<Self> {
        let read = |name: &'static str| tree.read(&name.into()).doing(|| format!("reading '{name}'"));
        Ok(Self {
            passwd: read("etc/passwd")?.map(|text| parse(&text)).unwrap_or_default(),
            group: read("etc/group")?.map(|text| parse(&text)).unwrap_or_default(),
            shadow: read("etc/shadow")?.map(|text| parse(&text)),
            gshadow: read("etc/gshadow")?.map(|text| parse(&text)),
        })
    }

    /// Accounts of a system with these users and groups, all passwords locked.
    pub(crate) fn locked(passwd: Vec<Vec<String>>, group: Vec<Vec<String>>) -> Self {
        let shadow =
            passwd.iter().filter_map(|fields| fields.first()).map(|name| shadow_line(name)).collect();
        Self { passwd, group, shadow: Some(shadow), gshadow: None }
    }

    /// Writes them back; files keep their owner and permissions.
    pub(crate) fn save(&self, tree: &mut Tree) -> Result<()> {
        let shadow_group = self.group_id("shadow").unwrap_or(0);
        let files = [
            ("etc/passwd", Some(&self.passwd), Attributes::root(0o644)),
            ("etc/group", Some(&self.group), Attributes::root(0o644)),
            ("etc/shadow", self.shadow.as_ref(), Attributes::root(0o640).owned_by(0, shadow_group)),
            ("etc/gshadow", self.gshadow.as_ref(), Attributes::root(0o640).owned_by(0, shadow_group)),
        ];
        for (name, lines, default) in files {
            let Some(lines) = lines else { continue };
            let path = EntryPath::from(name);
            let attributes = tree.attributes(&path).doing(|| format!("reading '{name}'"))?.unwrap_or(default);
            tree.file(&path, &attributes, &mut print(lines).as_bytes())
                .doing(|| format!("writing '{name}'"))?;
        }
        Ok(())
    }

    /// Makes sure that the user `name` exists, with `shell`, in a group of the same name, as a member of the
    /// group whose members may become root.
    pub(crate) fn ensure_user(&mut self, name: &str, shell: &str) -> User {
        if self.passwd.iter().all(|fields| fields.first().is_none_or(|first| first != "root")) {
            self.passwd.insert(0, fields(["root", "x", "0", "0", "root", "/root", shell]));
        }
        if self.group_id("root").is_none() {
            self.group.insert(0, fields(["root", "x", "0", ""]));
        }
        let user = self.user(name).unwrap_or_else(|| self.add_user(name, shell));
        let powerful = ["sudo", "wheel"].into_iter().find(|group| self.group_id(group).is_some());
        let powerful = powerful.unwrap_or_else(|| {
            let id = if self.group_taken(27) { self.free_id() } else { 27 };
            self.add_group("sudo", id);
            "sudo"
        });
        self.add_member(powerful, name);
        user
    }

    /// The user of this name.
    pub(crate) fn user(&self, name: &str) -> Option<User> {
        let fields = self.passwd.iter().find(|fields| fields.first().is_some_and(|first| first == name))?;
        Some(User {
            id: fields.get(2)?.parse().ok()?,
            group: fields.get(3)?.parse().ok()?,
            home: fields.get(5)?.clone(),
        })
    }

    fn add_user(&mut self, name: &str, shell: &str) -> User {
        let id = self.free_id();
        let group = self.group_id(name).unwrap_or_else(|| {
            self.add_group(name, id);
            id
        });
        let home = format!("/home/{name}");
        let (id_text, group_text) = (id.to_string(), group.to_string());
        self.passwd.push(fields([name, "x", &id_text, &group_text, "", &home, shell]));
        if let Some(shadow) = &mut self.shadow {
            shadow.push(shadow_line(name));
        }
        User { id, group, home }
    }

    fn add_group(&mut self, name: &str, id: u32) {
        self.group.push(fields([name, "x", &id.to_string(), ""]));
        if let Some(gshadow) = &mut self.gshadow {
            gshadow.push(fields([name, "!", "", ""]));
        }
    }

    fn add_member(&mut self, group: &str, user: &str) {
        let files = [Some(&mut self.group), self.gshadow.as_mut()];
        for lines in files.into_iter().flatten() {
            for fields in lines.iter_mut().filter(|fields| fields.first().is_some_and(|first| first == group))
            {
                fields.resize(4, String::new());
                let members = &mut fields[3];
                if !members.split(',').any(|member| member == user) {
                    if !members.is_empty() {
                        members.push(',');
                    }
                    members.push_str(user);
                }
            }
        }
    }

    fn group_id(&self, name: &str) -> Option<u32> {
        let fields = self.group.iter().find(|fields| fields.first().is_some_and(|first| first == name))?;
        fields.get(2)?.parse().ok()
    }

    fn group_taken(&self, id: u32) -> bool {
        self.group.iter().any(|fields| fields.get(2).is_some_and(|field| *field == id.to_string()))
    }

    /// The first id from 1000 that neither a user nor a group has.
    fn free_id(&self) -> u32 {
        let taken = |id: u32| {
            let text = id.to_string();
            self.passwd.iter().chain(&self.group).any(|fields| fields.get(2) == Some(&text))
        };
        (1000..60_000).find(|id| !taken(*id)).unwrap_or(1000)
    }
}

fn shadow_line(name: &str) -> Vec<String> {
    fields([name, NO_PASSWORD, DAY, "0", "99999", "7", "", "", ""])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(passwd: &str, group: &str) -> Accounts {
        Accounts {
            passwd: parse(passwd.as_bytes()),
            group: parse(group.as_bytes()),
            shadow: Some(parse(b"root:*:1::::::\n")),
            gshadow: Some(parse(b"root:*::\nsudo:*::\n")),
        }
    }

    #[test]
    fn a_new_user_gets_every_entry_it_needs() {
        let mut accounts = accounts("root:x:0:0:root:/root:/bin/bash\n", "root:x:0:\nsudo:x:27:alice\n");
        let user = accounts.ensure_user("vagrant", "/bin/bash");
        assert_eq!(user, User { id: 1000, group: 1000, home: "/home/vagrant".into() });
        assert_eq!(
            print(&accounts.passwd),
            "root:x:0:0:root:/root:/bin/bash\nvagrant:x:1000:1000::/home/vagrant:/bin/bash\n"
        );
        assert_eq!(print(&accounts.group), "root:x:0:\nsudo:x:27:alice,vagrant\nvagrant:x:1000:\n");
        assert_eq!(
            print(accounts.shadow.as_ref().unwrap()),
            "root:*:1::::::\nvagrant:*:19000:0:99999:7:::\n"
        );
        assert_eq!(print(accounts.gshadow.as_ref().unwrap()), "root:*::\nsudo:*::vagrant\nvagrant:!::\n");
    }

    #[test]
    fn ensuring_twice_changes_nothing_and_taken_ids_are_avoided() {
        let mut accounts = accounts(
            "root:x:0:0::/root:/bin/sh\nubuntu:x:1000:1000::/home/ubuntu:/bin/sh\n",
            "root:x:0:\nwheel:x:10:\n",
        );
        assert_eq!(accounts.ensure_user("vagrant", "/bin/sh").id, 1001);
        let once = accounts.clone();
        assert_eq!(accounts.ensure_user("vagrant", "/bin/sh").id, 1001);
        assert_eq!(accounts, once);
        assert!(print(&accounts.group).contains("wheel:x:10:vagrant\n"));
    }

    #[test]
    fn an_empty_system_gets_root_and_the_user() {
        let mut accounts = Accounts::default();
        accounts.ensure_user("vagrant", "/bin/sh");
        assert_eq!(
            print(&accounts.passwd),
            "root:x:0:0:root:/root:/bin/sh\nvagrant:x:1000:1000::/home/vagrant:/bin/sh\n"
        );
        assert_eq!(print(&accounts.group), "root:x:0:\nvagrant:x:1000:\nsudo:x:27:vagrant\n");
    }
}
