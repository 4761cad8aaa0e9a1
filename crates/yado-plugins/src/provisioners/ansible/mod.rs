//! `ansible` and `ansible_local`: playbooks, applied from this computer or from within the machine. What both have in
//! common is here: the settings, and the command line that follows from them.

use yado_core::{Setting, settings};

mod galaxy;
mod host;
mod inventory;
mod local;
mod playbook;

pub(super) use host::ANSIBLE;
pub(super) use local::ANSIBLE_LOCAL;

/// Settings of both.
const COMMON: [Setting; 21] = settings! {
    "playbook" Text "" "The playbook, relative to the project.";
    "limit" Any "" "Hosts to work on; the machine itself unless set.";
    "inventory_path" Text "" "An inventory of the user's own.";
    "groups" Map "{}" "Groups of the inventory that is written.";
    "host_vars" Map "{}" "Variables of hosts in that inventory.";
    "extra_vars" Any "" "Variables, or the name of a file that has them.";
    "become" Bool "false" "Run tasks as another user.";
    "become_user" Text "" "That user, if it is not root.";
    "verbose" Any "false" "How much is said: true, or 'v' to 'vvvv'.";
    "tags" Any "" "Only these tags.";
    "skip_tags" Any "" "Not these tags.";
    "start_at_task" Text "" "The task to begin with.";
    "vault_password_file" Text "" "Where the vault's password is.";
    "config_file" Text "" "Ansible's own configuration file.";
    "raw_arguments" Any "" "Further arguments, as they are.";
    "playbook_command" Text "ansible-playbook" "The program.";
    "galaxy_role_file" Text "" "Roles and collections to install first.";
    "galaxy_roles_path" Text "" "Where to; 'roles' beside the playbook unless set.";
    "galaxy_command" Text "" "The command that installs them.";
    "compatibility_mode" Text "auto" "Taken for '2.0' always.";
    "version" Text "" "The version that is asked for.";
};

/// The settings of both and those of one.
const fn together<const OWN: usize, const ALL: usize>(own: [Setting; OWN]) -> [Setting; ALL] {
    let mut all = [COMMON[0]; ALL];
    let mut at = 0;
    while at < ALL {
        all[at] = if at < COMMON.len() { COMMON[at] } else { own[at - COMMON.len()] };
        at += 1;
    }
    all
}
