//! What a machine is told about itself, as a small volume that it finds beside its disk. It says everything twice: as
//! cloud-init reads it (`meta-data`, `user-data`, `network-config`), for disks of other people's, and as files that
//! [the first program](super::initrd) of yado's own machines puts in their places.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use yado_core::disk::{Seed, SeedInterface};
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result};

use super::iso;
use crate::layer::hex;
use crate::scratch::Scratch;

/// The volume's label, by which cloud-init knows it.
const LABEL: &str = "cidata";
/// Marks of the names of other machines in `/etc/hosts`; what stands between them is yado's.
const NAMES_BEGIN: &str = "# yado: machines of this environment";
const NAMES_END: &str = "# yado: end";
/// Where the keys lie that let in, apart from those that a user has in the home directory.
pub(super) const KEYS: &str = "etc/ssh/yado";
/// Switches on the service that asks for addresses.
const NETWORKD: &str = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service";
/// Name servers that a resolver looks at.
const MOST_SERVERS: usize = 3;

/// Volumes take multiples of this, so that machines of the same hardware have disks of the same size.
pub const SEED_UNIT: u64 = 1 << 20;

/// Writes the volume to `path`; whoever reads it meanwhile sees the old one or the new one.
pub fn write_seed(seed: &Seed, path: &Path) -> Result<()> {
    let volume = volume(seed)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let scratch = Scratch::file(folder)?;
    let doing = || format!("writing '{}'", path.display());
    // Private keys are in it.
    std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o600)).doing(doing)?;
    std::fs::write(scratch.path(), &volume).doing(doing)?;
    let file = std::fs::File::options().write(true).open(scratch.path()).doing(doing)?;
    file.set_len((volume.len() as u64).next_multiple_of(SEED_UNIT)).doing(doing)?;
    scratch.replace(path)
}

fn volume(seed: &Seed) -> Result<Vec<u8>> {
    check(seed)?;
    let files = files(seed)?;
    let hosts = hosts(seed);
    let serial = hex(&Sha256::digest([&files[..], hosts.as_bytes()].concat())) + "\n";
    let meta_data =
        json!({ "instance-id": seed.instance_id, "local-hostname": seed.hostname }).to_string() + "\n";
    iso::volume(
        LABEL,
        &[
            ("meta-data", meta_data.as_bytes()),
            ("user-data", user_data(seed).as_bytes()),
            ("network-config", (network_config(&seed.interfaces).to_string() + "\n").as_bytes()),
            ("files.tar", &files),
            ("hosts", hosts.as_bytes()),
            ("network", network_lines(&seed.interfaces).as_bytes()),
            ("serial", serial.as_bytes()),
        ],
    )
}

/// What ends up in lines of files must not begin new ones.
fn check(seed: &Seed) -> Result<()> {
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let is_line = |text: &str| !text.chars().any(|letter| letter.is_control());
    let names =
        seed.names.iter().map(|(_, name)| name.as_str()).chain([seed.hostname.as_str(), seed.user.as_str()]);
    let kinds = seed.host_keys.iter().map(|key| key.kind.as_str());
    let bad = names.chain(kinds).find(|name| !is_name(name)).or_else(|| {
        let lines = seed.interfaces.iter().map(|interface| interface.mac.as_str());
        lines.chain([seed.authorized_key.trim_end(), &seed.instance_id]).find(|line| !is_line(line))
    });
    match bad {
        None => Ok(()),
        Some(bad) => Err(Error::new(
            ErrorKind::Other,
            format!("'{}' cannot be told to a machine.", bad.escape_default()),
        )),
    }
}

/// The files of a machine of yado's own, as an archive that is unpacked onto its disk.
fn files(seed: &Seed) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let doing = || "packing the files of a seed";
    let mut put = |name: &str, mode: u32, content: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive.append_data(&mut header, name, content.as_bytes()).doing(doing)
    };
    put("etc/hostname", 0o644, &format!("{}\n", seed.hostname))?;
    let identity = hex(&Sha256::digest(seed.instance_id.as_bytes()));
    put("etc/machine-id", 0o444, &format!("{}\n", &identity[..32]))?;
    put(&format!("{KEYS}/{}", seed.user), 0o644, &format!("{}\n", seed.authorized_key.trim_end()))?;
    for key in &seed.host_keys {
        let path = format!("etc/ssh/ssh_host_{}_key", key.kind);
        put(&path, 0o600, &ended(&key.private))?;
        put(&format!("{path}.pub"), 0o644, &ended(&key.public))?;
    }
    for (number, interface) in seed.interfaces.iter().enumerate().filter(|(_, interface)| interface.dhcp) {
        put(&format!("etc/systemd/network/10-yado-{number}.network"), 0o644, &network(interface))?;
    }
    let mut servers: Vec<_> = seed.interfaces.iter().flat_map(|interface| &interface.dns).collect();
    servers.dedup();
    if !servers.is_empty() {
        let lines: Vec<_> =
            servers.iter().take(MOST_SERVERS).map(|server| format!("nameserver {server}\n")).collect();
        put("etc/resolv.conf", 0o644, &lines.concat())?;
    }
    if seed.interfaces.iter().any(|interface| interface.dhcp) {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        archive
            .append_link(&mut header, NETWORKD, "/lib/systemd/system/systemd-networkd.service")
            .doing(doing)?;
    }
    archive.into_inner().doing(doing)
}

