//! What settings of well-known plugins do inside a machine: its time zone (`config.timezone`) and its proxies
//! (`config.proxy`, `config.apt_proxy`). They are written by one script of root's whenever the machine was switched
//! on, before anything is provisioned.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Settings of plugins, by section.
pub type PluginSettings = BTreeMap<String, Map<String, Value>>;

/// The sections that this module serves, each with the settings that it goes by.
pub const SERVED: &[(&str, &[&str])] = &[
    ("timezone", &["value"]),
    ("proxy", &["enabled", "ftp", "http", "https", "no_proxy"]),
    ("apt_proxy", &["ftp", "http", "https"]),
];

/// What a script ends with when the machine does not know the time zone.
pub const NO_SUCH_ZONE: i32 = 93;

/// The script that makes a machine as `wanted`, and takes back what `before` asked for; `None` when neither asks for
/// anything. `host_zone` is the time zone of this computer, for `:host`.
pub fn script(wanted: &PluginSettings, before: &PluginSettings, host_zone: Option<&str>) -> Option<String> {
    let asks = |settings: &PluginSettings| SERVED.iter().any(|(name, _)| settings.contains_key(*name));
    if !asks(wanted) && !asks(before) {
        return None;
    }
    let mut script = String::from("set -e\n");
    proxies(wanted, &mut script);
    if let Some(zone) = zone(wanted, host_zone) {
        let file = quoted(&format!("/usr/share/zoneinfo/{zone}"));
        script.push_str(&format!(
            "[ -f {file} ] || exit {NO_SUCH_ZONE}\nln -sf {file} /etc/localtime\nprintf '%s\\n' {} > /etc/timezone\n",
            quoted(&zone)
        ));
    }
    Some(script)
}

/// The time zone that is asked for. Names that lead out of the directory of zones are none.
pub fn zone(settings: &PluginSettings, host_zone: Option<&str>) -> Option<String> {
    let value = settings.get("timezone")?.get("value")?;
    let text = text(value)?;
    let zone = if text == "host" { host_zone?.to_owned() } else { text };
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+-/".contains(c);
    (!zone.is_empty() && !zone.starts_with('/') && zone.chars().all(plain)).then_some(zone)
}

/// Text, a symbol, or nothing.
fn text(value: &Value) -> Option<String> {
    let text = value.get("$symbol").unwrap_or(value).as_str()?;
    Some(text.trim_start_matches(':').trim().to_owned()).filter(|text| !text.is_empty())
}

/// Where they stand, a marked block or a file of their own in each place.
const ENVIRONMENT: &str = "/etc/environment";
const PROFILE: &str = "/etc/profile.d/yado-proxy.sh";
const APT: &str = "/etc/apt/apt.conf.d/01yado-proxy";

/// Whether `config.proxy.enabled` leaves a part on: `false`, `""` or a hash such as `{ apt: false }`.
fn is_on(settings: &PluginSettings, part: &str) -> bool {
    match settings.get("proxy").and_then(|proxy| proxy.get("enabled")) {
        Some(Value::Bool(on)) => *on,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Object(parts)) => {
            let of = |name: &str| parts.get(name).or_else(|| parts.get(&format!(":{name}")));
            !matches!(of(part), Some(Value::Bool(false)))
        }
        _ => true,
    }
}

fn proxies(settings: &PluginSettings, script: &mut String) {
    let of = |section: &str, name: &str| settings.get(section).and_then(|found| text(found.get(name)?));
    let mut variables = Vec::new();
    let names =
        [("http", "http_proxy"), ("https", "https_proxy"), ("ftp", "ftp_proxy"), ("no_proxy", "no_proxy")];
    for (name, variable) in names {
        if let Some(value) = of("proxy", name).filter(|_| is_on(settings, "env")) {
            variables.push((variable.to_owned(), value.clone()));
            variables.push((variable.to_uppercase(), value));
        }
    }
    let exports = lines(&variables, |name, value| format!("export {name}={}\n", quoted(value)));
    script.push_str(&file(PROFILE, &exports));
    // pam_env reads no shell: values stand there as they are.
    let plain = lines(&variables, |name, value| format!("{name}={value}\n"));
    let block = if plain.is_empty() { plain } else { format!("# yado: proxies\n{plain}# yado: end\n") };
    script.push_str(&format!(
        "if [ -f {ENVIRONMENT} ]; then sed -i '/^# yado: proxies$/,/^# yado: end$/d' {ENVIRONMENT}; fi\n"
    ));
    if !block.is_empty() {
        script.push_str(&format!("printf %s {} >> {ENVIRONMENT}\n", quoted(&block)));
    }
    let kinds = ["http", "https", "ftp"].iter().filter(|_| is_on(settings, "apt"));
    let apt: Vec<(String, String)> = kinds
        .filter_map(|name| Some(((*name).to_owned(), of("apt_proxy", name).or_else(|| of("proxy", name))?)))
        .collect();
    let apt =
        lines(&apt, |name, value| format!("Acquire::{name}::Proxy \"{}\";\n", value.replace('"', "%22")));
    script.push_str(&format!("if [ -d /etc/apt/apt.conf.d ]; then\n{}fi\n", file(APT, &apt)));
}

fn lines(pairs: &[(String, String)], line: impl Fn(&str, &str) -> String) -> String {
    pairs.iter().map(|(name, value)| line(name, value)).collect::<Vec<_>>().concat()
}

/// Writes a file whole, or takes it away when there is nothing to say.
fn file(path: &str, text: &str) -> String {
    if text.is_empty() {
        return format!("rm -f {path}\n");
    }
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
    format!("mkdir -p {folder}\nprintf %s {} > {path}\n", quoted(text))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(value: Value) -> PluginSettings {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn without_such_settings_nothing_is_run() {
        let none = PluginSettings::new();
        assert_eq!(script(&none, &none, None), None);
        let other = settings(json!({ "vbguest": { "auto_update": false } }));
        assert_eq!(script(&other, &none, None), None);
        let proxy = settings(json!({ "proxy": { "http": "http://p:1" } }));
        let taken_back = script(&none, &proxy, None).unwrap();
        assert!(taken_back.contains(&format!("rm -f {PROFILE}")) && !taken_back.contains("http://p:1"));
    }

    #[test]
    fn a_zone_is_one_of_the_machines_own() {
        let asked =
            |value: &str| zone(&settings(json!({ "timezone": { "value": value } })), Some("Asia/Tokyo"));
        assert_eq!(asked("Europe/Berlin").as_deref(), Some("Europe/Berlin"));
        assert_eq!(asked(":host").as_deref(), Some("Asia/Tokyo"));
        assert_eq!(asked("../../etc/passwd"), None);
        assert_eq!(asked("/etc/passwd"), None);
    }

    #[test]
    fn proxies_are_quoted_and_can_be_switched_off_in_parts() {
        let wanted = settings(json!({
            "proxy": { "http": "http://u:it's@p:1", "enabled": { "apt": false } },
            "apt_proxy": { "http": "http://cache:3142" }
        }));
        let text = script(&wanted, &PluginSettings::new(), None).unwrap();
        assert!(text.contains(r"HTTP_PROXY="), "{text}");
        assert!(!text.contains("Acquire"), "{text}");
        let off = settings(json!({ "proxy": { "http": "http://p:1", "enabled": false } }));
        assert!(!script(&off, &PluginSettings::new(), None).unwrap().contains("http://p:1"));
    }
}
