//! Names: what stands in a machine's `/etc/hosts`, so that the machines of an environment find each other.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use yado_core::MachineSpec;

const BEGIN: &str = "# yado: machines of this environment";
const END: &str = "# yado: end";

/// The text of `/etc/hosts` with yado's block brought up to date; everything else stays as it is.
pub(in crate::providers) fn hosts(present: &str, hostname: &str, machines: &[(String, IpAddr)]) -> String {
    let mut text = without_block(present);
    if text.is_empty() {
        text.push_str("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    }
    text.push_str(&block(hostname, machines));
    text
}

/// The block alone, for machines that already run.
pub(in crate::providers) fn block(hostname: &str, machines: &[(String, IpAddr)]) -> String {
    let mut text = format!("{BEGIN}\n127.0.1.1\t{}\n", with_short_name(hostname));
    for (name, address) in machines {
        text.push_str(&format!("{address}\t{}\n", with_short_name(name)));
    }
    text.push_str(&format!("{END}\n"));
    text
}

/// Which names were written into which machine.
pub(in crate::providers) struct Written(Mutex<BTreeMap<String, (String, u64)>>);

impl Written {
    pub(in crate::providers) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Whether the names of this digest were the last.
    pub(in crate::providers) fn has(&self, machine: &str, hostname: &str, names: u64) -> bool {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(machine).is_some_and(|(known, digest)| known == hostname && *digest == names)
    }

    /// Notes that they were written.
    pub(in crate::providers) fn note(&self, machine: &str, hostname: &str, names: u64) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(machine.to_owned(), (hostname.to_owned(), names));
    }
}

/// What tells one list of names and addresses from another.
pub(in crate::providers) fn digest(machines: &[(String, IpAddr)]) -> u64 {
    let mut hasher = DefaultHasher::new();
    machines.hash(&mut hasher);
    hasher.finish()
}

/// A shell script that brings the block of a running machine up to date. It writes into the file that is there, as
/// programs may hold it open.
pub(in crate::providers) fn update_script(block: &str) -> String {
    format!(
        "t=$(sed '/^{BEGIN}$/,/^{END}$/d' /etc/hosts) && printf '%s\\n%s\\n' \"$t\" {} > /etc/hosts",
        shell_quoted(block.trim_end())
    )
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `web.example.org` is also known as `web`.
fn with_short_name(name: &str) -> String {
    match name.split_once('.') {
        Some((short, _)) => format!("{name} {short}"),
        None => name.to_owned(),
    }
}

fn without_block(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line == BEGIN {
            inside = true;
        } else if line == END {
            inside = false;
        } else if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The host name inside.
pub(in crate::providers) fn hostname(spec: Option<&MachineSpec>, name: &str) -> String {
    host_name(spec.and_then(|spec| spec.hostname.as_deref()).unwrap_or(name))
}

/// A name as a host name (RFC 1123): labels between dots, each of letters, digits and hyphens.
pub(in crate::providers) fn host_name(name: &str) -> String {
    let labels: Vec<String> = name.split('.').filter_map(host_label).collect();
    let whole: String = labels.join(".").chars().take(LONGEST_HOST_NAME).collect();
    if whole.is_empty() { "machine".to_owned() } else { whole }
}

/// The longest host name that the kernel takes, in characters (`sethostname(2)`).
const LONGEST_HOST_NAME: usize = 64;

/// One label: 63 characters at most, no hyphen at its ends; `None` when nothing is left.
fn host_label(name: &str) -> Option<String> {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(63).collect();
    Some(plain.trim_matches('-').to_owned()).filter(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_replaced_and_the_users_lines_stay() {
        let machines = [("db".to_owned(), IpAddr::from([10, 0, 0, 3]))];
        let first = hosts("127.0.0.1 localhost\n1.2.3.4 mine\n", "web.example.org", &machines);
        assert!(first.contains("1.2.3.4 mine\n"));
        assert!(first.contains("127.0.1.1\tweb.example.org web\n"));
        assert!(first.contains("10.0.0.3\tdb\n"));
        let second = hosts(&first, "web.example.org", &[]);
        assert!(second.contains("1.2.3.4 mine\n") && !second.contains("db"), "{second}");
        assert_eq!(second.matches(BEGIN).count(), 1);
    }

    #[test]
    fn the_script_does_in_a_shell_what_the_function_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let old = hosts("127.0.0.1 localhost\n9.9.9.9 o'clock\n", "a", &[]);
        std::fs::write(&path, &old).unwrap();
        let machines = [("db".to_owned(), IpAddr::from([10, 0, 0, 3]))];
        let script = update_script(&block("a", &machines)).replace("/etc/hosts", &path.to_string_lossy());
        let status = std::process::Command::new("sh").arg("-c").arg(script).status().unwrap();
        assert!(status.success());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), hosts(&old, "a", &machines));
    }

    #[test]
    fn every_machine_name_makes_a_host_name_that_the_kernel_takes() {
        assert_eq!(host_name("web_1"), "web-1");
        assert_eq!(host_name("web.example.test"), "web.example.test");
        assert_eq!(host_name("Ü.x"), "x");
        assert_eq!(host_name("a b"), "a-b");
        assert_eq!(host_name("ü"), "machine");
        assert_eq!(host_name(&"n".repeat(70)).len(), 63);
    }
}
