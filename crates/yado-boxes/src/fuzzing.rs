//! Doors for the fuzz targets, which are built with `--cfg fuzzing` only: parsers of untrusted input, without the
//! store around them.

use std::path::Path;

use yado_core::Cancel;

use crate::unpack::{Digests, Limits, Options, Tree, unpack};

/// Unpacks an archive, compressed or not, into the existing directory `root` and measures what came out; whether
/// it was taken.
pub fn unpack_archive(archive: &[u8], root: &Path) -> bool {
    let limits = Limits { bytes: 1 << 20, entries: 200, names: 64 << 10 };
    let options = Options { limits, ..Options::default() };
    let Ok(tree) = Tree::open(root) else { return false };
    let mut tree = tree.with_digests(Digests::default());
    let taken = unpack(&mut tree, archive, options, &Cancel::new()).is_ok();
    let known = tree.into_digests();
    let quick = crate::layer::measure(root, &known, &Cancel::new());
    let thorough = crate::layer::measure(root, &Digests::default(), &Cancel::new());
    if let (Ok(quick), Ok(thorough)) = (quick, thorough) {
        assert_eq!(quick, thorough, "what was noted while writing is not what lies on the disk");
    }
    taken
}

/// Makes the root file system of a disk in the existing directory `root`; whether it could be.
pub fn read_disk(disk: Vec<u8>, root: &Path) -> bool {
    let limits = Limits { bytes: 1 << 20, entries: 200, names: 64 << 10 };
    let Ok(mut tree) = Tree::open(root) else { return false };
    crate::disk::read_root(&disk, &mut tree, limits, &Cancel::new()).is_ok()
}
