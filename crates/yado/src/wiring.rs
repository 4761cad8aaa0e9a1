//! Where the rooms meet: boxes for the lifecycle, the engine for building boxes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use yado_boxes::{BoxStore, Network};
use yado_core::spec::BoxSpec;
use yado_core::{Context, Error, ErrorKind, Image, ImageSource, Result};

use crate::agreement::Agreement;
use crate::settings::Settings;

/// The box store, opened when a box is first needed.
pub(crate) struct Boxes {
    home: PathBuf,
    network: Network,
    store: OnceLock<BoxStore>,
    agreement: Arc<Agreement>,
}

impl Boxes {
    pub(crate) fn new(settings: &Settings, agreement: Arc<Agreement>) -> Self {
        let store = OnceLock::new();
        Self { home: settings.home.clone(), network: settings.network.clone(), store, agreement }
    }
}

/// How the store answers what a box description means.
type Resolve = fn(&BoxStore, &Context, &BoxSpec, &Path, &str) -> Result<Image>;

impl Boxes {
    fn agreed(
        &self,
        context: &Context,
        spec: &BoxSpec,
        project: &Path,
        provider: &str,
        resolve: Resolve,
    ) -> Result<Image> {
        let asked = provider;
        let provider = yado_plugins::registry().boxes(asked);
        // Engines with images of their own have no boxes of their own.
        let made_of_boxes = provider == asked;
        let store = match self.store.get() {
            Some(store) => store,
            None => {
                let store = open(&self.home, &self.network)?;
                self.store.get_or_init(|| store)
            }
        };
        let agreed = self.agreement.pinned(store, spec, provider)?;
        let image = resolve(store, context, &agreed, project, provider).map_err(|error| {
            match (&spec.name, agreed.version == spec.version) {
                (Some(name), false) => error.hinted(format!(
                    "The lock file asks for this version; 'yado lock update {name}' takes the newest that there is."
                )),
                _ => error,
            }
        })?;
        if made_of_boxes && image.is_empty() {
            return Err(Error::new(
                ErrorKind::BoxImport,
                format!(
                    "The box '{}' is for the provider 'docker': it names an image and has no content.",
                    image.name
                ),
            )
            .hinted("Use the provider 'docker' or 'podman' (`yado up --provider docker`), or another box.")
            .at(spec.origin.clone()));
        }
        self.agreement.meet(context, store, spec, &image, provider)?;
        Ok(image)
    }
}

impl ImageSource for Boxes {
    fn resolve(&self, context: &Context, spec: &BoxSpec, project: &Path, provider: &str) -> Result<Image> {
        self.agreed(context, spec, project, provider, BoxStore::resolve)
    }

    fn resolve_disk(
        &self,
        context: &Context,
        spec: &BoxSpec,
        project: &Path,
        provider: &str,
    ) -> Result<Image> {
        self.agreed(context, spec, project, provider, BoxStore::resolve_disk)
    }
}

/// Who boxes' files on disk belong to for users who are not root.
fn translate_owners() {
    use yado_container::rootless::ground;
    if ground().is_some() {
        yado_boxes::translate_owners(yado_boxes::Owners {
            user_on_disk: |id| ground()?.ids().user_outside(id),
            group_on_disk: |id| ground()?.ids().group_outside(id),
            user_of_box: |id| ground()?.ids().user_inside(id),
            group_of_box: |id| ground()?.ids().group_inside(id),
        });
    }
}

/// The box store of this user, able to run programs in a root file system that is being built.
pub(crate) fn open(home: &Path, network: &Network) -> Result<BoxStore> {
    translate_owners();
    Ok(BoxStore::open(home)?
        .with_network(network.clone())
        .with_chroot(Arc::new(yado_plugins::providers::Builder::new(home))))
}
