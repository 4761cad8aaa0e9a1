//! Doors for the fuzz targets, which are built with `--cfg fuzzing` only: parsers of untrusted input, without the
//! store around them.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use yado_core::event::Silent;
use yado_core::{Cancel, Context, Host};

use crate::catalogue::{Catalogue, Wanted};
use crate::chain::Chains;
use crate::layer::Layers;
use crate::unpack::{Digests, Limits, Options, Tree, unpack};
use crate::version::Constraints;
use crate::{disk, oci};

/// Unpacks an archive, compressed or not, into the existing directory `root` and measures what came out; whether
/// it was taken.
pub fn unpack_archive(archive: &[u8], root: &Path) -> bool {
    let limits = Limits { bytes: 1 << 20, entries: 200, names: 64 << 10 };
    let options = Options { limits, ..Options::default() };
    let Ok(tree) = Tree::open(root) else { return false };
    let mut tree = tree.with_digests(Digests::default());
    // Either way of filling files.
    if archive.len() % 2 == 0 {
        tree.fill_behind().expect("a thread");
    }
    let taken = unpack(&mut tree, archive, options, &Cancel::new()).is_ok();
    let Ok(known) = tree.into_digests() else { return false };
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

/// Makes the root file system of the image in the folder or archive at `image` in the existing directory `root`, with
/// `folder` for what has to be written out; whether it could be. Layers on top of one another must be the same then, where
/// overlays can be made.
pub fn read_image(image: &Path, folder: &Path, root: &Path) -> bool {
    let cx = context(folder);
    // Whatever it is, being asked for it must do no harm.
    let _ = oci::is_archive(&cx, image);
    let Ok(pulled) = oci::open(&cx, image, folder) else { return false };
    let is_flat = oci::flatten(&cx, &pulled, root).is_ok();
    if is_flat && pulled.layers.len() > 1 {
        let is_same = stacked_is_like(&cx, &pulled, folder, root);
        assert_ne!(is_same, Some(false), "layers on top of one another are not what one tree is");
    }
    is_flat
}

/// `None` where no overlay can be made.
fn stacked_is_like(cx: &Context, image: &oci::Pulled, folder: &Path, root: &Path) -> Option<bool> {
    let place = tempfile::tempdir_in(folder).ok()?;
    let make = |name: &str| {
        let path = place.path().join(name);
        std::fs::create_dir(&path).ok()?;
        crate::unpack::make_public(&path).ok()?;
        Some(path)
    };
    if !crate::unpack::can_overlay(&make("probe")?) {
        return None;
    }
    let (layers, chains) = (Layers::new(make("layers")?), Chains::new(make("chains")?));
    let mut stack = oci::Stack::new(cx, &layers, &chains);
    stack.image(image).expect("what one tree can be made of can be laid on top of one another");
    let paths: Vec<_> = stack.into_layers().iter().map(|layer| layers.path(&layer.digest)).collect();
    let merged = make("merged")?;
    crate::package::merge_into(cx, &paths, &merged).ok()?;
    crate::unpack::make_public(root).ok()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    list(&merged, Path::new(""), &mut ours).ok()?;
    list(root, Path::new(""), &mut theirs).ok()?;
    Some(ours == theirs)
}

/// Everything below a directory: names, owners, permissions and contents. Which names are one file may differ: a file of a
/// layer below that gets another name is copied, without the names that it has there.
fn list(root: &Path, at: &Path, found: &mut Vec<(PathBuf, [u32; 3], Vec<u8>)>) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let mut names: Vec<_> = std::fs::read_dir(root.join(at))?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    for name in names {
        let path = at.join(name);
        let facts = root.join(&path).symlink_metadata()?;
        let content = match facts.file_type() {
            kind if kind.is_symlink() => {
                std::fs::read_link(root.join(&path))?.as_os_str().as_bytes().to_vec()
            }
            kind if kind.is_file() => std::fs::read(root.join(&path))?,
            _ => Vec::new(),
        };
        found.push((path.clone(), [facts.mode(), facts.uid(), facts.gid()], content));
        if facts.is_dir() {
            list(root, &path, found)?;
        }
    }
    Ok(())
}

/// Reads all that a registry answers with, and the name of an image; whether any of it was understood.
pub fn read_image_description(text: &[u8]) -> bool {
    let name = std::str::from_utf8(text).unwrap_or_default();
    let named = oci::Reference::parse(name).is_ok_and(|reference| {
        // What is written down must lead to the same image again.
        let again = oci::Reference::parse(reference.to_string().trim_start_matches("oci:"));
        assert_eq!(again.expect("its own name"), reference);
        true
    });
    named | oci::understands(text)
}

/// Chooses from a catalogue for every kind of provider; whether there was anything.
pub fn read_catalogue(text: &[u8], constraints: &str) -> bool {
    let is_one = Catalogue::is_one(text);
    let Ok(catalogue) = Catalogue::parse(text, "https://boxes.example/box.json") else { return false };
    let mut found = false;
    for provider in ["container", "virtualbox"] {
        for architecture in [None, Some("auto"), Some("arm64")] {
            let wanted = Wanted { constraints, provider, architecture };
            if let Ok(choice) = catalogue.choose(&wanted, "https://boxes.example/box.json") {
                assert!(is_one, "something was chosen from what is no catalogue");
                let allowed = Constraints::parse(constraints).expect("they were used");
                let version = crate::Version::parse(&choice.version).expect("it was compared");
                assert!(allowed.allow(&version), "{} is not {constraints}", choice.version);
                found = true;
            }
        }
    }
    found
}

/// Opens a virtual disk of any format as `box add` does; its bytes, if it could be opened and is not large.
pub fn read_virtual_disk(disk: &Path, folder: &Path) -> Option<Vec<u8>> {
    const LARGEST: u64 = 8 << 20;
    let (file, _raw) = disk::open(&context(folder), disk, folder).ok()?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, LARGEST), &mut bytes).ok()?;
    Some(bytes)
}

fn context(home: &Path) -> Context {
    Context {
        machine: None,
        host: Arc::new(Host::new(home)),
        events: Arc::new(Silent),
        cancel: Cancel::new(),
    }
}
