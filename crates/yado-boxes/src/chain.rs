//! [`Chains`]: which layer of the store an image's layer became, so that images that share a base fetch and unpack it
//! once.
//!
//! What an image's layer becomes depends on those below it, which it changes. A chain is named by the digests of an
//! image's layers up to one, as the image has them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use yado_core::Result;
use yado_core::error::Doing;

use crate::layer::{Layer, Layers, combine};
use crate::scratch::{self, Scratch};

/// Changes when the same image is unpacked in another way.
const RECIPE: &str = "yado chain 1";

/// A chain's name, and the way to the next one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain(String);

impl Chain {
    /// The one of no layers.
    pub(crate) fn empty() -> Self {
        Self(combine([RECIPE]))
    }

    /// With another layer on top.
    pub(crate) fn with(&self, digest: &str) -> Self {
        Self(combine([self.0.as_str(), digest]))
    }
}

/// What a chain's topmost layer became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Became {
    /// Nothing, when it changes nothing.
    digest: Option<String>,
    size: u64,
}

/// The chains that are known.
#[derive(Debug, Clone)]
pub(crate) struct Chains {
    directory: PathBuf,
}

impl Chains {
    /// Those written down in `directory`.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    fn path(&self, chain: &Chain) -> PathBuf {
        self.directory.join(chain.0.replacen(':', "-", 1))
    }

    /// What the topmost layer became, if that is known and there: a layer, or nothing.
    pub(crate) fn find(&self, chain: &Chain, layers: &Layers) -> Option<Option<Layer>> {
        let text = std::fs::read(self.path(chain)).ok()?;
        let Became { digest, size } = serde_json::from_slice(&text).ok()?;
        match digest {
            Some(digest) => layers.path(&digest).is_dir().then_some(Some(Layer { digest, size })),
            None => Some(None),
        }
    }

    /// Writes down what the topmost layer became.
    pub(crate) fn remember(&self, chain: &Chain, layer: Option<&Layer>) -> Result<()> {
        let doing = || "writing down a layer";
        let became = Became {
            digest: layer.map(|layer| layer.digest.clone()),
            size: layer.map_or(0, |layer| layer.size),
        };
        let file = Scratch::file(&self.directory)?;
        std::fs::write(file.path(), serde_json::to_vec(&became).doing(doing)?).doing(doing)?;
        file.replace(&self.path(chain))
    }

    /// Forgets what became of layers that are no longer there.
    pub(crate) fn collect(&self, layers: &Layers) {
        scratch::collect(&self.directory);
        let Ok(entries) = std::fs::read_dir(&self.directory) else { return };
        for entry in entries.flatten() {
            let became: Option<Became> =
                std::fs::read(entry.path()).ok().and_then(|text| serde_json::from_slice(&text).ok());
            let digest = became.and_then(|became| became.digest);
            if entry.file_name().to_string_lossy().starts_with("sha256-")
                && !digest.is_some_and(|digest| layers.path(&digest).is_dir())
                && let Err(error) = std::fs::remove_file(entry.path())
            {
                tracing::debug!(path = %entry.path().display(), %error, "not removed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use yado_core::Cancel;

    use super::*;
    use crate::unpack::Digests;

    #[test]
    fn what_is_gone_is_not_known_and_a_chain_is_its_layers_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["layers", "chains"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let (layers, chains) =
            (Layers::new(folder.path().join("layers")), Chains::new(folder.path().join("chains")));
        let scratch = layers.begin().unwrap();
        let root = scratch.path().to_owned();
        std::fs::write(root.join("file"), "text").unwrap();
        let layer = layers.finish(scratch, &root, &Digests::default(), &Cancel::new()).unwrap();

        let (one, other) = (Chain::empty().with("a").with("b"), Chain::empty().with("b").with("a"));
        assert_ne!(one, other);
        assert_eq!(chains.find(&one, &layers), None);
        chains.remember(&one, Some(&layer)).unwrap();
        chains.remember(&other, None).unwrap();
        assert_eq!(chains.find(&one, &layers), Some(Some(layer)));
        assert_eq!(chains.find(&other, &layers), Some(None));
        layers.collect(&[]).unwrap();
        assert_eq!(chains.find(&one, &layers), None);
        chains.collect(&layers);
        assert_eq!(std::fs::read_dir(folder.path().join("chains")).unwrap().count(), 0);
    }
}
