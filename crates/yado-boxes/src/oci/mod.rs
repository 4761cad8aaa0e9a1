//! Images of containers as boxes: from a registry, or from a folder or an archive on disk. Each of an image's layers
//! becomes a layer of the store, and a box's user is put on top: images that share a base share it on disk.

mod credentials;
mod disk;
mod layers;
mod manifest;
mod reference;
mod registry;
mod stack;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

pub(crate) use disk::{is_archive, is_layout};
pub(crate) use layers::flatten;
pub(crate) use reference::Reference;
pub(crate) use registry::pull;
pub(crate) use stack::Stack;

use crate::fetch::ranged::Fetched;
use crate::scratch::Scratch;

/// An image, its layers on disk and verified.
pub(crate) struct Pulled {
    /// Lowest first.
    pub(crate) layers: Vec<ImageLayer>,
    /// The digest of its manifest, where it has one.
    pub(crate) digest: Option<String>,
}

impl Pulled {
    /// What was downloaded was used.
    pub(crate) fn discard(self) {
        for layer in self.layers {
            if let Some(file) = layer.file {
                file.discard();
            }
        }
    }
}

/// A layer of an image.
pub(crate) struct ImageLayer {
    /// Its name in the image, by its content packed or unpacked.
    pub(crate) digest: String,
    /// Missing, when the store has already what it becomes.
    pub(crate) file: Option<LayerFile>,
}

/// A layer's file: a tar archive, compressed or not.
pub(crate) enum LayerFile {
    /// A file of somebody else's.
    Own(PathBuf),
    /// A part of an archive.
    Part {
        archive: Arc<Archive>,
        /// Where it begins, and how many bytes it has.
        place: (u64, u64),
    },
    /// A download, kept until the image is whole.
    Download(Fetched),
}

/// An archive of an image, plain: parts of it are read where they are.
pub(crate) struct Archive {
    path: PathBuf,
    /// Holds it, when it had to be decompressed.
    _unpacked: Option<Scratch>,
}

impl Archive {
    /// Opens the part at this place.
    fn open(&self, (at, size): (u64, u64)) -> Result<std::io::Take<File>> {
        let doing = || format!("reading '{}'", self.path.display());
        let mut file = File::open(&self.path).doing(doing)?;
        file.seek(SeekFrom::Start(at)).doing(doing)?;
        Ok(file.take(size))
    }
}

impl LayerFile {
    /// Opens it; its length besides.
    fn open(&self) -> Result<(std::io::Take<File>, u64)> {
        let path = match self {
            Self::Own(path) => path,
            Self::Part { archive, place } => return Ok((archive.open(*place)?, place.1)),
            Self::Download(fetched) => fetched.path(),
        };
        let doing = || format!("opening '{}'", path.display());
        let file = File::open(path).doing(doing)?;
        let length = file.metadata().doing(doing)?.len();
        Ok((file.take(length), length))
    }

    /// It was used, or is of no use.
    fn discard(self) {
        if let Self::Download(fetched) = self {
            fetched.discard();
        }
    }

    /// Compares it with what a manifest says about it.
    fn verify(&self, cx: &Context, digest: &str, size: u64) -> Result<()> {
        let (mut content, found) = self.open()?;
        if size != found {
            return Err(refused(format_args!("'{digest}' has {found} bytes, and its manifest says {size}")));
        }
        check_digest(cx, &mut content, digest)
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

fn check_digest(cx: &Context, content: &mut dyn Read, digest: &str) -> Result<()> {
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
