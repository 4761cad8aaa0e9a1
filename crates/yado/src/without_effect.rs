//! What the user is told about settings that were understood and have no effect: one sentence each, with the place of
//! the setting. Nothing that a Vagrantfile sets is passed over in silence.

use serde_json::{Map, Value};
use yado_vagrantfile::Setting;

use crate::foreign_plugins;

/// Settings that do nothing for a container, and why.
const SETTINGS: &[(&str, &str)] = &[
    ("vm.allow_fstab_modification", "nothing is written to the machine's /etc/fstab in any case"),
    ("vm.allowed_synced_folder_types", "folders are mounted directly, whatever their type"),
    ("vm.base_address", NO_HARDWARE),
    ("vm.base_mac", NO_HARDWARE),
    ("vm.box_download_disable_ssl_revoke_best_effort", "it is for Windows"),
    ("vm.cloud_init", "cloud-init is not run"),
    ("vm.cloud_init_first_boot_only", "cloud-init is not run"),
    ("vm.disk", "a machine's files lie on this computer's own file system and take what they need"),
    ("ssh.compression", DIRECTLY),
    ("ssh.config", DIRECTLY),
    ("ssh.connect_retries", DIRECTLY),
    ("ssh.connect_retry_delay", DIRECTLY),
    ("ssh.connect_timeout", DIRECTLY),
    ("ssh.disable_deprecated_algorithms", DIRECTLY),
    ("ssh.dsa_authentication", KEYS),
    ("ssh.export_command_template", "variables are handed to commands directly"),
    ("ssh.extra_args", DIRECTLY),
    ("ssh.forward_agent", FOR_SSH),
    ("ssh.forward_x11", FOR_SSH),
    ("ssh.guest_port", DIRECTLY),
    ("ssh.host", DIRECTLY),
    ("ssh.insert_key", KEYS),
    ("ssh.keep_alive", DIRECTLY),
    ("ssh.key_type", KEYS),
    ("ssh.keys_only", KEYS),
    ("ssh.paranoid", DIRECTLY),
    ("ssh.password", DIRECTLY),
    ("ssh.port", DIRECTLY),
    ("ssh.private_key_path", KEYS),
    ("ssh.proxy_command", DIRECTLY),
    ("ssh.pty", "commands are run without a terminal, but for those of `yado ssh`"),
    ("ssh.remote_user", DIRECTLY),
    ("ssh.ssh_command", DIRECTLY),
    ("ssh.sudo_command", "what needs root's rights is run as root directly"),
    ("ssh.verify_host_key", DIRECTLY),
    ("vagrant.host", "the host is the one that yado runs on"),
    ("vagrant.plugins", "yado needs none of Vagrant's plugins"),
    ("package.name", "`yado package --output` names the file"),
];

const DIRECTLY: &str = "machines are entered directly, not by SSH";
const KEYS: &str = "machines are entered directly, and for SSH each has keys of its own";
const FOR_SSH: &str = "`yado ssh` enters directly, not by SSH; it counts for `yado ssh-config`";
const NO_HARDWARE: &str = "containers have no such hardware";

/// Sections for systems and ways that containers do not have.
const SECTIONS: &[(&str, &str)] = &[
    ("winrm", "containers run Linux and are entered directly"),
    ("winssh", "containers run Linux and are entered directly"),
    ("windows", "containers run Linux"),
    ("rdp", "containers run Linux"),
    ("smartos", "containers run Linux"),
    ("solaris", "containers run Linux"),
    ("solaris11", "containers run Linux"),
    ("nfs", "folders are mounted directly"),
    ("smb", "folders are mounted directly"),
];

/// Guests that no container can be.
const OTHER_SYSTEMS: &[&str] = &[
    "bsd",
    "darwin",
    "dragonflybsd",
    "esxi",
    "freebsd",
    "haiku",
    "netbsd",
    "omnios",
    "openbsd",
    "smartos",
    "solaris",
    "solaris11",
    "trueos",
    "windows",
];

/// Options of networks and folders that the container provider goes by, or that stand for themselves.
const NETWORK_OPTIONS: &[(&str, &[&str])] = &[
    (
        "forwarded_port",
        &["auto_correct", "disabled", "guest", "guest_ip", "host", "host_ip", "id", "protocol"],
    ),
    ("private_network", &["auto_config", "id", "ip", "mac", "mtu", "netmask", "protocol", "type"]),
    (
        "public_network",
        &["auto_config", "bridge", "dev", "id", "ip", "mac", "mtu", "netmask", "protocol", "type"],
    ),
];
const FOLDER_OPTIONS: &[&str] = &[
    "create",
    "disabled",
    "group",
    "guestpath",
    "hostpath",
    "id",
    "mount_options",
    "nfs",
    "owner",
    "type",
    // What a machine's own notices speak of, or what changes nothing once the folder is mounted directly.
    "automount",
    "map_uid",
    "map_gid",
];

