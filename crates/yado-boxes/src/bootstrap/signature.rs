//! Checking OpenPGP signatures with the programs that apt itself uses: `gpgv`, or `sqv` on newer systems.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use super::apt::Configuration;
use crate::scratch::Scratch;

const LIMIT: Duration = Duration::from_mins(1);

/// The text in `path` (from `url`) that bears a signature by a key in one of the distribution's keyrings, and nothing
/// but what was signed.
pub(crate) fn signed_text(
    cx: &Context,
    path: &Path,
    configuration: &Configuration,
    url: &str,
) -> Result<Vec<u8>> {
    let Configuration { distribution, keyrings, .. } = configuration;
    let (title, package) = (distribution.title, distribution.keyring_package);
    let install = format!("Install the packages 'gpgv' and '{package}'.");
    let refuse = |why: &str| Error::new(ErrorKind::BoxImport, format!("'{url}' {why}."));
    if keyrings.is_empty() {
        let why = format!("cannot be verified: {title}'s keyring is not installed on this machine");
        return Err(refuse(&why).hinted(install));
    }
    let scratch = Scratch::directory(path.parent().unwrap_or(path))?;
    let signed = scratch.path().join("signed");
    let is_good = if cx.host.which("gpgv").is_some() {
        gpgv(cx, path, keyrings, &signed)?
    } else if cx.host.which("sqv").is_some() {
        sqv(cx, path, keyrings, &signed)?
    } else {
        return Err(refuse("cannot be verified: neither 'gpgv' nor 'sqv' is installed on this machine")
            .hinted(install));
    };
    if !is_good {
        return Err(refuse("is not signed by a key that this machine trusts").hinted(format!(
            "An outdated '{package}' lacks the keys of newer suites; or the mirror was tampered with."
        )));
    }
    std::fs::read(&signed).doing(|| format!("reading what was signed in '{url}'"))
}

fn gpgv(cx: &Context, path: &Path, keyrings: &[PathBuf], signed: &Path) -> Result<bool> {
    let mut argv: Vec<OsString> = ["gpgv", "--status-fd", "1"].map(Into::into).into();
    for keyring in keyrings {
        argv.push("--keyring".into());
        argv.push(keyring.into());
    }
    argv.extend(["--output".into(), signed.into(), path.into()]);
    let output = cx.host.run(&cx.cancel, &argv, LIMIT)?;
    tracing::debug!(stderr = %String::from_utf8_lossy(&output.stderr), "gpgv");
    let status = String::from_utf8_lossy(&output.stdout);
    let has = |word: &str| {
        status.lines().any(|line| line.strip_prefix("[GNUPG:] ").is_some_and(|rest| rest.starts_with(word)))
    };
    // A mirror's file bears several signatures, and an older host lacks some of the keys, for which gpgv ends
    // with an error: one good signature is enough, but none may be bad.
    Ok(has("GOODSIG ") && has("VALIDSIG ") && !has("BADSIG "))
}

fn sqv(cx: &Context, path: &Path, keyrings: &[PathBuf], signed: &Path) -> Result<bool> {
    for keyring in keyrings {
        let mut argv: Vec<OsString> = ["sqv", "--cleartext", "--keyring"].map(Into::into).into();
        argv.extend([keyring.into(), "--output".into(), signed.into(), path.into()]);
        let output = cx.host.run(&cx.cancel, &argv, LIMIT)?;
        tracing::debug!(stderr = %String::from_utf8_lossy(&output.stderr), "sqv");
        if output.status.success() {
            return Ok(true);
        }
    }
    Ok(false)
}
