//! Images of containers as boxes: from a registry, or from a folder or an archive on disk. All of an image's layers
//! become one tree, since a box's user is put on top and a tree is what is named by its content.

mod credentials;
mod disk;
mod layers;
mod manifest;
mod reference;
mod registry;

use std::path::{Path, PathBuf};

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

pub(crate) use disk::{is_archive, is_layout};
pub(crate) use layers::unpack;
pub(crate) use reference::Reference;
pub(crate) use registry::pull;

use crate::fetch::ranged::Fetched;
use crate::scratch::Scratch;

/// An image, its layers on disk and verified.
pub(crate) struct Pulled {
    /// Lowest first.
    pub(crate) layers: Vec<LayerFile>,
    /// The digest of its manifest, where it has one.
    pub(crate) digest: Option<String>,
}

impl Pulled {
    /// What was downloaded was used.
    pub(crate) fn discard(self) {
        for layer in self.layers {
            if let LayerFile::Download(fetched) = layer {
                fetched.discard();
            }
        }
    }
}

/// A layer's file: a tar archive, compressed or not.
pub(crate) enum LayerFile {
    /// A file of somebody else's.
    Own(PathBuf),
    /// A part of an archive, written out for reading.
    Part(Scratch),
    /// A download, kept until the image is whole.
    Download(Fetched),
}

impl LayerFile {
    fn path(&self) -> &Path {
        match self {
            Self::Own(path) => path,
            Self::Part(scratch) => scratch.path(),
            Self::Download(fetched) => fetched.path(),
        }
    }
}

/// Opens the image in a folder or an archive on disk; `folder` is for what has to be written out.
pub(crate) fn open(cx: &Context, path: &Path, folder: &Path) -> Result<Pulled> {
    disk::open(cx, path, folder)
}

/// Whether any of the descriptions that there are can be read from this text.
#[cfg(fuzzing)]
pub(crate) fn understands(text: &[u8]) -> bool {
    manifest::read(text).is_ok() | manifest::read_saved(text).is_ok() | manifest::read_contents(text).is_ok()
}

/// An image that cannot be used, and why.
fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::BoxImport, format!("The image is refused: {why}."))
}

/// Compares a file with what a manifest says about it.
fn verify(cx: &Context, path: &Path, digest: &str, size: Option<u64>) -> Result<()> {
    let doing = || format!("reading '{}'", path.display());
    let found = path.metadata().doing(doing)?.len();
    if let Some(size) = size.filter(|size| *size != found) {
        return Err(refused(format_args!("'{digest}' has {found} bytes, and its manifest says {size}")));
    }
    let mut file = std::fs::File::open(path).doing(doing)?;
    check_digest(cx, &mut file, digest)
}

fn check_digest(cx: &Context, content: &mut dyn std::io::Read, digest: &str) -> Result<()> {
    let (kind, expected) = digest.split_once(':').unwrap_or_default();
    let found = match kind {
        "sha256" | "sha512" => crate::checksum::calculate(kind, content, &cx.cancel)?,
        _ => None,
    };
    match found {
        Some(found) if found == expected => Ok(()),
        Some(found) => {
            Err(refused(format_args!("what is called '{digest}' has the digest '{kind}:{found}'")))
        }
        None => Err(refused(format_args!("'{digest}' is no digest of a known kind"))),
    }
}
