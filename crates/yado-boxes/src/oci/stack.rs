//! An image's layers as layers of the store, each made on top of those below it and known by its chain: what another
//! image had already is there.

use std::path::PathBuf;

use yado_core::error::Doing;
use yado_core::{Context, Result};

use super::layers::{Laying, limits};
use super::{Pulled, refused};
use crate::chain::{Chain, Chains};
use crate::layer::{Layer, Layers};
use crate::unpack::{Digests, Tree, is_unchanged};

/// Layers on top of one another, lowest first.
pub(crate) struct Stack<'a> {
    cx: &'a Context,
    layers: &'a Layers,
    chains: &'a Chains,
    chain: Chain,
    made: Vec<Layer>,
}

impl<'a> Stack<'a> {
    /// No layers yet.
    pub(crate) fn new(cx: &'a Context, layers: &'a Layers, chains: &'a Chains) -> Self {
        Self { cx, layers, chains, chain: Chain::empty(), made: Vec::new() }
    }

    /// Puts the layers of an image on top.
    pub(crate) fn image(&mut self, image: &Pulled) -> Result<()> {
        let mut laying = Laying::new(self.cx, limits(image)?);
        let all = image.layers.len();
        for (number, layer) in image.layers.iter().enumerate() {
            let is_lowest = self.made.is_empty();
            self.put(&layer.digest, |tree| {
                let Some(file) = &layer.file else {
                    return Err(refused("a layer that it shares with another one was removed meanwhile")
                        .hinted("Add it again."));
                };
                tree.fill_behind().doing(|| "unpacking a layer")?;
                laying.layer(tree, file, is_lowest, &format!("Unpacking layer {} of {all}", number + 1))
            })?;
        }
        Ok(())
    }

    /// Puts a layer of an image on top, which `fill` makes unless its chain is known.
    fn put(&mut self, digest: &str, fill: impl FnOnce(&mut Tree) -> Result<()>) -> Result<()> {
        self.chain = self.chain.with(digest);
        let layer = match self.chains.find(&self.chain, self.layers) {
            Some(known) => known,
            None => {
                let layer = self.make(fill)?;
                self.chains.remember(&self.chain, layer.as_ref())?;
                layer
            }
        };
        self.push(layer);
        Ok(())
    }

    /// Puts what `fill` makes on top.
    pub(crate) fn top(&mut self, fill: impl FnOnce(&mut Tree) -> Result<()>) -> Result<()> {
        let layer = self.make(fill)?;
        self.push(layer);
        Ok(())
    }

    fn push(&mut self, layer: Option<Layer>) {
        if let Some(layer) = layer {
            // The kernel takes each layer once. All that the lower one of two has is hidden by the upper one.
            self.made.retain(|below| below.digest != layer.digest);
            self.made.push(layer);
        }
    }

    /// What there is now.
    pub(crate) fn into_layers(self) -> Vec<Layer> {
        self.made
    }

