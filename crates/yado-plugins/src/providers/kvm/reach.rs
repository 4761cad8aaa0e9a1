//! What a virtual machine's configuration takes of this computer: files that become its disks or its kernel, and
//! arguments of QEMU and rsync, which can name any file and run any program. Of those, the ones pass that are known to
//! do neither; for all others the user must trust the project.

use std::path::PathBuf;

use yado_core::MachineSpec;
use yado_core::provider::Reach;
use yado_core::spec::{Origin, Problem};

use super::settings::Settings;
use super::{folders, names, user_data};

/// QEMU's options that change the machine alone, each with a value.
const QEMU: &[&str] = &["accel", "cpu", "m", "rtc", "smp"];
/// The same without one.
const QEMU_FLAGS: &[&str] = &["enable-kvm", "no-acpi", "no-hpet", "no-reboot"];

/// rsync's options that neither name files of this computer nor run programs on it, without a value.
const RSYNC_FLAGS: &[&str] = &[
    "8-bit-output",
    "acls",
    "append",
    "append-verify",
    "archive",
    "backup",
    "checksum",
    "compress",
    "copy-dirlinks",
    "copy-links",
    "copy-unsafe-links",
    "cvs-exclude",
    "delay-updates",
    "del",
    "delete",
    "delete-after",
    "delete-before",
    "delete-delay",
    "delete-during",
    "delete-excluded",
    "devices",
    "dirs",
    "executability",
    "existing",
    "fake-super",
    "force",
    "fuzzy",
    "group",
    "hard-links",
    "human-readable",
    "ignore-errors",
    "ignore-existing",
    "ignore-times",
    "inplace",
    "itemize-changes",
    "keep-dirlinks",
    "links",
    "munge-links",
    "numeric-ids",
    "omit-dir-times",
    "omit-link-times",
    "one-file-system",
    "owner",
    "partial",
    "perms",
    "preallocate",
    "progress",
    "protect-args",
    "prune-empty-dirs",
    "quiet",
    "recursive",
    "safe-links",
    "secluded-args",
    "size-only",
    "sparse",
    "specials",
    "stats",
    "super",
    "times",
    "update",
    "verbose",
    "whole-file",
    "xattrs",
];
/// The same with a value.
const RSYNC: &[&str] = &[
    "block-size",
    "bwlimit",
    "checksum-choice",
    "chmod",
    "chown",
    "compress-choice",
    "compress-level",
    "contimeout",
    "debug",
    "exclude",
    "groupmap",
    "iconv",
    "include",
    "info",
    "max-delete",
    "max-size",
    "min-size",
    "modify-window",
    "out-format",
    "rsync-path",
    "skip-compress",
    "suffix",
    "timeout",
    "usermap",
];
/// The letters of options without a value.
const RSYNC_LETTERS: &str = "0abcdghiklmnopqrstuvxyzACDEHIJKLNOPSUWX8";

/// What the configuration takes.
pub(super) fn of(spec: &MachineSpec) -> Reach {
    let settings = Settings::of(spec);
    let mut reach = Reach::default();
    let mut path = |path: Option<&PathBuf>, setting: &str| {
        reach.paths.extend(path.map(|path| (path.clone(), origin(spec, &[setting]))));
    };
    settings.disks.iter().for_each(|disk| path(disk.file.as_ref(), "storage"));
    path(settings.kernel.as_ref(), "kernel");
    path(settings.initrd.as_ref(), "initrd");
    // What distributions have for everybody is no secret.
    let own = |file: &Option<PathBuf>| file.clone().filter(|file| !file.starts_with("/usr/share"));
    path(own(&settings.loader).as_ref(), "loader");
    path(own(&settings.variables).as_ref(), "nvram");
    reach.paths.extend(user_data::files(spec));
    let mut right = |message: String, origin: Option<Origin>| {
        reach.rights.push(Problem { message, origin, remedy: None });
    };
    for word in unknown_to_qemu(&settings.arguments) {
        right(
            format!("The argument '{word}' for QEMU may hand parts of this computer to the machine."),
            origin(spec, &["qemu_args", "qemuargs", "extra_qemu_args"]),
        );
    }
    // Further properties of the card could name a device of this computer.
    if settings.network_card.contains(',') {
        right(
            format!("The network card '{}' may be a device of this computer.", settings.network_card),
            origin(spec, &["nic_model", "nic_model_type", "net_device"]),
        );
    }
    for folder in &spec.synced_folders {
        let links = folders::links_of(folder);
        // Where links lead in a circle, they are copied as links.
        if !links.has_loop || !folders::words(folder, "rsync__args").is_empty() {
            reach.paths.extend(links.outside.into_iter().map(|path| (path, folder.origin.clone())));
        }
        for word in unknown_to_rsync(&folders::words(folder, "rsync__args")) {
            right(
                format!(
                    "'{word}' in 'rsync__args' may run a program on this computer, or read or write its files."
                ),
                folder.origin.clone(),
            );
        }
    }
    reach
}

