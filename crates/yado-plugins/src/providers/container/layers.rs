//! Where a machine's own data lies: a writable layer on top of read-only ones that were writable before, and became
//! read-only when a snapshot was taken of them. Names of directories in the machine's own; a directory that neither the
//! machine nor a snapshot names is rubble.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use yado_core::error::Doing;
use yado_core::provider::Place;
use yado_core::{MachineRecord, Result};

/// What the names of layers begin with, in the machine's directory.
const PREFIX: &str = "layer-";

/// The layers of a machine above those of its box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layers {
    /// The writable one.
    pub(super) upper: String,
    /// The read-only ones, lowest first.
    pub(super) below: Vec<String>,
}

impl Layers {
    /// Those of a machine; of one that never had a snapshot, a single one.
    pub(super) fn of(record: &MachineRecord) -> Result<Self> {
        match record.layers.as_deref() {
            None => Ok(Self { upper: "root".to_owned(), below: Vec::new() }),
            Some(text) => {
                serde_json::from_str(text).doing(|| format!("reading where '{}' has its data", record.name))
            }
        }
    }

    /// As it is recorded.
    pub(super) fn text(&self) -> Result<String> {
        serde_json::to_string(self).doing(|| "recording the machine's layers")
    }

    /// The read-only directories above the box's, lowest first.
    pub(super) fn directories(&self, place: &Place) -> impl Iterator<Item = PathBuf> {
        self.below.iter().map(|name| place.machine.join(name)).collect::<Vec<_>>().into_iter()
    }
}

/// A name for a new layer.
pub(super) fn new_name() -> Result<String> {
    Ok(format!("{PREFIX}{}", yado_core::store::random_id()?))
}

/// Makes an empty layer whose root looks like the one of `like`.
pub(super) fn make(path: &Path, like: &Path) -> Result<()> {
    let doing = || format!("creating '{}'", path.display());
    std::fs::create_dir(path).doing(doing)?;
    let facts = std::fs::metadata(like).doing(doing)?;
    std::os::unix::fs::chown(path, Some(facts.uid()), Some(facts.gid())).doing(doing)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(facts.mode() & 0o7777)).doing(doing)
}

/// Whether nothing was written to a layer yet.
pub(super) fn is_empty(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether files of a layer are also those of another machine, which was made as a copy: writing to them would change
/// both. What cannot be read is taken for shared.
pub(super) fn is_shared(path: &Path) -> bool {
    let mut names: HashMap<u64, (u64, u64)> = HashMap::new();
    let all_seen = count_names(path, &mut names).is_ok();
    !all_seen || names.values().any(|(seen, all)| seen < all)
}

/// How many names files have in a layer, and how many in all. Marks of deleted files have no content that could change,
/// and the kernel has one of its own beside the layer.
fn count_names(path: &Path, names: &mut HashMap<u64, (u64, u64)>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let facts = entry.metadata()?;
        if facts.is_dir() {
            count_names(&entry.path(), names)?;
        } else if facts.nlink() > 1 && !(facts.file_type().is_char_device() && facts.rdev() == 0) {
            names.entry(facts.ino()).or_insert((0, facts.nlink())).0 += 1;
        }
    }
    Ok(())
}

/// Takes away the layers of a machine's directory that are not in use.
pub(super) fn collect(directory: &Path, used: &BTreeSet<String>) -> Result<()> {
    let doing = || format!("tidying up '{}'", directory.display());
    for entry in std::fs::read_dir(directory).doing(doing)? {
        let entry = entry.doing(doing)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if (name == "root" || name.starts_with(PREFIX)) && !used.contains(&name) {
            std::fs::remove_dir_all(entry.path()).doing(doing)?;
        }
    }
    Ok(())
}