/// Options for the ways in which folders of these types travel; here they are mounted.
const FOLDER_PREFIXES: &[&str] = &["nfs_", "smb_", "linux__nfs_", "bsd__nfs_"];

/// One sentence, with its place, for each setting that the container provider does not honour, and for each block of
/// another provider.
pub(crate) fn settings(settings: &[Setting]) -> Vec<String> {
    let mut said = Said::default();
    for setting in settings {
        let Some(origin) = &setting.origin else { continue };
        let key = setting.key.as_str();
        if let Some(name) = key.strip_prefix("providers.").and_then(|rest| rest.split('.').next()) {
            said.provider(name, origin);
        } else if key == "vm.network" {
            network(&setting.value, origin, &mut said);
        } else if key == "vm.synced_folder" {
            folder(&setting.value, origin, &mut said);
        } else if let Some(why) = reason(setting).filter(|_| !setting.is_default) {
            said.sentence(format!("'config.{key}' has no effect with this provider: {why} ({origin})."));
        }
    }
    said.sentences
}

/// The same for containers of other engines, of which the engine is told the rest.
pub(crate) fn disks(spec: &yado_core::MachineSpec) -> Vec<String> {
    let disks = spec.disks.iter().map(|entry| ("vm.disk", entry));
    let all = disks.chain(spec.cloud_init.iter().map(|entry| ("vm.cloud_init", entry)));
    let sentence = |(key, entry): (&str, &yado_core::spec::EntrySpec)| {
        let (_, why) = SETTINGS.iter().find(|(known, _)| *known == key)?;
        let place = entry.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
        Some(format!("'config.{key}' has no effect with this provider: {why}{place}."))
    };
    all.filter_map(sentence).collect()
}

/// Why a setting does nothing for a container; `None` where it does something.
fn reason(setting: &Setting) -> Option<&'static str> {
    let key = without_default(&setting.key);
    let section = key.split('.').next().unwrap_or_default();
    let known = SETTINGS.iter().find(|(known, _)| *known == key);
    let known = known.or_else(|| SECTIONS.iter().find(|(known, _)| *known == section));
    let other_system =
        key == "vm.guest" && setting_text(&setting.value).is_some_and(|name| OTHER_SYSTEMS.contains(&name));
    let no_names =
        key == "ssh.forward_env" && !(setting.value.is_array() || setting.value == Value::Bool(false));
    known
        .map(|(_, why)| *why)
        .or_else(|| other_system.then_some("containers run Linux"))
        .or_else(|| no_names.then_some("it takes a list of the variables' names"))
}

/// `ssh.default.port` is as good as `ssh.port`.
fn without_default(key: &str) -> String {
    key.replacen("ssh.default.", "ssh.", 1)
}

/// Text, or a symbol.
fn setting_text(value: &Value) -> Option<&str> {
    value.get("$symbol").unwrap_or(value).as_str().map(|text| text.trim_start_matches(':'))
}

/// What was said so far.
#[derive(Default)]
struct Said {
    sentences: Vec<String>,
    providers: Vec<String>,
}

impl Said {
    fn sentence(&mut self, text: String) {
        self.sentences.push(text);
    }

    fn provider(&mut self, name: &str, origin: &yado_core::Origin) {
        if name == "container" || self.providers.iter().any(|known| known == name) {
            return;
        }
        self.providers.push(name.to_owned());
        self.sentence(format!(
            "Settings of the provider '{name}' are not taken over, memory and processors neither; give them in a \
             'container' block ({origin})."
        ));
    }

    /// Options that nobody goes by.
    fn options<'a>(&mut self, names: impl Iterator<Item = &'a String>, of: &str, origin: &yado_core::Origin) {
        let names: Vec<String> = names.map(|name| format!("'{name}'")).collect();
        if !names.is_empty() {
            self.sentence(format!(
                "{} of {of} {} no effect with this provider ({origin}).",
                names.join(", "),
                if names.len() == 1 { "has" } else { "have" }
            ));
        }
    }
}

