//! Entering machines whose system is somebody else's. A system that runs cloud-init has taken this machine's key from its
//! seed; a box as Vagrant knows them lets in a key that everybody has, which is then replaced by the machine's own. What
//! the server's own key is shows at the first visit, and counts from then on.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use yado_core::disk::{Boot, SeedInterface};
use yado_core::error::Doing;
use yado_core::ssh::Keys;
use yado_core::{Communicator, Context, Error, ErrorKind, Exec, MachineSpec, Result};

use super::machine::Machine;
use super::recollection;
use super::settings::plain;
use crate::providers::networks::names::hostname;

/// The key that boxes for Vagrant let in until they are entered. It has been public from the start: it is in every
/// copy of Vagrant, so that whoever makes a box can let it in.
const SHARED_KEY: &str = include_str!("shared_key.pem");
/// By this word the public halves of such keys are known in a list of keys; there are several by now.
const SHARED_COMMENT: &str = "vagrant insecure public key";
/// In the machine's directory: the shared key, as long as it may be needed.
const SHARED_FILE: &str = "ssh/shared_key";
/// In the machine's directory: of a copy, the key of the machine that it was made from, as long as it may be needed.
const MODEL_FILE: &str = "ssh/model_key";
/// In the machine's directory: the machine was entered, and its server's keys are known.
const ENTERED: &str = "ssh/entered";

/// Replaces keys whose lines hold `$2` or `$3` by `$1`; says so when there were any.
const REPLACE: &str = r#"f=$HOME/.ssh/authorized_keys
grep -qF -e "$2" -e "$3" "$f" 2>/dev/null || exit 0
t=$(grep -vF -e "$1" -e "$2" -e "$3" "$f"; printf '%s\n' "$1") && printf '%s\n' "$t" > "$f" && echo replaced"#;
/// Shows the keys of the server.
const SHOW: &str = "cat /etc/ssh/ssh_host_*_key.pub";
/// Gives the machine its name, `$1`, and its addresses, lines of `$2`, where the system has not done so by itself.
const INTRODUCE: &str = r#"
if [ "$(hostname)" != "$1" ]; then
    printf '%s\n' "$1" > /etc/hostname
    hostnamectl set-hostname "$1" 2>/dev/null || hostname "$1"
fi
printf '%s\n' "$2" | while read -r mac address; do
    [ -n "$address" ] || continue
    for link in /sys/class/net/*; do
        [ "$(cat "$link/address" 2>/dev/null)" = "$mac" ] || continue
        name=${link##*/}
        ip link set "$name" up
        ip addr show dev "$name" | grep -qF " $address " || ip addr add "$address" dev "$name"
    done
done
"#;
/// Lets the last partition and its file system fill the disk.
const GROW: &str = r#"
root=$(findmnt -no SOURCE / 2>/dev/null || sed -n 's|^\(/dev/[^ ]*\) / .*|\1|p' /proc/mounts | tail -n 1)
part=${root##*/}
[ -e "/sys/class/block/$part" ] || exit 0
if [ -r "/sys/class/block/$part/partition" ]; then
    read -r number < "/sys/class/block/$part/partition"
    above=$(readlink -f "/sys/class/block/$part/..")
    disk=${above##*/}
    read -r whole < "$above/size"
    read -r begin < "/sys/class/block/$part/start"
    read -r size < "/sys/class/block/$part/size"
    # Less than a mebibyte at the end is the table's second copy, or not worth it.
    [ $((whole - begin - size)) -gt 4096 ] || exit 0
    if command -v growpart >/dev/null; then
        growpart "/dev/$disk" "$number" >/dev/null || exit 1
    elif command -v sfdisk >/dev/null; then
        echo ', +' | sfdisk --no-reread --force -N "$number" "/dev/$disk" >/dev/null 2>&1
        partx -u -n "$number" "/dev/$disk" || exit 1
    else
        exit 1
    fi
fi
case $(findmnt -no FSTYPE / 2>/dev/null || sed -n 's|^/dev/[^ ]* / \([^ ]*\) .*|\1|p' /proc/mounts | tail -n 1) in
ext?) resize2fs "$root" >/dev/null 2>&1 ;;
xfs) xfs_growfs / >/dev/null ;;
btrfs) btrfs filesystem resize max / >/dev/null ;;
*) exit 1 ;;
esac
"#;

