//! Who one is in a registry: from the files in which `docker login` and `podman login` put it, and from the programs
//! that these files name.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use serde_json::Value;
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result};

/// The key of Docker's own registry in these files.
const DOCKER_KEY: &str = "https://index.docker.io/v1/";

/// What somebody who logged in at a registry got there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// `user:password`.
    Password(String),
    /// A token that others are had for.
    IdentityToken(String),
}

/// The credentials for a registry, if somebody logged in there. `files` are tried in order.
pub(super) fn find(registry: &str, files: &[PathBuf]) -> Result<Option<Credentials>> {
    for file in files {
        let Ok(text) = std::fs::read(file) else { continue };
        let json: Value = serde_json::from_slice(&text).map_err(|error| {
            Error::new(ErrorKind::BoxImport, format!("'{}' is no JSON: {error}.", file.display()))
                .hinted("It holds the credentials for registries; mend it, or log in anew.")
        })?;
        let keys = if registry == "docker.io" { vec![DOCKER_KEY, registry] } else { vec![registry] };
        for key in keys {
            let named = json["credHelpers"][key].as_str().map(|helper| (helper, true));
            let general = json["credsStore"].as_str().filter(|name| !name.is_empty());
            if let Some((helper, must_know)) = named.or(general.map(|helper| (helper, false)))
                && let Some(found) = ask(helper, key, must_know)?
            {
                return Ok(Some(found));
            }
            if let Some(found) = entry(&json, key) {
                return decode(found, key).map(Some);
            }
        }
    }
    Ok(None)
}

/// The entry of a registry: older files have URLs as keys.
fn entry<'a>(json: &'a Value, key: &str) -> Option<&'a Value> {
    let plain = |text: &str| {
        let text = text.trim_start_matches("https://").trim_start_matches("http://");
        text.split('/').next().unwrap_or(text).to_owned()
    };
    let auths = json["auths"].as_object()?;
    let found = auths.get(key).or_else(|| {
        auths.iter().find(|(known, _)| key != DOCKER_KEY && plain(known) == key).map(|(_, entry)| entry)
    });
    found.filter(|entry| entry.as_object().is_some_and(|fields| !fields.is_empty()))
}

fn decode(entry: &Value, registry: &str) -> Result<Credentials> {
    if let Some(token) = entry["identitytoken"].as_str().filter(|token| !token.is_empty()) {
        return Ok(Credentials::IdentityToken(token.to_owned()));
    }
    if let (Some(user), Some(password)) = (entry["username"].as_str(), entry["password"].as_str()) {
        return Ok(Credentials::Password(format!("{user}:{password}")));
    }
    let bytes = base64::prelude::BASE64_STANDARD.decode(entry["auth"].as_str().unwrap_or_default()).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| text.contains(':'));
    text.map(Credentials::Password).ok_or_else(|| {
        Error::new(ErrorKind::BoxImport, format!("The credentials on file for '{registry}' cannot be read."))
            .hinted("Log in there anew.")
    })
}

/// Asks `docker-credential-NAME`. One that serves all registries need not know this one.
fn ask(helper: &str, registry: &str, must_know: bool) -> Result<Option<Credentials>> {
    let program = format!("docker-credential-{helper}");
    let doing = || format!("asking '{program}' for the credentials for '{registry}'");
    if !helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(Error::new(ErrorKind::BoxImport, format!("'{program}' is no credential helper's name.")));
    }
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .doing(doing)?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read answers all the same.
        drop(input.write_all(registry.as_bytes()));
    }
    let output = child.wait_with_output().doing(doing)?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() {
        return if must_know {
            Err(Error::new(
                ErrorKind::BoxImport,
                format!("'{program}' has no credentials for '{registry}': {said}."),
            ))
        } else {
            Ok(None)
        };
    }
    let answer: Value = serde_json::from_str(&said).doing(doing)?;
    match (answer["Username"].as_str(), answer["Secret"].as_str()) {
        (Some("<token>"), Some(token)) => Ok(Some(Credentials::IdentityToken(token.to_owned()))),
        (Some(user), Some(secret)) => Ok(Some(Credentials::Password(format!("{user}:{secret}")))),
        _ => Ok(None),
    }
}
