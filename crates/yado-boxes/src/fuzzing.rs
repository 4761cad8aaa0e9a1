//! Doors for the fuzz targets, which are built with `--cfg fuzzing` only: parsers of untrusted input, without the
//! store around them.

use std::path::Path;
use std::sync::Arc;

use yado_core::event::Silent;
use yado_core::{Cancel, Context, Host};

use crate::catalogue::{Catalogue, Wanted};
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

/// Makes the root file system of the image in the folder or archive at `image` in the existing directory `root`, with
/// `folder` for what has to be written out; whether it could be.
pub fn read_image(image: &Path, folder: &Path, root: &Path) -> bool {
    let cx = context(folder);
    // Whatever it is, being asked for it must do no harm.
    let _ = oci::is_archive(&cx, image);
    oci::open(&cx, image, folder).is_ok_and(|pulled| oci::unpack(&cx, &pulled, root).is_ok())
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
