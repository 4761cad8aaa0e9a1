//! Getting the script's text: from the configuration, a file, or the network (with its digest checked).

use std::path::{Path, PathBuf};

use sha1::Digest;
use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use super::{Script, Shell};

/// The largest script that is fetched from the network, in bytes.
const LARGEST: u64 = 64 << 20;

pub(super) fn is_url(path: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| path.starts_with(scheme))
}

pub(super) fn on_host(path: &str, project: &Path) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(rest) => std::env::home_dir().unwrap_or_default().join(rest),
        None => project.join(path),
    }
}

impl Shell {
    /// The script's bytes and how it is called in messages; `None` when there is nothing to run.
    pub(super) fn fetch(&self, context: &Context) -> Result<Option<(Vec<u8>, String)>> {
        let named = |what: String| self.name.as_ref().map_or(what, |name| format!("script: {name}"));
        let (bytes, what) = match &self.script {
            Script::Nothing => return Ok(None),
            Script::Inline(text) => (text.clone().into_bytes(), named("inline script".to_owned())),
            Script::File(path) => {
                let bytes = std::fs::read(path).doing(|| format!("reading '{}'", path.display()))?;
                (bytes, named(path.display().to_string()))
            }
            Script::Url { url, digest } => {
                let bytes = download(context, url)?;
                if let Some((kind, expected)) = digest {
                    verify(url, &bytes, kind, expected)?;
                }
                (bytes, named(url.clone()))
            }
        };
        Ok(Some((if self.binary { bytes } else { without_carriage_returns(bytes) }, what)))
    }
}

fn without_carriage_returns(bytes: Vec<u8>) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() + 1);
    let mut rest = bytes.into_iter().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\r' || rest.peek() != Some(&b'\n') {
            text.push(byte);
        }
    }
    text
}

fn download(context: &Context, url: &str) -> Result<Vec<u8>> {
    context.cancel.check()?;
    let failed = |problem: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Other, format!("The script '{url}' could not be fetched: {problem}"))
    };
    let mut answer = ureq::get(url).call().map_err(|problem| failed(&problem))?;
    answer.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(|problem| failed(&problem))
}

fn verify(url: &str, bytes: &[u8], kind: &str, expected: &str) -> Result<()> {
    let hex = |digest: &[u8]| digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let actual = match kind {
        "md5" => hex(&md5::Md5::digest(bytes)),
        "sha1" => hex(&sha1::Sha1::digest(bytes)),
        "sha256" => hex(&sha2::Sha256::digest(bytes)),
        "sha384" => hex(&sha2::Sha384::digest(bytes)),
        _ => hex(&sha2::Sha512::digest(bytes)),
    };
    if actual.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Other,
        format!(
            "The script '{url}' is not what the Vagrantfile expects: its {kind} is {actual}, not {expected}."
        ),
    )
    .hinted(
        "Nothing of it was run. If the script was changed on purpose, change the digest in the Vagrantfile.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_carriage_returns_of_line_ends_are_dropped() {
        assert_eq!(without_carriage_returns(b"a\r\nb\rc\n".to_vec()), b"a\nb\rc\n");
    }

    #[test]
    fn a_wrong_digest_is_refused_and_a_right_one_passes_in_any_case() {
        let right = "A9993E364706816ABA3E25717850C26C9CD0D89D";
        assert!(verify("u", b"abc", "sha1", right).is_ok());
        assert!(verify("u", b"abd", "sha1", right).is_err());
    }
}
