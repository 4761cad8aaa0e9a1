//! What a machine takes of this computer while it idles: memory and disk, found from outside and alike for all
//! providers.
//!
//! A script that runs inside is looked for among this computer's processes. Where it is found, in another PID
//! namespace, all processes of that namespace are the machine's; a virtual machine's are not to be seen, but the
//! program that runs it names the machine's directory on its command line.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use yado_core::{Context, Result};

use crate::made::{Made, as_root};

/// A machine's processes, as this computer sees them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Processes {
    /// Those inside.
    pub(crate) inside: Vec<u32>,
    /// Those that hold it from outside: a hypervisor, or what looks after a container.
    pub(crate) outside: Vec<u32>,
}

impl Processes {
    /// Looks for them while a script of ours runs inside.
    pub(crate) fn of(context: &Context, made: &Made) -> Result<Self> {
        let token = format!("yado-compare-{:x}", unlike_any_other());
        let mut found = Self::default();
        let script = as_root("echo here; sleep 1");
        let mut argv = script.argv.clone();
        // The shell takes it as its own name and shows it to whoever lists processes.
        argv.push(token.clone());
        let place = made.place()?.machine;
        let mut looked = false;
        made.inside()?.exec(context, &yado_core::Exec { argv, ..script }, &mut |_, _| {
            if !looked {
                looked = true;
                found = look(&token, &place);
            }
        })?;
        Ok(found)
    }

    /// Their memory in MiB, pages that are shared by their part; `None` when it cannot be read.
    pub(crate) fn memory(&self) -> Option<f64> {
        let held: Option<u64> = self.inside.iter().chain(&self.outside).map(|pid| proportional(*pid)).sum();
        held.filter(|held| *held > 0).map(|kibibytes| kibibytes as f64 / 1024.0)
    }
}

/// A number that no other run has.
fn unlike_any_other() -> u128 {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    now ^ (u128::from(std::process::id()) << 96)
}

fn look(token: &str, place: &Path) -> Processes {
    let all = processes();
    let own = namespace(std::process::id());
    let place = place.display().to_string();
    let command = |pid: u32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let contains = |text: &[u8], word: &str| text.windows(word.len()).any(|window| window == word.as_bytes());
    let theirs = all
        .iter()
        .filter(|pid| contains(&command(**pid), token))
        .find_map(|pid| namespace(*pid).filter(|space| Some(space) != own.as_ref()));
    let mut found = Processes::default();
    match theirs {
        Some(theirs) => {
            found.inside =
                all.iter().copied().filter(|pid| namespace(*pid).as_ref() == Some(&theirs)).collect();
            // What started the first process and waits for it belongs to the machine, unless it is us or everybody's.
            let keepers = found.inside.iter().filter_map(|pid| parent(*pid)).filter(|pid| {
                *pid > 1
                    && !found.inside.contains(pid)
                    && program(*pid).is_some_and(|name| Some(name) != program(std::process::id()))
                    && namespace(*pid) == own
                    && is_first_parent(*pid, &found.inside)
            });
            found.outside = keepers.collect::<BTreeSet<_>>().into_iter().collect();
        }
        None => {
            found.outside = all
                .iter()
                .copied()
                .filter(|pid| *pid != std::process::id() && contains(&command(*pid), &place))
                .collect();
        }
    }
    found
}

/// Whether a process is the parent of the first of these, and not of a command that was let in later.
fn is_first_parent(pid: u32, inside: &[u32]) -> bool {
    inside.iter().any(|child| {
        parent(*child) == Some(pid)
            && status(*child, "NSpid:").is_some_and(|ids| ids.split_whitespace().last() == Some("1"))
    })
}

fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn namespace(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}

fn program(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn status(pid: u32, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
}

fn parent(pid: u32) -> Option<u32> {
    status(pid, "PPid:")?.parse().ok()
}

/// A process's proportional set size in KiB. One that has ended meanwhile holds nothing.
fn proportional(pid: u32) -> Option<u64> {
    match std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
        Ok(text) => {
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.trim().trim_end_matches(" kB").parse().ok()
        }
        Err(problem) if problem.kind() == std::io::ErrorKind::PermissionDenied => None,
        Err(_) => Some(0),
    }
}

/// What a machine has on disk besides the box that it shares with others, in MiB; `None` when it cannot be found.
pub(crate) fn disk(made: &Made, processes: &Processes) -> Result<Option<f64>> {
    let own = made.place()?.machine;
    let mut seen = BTreeSet::new();
    // Not what is mounted below it.
    let device = std::fs::metadata(&own).ok().map(|own| own.dev());
    let mut bytes = blocks(&own, device, &mut seen);
    // Whatever only ran for a moment has gone meanwhile.
    let living = processes.inside.iter().find_map(|pid| Some((*pid, root_of(*pid)?)));
    if let Some((pid, root)) = living {
        match root {
            Root::Overlay(writable) => bytes += blocks(&writable, None, &mut seen),
            // A copy of its own.
            Root::Other => {
                let root = PathBuf::from(format!("/proc/{pid}/root/"));
                let device = std::fs::metadata(&root).ok().map(|root| root.dev());
                bytes += blocks(&root, device, &mut seen);
            }
        }
    } else if !processes.inside.is_empty() || processes.outside.is_empty() {
        return Ok(None);
    }
    Ok(Some(bytes as f64 / f64::from(1 << 20)))
}

enum Root {
    /// Layers, with this writable one on top.
    Overlay(PathBuf),
    Other,
}

fn root_of(pid: u32) -> Option<Root> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).ok()?;
    let line = text.lines().find(|line| line.split(' ').nth(4) == Some("/"))?;
    let (_, rest) = line.split_once(" - ")?;
    if !rest.starts_with("overlay ") {
        return Some(Root::Other);
    }
    let upper = rest.split([',', ' ']).find_map(|option| option.strip_prefix("upperdir="))?;
    Some(Root::Overlay(PathBuf::from(upper)))
}

/// The blocks of a tree, in bytes, each file once; only of one device when it is given.
fn blocks(path: &Path, device: Option<u64>, seen: &mut BTreeSet<(u64, u64)>) -> u64 {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return 0 };
    if device.is_some_and(|device| device != metadata.dev()) || !seen.insert((metadata.dev(), metadata.ino()))
    {
        return 0;
    }
    let below = if metadata.is_dir() {
        std::fs::read_dir(path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| blocks(&entry.path(), device, seen))
            .sum()
    } else {
        0
    };
    metadata.blocks() * 512 + below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_counts_its_blocks_and_a_second_name_of_a_file_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), vec![1; 1 << 20]).unwrap();
        let once = blocks(folder.path(), None, &mut BTreeSet::new());
        assert!(once >= 1 << 20);
        std::fs::hard_link(folder.path().join("a"), folder.path().join("b")).unwrap();
        assert_eq!(blocks(folder.path(), None, &mut BTreeSet::new()), once);
    }

    #[test]
    fn our_own_memory_can_be_read() {
        let ours = Processes { inside: vec![std::process::id()], outside: Vec::new() };
        assert!(ours.memory().unwrap() > 0.5);
    }
}
