//! Laying an image's layers over one another. A layer takes away what lies below it (`.wh.NAME`, and `.wh..wh..opq`
//! for all of a folder) before it adds its own, wherever in the archive the mark stands; so it is read twice.

use std::path::Path;

use tar::EntryType;
use yado_core::error::Doing;
use yado_core::{Context, Error, Result};

use super::{LayerFile, Pulled, refused};
use crate::progress::{Counted, Progress};
use crate::unpack::{Digests, EntryPath, Limits, Options, Tree, Unpacked, entries, read_ahead, unpack_entry};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What the layers of an image may ask for together: as much as one archive of their size.
pub(super) fn limits(image: &Pulled) -> Result<Limits> {
    let mut packed = 0_u64;
    for file in image.layers.iter().filter_map(|layer| layer.file.as_ref()) {
        packed = packed.saturating_add(file.open()?.1);
    }
    Ok(Limits::of_archive(packed))
}

/// Makes the image's root file system in the empty directory `target`, as one tree; what was seen of the contents is
/// returned.
pub(crate) fn flatten(cx: &Context, image: &Pulled, target: &Path) -> Result<Digests> {
    let doing = || format!("unpacking in '{}'", target.display());
    let mut tree = Tree::open(target).doing(doing)?.with_digests(Digests::default());
    tree.fill_behind().doing(doing)?;
    let mut laying = Laying::new(cx, limits(image)?);
    for (number, layer) in image.layers.iter().enumerate() {
        let Some(file) = &layer.file else { return Err(refused("a layer is missing")) };
        let title = format!("Unpacking layer {} of {}", number + 1, image.layers.len());
        laying.layer(&mut tree, file, number == 0, &title)?;
    }
    tree.into_digests().doing(doing)
}

/// Layers being laid over one another.
pub(super) struct Laying<'a> {
    cx: &'a Context,
    options: Options,
    unpacked: Unpacked,
}

impl<'a> Laying<'a> {
    pub(super) fn new(cx: &'a Context, limits: Limits) -> Self {
        let options = Options { limits, ..Options::default() };
        Self { cx, options, unpacked: Unpacked::default() }
    }

    /// Lays one over what is in `tree`: nothing, if it is the lowest.
    pub(super) fn layer(
        &mut self,
        tree: &mut Tree,
        file: &LayerFile,
        is_lowest: bool,
        title: &str,
    ) -> Result<()> {
        let Self { cx, options, unpacked } = self;
        let (cx, options) = (*cx, *options);
        if !is_lowest {
            let (content, _) = file.open()?;
            entries(content, options, &cx.cancel, |entry| take_away(tree, entry))?;
        }
        let (content, length) = file.open()?;
        let source = Counted { inner: content, progress: Progress::new(cx, title, Some(length)) };
        read_ahead(source, options.limits.bytes, &cx.cancel, |source| {
            entries(source, options, &cx.cancel, |entry| {
                if mark(entry)?.is_some() {
                    return Ok(());
                }
                // What is no folder takes the place of one with all that is in it.
                if !is_lowest
                    && entry.header().entry_type() != EntryType::Directory
                    && let Ok(path) = EntryPath::parse(&entry.path_bytes())
                    && !path.is_root()
                {
                    tree.clear_directory(&path).doing(|| format!("replacing '{path}'"))?;
                }
                unpack_entry(tree, entry, options, &cx.cancel, unpacked)
            })
        })?;
        unpacked.set_times(tree)
    }
}

/// What a mark takes away.
enum Mark {
    Entry(EntryPath),
    Below(EntryPath),
}

fn mark<R: std::io::Read>(entry: &tar::Entry<'_, R>) -> Result<Option<Mark>> {
    let raw = entry.path_bytes();
    let bad = |why: &dyn std::fmt::Display| -> Error {
        refused(format_args!("the entry '{}' of a layer {why}", String::from_utf8_lossy(&raw)))
    };
    let last = raw.rsplit(|byte| *byte == b'/').find(|part| !part.is_empty()).unwrap_or_default();
    let Some(name) = last.strip_prefix(WHITEOUT) else { return Ok(None) };
    let path = EntryPath::parse(&raw).map_err(|why| bad(&why))?;
    let (folder, _) = path.split();
    if last == OPAQUE {
        return Ok(Some(Mark::Below(folder)));
    }
    use std::os::unix::ffi::OsStrExt;
    match name {
        b"" | b"." | b".." => Err(bad(&"takes away nothing that can be")),
        name => Ok(Some(Mark::Entry(folder.join(std::ffi::OsStr::from_bytes(name))))),
    }
}

