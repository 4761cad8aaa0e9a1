//! What a `docker` block takes of this computer. The engine does whatever it is told, as root: with a volume of `/`, or the
//! engine's own socket, whoever wrote the Vagrantfile has the whole computer. Of free arguments those are let pass that are
//! known to stay inside.

use std::path::PathBuf;

use yado_core::provider::Reach;
use yado_core::spec::Problem;

use super::compose;
use super::settings::Settings;

/// Options of `run` that give a container nothing of the host.
const RUN: &[&str] = &[
    "-a",
    "-c",
    "-d",
    "-e",
    "-h",
    "-i",
    "-it",
    "-l",
    "-m",
    "-p",
    "-t",
    "-ti",
    "-u",
    "-w",
    "--add-host",
    "--annotation",
    "--attach",
    "--cap-drop",
    "--cpu-period",
    "--cpu-quota",
    "--cpu-shares",
    "--cpus",
    "--cpuset-cpus",
    "--cpuset-mems",
    "--detach",
    "--dns",
    "--dns-option",
    "--dns-search",
    "--domainname",
    "--entrypoint",
    "--env",
    "--expose",
    "--health-cmd",
    "--health-interval",
    "--health-retries",
    "--health-start-period",
    "--health-timeout",
    "--hostname",
    "--init",
    "--interactive",
    "--ip",
    "--ip6",
    "--kernel-memory",
    "--label",
    "--link",
    "--log-driver",
    "--mac-address",
    "--memory",
    "--memory-reservation",
    "--memory-swap",
    "--memory-swappiness",
    "--name",
    "--network-alias",
    "--net-alias",
    "--no-healthcheck",
    "--oom-kill-disable",
    "--oom-score-adj",
    "--pids-limit",
    "--platform",
    "--publish",
    "--publish-all",
    "-P",
    "--pull",
    "--read-only",
    "--restart",
    "--rm",
    "--shm-size",
    "--stop-signal",
    "--stop-timeout",
    "--tmpfs",
    "--tty",
    "--ulimit",
    "--user",
    "--workdir",
];

/// Options of `build` that take nothing from the host and write nothing to it.
const BUILD: &[&str] = &[
    "-m",
    "-q",
    "-t",
    "--add-host",
    "--build-arg",
    "--cpu-shares",
    "--force-rm",
    "--label",
    "--memory",
    "--no-cache",
    "--platform",
    "--progress",
    "--pull",
    "--quiet",
    "--rm",
    "--squash",
    "--tag",
    "--target",
];

/// What the settings take.
pub(super) fn of(settings: &Settings) -> Reach {
    let mut reach = Reach::default();
    let mut path = |path: PathBuf, setting: &str| reach.paths.push((path, settings.origin(setting)));
    for volume in &settings.volumes {
        if let Some((host, _)) = volume.split_once(':').filter(|(host, _)| host.starts_with('/')) {
            path(host.into(), "volumes");
        }
    }
    if let Some(directory) = &settings.build_dir {
        path(directory.clone(), "build_dir");
        if let Some(dockerfile) = &settings.dockerfile {
            path(directory.join(dockerfile), "dockerfile");
        }
    }
    let is_address =
        |text: &str| text.contains("://") || text.starts_with("git@") || text.starts_with("github.com/");
    if let Some(place) = settings.git_repo.as_ref().filter(|place| !is_address(place)) {
        path(place.into(), "git_repo");
    }
    settings.env_file.iter().for_each(|file| path(file.clone(), "env_file"));
    let mut right = |message: String, setting: &str| {
        reach.rights.push(Problem { message, origin: settings.origin(setting), remedy: None });
    };
    if settings.privileged {
        right("'privileged' gives the container all rights over this computer.".to_owned(), "privileged");
    }
    if let Some(what) = compose::harmful(&settings.compose_configuration).filter(|_| settings.compose) {
        right(
            format!("'{what}' in 'compose_configuration' may hand parts of this computer to the containers."),
            "compose_configuration",
        );
    }
    for (setting, words, known) in
        [("create_args", &settings.create_args, RUN), ("build_args", &settings.build_args, BUILD)]
    {
        for word in unknown(words, known) {
            right(
                format!("'{word}' in '{setting}' may hand parts of this computer to the container."),
                setting,
            );
        }
    }
    reach
}

/// The options among these words that are not known to stay inside.
fn unknown(words: &[String], known: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            continue;
        }
        let (name, value) =
            word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        if ["--net", "--network"].contains(&name) {
            let network = value.or_else(|| words.next().map(String::as_str)).unwrap_or_default();
            if network == "host" || network.contains(':') {
                found.push(format!("{name} {network}"));
            }
        } else if !known.contains(&name) {
            found.push(word.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &[&str]) -> Vec<String> {
        unknown(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), RUN)
    }

    #[test]
    fn options_that_stay_inside_pass_and_all_others_are_told() {
        assert!(
            found(&["-it", "--memory", "64m", "--cpus=2", "--net", "private", "--network=none"]).is_empty()
        );
        for bad in [
            &["-v", "/:/host"][..],
            &["-v/:/host"],
            &["-tiv", "/:/host"],
            &["--volume=/:/host"],
            &["--mount", "type=bind,src=/,dst=/host"],
            &["--privileged=true"],
            &["--cap-add", "SYS_ADMIN"],
            &["--pid=host"],
            &["--net=host"],
            &["--network", "container:other"],
            &["--device", "/dev/sda"],
            &["--volumes-from", "other"],
        ] {
            assert_eq!(found(bad).len(), 1, "{bad:?}");
        }
    }
}