/// Settings of `config.ssh` that do nothing here.
pub(super) fn idle(spec: &MachineSpec) -> Vec<String> {
    let has_password = spec.ssh.settings.get("password").is_some_and(|value| !value.is_null());
    let told = has_password.then(|| {
        "'config.ssh.password' has no effect with this provider: machines are entered by keys.".to_owned()
    });
    told.into_iter().collect()
}

/// Keys that the Vagrantfile names, in order.
fn named_keys(spec: &MachineSpec) -> Vec<PathBuf> {
    let paths = match spec.ssh.settings.get("private_key_path") {
        Some(Value::Array(list)) => list.iter().map(plain).collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![plain(one)],
    };
    let path = |text: String| match (text.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => spec.project.join(text),
    };
    paths.into_iter().filter(|text| !text.is_empty()).map(path).collect()
}

/// The keys that let into this machine, or may, with the names under which a copy of it has them.
pub(super) fn keys_for_a_copy(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let keys = Keys::beside(folder);
    let own = if folder.join(ENTERED).exists() { keys.identity() } else { folder.join(MODEL_FILE) };
    let mut all = vec![(folder.join(SHARED_FILE), SHARED_FILE), (own, MODEL_FILE)];
    all.retain(|(file, _)| file.exists());
    all
}

/// Whether the machine is to get a key of its own.
fn inserts_key(spec: &MachineSpec) -> bool {
    spec.ssh.settings.get("insert_key") != Some(&Value::Bool(false)) && named_keys(spec).is_empty()
}

impl Machine {
    /// Whether the machine boots from a disk of somebody else's.
    pub(super) fn is_foreign(&self) -> bool {
        self.image()
            .is_ok_and(|image| image.disk.is_some_and(|disk| matches!(disk.boot, Boot::Firmware { .. })))
    }

    fn was_entered(&self) -> bool {
        self.folder().join(ENTERED).exists()
    }

    /// The keys to come with, and whether the server's keys are known.
    pub(super) fn identities(&self) -> (Vec<PathBuf>, bool) {
        let mut identities = vec![Keys::beside(self.folder()).identity()];
        if !self.is_foreign() {
            return (identities, true);
        }
        identities.extend(self.spec().map(named_keys).unwrap_or_default());
        let passing = [SHARED_FILE, MODEL_FILE].map(|file| self.folder().join(file));
        identities.extend(passing.into_iter().filter(|file| file.exists()));
        (identities, self.was_entered())
    }

