//! What describes an image: indexes over architectures, manifests, and Docker's older archives.

use serde::Deserialize;
use yado_core::Result;

use super::reference::is_digest;
use super::refused;

/// The largest description that is read.
pub(super) const LARGEST: u64 = 4 << 20;
/// Docker allows 127 layers, and the kernel puts no more than 500 on top of each other.
const MOST_LAYERS: usize = 256;

/// The media types that are asked for.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// What points to a blob.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Debug, Clone, Deserialize)]
struct Platform {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    variant: Option<String>,
}

/// What a description turned out to be.
pub(super) enum Described {
    /// An index: the manifest for this computer.
    Elsewhere(Descriptor),
    /// A manifest: the layers, lowest first.
    Layers(Vec<Descriptor>),
}

#[derive(Deserialize)]
struct Either {
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
}

/// Reads an index or a manifest.
pub(super) fn read(text: &[u8]) -> Result<Described> {
    let found: Either = serde_json::from_slice(text)
        .map_err(|error| refused(format_args!("its manifest cannot be read ({error})")))?;
    match (found.manifests, found.layers) {
        (Some(manifests), _) => choose(manifests).map(Described::Elsewhere),
        (None, Some(layers)) => {
            if layers.len() > MOST_LAYERS {
                return Err(refused(format_args!("it has {} layers", layers.len())));
            }
            if let Some(odd) = layers.iter().find(|layer| !is_digest(&layer.digest)) {
                return Err(refused(format_args!("'{}' is no digest", odd.digest)));
            }
            if let Some(odd) = layers.iter().find(|layer| !is_layer(&layer.media_type)) {
                return Err(refused(format_args!("it has a layer of the unknown type '{}'", odd.media_type)));
            }
            Ok(Described::Layers(layers))
        }
        (None, None) => {
            Err(refused("its manifest has no layers; images in Docker's first format are not read"))
        }
    }
}

fn is_layer(media_type: &str) -> bool {
    media_type.is_empty() || media_type.contains(".tar") || media_type.contains("diff.tar")
}

/// The name of this computer's architecture in images.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86" => "386",
        "arm" => "arm",
        "riscv64" => "riscv64",
        _ => crate::platform::catalogue_architecture(),
    }
}

fn choose(manifests: Vec<Descriptor>) -> Result<Descriptor> {
    let fits = |platform: &Platform| {
        platform.architecture == architecture() && (platform.os.is_empty() || platform.os == "linux")
    };
    let mut offered: Vec<String> = Vec::new();
    let mut fitting = Vec::new();
    for manifest in manifests {
        match &manifest.platform {
            Some(platform) if fits(platform) => fitting.push(manifest),
            // An archive of one image says nothing about its platform.
            None => fitting.push(manifest),
            Some(platform) => offered.push(format!("{}/{}", platform.os, platform.architecture)),
        }
    }
    // The plain architecture before its variants: it runs everywhere.
    fitting.sort_by_key(|manifest| {
        manifest.platform.as_ref().map_or(0, |platform| 1 + usize::from(platform.variant.is_some()))
    });
    let has_platform = fitting.iter().any(|manifest| manifest.platform.is_some());
    fitting.retain(|manifest| !has_platform || manifest.platform.is_some());
    match fitting.into_iter().next() {
        Some(manifest) if is_digest(&manifest.digest) => Ok(manifest),
        Some(manifest) => Err(refused(format_args!("'{}' is no digest", manifest.digest))),
        None => Err(refused(format_args!(
            "it is not for linux/{}, but for {}",
            architecture(),
            if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") }
        ))),
    }
}

/// An image in an archive of `docker save`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Saved {
    pub(super) config: String,
    pub(super) layers: Vec<String>,
}

/// Reads the list of images of such an archive; there may be only one.
pub(super) fn read_saved(text: &[u8]) -> Result<Saved> {
    let mut found: Vec<Saved> = serde_json::from_slice(text)
        .map_err(|error| refused(format_args!("its list of images cannot be read ({error})")))?;
    match (found.pop(), found.len()) {
        (Some(saved), 0) if saved.layers.len() <= MOST_LAYERS => Ok(saved),
        (Some(_), 0) => Err(refused("it has too many layers")),
        (Some(_), more) => Err(refused(format_args!("the archive has {} images", more + 1))),
        (None, _) => Err(refused("the archive has no image")),
    }
}

/// The digests of an image's layers, uncompressed.
pub(super) fn read_contents(configuration: &[u8]) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Configuration {
        rootfs: Layers,
    }
    #[derive(Deserialize)]
    struct Layers {
        diff_ids: Vec<String>,
    }
    let found: Configuration = serde_json::from_slice(configuration)
        .map_err(|error| refused(format_args!("its configuration cannot be read ({error})")))?;
    Ok(found.rootfs.diff_ids)
}
