//! Where the rooms meet: boxes for the lifecycle, the engine for building boxes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use yado_boxes::BoxStore;
use yado_core::spec::BoxSpec;
use yado_core::{Context, Image, ImageSource, Result};

/// The box store, opened when a box is first needed.
pub(crate) struct Boxes {
    home: PathBuf,
    store: OnceLock<BoxStore>,
}

impl Boxes {
    pub(crate) fn new(home: &Path) -> Self {
        Self { home: home.to_owned(), store: OnceLock::new() }
    }
}

impl ImageSource for Boxes {
    fn resolve(&self, context: &Context, spec: &BoxSpec, project: &Path, provider: &str) -> Result<Image> {
        let store = match self.store.get() {
            Some(store) => store,
            None => {
                let store = open(&self.home)?;
                self.store.get_or_init(|| store)
            }
        };
        store.resolve(context, spec, project, provider)
    }
}

/// The box store of this user, able to run programs in a root file system that is being built.
pub(crate) fn open(home: &Path) -> Result<BoxStore> {
    Ok(BoxStore::open(home)?.with_chroot(Arc::new(yado_plugins::providers::Builder::new(home))))
}
