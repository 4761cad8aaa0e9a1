//! Images on disk: folders and archives in OCI's layout, and archives of `docker save`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use yado_core::error::Doing;
use yado_core::{Context, Result};

use super::manifest::{self, Described, LARGEST};
use super::reference::is_digest;
use super::{Archive, ImageLayer, LayerFile, Pulled, check_digest, refused};
use crate::scratch::Scratch;
use crate::unpack::decompress;

/// The most files of an archive: a layer, its description and its folder each have one.
const MOST_ENTRIES: usize = 10_000;
/// The most that a compressed archive may become.
const LARGEST_ARCHIVE: u64 = 64 << 30;

/// Whether a folder is an image in OCI's layout.
pub(crate) fn is_layout(path: &Path) -> bool {
    path.join("oci-layout").is_file() && path.join("index.json").is_file()
}

/// Whether a file is an archive of an image, told by the first name in it.
pub(crate) fn is_archive(cx: &Context, path: &Path) -> bool {
    let first = || -> Option<String> {
        let source = decompress(File::open(path).ok()?, LARGEST_ARCHIVE, &cx.cancel).ok()?;
        let mut archive = tar::Archive::new(source.take(1 << 20));
        // Archives of a folder begin with the folder itself.
        let names =
            archive.entries().ok()?.take(2).map_while(Result::ok).map(|entry| {
                String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned()
            });
        names.into_iter().find(|name| !name.is_empty())
    };
    let is_hex = |name: &str| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    first().is_some_and(|name| {
        let top = name.split('/').next().unwrap_or_default();
        let is_one = ["oci-layout", "index.json", "manifest.json", "repositories", "blobs"].contains(&top);
        is_one || is_hex(top) || top.strip_suffix(".json").or(top.strip_suffix(".tar")).is_some_and(is_hex)
    })
}

/// Where the files of an image are.
enum Files {
    Folder(PathBuf),
    Archive {
        archive: Arc<Archive>,
        /// Where each file begins, and how long it is.
        places: HashMap<String, (u64, u64)>,
    },
}

/// Opens an image on disk.
pub(super) fn open(cx: &Context, path: &Path, folder: &Path) -> Result<Pulled> {
    let files = if path.is_dir() { Files::Folder(path.to_owned()) } else { archive(cx, path, folder)? };
    if let Some(index) = files.small("index.json")? {
        return layout(cx, &files, index);
    }
    match files.small("manifest.json")? {
        Some(list) => saved(cx, &files, &list),
        None => Err(refused("it has neither 'index.json' nor 'manifest.json'")),
    }
}

/// Reads what is where in an archive; a compressed one is written out first, since its parts are read in any order.
fn archive(cx: &Context, path: &Path, folder: &Path) -> Result<Files> {
    let doing = || format!("reading '{}'", path.display());
    let mut start = [0; 6];
    let mut file = File::open(path).doing(doing)?;
    let read = file.read(&mut start).doing(doing)?;
    file.rewind().doing(doing)?;
    let is_plain = crate::unpack::is_plain(&start[..read]);
    let unpacked = if is_plain {
        None
    } else {
        let scratch = Scratch::file(folder)?;
        let mut out = File::create(scratch.path()).doing(doing)?;
        let mut source = decompress(file, LARGEST_ARCHIVE, &cx.cancel)?;
        std::io::copy(&mut source, &mut out).doing(doing)?;
        Some(scratch)
    };
    let file = unpacked.as_ref().map_or(path, |scratch| scratch.path()).to_owned();
    let mut places = HashMap::new();
    let mut links = Vec::new();
    let mut archive = tar::Archive::new(File::open(&file).doing(doing)?);
    for entry in archive.entries_with_seek().doing(doing)? {
        cx.cancel.check()?;
        let entry = entry.doing(doing)?;
        let name = plain(&String::from_utf8_lossy(&entry.path_bytes()), Path::new(""));
        let Some(name) = name else { return Err(refused("the archive names files outside of itself")) };
        let link = entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned());
        match (entry.header().entry_type(), link) {
            (tar::EntryType::Symlink, Some(target)) => links.push((name, target)),
            (tar::EntryType::Regular, _) => {
                places.insert(name, (entry.raw_file_position(), entry.size()));
            }
            _ => {}
        }
        if places.len() + links.len() > MOST_ENTRIES {
            return Err(refused(format_args!("the archive has more than {MOST_ENTRIES} files")));
        }
    }
    // Older Dockers store a layer that images share once, and links to it.
    for (name, target) in links {
        let from = Path::new(&name).parent().unwrap_or(Path::new(""));
        if let Some(place) = plain(&target, from).and_then(|target| places.get(&target).copied()) {
            places.insert(name, place);
        }
    }
    Ok(Files::Archive { archive: Arc::new(Archive { path: file, _unpacked: unpacked }), places })
}

