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
    ("yum_proxy", "'config.proxy' sets the variables that yum goes by"),
    ("git_proxy", "'config.proxy' sets the variables that git goes by"),
    ("docker_proxy", "only the environment and apt are told of proxies"),
    ("npm_proxy", "'config.proxy' sets the variables that npm goes by"),
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

/// Sections whose work yado does, with the settings and calls that it goes by.
fn done(name: &str) -> Option<&'static [&'static str]> {
    if matches!(name, "env" | "dotenv") {
        return Some(&["enable", "load"]);
    }
    yado_core::guest_settings::SERVED.iter().find(|(known, _)| *known == name).map(|(_, settings)| *settings)
}

/// Whether a section belongs to a plugin that yado knows.
pub(crate) fn is_known(name: &str) -> bool {
    done(name).is_some() || section(name).is_some()
}

/// What to say about a plugin's section with these calls, each a list that begins with the method's name; nothing
/// when yado does all that it asks for.
pub(crate) fn sentence(name: &str, calls: &[serde_json::Value]) -> Option<String> {
    let Some(served) = done(name) else {
        let what = section(name).unwrap_or("yado does not know it");
        return Some(format!("'config.{name}' (settings of a plugin) has no effect: {what}."));
    };
    let mut idle: Vec<&str> = calls
        .iter()
        .filter_map(|call| call.get(0)?.as_str())
        .map(|call| call.trim_end_matches('='))
        .filter(|call| !served.contains(call))
        .collect();
    idle.dedup();
    (!idle.is_empty()).then(|| {
        format!("Of 'config.{name}' (settings of a plugin), these have no effect: {}.", idle.join(", "))
    })
}

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
        assert!(is_known("timezone") && !is_known("hostmangler"));
        let call = |name: &str| serde_json::json!([name, 1]);
        assert_eq!(sentence("timezone", &[call("value=")]), None);
        assert!(sentence("proxy", &[call("http="), call("shout=")]).unwrap().ends_with("no effect: shout."));
        assert!(section("vbguest").is_some() && section("hostmangler").is_none());
    }
}
