//! What boxes take on the disk, and which of them are old.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use yado_core::Result;
use yado_core::error::Doing;

use super::{BoxStore, InstalledBox};

/// What a box takes on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in layers that only this box has.
    pub own: u64,
    /// Bytes in layers that other boxes have, too.
    pub shared: u64,
}

impl BoxStore {
    /// What each of these boxes takes on the disk, in their order. Layers are counted as shared when another box on
    /// this machine has them.
    pub fn usage(&self, boxes: &[InstalledBox]) -> Result<Vec<Usage>> {
        let mut users: BTreeMap<&str, usize> = BTreeMap::new();
        let all = self.list()?;
        for digest in all.iter().flat_map(|installed| &installed.layers) {
            *users.entry(digest).or_default() += 1;
        }
        let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
        let mut usages = Vec::new();
        for installed in boxes {
            let mut usage = Usage::default();
            for digest in &installed.layers {
                let size = match sizes.get(digest.as_str()) {
                    Some(size) => *size,
                    None => {
                        let size = disk_usage(&self.layers.path(digest), &mut HashSet::new())?;
                        sizes.insert(digest, size);
                        size
                    }
                };
                let is_shared = users.get(digest.as_str()).is_some_and(|users| *users > 1);
                *if is_shared { &mut usage.shared } else { &mut usage.own } += size;
            }
            if installed.disk.is_some() {
                usage.own += disk_usage(&self.disk_folder(installed), &mut HashSet::new())?;
            }
            usages.push(usage);
        }
        Ok(usages)
    }

    /// The installed boxes, as far as they have this name and provider: the newest version of each, and all others.
    pub fn newest_and_older(
        &self,
        name: Option<&str>,
        provider: Option<&str>,
    ) -> Result<(Vec<InstalledBox>, Vec<InstalledBox>)> {
        let boxes = self.matching(name, None, provider)?;
        let is_older = |installed: &InstalledBox| {
            boxes.iter().any(|other| {
                other.name == installed.name
                    && other.provider == installed.provider
                    && other.architecture == installed.architecture
                    && other.parsed_version() > installed.parsed_version()
            })
        };
        Ok(boxes.iter().cloned().partition(|installed| !is_older(installed)))
    }
}

/// The blocks of everything below `path`; files with several names count once.
fn disk_usage(path: &Path, seen: &mut HashSet<u64>) -> Result<u64> {
    let doing = || format!("reading '{}'", path.display());
    let mut bytes = 0;
    for entry in std::fs::read_dir(path).doing(doing)? {
        let path = entry.doing(doing)?.path();
        let metadata = path.symlink_metadata().doing(doing)?;
        if metadata.is_dir() {
            bytes += disk_usage(&path, seen)?;
        } else if metadata.nlink() > 1 && !seen.insert(metadata.ino()) {
            continue;
        }
        bytes += metadata.blocks() * 512;
    }
    Ok(bytes)
}
