//! Where the collection of other projects' Vagrantfiles lies. It is no part of the repository, since the files are
//! other people's: `YADO_CORPUS` names the folder that holds `open` (the cases) and `home`; without it, it is looked
//! for beside the repository.

use std::path::{Path, PathBuf};

/// The folder that holds `open`, by its real name: what a Vagrantfile may read is judged by where paths lead.
///
/// # Errors
///
/// The reason to leave the test out, when there is no such folder.
pub(crate) fn collection() -> Result<PathBuf, String> {
    let folder = std::env::var_os("YADO_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    let found = folder.canonicalize().ok().filter(|folder| folder.join("open").is_dir());
    found.ok_or_else(|| {
        let cases = folder.join("open");
        format!(
            "the collection of Vagrantfiles is not at '{}' (YADO_CORPUS names its folder)",
            cases.display()
        )
    })
}