    /// Makes a layer; `None` when nothing is different in it.
    fn make(&self, fill: impl FnOnce(&mut Tree) -> Result<()>) -> Result<Option<Layer>> {
        let scratch = self.layers.begin()?;
        let doing = || "making a layer";
        let lower: Vec<PathBuf> = self.made.iter().map(|layer| self.layers.path(&layer.digest)).collect();
        let (tree, root) = if lower.is_empty() {
            let root = scratch.path().to_owned();
            crate::unpack::make_public(&root)?;
            (Tree::open(&root).doing(doing)?, root)
        } else {
            Tree::on_top_of(&lower, scratch.path()).doing(doing)?
        };
        let mut tree = tree.with_digests(Digests::default());
        fill(&mut tree)?;
        let known = tree.into_digests().doing(doing)?;
        if let Some(top) = lower.last()
            && is_unchanged(&root, top).doing(doing)?
        {
            return Ok(None);
        }
        self.layers.finish(scratch, &root, &known, &self.cx.cancel).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::layers::tests::{image, layer};
    use super::super::{LayerFile, layers::flatten};
    use super::*;
    use crate::layer::measure;
    use crate::package::merge_into;
    use crate::testing::context;
    use crate::unpack::can_overlay;

    struct Place {
        folder: tempfile::TempDir,
        layers: Layers,
        chains: Chains,
    }

    /// A store; `None`, after saying so, where the kernel makes no overlays.
    fn place() -> Option<Place> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["layers", "chains", "probe"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        if !can_overlay(&folder.path().join("probe")) {
            println!("skipped: overlays cannot be made here");
            return None;
        }
        let layers = Layers::new(folder.path().join("layers"));
        let chains = Chains::new(folder.path().join("chains"));
        Some(Place { folder, layers, chains })
    }

    impl Place {
        fn stack(&self, image: &Pulled) -> Vec<Layer> {
            let cx = context();
            let mut stack = Stack::new(&cx, &self.layers, &self.chains);
            stack.image(image).unwrap();
            stack.into_layers()
        }

        fn layer(&self, number: usize, names: &[&str]) -> LayerFile {
            layer(self.folder.path(), number, names)
        }

        /// The digest of what a machine sees of a file tree, made in one of two ways.
        fn seen(&self, name: &str, make: impl FnOnce(&Path)) -> String {
            let root = self.folder.path().join(name);
            std::fs::create_dir(&root).unwrap();
            make(&root);
            crate::unpack::make_public(&root).unwrap();
            measure(&root, &Digests::default(), &yado_core::Cancel::new()).unwrap().digest
        }
    }

    #[test]
    fn layers_on_top_of_one_another_are_what_one_tree_would_be() {
        let Some(place) = place() else { return };
        let image = image(vec![
            place.layer(
                0,
                &["a/", "a/old", "b/", "b/deep/", "b/deep/x", "c/", "c/x", "d", "e", "f -> a", "g/"],
            ),
            // The folder's new content comes before the mark that empties it; `f` leads to `a`; `g` is anew, `e` has
            // another name.
            place.layer(
                1,
                &["a/", "a/new", "a/.wh..wh..opq", ".wh.b", "c", "d/", "d/x", ".wh.nothing", "h = e"],
            ),
            place.layer(2, &["f/.wh.new", "f/newer", ".wh.g", "b/", "b/again"]),
            place.layer(3, &["g/", "g/x", "deep/in/it"]),
            place.layer(4, &[".wh.nothing"]),
            place.layer(5, &[".wh.d", "c/", "c/y"]),
        ]);
        let stacked = place.stack(&image);
        assert_eq!(stacked.len(), 5, "what changes nothing is no layer");
        let paths: Vec<PathBuf> = stacked.iter().map(|layer| place.layers.path(&layer.digest)).collect();
        let merged = place.seen("merged", |root| merge_into(&context(), &paths, root).unwrap());
        let flat = place.seen("flat", |root| drop(flatten(&context(), &image, root).unwrap()));
        assert_eq!(merged, flat);
        // What was noted while writing is what lies there.
        for layer in &stacked {
            let again =
                measure(&place.layers.path(&layer.digest), &Digests::default(), &yado_core::Cancel::new());
            assert_eq!(again.unwrap(), *layer);
        }
        assert_eq!(place.stack(&image), stacked, "and all of it is known the next time");
    }

    #[test]
    fn a_shared_base_is_there_once_and_is_not_needed_again() {
        let Some(place) = place() else { return };
        let base = || place.layer(0, &["usr/", "usr/large"]);
        let one = place.stack(&image(vec![base(), place.layer(1, &["one"])]));
        let mut other = image(vec![base(), place.layer(2, &["two"])]);
        other.layers[0].file = None;
        let two = place.stack(&other);
        assert_eq!(one[0], two[0]);
        assert_ne!(one[1], two[1]);
        assert_eq!(std::fs::read_dir(place.layers.directory()).unwrap().count(), 3);
        // One that is neither known nor there is told of.
        place.layers.collect(&[]).unwrap();
        let cx = context();
        let error = Stack::new(&cx, &place.layers, &place.chains).image(&other).unwrap_err();
        assert!(error.message().contains("was removed meanwhile"), "{error}");
    }

    #[test]
    fn of_two_equal_layers_the_upper_one_counts() {
        let Some(place) = place() else { return };
        let names = ["etc/", "etc/x"];
        let image = image(vec![
            place.layer(0, &["usr/"]),
            place.layer(1, &names),
            place.layer(2, &["etc/.wh.x", "etc/y"]),
            place.layer(3, &names),
        ]);
        let stacked = place.stack(&image);
        let paths: Vec<PathBuf> = stacked.iter().map(|layer| place.layers.path(&layer.digest)).collect();
        let merged = place.seen("merged", |root| merge_into(&context(), &paths, root).unwrap());
        let flat = place.seen("flat", |root| drop(flatten(&context(), &image, root).unwrap()));
        assert_eq!(merged, flat);
        let mut digests: Vec<&str> = stacked.iter().map(|layer| layer.digest.as_str()).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), stacked.len());
    }

    #[test]
    fn marks_that_lead_out_take_nothing_away_from_layers_either() {
        for bad in [
            "../.wh.victim",
            "/.wh.victim",
            ".wh...",
            ".wh.",
            "l/.wh.victim",
            "up/.wh.victim",
            "l/.wh..wh..opq",
        ] {
            let Some(place) = place() else { return };
            let victim = place.folder.path().join("victim");
            std::fs::write(&victim, "x").unwrap();
            let outside = format!("l -> {}", place.folder.path().display());
            let image = image(vec![place.layer(0, &["a/", &outside, "up -> .."]), place.layer(1, &[bad])]);
            let cx = context();
            let outcome = Stack::new(&cx, &place.layers, &place.chains).image(&image);
            assert!(victim.exists(), "{bad}");
            assert_eq!(outcome.is_ok(), bad.starts_with("l/") || bad.starts_with("up/"), "{bad}");
        }
    }
}