/// Fixed addresses, a line for each thing that is done to an interface: its hardware address, what, and with what.
fn network_lines(interfaces: &[SeedInterface]) -> String {
    let mut text = String::new();
    for interface in interfaces.iter().filter(|interface| !interface.dhcp) {
        let mac = &interface.mac;
        let _written = writeln!(text, "{mac} up");
        for (address, prefix) in &interface.addresses {
            let _written = writeln!(text, "{mac} address {address}/{prefix}");
        }
        if let Some(gateway) = interface.gateway {
            let _written = writeln!(text, "{mac} gateway {gateway}");
        }
    }
    text
}

fn ended(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// A unit of systemd's for a network interface.
fn network(interface: &SeedInterface) -> String {
    let mut text = format!("[Match]\nMACAddress={}\n\n[Network]\n", interface.mac);
    let dhcp = if interface.dhcp { "ipv4" } else { "no" };
    // Whatever else is announced on the network is not this machine's to believe.
    let _written = write!(text, "DHCP={dhcp}\nIPv6AcceptRA=no\n");
    for (address, prefix) in &interface.addresses {
        let _written = writeln!(text, "Address={address}/{prefix}");
    }
    if let Some(gateway) = interface.gateway {
        let _written = writeln!(text, "Gateway={gateway}");
    }
    for server in &interface.dns {
        let _written = writeln!(text, "DNS={server}");
    }
    text
}

/// The part of `/etc/hosts` that is yado's.
fn hosts(seed: &Seed) -> String {
    let with_short_name = |name: &str| match name.split_once('.') {
        Some((short, _)) => format!("{name} {short}"),
        None => name.to_owned(),
    };
    let mut text = format!("{NAMES_BEGIN}\n127.0.1.1\t{}\n", with_short_name(&seed.hostname));
    for (address, name) in &seed.names {
        let _written = writeln!(text, "{address}\t{}", with_short_name(name));
    }
    text + NAMES_END + "\n"
}

/// The interfaces as cloud-init's second version describes them.
fn network_config(interfaces: &[SeedInterface]) -> Value {
    let interface = |(number, interface): (usize, &SeedInterface)| {
        let mut settings = json!({ "match": { "macaddress": interface.mac }, "dhcp4": interface.dhcp });
        if !interface.addresses.is_empty() {
            let addresses = interface.addresses.iter().map(|(address, prefix)| format!("{address}/{prefix}"));
            settings["addresses"] = addresses.collect::<Vec<_>>().into();
        }
        if let Some(gateway) = interface.gateway {
            let to = if gateway.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
            settings["routes"] = json!([{ "to": to, "via": gateway }]);
        }
        if !interface.dns.is_empty() {
            settings["nameservers"] = json!({ "addresses": interface.dns });
        }
        if let Some(mtu) = interface.mtu {
            settings["mtu"] = mtu.into();
        }
        (format!("yado{number}"), settings)
    };
    let all: serde_json::Map<_, _> = interfaces.iter().enumerate().map(interface).collect();
    json!({ "version": 2, "ethernets": all })
}

/// What cloud-init is asked to do: yado's part, and those of `config.vm.cloud_init` before it.
fn user_data(seed: &Seed) -> String {
    let own = cloud_config(seed);
    if seed.user_data.is_empty() {
        return own;
    }
    let mut boundary = String::from("==yado==");
    while seed.user_data.iter().any(|part| part.content.contains(&boundary)) {
        boundary.push('=');
    }
    let mut text = format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\n");
    let mut put = |content_type: &str, name: &str, more: &str, content: &str| {
        let _written = write!(
            text,
            "\n--{boundary}\nContent-Type: {content_type}; charset=\"utf-8\"\nMIME-Version: 1.0\n\
             Content-Transfer-Encoding: 8bit\nContent-Disposition: attachment; filename=\"{name}\"\n{more}\n{content}"
        );
    };
    for (number, part) in seed.user_data.iter().enumerate() {
        let name = part.name.clone().unwrap_or_else(|| format!("part-{number}"));
        let is_plain = |letter: char| !letter.is_control() && letter != '"' && letter != '\\';
        let name: String = name.chars().filter(|letter| is_plain(*letter)).collect();
        let kind: String = part.content_type.chars().filter(|letter| is_plain(*letter)).collect();
        put(&kind, &name, "", &part.content);
    }
    // Added to what the parts before say, never instead of it.
    let merge = "Merge-Type: list(append)+dict(no_replace,recurse_list)+str()\n";
    put("text/cloud-config", "yado", merge, &own);
    let _written = write!(text, "\n--{boundary}--\n");
    text
}

/// yado's own wishes. JSON is YAML, and needs no rules for quoting.
fn cloud_config(seed: &Seed) -> String {
    let mut user = json!({
        "name": seed.user,
        "shell": "/bin/bash",
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "lock_passwd": true,
        "ssh_authorized_keys": [seed.authorized_key.trim_end()],
    });
    let mut config = json!({ "preserve_hostname": false, "hostname": seed.hostname, "ssh_deletekeys": true });
    if seed.user == "root" {
        config["disable_root"] = false.into();
        user = json!({ "name": "root", "ssh_authorized_keys": [seed.authorized_key.trim_end()] });
    }
    // Of several lists of users one would win; the image's own user is asked for when nobody else makes a list.
    config["users"] = if seed.user_data.is_empty() { json!(["default", user]) } else { json!([user]) };
    let mut keys = serde_json::Map::new();
    for key in &seed.host_keys {
        keys.insert(format!("{}_private", key.kind), ended(&key.private).into());
        keys.insert(format!("{}_public", key.kind), ended(&key.public).into());
    }
    if !keys.is_empty() {
        config["ssh_keys"] = keys.into();
    }
    config["write_files"] = json!([{ "path": "/etc/hosts", "append": true, "content": hosts(seed) }]);
    format!("#cloud-config\n{config}\n")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