/// Where one of these settings was made.
fn origin(spec: &MachineSpec, settings: &[&str]) -> Option<Origin> {
    let blocks = spec.providers.iter().filter(|block| names::known(&block.name).is_some());
    let mut origins = blocks.clone().flat_map(|block| &block.origins);
    let own = origins.find(|(name, _)| settings.contains(&name.as_str())).map(|(_, origin)| origin.clone());
    own.or_else(|| blocks.clone().find_map(|block| block.origin.clone()))
}

fn unknown_to_qemu(words: &[String]) -> Vec<&str> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).unwrap_or_default();
        if QEMU.contains(&name) {
            words.next();
        } else if !QEMU_FLAGS.contains(&name) {
            // Its value, if it has one, says the same again.
            words.clone().next().filter(|value| !value.starts_with('-')).and_then(|_| words.next());
            found.push(word.as_str());
        }
    }
    found
}

fn unknown_to_rsync(words: &[String]) -> Vec<&str> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let is_known = match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(option), _) => match option.split_once('=') {
                Some((name, _)) => RSYNC.contains(&name),
                None if RSYNC.contains(&option) => {
                    words.next();
                    true
                }
                None => RSYNC_FLAGS.contains(&option.strip_prefix("no-").unwrap_or(option)),
            },
            // Letters after one with a value are that value, and none has one here.
            (None, Some(letters)) => {
                !letters.is_empty() && letters.chars().all(|letter| RSYNC_LETTERS.contains(letter))
            }
            // Another directory to copy from.
            (None, None) => false,
        };
        if !is_known {
            found.push(word.as_str());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(of: fn(&[String]) -> Vec<&str>, words: &[&str]) -> usize {
        of(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).len()
    }

    #[test]
    fn arguments_of_qemu_pass_that_change_the_machine_alone() {
        assert_eq!(
            told(unknown_to_qemu, &["-cpu", "max", "--smp", "2", "-no-reboot", "-rtc", "base=utc"]),
            0
        );
        for bad in [
            &["-virtfs", "local,path=/,mount_tag=all,security_model=none"][..],
            &["--virtfs", "local,path=/"],
            &["-drive", "file=/dev/sda"],
            &["/etc/shadow"],
            &["-cpu", "max", "/etc/shadow"],
            &["-sandbox", "off"],
            &["-m", "1G", "-readconfig", "x"],
            &["-boot", "splash=/etc/shadow"],
            &["-chardev", "pipe,path=x"],
        ] {
            assert_eq!(told(unknown_to_qemu, bad), 1, "{bad:?}");
        }
    }

    #[test]
    fn arguments_of_rsync_pass_that_name_no_file_and_no_program() {
        let usual = ["--verbose", "--archive", "--delete", "-z", "--copy-links", "--no-owner"];
        assert_eq!(told(unknown_to_rsync, &usual), 0);
        let valued = ["--exclude", ".git", "--chmod=D755", "--rsync-path", "sudo rsync", "-rltDz"];
        assert_eq!(told(unknown_to_rsync, &valued), 0);
        for bad in [
            &["-e", "--verbose"][..],
            &["-esh -c id"],
            &["-avze", "--delete"],
            &["--rsh=sh -c id"],
            &["--files-from=/etc/passwd"],
            &["--exclude-from=/etc/shadow"],
            &["--filter=merge /etc/shadow"],
            &["-f. /etc/shadow"],
            &["--log-file=/etc/cron.d/x"],
            &["--write-batch=/tmp/x"],
            &["-M--log-file=x"],
            &["/etc"],
            &["--"],
            &["-"],
        ] {
            assert_eq!(told(unknown_to_rsync, bad), 1, "{bad:?}");
        }
    }
}