/// A relative path without `.` and `..`; `None` when it leads out.
fn plain(text: &str, from: &Path) -> Option<String> {
    let mut clean = PathBuf::new();
    for component in from.join(text).components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir if clean.pop() => {}
            _ => return None,
        }
    }
    Some(clean.display().to_string())
}

impl Files {
    /// A description.
    fn small(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some((mut content, size)) = self.content(name)? else { return Ok(None) };
        if size > LARGEST {
            return Err(refused(format_args!("'{name}' has {size} bytes, and may have {LARGEST}")));
        }
        let mut text = Vec::new();
        content.read_to_end(&mut text).doing(|| format!("reading '{name}'"))?;
        Ok(Some(text))
    }

    fn content(&self, name: &str) -> Result<Option<(Box<dyn Read>, u64)>> {
        let doing = || format!("reading '{name}'");
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                if !path.is_file() {
                    return Ok(None);
                }
                let file = File::open(&path).doing(doing)?;
                let size = file.metadata().doing(doing)?.len();
                Ok(Some((Box::new(file), size)))
            }
            Self::Archive { archive, places } => {
                let Some(place) = places.get(name).copied() else { return Ok(None) };
                Ok(Some((Box::new(archive.open(place)?), place.1)))
            }
        }
    }

    /// A layer's file.
    fn layer(&self, name: &str) -> Result<LayerFile> {
        let file = match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                path.is_file().then_some(LayerFile::Own(path))
            }
            Self::Archive { archive, places } => {
                places.get(name).map(|place| LayerFile::Part { archive: Arc::clone(archive), place: *place })
            }
        };
        file.ok_or_else(|| refused(format_args!("'{name}' is missing")))
    }
}

fn layout(cx: &Context, files: &Files, index: Vec<u8>) -> Result<Pulled> {
    let place = |digest: &str| digest.replacen(':', "/", 1);
    let mut text = index;
    let mut digest = None;
    // The folder's own index, one of architectures in it, and the manifest.
    for _ in 0..3 {
        match manifest::read(&text)? {
            Described::Layers(layers) => {
                let mut found = Vec::new();
                for layer in layers {
                    let file = files.layer(&format!("blobs/{}", place(&layer.digest)))?;
                    file.verify(cx, &layer.digest, layer.size)?;
                    found.push(ImageLayer { digest: layer.digest, file: Some(file) });
                }
                return Ok(Pulled { layers: found, digest });
            }
            Described::Elsewhere(chosen) => {
                let name = format!("blobs/{}", place(&chosen.digest));
                let Some(next) = files.small(&name)? else {
                    return Err(refused(format_args!("'{name}' is missing")));
                };
                check_digest(cx, &mut &next[..], &chosen.digest)?;
                digest = Some(chosen.digest);
                text = next;
            }
        }
    }
    Err(refused("its indexes lead to ever more indexes"))
}

fn saved(cx: &Context, files: &Files, list: &[u8]) -> Result<Pulled> {
    let saved = manifest::read_saved(list)?;
    let Some(configuration) = files.small(&saved.config)? else {
        return Err(refused(format_args!("'{}' is missing", saved.config)));
    };
    let contents = manifest::read_contents(&configuration)?;
    if contents.len() != saved.layers.len() {
        return Err(refused("its lists of layers do not agree"));
    }
    let mut layers = Vec::new();
    for (name, content) in saved.layers.iter().zip(&contents) {
        if !is_digest(content) {
            return Err(refused(format_args!("'{content}' is no digest")));
        }
        let file = files.layer(name)?;
        let (packed, _) = file.open()?;
        check_digest(cx, &mut decompress(packed, LARGEST_ARCHIVE, &cx.cancel)?, content)?;
        layers.push(ImageLayer { digest: content.clone(), file: Some(file) });
    }
    Ok(Pulled { layers, digest: None })
}
