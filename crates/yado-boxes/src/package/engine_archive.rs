//! An image archive that an engine wrote of an image without a name, with a name written into it: in the engine itself
//! no name has to be given to anything, which would take it from what the user has under it.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use serde_json::{Value, json};
use tar::{Archive, Builder, EntryType};
use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use super::image_archive::append;

/// The longest description that is read.
const LARGEST: u64 = 4 << 20;

/// Copies the archive `from` to `to`, its image called `name` (such as `web:latest`).
pub(super) fn name(cx: &Context, from: &Path, name: &str, to: &Path) -> Result<()> {
    let doing = || "writing the image";
    let mut source = Archive::new(BufReader::with_capacity(1 << 20, File::open(from).doing(doing)?));
    let mut target = Builder::new(BufWriter::with_capacity(1 << 20, File::create(to).doing(doing)?));
    let mut is_named = false;
    for entry in source.entries().doing(doing)? {
        cx.cancel.check()?;
        let mut entry = entry.doing(doing)?;
        let path = entry.path().doing(doing)?.into_owned();
        let renamed = match path.to_str() {
            Some("manifest.json") => Some(for_docker(&read(&mut entry).doing(doing)?, name)),
            Some("index.json") => Some(for_others(&read(&mut entry).doing(doing)?, name)),
            _ => None,
        };
        match renamed {
            Some(text) => {
                let text = text.ok_or_else(unknown)?;
                append(&mut target, &path.display().to_string(), text.len() as u64, &text[..])
                    .doing(doing)?;
                is_named = true;
            }
            None => copy(&mut target, &mut entry, &path).doing(doing)?,
        }
    }
    if !is_named {
        return Err(unknown());
    }
    target.into_inner().and_then(|mut file| file.flush()).doing(doing)
}

fn unknown() -> Error {
    Error::new(ErrorKind::Other, "What the engine wrote is no archive of one image, as it should be.")
}

fn read(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    entry.take(LARGEST).read_to_end(&mut text)?;
    Ok(text)
}

fn copy<R: Read>(
    target: &mut Builder<impl Write>,
    entry: &mut tar::Entry<'_, R>,
    path: &Path,
) -> io::Result<()> {
    let mut header = entry.header().clone();
    match (header.entry_type(), entry.link_name()?) {
        (EntryType::Symlink | EntryType::Link, Some(link)) => target.append_link(&mut header, path, link),
        _ => target.append_data(&mut header, path, entry),
    }
}

/// Docker's own description, a list of images.
fn for_docker(text: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut images: Vec<Value> = serde_json::from_slice(text).ok()?;
    let [image] = images.as_mut_slice() else { return None };
    image.as_object_mut()?.insert("RepoTags".to_owned(), json!([name]));
    serde_json::to_vec(&images).ok()
}

/// The OCI's index, which newer engines write besides.
fn for_others(text: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut index: Value = serde_json::from_slice(text).ok()?;
    let [manifest] = index.get_mut("manifests")?.as_array_mut()?.as_mut_slice() else { return None };
    let tag = name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
    manifest.as_object_mut()?.insert(
        "annotations".to_owned(),
        json!({
            "org.opencontainers.image.ref.name": tag,
            "io.containerd.image.name": format!("docker.io/library/{name}"),
        }),
    );
    serde_json::to_vec(&index).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::context;

    fn archive(path: &Path, files: &[(&str, &str)]) {
        let mut archive = Builder::new(File::create(path).unwrap());
        for (name, text) in files {
            append(&mut archive, name, text.len() as u64, text.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap();
    }

    #[test]
    fn a_name_is_written_where_both_kinds_of_engines_look_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let files = [
            ("abc/layer.tar", "content"),
            ("index.json", r#"{"schemaVersion":2,"manifests":[{"digest":"sha256:1"}]}"#),
            ("manifest.json", r#"[{"Config":"c.json","RepoTags":null,"Layers":["abc/layer.tar"]}]"#),
        ];
        archive(&from, &files);
        name(&context(), &from, "team/web:latest", &to).unwrap();
        let mut found = Vec::new();
        for entry in Archive::new(File::open(&to).unwrap()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push((path, text));
        }
        assert_eq!(found[0], ("abc/layer.tar".to_owned(), "content".to_owned()));
        assert!(found[1].1.contains(r#""io.containerd.image.name":"docker.io/library/team/web:latest""#));
        assert_eq!(
            found[2].1,
            r#"[{"Config":"c.json","RepoTags":["team/web:latest"],"Layers":["abc/layer.tar"]}]"#
        );
    }

    #[test]
    fn what_is_no_archive_of_one_image_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for files in [&[("other", "x")][..], &[("manifest.json", "[{},{}]")], &[("manifest.json", "no")]] {
            archive(&from, files);
            assert!(name(&context(), &from, "web:latest", &to).is_err(), "{files:?}");
        }
    }
}