fn take_away<R: std::io::Read>(tree: &mut Tree, entry: &tar::Entry<'_, R>) -> Result<()> {
    match mark(entry)? {
        None => Ok(()),
        Some(Mark::Entry(path)) => tree.remove_all(&path).doing(|| format!("removing '{path}'")),
        Some(Mark::Below(folder)) => tree.empty(&folder).doing(|| format!("emptying '{folder}'")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::oci::ImageLayer;
    use crate::testing::context;

    /// An image of these layers, lowest first, each named by its content.
    pub(in super::super) fn image(layers: Vec<LayerFile>) -> Pulled {
        let layers = layers.into_iter().map(|file| {
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut file.open().unwrap().0, &mut content).unwrap();
            let digest = crate::layer::hex(&<sha2::Sha256 as sha2::Digest>::digest(content));
            ImageLayer { digest: format!("sha256:{digest}"), file: Some(file) }
        });
        Pulled { layers: layers.collect(), digest: None }
    }

    /// A layer: names that end in `/` are folders, `a -> b` is a link, `a = b` another name of `b`, others are files.
    pub(in super::super) fn layer(folder: &Path, number: usize, names: &[&str]) -> LayerFile {
        let mut archive = tar::Builder::new(Vec::new());
        for name in names {
            let mut header = tar::Header::new_old();
            let is_name = name.contains(" = ");
            let parts = name.split_once(" -> ").or(name.split_once(" = "));
            let (path, target) = parts.unwrap_or((name, ""));
            // As written: the tar crate refuses to write what is tried here.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
            header.set_entry_type(match () {
                () if is_name => EntryType::Link,
                () if !target.is_empty() => EntryType::Symlink,
                () if name.ends_with('/') => EntryType::Directory,
                () => EntryType::Regular,
            });
            header.set_mode(0o755);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(0);
            header.set_cksum();
            archive.append(&header, &[][..]).unwrap();
        }
        let path = folder.join(format!("layer{number}"));
        std::fs::write(&path, archive.into_inner().unwrap()).unwrap();
        LayerFile::Own(path)
    }

    fn names(root: &Path) -> Vec<String> {
        let mut found: Vec<_> = std::fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        found
    }

    #[test]
    fn marks_take_away_what_lies_below_wherever_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let layers = vec![
            layer(
                folder.path(),
                0,
                &["a/", "a/old", "b/", "b/deep/", "b/deep/x", "c/", "c/x", "d", "e", "f -> a"],
            ),
            // The folder's new content comes before the mark that empties it; `f` leads to `a`.
            layer(
                folder.path(),
                1,
                &["a/", "a/new", "a/.wh..wh..opq", ".wh.b", "c", "d/", "d/x", ".wh.nothing"],
            ),
            layer(folder.path(), 2, &["f/.wh.new", "f/newer"]),
        ];
        flatten(&context(), &image(layers), &root).unwrap();
        assert_eq!(names(&root), ["a", "c", "d", "e", "f"]);
        assert_eq!(names(&root.join("a")), ["newer"]);
        assert!(root.join("c").is_file() && root.join("d/x").is_file());
    }

    #[test]
    fn marks_that_lead_out_take_nothing_away() {
        for bad in [
            "../.wh.victim",
            "/.wh.victim",
            "a/../../.wh.victim",
            ".wh...",
            ".wh..",
            ".wh.",
            "l/.wh.victim",
            "up/.wh.victim",
            "l/.wh..wh..opq",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("root");
            std::fs::create_dir(&root).unwrap();
            std::fs::write(folder.path().join("victim"), "x").unwrap();
            let outside = format!("l -> {}", folder.path().display());
            let layers =
                vec![layer(folder.path(), 0, &["a/", &outside, "up -> .."]), layer(folder.path(), 1, &[bad])];
            let outcome = flatten(&context(), &image(layers), &root);
            assert!(folder.path().join("victim").exists(), "{bad}");
            // Links are followed as inside, where these lead to nothing.
            assert_eq!(outcome.is_ok(), bad.starts_with("l/") || bad.starts_with("up/"), "{bad}");
            assert!(root.join("a").exists());
        }
    }
}
