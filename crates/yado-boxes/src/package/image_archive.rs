//! An image as one file: the OCI's layout, with Docker's own description beside it, so that old and new programs
//! load it.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use yado_core::error::Doing;
use yado_core::{Context, Result};

use super::{Package, engine_archive, tree_archive};
use crate::layer::hex;
use crate::platform;
use crate::scratch::Scratch;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A part of the image that was written to a file of its own.
struct Blob {
    file: Scratch,
    digest: String,
    size: u64,
    /// The digest of its content before it was compressed.
    content: String,
}

/// Writes the image archive to `output`, an existing empty file.
pub(super) fn write(cx: &Context, package: &Package, output: &Path) -> Result<()> {
    let doing = || "writing the image";
    if let Some(archive) = &package.archive {
        let name = format!("{}:latest", image_name(&package.name));
        return engine_archive::name(cx, archive, &name, output);
    }
    let folder = output.parent().unwrap_or(Path::new("."));
    let mut layers = Vec::new();
    for layer in &package.layers {
        let is_empty = std::fs::read_dir(layer).doing(doing)?.next().is_none();
        if !is_empty {
            layers.push(compress(cx, layer, folder)?);
        }
    }
    let contents: Vec<String> = layers.iter().map(|blob| format!("sha256:{}", blob.content)).collect();
    let configuration = to_bytes(&json!({
        "architecture": platform::architecture(),
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["/bin/sh"],
            "Labels": { "org.opencontainers.image.base.name": package.image.name },
        },
        "rootfs": { "type": "layers", "diff_ids": contents },
        "history": layers.iter().map(|_| json!({ "created_by": "yado package" })).collect::<Vec<_>>(),
    }))?;
    let described = |kind: &str, digest: &str, size: u64| json!({ "mediaType": kind, "digest": format!("sha256:{digest}"), "size": size });
    let configuration_digest = hex(&Sha256::digest(&configuration));
    let manifest = to_bytes(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described(CONFIGURATION, &configuration_digest, configuration.len() as u64),
        "layers": layers.iter().map(|blob| described(LAYER, &blob.digest, blob.size)).collect::<Vec<_>>(),
    }))?;
    let manifest_digest = hex(&Sha256::digest(&manifest));
    let name = image_name(&package.name);
    let mut index = described(MANIFEST, &manifest_digest, manifest.len() as u64);
    index["annotations"] = json!({
        "org.opencontainers.image.ref.name": "latest",
        "io.containerd.image.name": format!("docker.io/library/{name}:latest"),
    });
    let index = to_bytes(&json!({ "schemaVersion": 2, "manifests": [index] }))?;
    let place = |digest: &str| format!("blobs/sha256/{digest}");
    let for_docker = to_bytes(&json!([{
        "Config": place(&configuration_digest),
        "RepoTags": [format!("{name}:latest")],
        "Layers": layers.iter().map(|blob| place(&blob.digest)).collect::<Vec<_>>(),
    }]))?;

    let file = File::create(output).doing(doing)?;
    let mut archive = Builder::new(BufWriter::new(file));
    let small = [
        ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ("index.json".to_owned(), index),
        ("manifest.json".to_owned(), for_docker),
        (place(&configuration_digest), configuration),
        (place(&manifest_digest), manifest),
    ];
    for (name, content) in small {
        append(&mut archive, &name, content.len() as u64, &content[..]).doing(doing)?;
    }
    for blob in &layers {
        cx.cancel.check()?;
        let content = BufReader::with_capacity(1 << 20, File::open(blob.file.path()).doing(doing)?);
        append(&mut archive, &place(&blob.digest), blob.size, content).doing(doing)?;
    }
    archive.into_inner().and_then(|mut file| file.flush()).doing(doing)
}

/// A name as images may have it: lower case, no more than letters, digits and single marks between them.
pub(super) fn image_name(name: &str) -> String {
    let parts = name.split('/').map(|part| {
        let mut clean = String::new();
        for character in part.to_lowercase().chars() {
            match character {
                'a'..='z' | '0'..='9' => clean.push(character),
                _ if clean.ends_with('-') || clean.is_empty() => {}
                _ => clean.push('-'),
            }
        }
        clean.trim_end_matches('-').to_owned()
    });
    let name = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    if name.is_empty() { "machine".to_owned() } else { name }
}

pub(super) fn append(
    archive: &mut Builder<impl Write>,
    name: &str,
    size: u64,
    content: impl io::Read,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    archive.append_data(&mut header, name, content)
}

fn to_bytes(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).doing(|| "writing the image's description")
}

fn compress(cx: &Context, layer: &Path, folder: &Path) -> Result<Blob> {
    let doing = || "compressing a layer";
    let file = Scratch::file(folder)?;
    let packed = Hashed::new(BufWriter::new(File::create(file.path()).doing(doing)?));
    let mut content = Hashed::new(flate2::write::GzEncoder::new(packed, flate2::Compression::fast()));
    tree_archive::difference(cx, layer, &mut content)?;
    let (gzip, content, _) = content.finish();
    let (mut rest, digest, size) = gzip.finish().doing(doing)?.finish();
    rest.flush().doing(doing)?;
    Ok(Blob { file, digest, size, content })
}

/// Hashes and counts what is written through it.
struct Hashed<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Hashed<W> {
    fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), size: 0 }
    }

    fn finish(self) -> (W, String, u64) {
        (self.inner, hex(&self.hash.finalize()), self.size)
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::image_name;

    #[test]
    fn names_of_machines_become_names_of_images() {
        assert_eq!(image_name("web"), "web");
        assert_eq!(image_name("My_Team/Web.Server"), "my-team/web-server");
        assert_eq!(image_name("__/--"), "machine");
    }
}
