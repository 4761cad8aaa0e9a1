//! Settings of Vagrant plugins that many Vagrantfiles have. yado needs none of these plugins: some things it does by
//! itself, some have no meaning for its machines. Their sections are therefore no mistake, and the user is told once.

/// Section, and what becomes of it.
const SECTIONS: &[(&str, &str)] = &[
    ("hostmanager", "machines know each other's names anyway; this computer's own /etc/hosts is left alone"),
    ("hostsupdater", "machines know each other's names anyway; this computer's own /etc/hosts is left alone"),
    ("landrush", "machines know each other's names anyway; there is no separate name server"),
    ("hostmaster", "machines know each other's names anyway; this computer's own /etc/hosts is left alone"),
    ("dns", "machines know each other's names anyway; there is no separate name server"),
    ("vbguest", "there are no guest additions to keep up to date"),
    ("disksize", "a machine's files lie on this computer's own file system and take what they need"),
    (
        "persistent_storage",
        "a machine's files are kept until it is destroyed; use a synced folder for what must outlive it",
    ),
    ("cache", "packages are not shared between machines"),
    ("proxy", "proxies are not configured inside; set them in a provisioner"),
    ("apt_proxy", "proxies are not configured inside; set them in a provisioner"),
    ("yum_proxy", "proxies are not configured inside; set them in a provisioner"),
    ("git_proxy", "proxies are not configured inside; set them in a provisioner"),
    ("timezone", "the time zone inside is the box's"),
    ("env", "variables are read from the environment that yado was started in"),
    ("dotenv", "variables are read from the environment that yado was started in"),
    ("omnibus", "Chef is not installed by itself"),
    ("berkshelf", "cookbooks are not fetched by themselves"),
    ("librarian_puppet", "Puppet modules are not fetched by themselves"),
    ("r10k", "Puppet modules are not fetched by themselves"),
    ("puppet_install", "Puppet is not installed by itself"),
    ("winnfsd", "folders are mounted directly"),
    ("gatling", "folders are mounted directly"),
    ("fsnotify", "folders are mounted directly, and changes are seen inside at once"),
    ("notify_forwarder", "folders are mounted directly, and changes are seen inside at once"),
    (
        "multihostsupdater",
        "machines know each other's names anyway; this computer's own /etc/hosts is left alone",
    ),
];

/// What becomes of a plugin's section; `None` when nobody knows it.
pub(crate) fn section(name: &str) -> Option<&'static str> {
    SECTIONS.iter().find(|(known, _)| *known == name).map(|(_, what)| *what)
}

/// The section that a validation message complains of.
pub(crate) fn unknown_section(message: &str) -> Option<&str> {
    message.strip_prefix("Unknown configuration section '")?.strip_suffix("'.")
}

/// The provisioner that a validation message complains of.
pub(crate) fn unknown_provisioner(message: &str) -> Option<&str> {
    message.strip_prefix("The '")?.strip_suffix("' provisioner could not be found.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_understood() {
        assert_eq!(unknown_section("Unknown configuration section 'vbguest'."), Some("vbguest"));
        assert_eq!(unknown_provisioner("The 'reload' provisioner could not be found."), Some("reload"));
        assert!(section("vbguest").is_some() && section("hostmangler").is_none());
    }
}
