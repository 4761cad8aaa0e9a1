//! The command line that makes a container: the machine's settings, ports, folders and names as the engine takes them.

use yado_core::spec::{FolderSpec, Problem};
use yado_core::{Forward, MachineRecord, MachineSpec};

use super::engine::MACHINE_LABEL;
use super::image::Source;
use super::settings::Settings;

/// The label that tells what a container was made with.
pub(super) const SETTINGS_LABEL: &str = "yado.settings";

/// Kinds of synced folders that a volume is.
const VOLUME_KINDS: &[&str] = &["docker", "bind"];

/// What cannot be done, of the folders.
pub(super) fn problems(spec: &MachineSpec) -> Vec<Problem> {
    let other = |folder: &&FolderSpec| {
        folder.kind.as_deref().is_some_and(|kind| !VOLUME_KINDS.contains(&kind) && !kind.is_empty())
    };
    let told = |folder: &FolderSpec| Problem {
        message: format!(
            "The synced folder '{}' has the type '{}'; with this provider folders are volumes. Leave 'type:' out.",
            folder.host_path.display(),
            folder.kind.as_deref().unwrap_or_default()
        ),
        origin: folder.origin.clone(),
        remedy: None,
    };
    spec.synced_folders.iter().filter(other).map(told).collect()
}

/// The arguments of `run` that a container is made with, without its name and labels.
pub(super) fn arguments(
    spec: &MachineSpec,
    settings: &Settings,
    source: &Source,
    forwards: &[Forward],
) -> Vec<String> {
    let mut words = Vec::new();
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    for (name, value) in &settings.env {
        option("-e", format!("{name}={value}"));
    }
    settings.env_file.iter().for_each(|path| option("--env-file", path.display().to_string()));
    settings.expose.iter().for_each(|port| option("--expose", port.clone()));
    settings.links.iter().for_each(|link| option("--link", link.clone()));
    settings.ports.iter().for_each(|port| option("-p", port.clone()));
    for forward in forwards {
        option("-p", published(forward));
    }
    settings.volumes.iter().for_each(|volume| option("-v", volume.clone()));
    spec.synced_folders.iter().for_each(|folder| option("-v", volume(folder)));
    for (outside, inside) in &source.mounts {
        option("-v", format!("{}:{}:ro", outside.display(), inside.display()));
    }
    if let Some(hostname) = &spec.hostname {
        option("-h", hostname.clone());
    }
    if settings.privileged {
        words.push("--privileged".to_owned());
    }
    words.extend(settings.create_args.iter().cloned());
    // Whatever option stands last, the image is the image, and what follows is no option any more.
    words.extend(["--".to_owned(), source.image.clone()]);
    words.extend(command_inside(settings, source));
    words
}

/// What runs in the container instead of the image's own command; empty for that one.
pub(super) fn command_inside(settings: &Settings, source: &Source) -> Vec<String> {
    if settings.cmd.is_empty() && source.from_box {
        // A box has nothing to run; machines wait to be entered.
        return ["tail", "-f", "/dev/null"].map(str::to_owned).to_vec();
    }
    settings.cmd.clone()
}

/// A forwarded port as the engine takes it.
pub(super) fn published(forward: &Forward) -> String {
    let host = match forward.host_ip {
        std::net::IpAddr::V6(address) => format!("[{address}]"),
        std::net::IpAddr::V4(address) => address.to_string(),
    };
    let protocol = if forward.protocol == "udp" { "/udp" } else { "" };
    format!("{host}:{}:{}{protocol}", forward.host_port, forward.guest_port)
}

/// A folder as a volume. `docker_consistency` is for engines in a virtual machine; it goes on as it is.
pub(super) fn volume(folder: &FolderSpec) -> String {
    let options = folder.options.get("mount_options").and_then(serde_json::Value::as_array);
    let read_only = options.is_some_and(|options| options.iter().any(|option| option == "ro"));
    let consistency = folder.options.get("docker_consistency").and_then(serde_json::Value::as_str);
    let flags: Vec<&str> = read_only.then_some("ro").into_iter().chain(consistency).collect();
    let suffix = if flags.is_empty() { String::new() } else { format!(":{}", flags.join(",")) };
    format!("{}:{}{suffix}", folder.host_path.display(), folder.guest_path)
}

/// The whole `run` command.
pub(super) fn command(
    record: &MachineRecord,
    name: &str,
    fingerprint: &str,
    arguments: &[String],
) -> Vec<String> {
    let mut words: Vec<String> = ["run", "--name", name, "-d"].map(str::to_owned).to_vec();
    for (label, value) in [(MACHINE_LABEL, record.id.as_str()), (SETTINGS_LABEL, fingerprint)] {
        words.extend(["--label".to_owned(), format!("{label}={value}")]);
    }
    words.extend(arguments.iter().cloned());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_published_where_they_were_reserved() {
        let forward = |text: &str, protocol: &str| Forward {
            protocol: protocol.to_owned(),
            host_ip: text.parse().unwrap(),
            host_port: 8080,
            guest_ip: None,
            guest_port: 80,
        };
        assert_eq!(published(&forward("127.0.0.1", "tcp")), "127.0.0.1:8080:80");
        assert_eq!(published(&forward("::1", "udp")), "[::1]:8080:80/udp");
    }
}
