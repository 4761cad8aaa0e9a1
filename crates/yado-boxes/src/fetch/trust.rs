//! Whose certificates are believed, and which one is shown.

use std::path::Path;

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result};

use super::Network;
use super::options::Options;

/// The certificates and keys in a PEM file.
fn items(path: &Path) -> Result<Vec<PemItem<'static>>> {
    let text = std::fs::read(path).doing(|| format!("reading '{}'", path.display()))?;
    parse_pem(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::system(format!("reading the certificates in '{}'", path.display()), error))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let found: Vec<_> = items(path)?
        .into_iter()
        .filter_map(
            |item| if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None },
        )
        .collect();
    if found.is_empty() {
        return Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!("'{}' has no certificate in PEM form.", path.display()),
        ));
    }
    Ok(found)
}

/// The certificates of a directory's files; whatever else lies there is not looked at.
fn directory(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let doing = || format!("reading '{}'", path.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).doing(doing)? {
        let file = entry.doing(doing)?.path();
        if file.is_file() {
            found.extend(certificates(&file).unwrap_or_default());
        }
    }
    Ok(found)
}

/// The client certificate with its chain; the key may lie in the same file.
fn client(path: &Path, key: Option<&Path>) -> Result<ClientCert> {
    let mut keys: Vec<PrivateKey<'static>> = Vec::new();
    let mut chain = Vec::new();
    for item in items(path)?.into_iter().chain(key.map(items).transpose()?.unwrap_or_default()) {
        match item {
            PemItem::Certificate(certificate) => chain.push(certificate),
            PemItem::PrivateKey(key) => keys.push(key),
            _ => {}
        }
    }
    match (chain.is_empty(), keys.pop()) {
        (false, Some(key)) => Ok(ClientCert::new_with_certs(&chain, key)),
        _ => Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!("'{}' needs a certificate and its private key in PEM form.", path.display()),
        )),
    }
}

/// What the options and the environment say about TLS. A named authority replaces the system's, as with curl.
pub(super) fn configuration(options: &Options, network: &Network) -> Result<TlsConfig> {
    let mut named = Vec::new();
    let bundle = network.ca_bundle.as_ref().filter(|_| options.ca_directory.is_none());
    if let Some(path) = options.ca_certificate.as_ref().or(bundle) {
        named.extend(certificates(path)?);
    }
    if let Some(path) = &options.ca_directory {
        named.extend(directory(path)?);
    }
    let asked = options.ca_certificate.is_some() || options.ca_directory.is_some() || !named.is_empty();
    let roots = if asked { RootCerts::from(named) } else { RootCerts::PlatformVerifier };
    let shown = match &options.client_certificate {
        Some(path) => Some(client(path, options.client_key.as_deref())?),
        None => None,
    };
    Ok(TlsConfig::builder()
        .root_certs(roots)
        .client_cert(shown)
        .disable_verification(options.insecure)
        .build())
}