fn options(value: &Value) -> Map<String, Value> {
    value.get("options").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Options of other providers are reported as those are.
fn scope(name: &str) -> Option<&str> {
    name.split_once("__").map(|(scope, _)| scope)
}

fn network(value: &Value, origin: &yado_core::Origin, said: &mut Said) {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some((_, known)) = NETWORK_OPTIONS.iter().find(|(name, _)| *name == kind) else { return };
    let given = options(value);
    for scope in given.keys().filter_map(|name| scope(name)) {
        said.provider(scope, origin);
    }
    let unknown = |(name, value): &(&String, &Value)| {
        scope(name).is_none() && !known.contains(&name.as_str()) && !value.is_null()
    };
    said.options(given.iter().filter(unknown).map(|(name, _)| name), &format!("a {kind}"), origin);
}

fn folder(value: &Value, origin: &yado_core::Origin, said: &mut Said) {
    let given = options(value);
    if given.get("disabled").is_some_and(|disabled| !matches!(disabled, Value::Null | Value::Bool(false))) {
        return;
    }
    let unknown = |(name, value): &(&String, &Value)| {
        !FOLDER_OPTIONS.contains(&name.as_str())
            && !FOLDER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            && !value.is_null()
    };
    said.options(given.iter().filter(unknown).map(|(name, _)| name), "a synced folder", origin);
}

/// One sentence for each part of a machine's canonical configuration that yado does nothing with yet.
pub(crate) fn parts(whole: &Value) -> Vec<String> {
    let mut sentences = Vec::new();
    let hooks = ["before", "after"].iter().any(|side| {
        let list = whole.pointer(&format!("/triggers/{side}")).and_then(Value::as_array);
        list.into_iter().flatten().any(|trigger| {
            let kind = trigger.get("type");
            kind.and_then(|kind| kind.get("$symbol").unwrap_or(kind).as_str())
                .is_some_and(|kind| kind.ends_with("hook"))
        })
    });
    if hooks {
        sentences.push("Triggers of the type 'hook' are not run: they name steps within Vagrant.".to_owned());
    }
    if let Some(Value::Object(sections)) = whole.get("unknown_sections") {
        for (name, section) in sections {
            let calls = section.get("$calls").and_then(Value::as_array);
            sentences.extend(foreign_plugins::sentence(name, calls.map_or(&[], Vec::as_slice)));
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_has_no_effect_is_said_part_by_part() {
        let whole = json!({
            "triggers": {"before": [], "after": [{"command": "up", "type": "hook"}]}, "disks": [], "cloud_init": [{}],
            "unknown_sections": {"hostmanager": {"$calls": []}}
        });
        let said = parts(&whole);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("'hook'") && said[1].contains("config.hostmanager"));
        assert!(parts(&json!({"triggers": {"before": [], "after": []}})).is_empty());
    }

    fn setting(key: &str, line: u32, value: Value) -> Setting {
        Setting {
            key: key.to_owned(),
            value,
            origin: (line > 0).then(|| yado_core::Origin {
                file: "/p/Vagrantfile".into(),
                line,
                column: 1,
                end_column: 0,
            }),
            overrode: Vec::new(),
            is_default: false,
        }
    }

    #[test]
    fn what_containers_do_not_honour_is_said_with_its_place() {
        let said = settings(&[
            setting("vm.disk", 3, json!(1)),
            setting("vm.base_mac", 0, json!(1)),
            setting("providers.virtualbox.cpus", 4, json!(1)),
            setting("providers.virtualbox.gui", 5, json!(1)),
            setting("providers.container.memory", 6, json!(1)),
            setting("ssh.username", 7, json!("me")),
            setting("vm.guest", 8, json!("debian")),
            setting("ssh.forward_env", 9, json!(["EDITOR"])),
            setting("ssh.forward_env", 10, json!(true)),
        ]);
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[2].contains("list of the variables' names") && said[2].contains("/p/Vagrantfile:10"));
        assert!(said[0].contains("config.vm.disk") && said[0].contains("/p/Vagrantfile:3"));
        assert!(said[1].contains("virtualbox") && said[1].contains("/p/Vagrantfile:4"));
    }

    #[test]
    fn a_setting_that_says_what_holds_anyway_is_not_worth_a_word() {
        let mut same = setting("ssh.insert_key", 3, json!(true));
        assert_eq!(settings(std::slice::from_ref(&same)).len(), 1);
        same.is_default = true;
        assert!(settings(&[same]).is_empty());
    }

    #[test]
    fn options_of_networks_and_folders_are_looked_at_one_by_one() {
        let said = settings(&[
            setting(
                "vm.network",
                3,
                json!({"type": "private_network", "options": {
                    "ip": "10.0.0.2", "virtualbox__intnet": true, "nic_type": "virtio", "id": "x"
                }}),
            ),
            setting(
                "vm.synced_folder",
                4,
                json!({"id": "/d", "options": {
                    "type": "rsync", "rsync__exclude": [".git"], "nfs_udp": false, "guestpath": "/d"
                }}),
            ),
            setting("vm.synced_folder", 5, json!({"id": "/e", "options": {"disabled": true, "x": 1}})),
        ]);
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].contains("provider 'virtualbox'"));
        assert!(said[1].contains("'nic_type' of a private_network has no effect") && said[1].contains(":3"));
        assert!(said[2].contains("'rsync__exclude' of a synced folder") && said[2].contains(":4"));
        let networks = |kind: &str| {
            let options = json!({"bridge": "br0", "mtu": 1400, "ip": "10.0.0.2", "use_dhcp_assigned_default_route": true});
            settings(&[setting("vm.network", 6, json!({"type": kind, "options": options}))])
        };
        let said = networks("public_network");
        assert!(said[0].starts_with("'use_dhcp_assigned_default_route' of a public_network has"), "{said:?}");
        assert!(!networks("private_network")[0].contains("mtu"));
    }
}