    /// Before the first start: has the shared key at hand.
    pub(super) fn prepare_login(&self) -> Result<()> {
        if !self.is_foreign() {
            return Ok(());
        }
        let path = self.folder().join(SHARED_FILE);
        let doing = || format!("writing '{}'", path.display());
        std::fs::write(&path, SHARED_KEY).doing(doing)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).doing(doing)
    }

    /// What to say besides the console's last lines when a machine cannot be entered.
    pub(super) fn login_advice(&self) -> String {
        if !self.is_foreign() || self.was_entered() {
            return String::new();
        }
        format!(
            "\nThe system on the box's disk is to run cloud-init, or an SSH server that lets '{}' in by the key that \
             boxes for Vagrant have; 'config.ssh.username' and 'config.ssh.private_key_path' name others.",
            self.user()
        )
    }

    /// After a start, when the machine can be entered: does what the system may not have done by itself.
    pub(super) fn settle(&self, context: &Context, inside: &dyn Communicator) -> Result<()> {
        if !self.is_foreign() {
            return Ok(());
        }
        let spec = self.spec()?;
        if !self.was_entered() {
            let keys = Keys::beside(self.folder());
            if inserts_key(spec) {
                self.insert_key(context, inside, &keys)?;
            }
            self.remember_server(&run(context, inside, Some("root"), &[SHOW])?, &keys)?;
        }
        let lines: Vec<String> = self.private_cards()?.iter().flat_map(|(_, seed)| addresses(seed)).collect();
        let name = hostname(Some(spec), &self.record.name);
        run(context, inside, Some("root"), &[INTRODUCE, "sh", &name, &lines.join("\n")])?;
        if super::settings::Settings::of(spec).disk_size.is_some()
            && let Err(problem) = run(context, inside, Some("root"), &[GROW])
        {
            tracing::debug!(%problem, "growing the last partition");
            context.warn(
                "The disk is larger now, but the partition and the file system in the machine could not be made to \
                 fill it.",
            );
        }
        Ok(())
    }

    /// Puts the machine's own key in the place of those that others have, too.
    fn insert_key(&self, context: &Context, inside: &dyn Communicator, keys: &Keys) -> Result<()> {
        let model = self.folder().join(MODEL_FILE);
        let of_model = if model.exists() { public_half(context, &model)? } else { SHARED_COMMENT.to_owned() };
        let words = [REPLACE, "sh", &keys.authorized()?, SHARED_COMMENT, &of_model];
        if run(context, inside, None, &words)?.contains("replaced") {
            context.detail(if model.exists() {
                "The copy let in the key of the machine that it was made from; it was replaced by one of its own."
            } else {
                "The box lets in a key that everybody has; it was replaced by one of the machine's own."
            });
        }
        for file in [SHARED_FILE, MODEL_FILE] {
            recollection::forget(self.folder(), file)?;
        }
        Ok(())
    }

    /// From now on no other server is taken for this one.
    fn remember_server(&self, shown: &str, keys: &Keys) -> Result<()> {
        let alias = keys.alias()?;
        let is_key = |line: &&str| line.starts_with("ssh-") || line.starts_with("ecdsa-");
        let known: Vec<String> =
            shown.lines().filter(is_key).map(|line| format!("{alias} {line}\n")).collect();
        if known.is_empty() {
            // Kept somewhere else: any server goes on being believed, as with Vagrant.
            return Ok(());
        }
        let doing = || format!("writing down the keys of '{}'", self.record.name);
        let fresh = self.folder().join("ssh/known_hosts.new");
        std::fs::write(&fresh, known.concat()).doing(doing)?;
        std::fs::rename(&fresh, keys.known_hosts()).doing(doing)?;
        std::fs::write(self.folder().join(ENTERED), "").doing(doing)
    }
}

/// The public half of a key, without kind and comment.
fn public_half(context: &Context, key: &Path) -> Result<String> {
    let path = key.to_string_lossy();
    let argv = ["ssh-keygen", "-y", "-P", "", "-f", &path];
    let said = context.host.run(&context.cancel, argv, std::time::Duration::from_secs(30))?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let half = said.split_whitespace().nth(1).map(str::to_owned);
    half.ok_or_else(|| Error::new(ErrorKind::System, format!("'{path}' is no key that can be used.")))
}

/// An interface's addresses, a line for each.
fn addresses(seed: &SeedInterface) -> Vec<String> {
    let line = |(address, prefix): &(IpAddr, u8)| format!("{} {address}/{prefix}", seed.mac);
    seed.addresses.iter().map(line).collect()
}

/// Runs a script with its words; what it printed.
fn run(context: &Context, inside: &dyn Communicator, user: Option<&str>, words: &[&str]) -> Result<String> {
    let mut argv = vec!["sh".to_owned(), "-c".to_owned()];
    argv.extend(words.iter().map(|word| (*word).to_owned()));
    let command = Exec { argv, user: user.map(str::to_owned), ..Exec::default() };
    let mut said = Vec::new();
    let status = inside.exec(context, &command, &mut |_, piece| said.extend_from_slice(piece))?;
    let said = String::from_utf8_lossy(&said).into_owned();
    if status.code() == 0 {
        return Ok(said);
    }
    Err(Error::new(
        ErrorKind::GuestCommandFailed,
        format!("The machine cannot be prepared for use: {}", said.trim()),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::settings::tests::spec;
    use super::*;

    #[test]
    fn keys_of_the_vagrantfile_keep_the_machine_from_getting_one() {
        let mut spec = spec(json!([]));
        assert!(inserts_key(&spec));
        spec.ssh.settings.insert("private_key_path".to_owned(), json!(["keys/one", "/two"]));
        assert_eq!(named_keys(&spec), [spec.project.join("keys/one"), PathBuf::from("/two")]);
        assert!(!inserts_key(&spec));
        spec.ssh.settings.insert("private_key_path".to_owned(), Value::Null);
        spec.ssh.settings.insert("insert_key".to_owned(), json!(false));
        assert!(!inserts_key(&spec));
        spec.ssh.settings.insert("password".to_owned(), json!("vagrant"));
        assert!(idle(&spec)[0].contains("config.ssh.password"));
    }
}
