//! Where this program works for users who are not root: among the namespaces that all of the user's machines share, or
//! outside of them. It must be decided while there is one thread, and so before the Vagrantfile is read.
//!
//! Podman makes namespaces of its own with a setuid program, which works from outside only. So a command stays outside
//! when the machines that it can mean are Podman's, by what is on record, was asked for, or stands in the Vagrantfile.

use std::path::{Path, PathBuf};

use yado_core::{Environment, Store};

use crate::cli::{Cli, Command};
use crate::settings::Settings;

/// The provider whose machines are made from outside.
const OUTSIDE: &str = "podman";

/// Moves this program to where the machines of the command are made. A failure is remembered and told by whoever needs
/// a machine.
pub(crate) fn enter(cli: &Cli, settings: &Settings) {
    if !cli.command.as_ref().is_some_and(Command::works_on_machines) {
        return;
    }
    if yado_container::rootless::is_needed() && stays_outside(cli, settings) {
        yado_container::rootless::stay_out(
            "the command works on machines of Podman, and without root one command cannot work on both kinds.",
        );
        return;
    }
    if let Err(problem) = yado_container::rootless::enter(&settings.home.join("engine")) {
        tracing::debug!(%problem, "no place for machines");
    }
}

fn stays_outside(cli: &Cli, settings: &Settings) -> bool {
    let asked = match &cli.command {
        Some(Command::Up(arguments)) => arguments.provider.as_deref(),
        _ => None,
    };
    let directory =
        cli.global.chdir.clone().or_else(|| settings.directory.clone()).unwrap_or_else(|| PathBuf::from("."));
    let Ok(directory) = directory.canonicalize() else { return false };
    let vagrantfile = yado_vagrantfile::find(&directory, settings.vagrantfile.as_deref());
    let project = vagrantfile.as_deref().and_then(Path::parent);
    let recorded = recorded(settings, project).unwrap_or_default();
    if !recorded.is_empty() {
        return recorded.iter().all(|provider| provider == OUTSIDE)
            && asked.is_none_or(|asked| asked == OUTSIDE);
    }
    match asked.or(settings.default_provider.as_deref()) {
        Some(asked) => asked == OUTSIDE,
        None => {
            let text = vagrantfile.and_then(|path| std::fs::read_to_string(path).ok());
            text.is_some_and(|text| first_provider(&text) == Some(OUTSIDE))
        }
    }
}

/// The providers of the project's machines, or of all where there is no project.
fn recorded(settings: &Settings, project: Option<&Path>) -> Option<Vec<String>> {
    if !settings.home.join("state.sqlite").exists() {
        return None;
    }
    let store = Store::open(&settings.home).ok()?;
    let environment = match project {
        Some(project) => {
            let data =
                settings.data.as_ref().map_or_else(|| project.join(".yado"), |path| project.join(path));
            let environment = Environment::open(project, "Vagrantfile", &data, &store).ok()?;
            Some(environment.id()?.to_owned())
        }
        None => None,
    };
    let machines = store.machines(environment.as_deref()).ok()?;
    Some(machines.into_iter().map(|machine| machine.provider).collect())
}

/// The provider that a Vagrantfile's text names first, comments left out: it is not read yet.
fn first_provider(text: &str) -> Option<&str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.into_iter().find_map(|line| {
        let (_, rest) = line.split_once(".provider")?;
        let name = rest.trim_start_matches([' ', '(', '"', '\'', ':']);
        let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
        Some(&name[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_that_stands_first_is_found_without_reading_the_file() {
        assert_eq!(
            first_provider("# c.vm.provider 'x'\n  c.vm.provider \"podman\" do |p|\n c.vm.provider :docker"),
            Some("podman")
        );
        assert_eq!(first_provider("c.vm.provider(:docker) { |d| }"), Some("docker"));
        assert_eq!(first_provider("c.vm.box = 'x'"), None);
    }
}
