//! Roles and collections that are installed before the playbook is applied.

use std::path::Path;

use super::playbook::Playbook;

/// The command to install them, with its places filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Galaxy {
    /// The file that lists them.
    pub(super) role_file: String,
    /// A command line for a shell.
    pub(super) line: String,
}

impl Galaxy {
    /// What a playbook's settings ask for, if they do.
    pub(super) fn of(playbook: &Playbook) -> Option<Self> {
        let role_file = playbook.text("galaxy_role_file")?;
        let roles_path = playbook.text("galaxy_roles_path").unwrap_or_else(|| {
            let beside = Path::new(&playbook.file).parent().unwrap_or(Path::new(""));
            beside.join("roles").to_string_lossy().into_owned()
        });
        let command = playbook.text("galaxy_command").unwrap_or_else(|| {
            "ansible-galaxy install --role-file=%{role_file} --roles-path=%{roles_path} --force".to_owned()
        });
        let line = command
            .replace("%{role_file}", &crate::provisioners::guest_command::quoted(&role_file))
            .replace("%{roles_path}", &crate::provisioners::guest_command::quoted(&roles_path));
        Some(Self { role_file, line })
    }
}

#[cfg(test)]
mod tests {
    use super::super::playbook::tests::playbook;

    #[test]
    fn roles_go_beside_the_playbook_unless_said_otherwise() {
        let beside =
            playbook(serde_json::json!({"playbook": "ansible/site.yml", "galaxy_role_file": "roles.yml"}));
        let line = beside.galaxy.map(|galaxy| galaxy.line);
        let wanted = "ansible-galaxy install --role-file='roles.yml' --roles-path='ansible/roles' --force";
        assert_eq!(line.as_deref(), Some(wanted));
        let own = playbook(serde_json::json!({
            "galaxy_role_file": "r.yml", "galaxy_roles_path": "/etc/roles", "galaxy_command": "get %{role_file} to %{roles_path}",
        }));
        assert_eq!(own.galaxy.map(|galaxy| galaxy.line).as_deref(), Some("get 'r.yml' to '/etc/roles'"));
        assert_eq!(playbook(serde_json::json!({})).galaxy, None);
    }
}
