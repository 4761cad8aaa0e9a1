//! Pulling from a registry: who may, what is described, and its layers, each compared with its digest.

use base64::Engine as _;
use serde_json::Value;
use yado_core::{Context, Error, ErrorKind, Result};

use super::credentials::{self, Credentials};
use super::manifest::{self, ACCEPTED, Described, Descriptor, LARGEST};
use super::reference::Reference;
use super::{ImageLayer, LayerFile, Pulled, check_digest, refused};
use crate::chain::Chain;
use crate::fetch::{Address, Client, Failure, Network, Response, ranged, retrying, status_failure};

/// The longest answer with a token.
const LARGEST_TOKEN: u64 = 1 << 20;

/// A registry and who one is there.
struct Registry<'a> {
    client: &'a Client,
    reference: &'a Reference,
    network: &'a Network,
    /// `https://HOST/v2/NAME`.
    base: String,
    authorization: Option<String>,
}

/// Fetches an image, but for layers of which `is_known` says that what they become is there. `downloads` is where its
/// layers lie meanwhile.
pub(crate) fn pull(
    cx: &Context,
    client: &Client,
    network: &Network,
    reference: &Reference,
    downloads: &std::path::Path,
    is_known: &dyn Fn(&Chain) -> bool,
) -> Result<Pulled> {
    let what = format!("The image '{reference}'");
    let failed = |failure: Failure| match failure {
        Failure::Missing(why) => {
            Error::new(ErrorKind::BoxNotFound, format!("{what} cannot be fetched: {why}."))
        }
        failure => failure.into_error(&what),
    };
    let mut registry = Registry { client, reference, network, base: String::new(), authorization: None };
    let (text, digest) = registry.first(cx).map_err(failed)?;
    let mut described = manifest::read(&text)?;
    if let Described::Elsewhere(chosen) = &described {
        cx.detail(format!("Image for linux/{}: {}", manifest::architecture(), chosen.digest));
        let text = registry.manifest(cx, &chosen.digest).map_err(failed)?;
        check_size(chosen, text.len() as u64)?;
        check_digest(cx, &mut &text[..], &chosen.digest)?;
        described = manifest::read(&text)?;
    }
    let Described::Layers(layers) = described else {
        return Err(refused("its index leads to another index"));
    };
    let mut found = Vec::new();
    let mut chain = Chain::empty();
    for (number, layer) in layers.iter().enumerate() {
        chain = chain.with(&layer.digest);
        let is_here = is_known(&chain);
        let size = if is_here { "already here".to_owned() } else { format!("{} bytes", layer.size) };
        cx.detail(format!("Layer {} of {}: {} ({size})", number + 1, layers.len(), layer.digest));
        let file = if is_here { None } else { Some(registry.layer(cx, layer, downloads).map_err(failed)??) };
        found.push(ImageLayer { digest: layer.digest.clone(), file });
    }
    Ok(Pulled { layers: found, digest: Some(digest) })
}

fn check_size(descriptor: &Descriptor, found: u64) -> Result<()> {
    if found == descriptor.size {
        return Ok(());
    }
    let Descriptor { digest, size, .. } = descriptor;
    Err(refused(format_args!("'{digest}' has {found} bytes, and {size} were announced")))
}

impl Registry<'_> {
    /// Finds out how the registry is spoken to, and fetches what the reference names, with its digest.
    fn first(&mut self, cx: &Context) -> Result<(Vec<u8>, String), Failure> {
        let wanted = self.reference.wanted().to_owned();
        let text = self.over("https", cx, &wanted);
        let text = match text {
            // As with Docker, a registry on this computer may do without TLS.
            Err(Failure::Temporary(_) | Failure::Final(_))
                if self.reference.is_local() && self.authorization.is_none() =>
            {
                self.over("http", cx, &wanted)?
            }
            other => other?,
        };
        let mut digest = String::from("sha256:");
        digest.push_str(&crate::layer::hex(&<sha2::Sha256 as sha2::Digest>::digest(&text)));
        if let Some(expected) = &self.reference.digest {
            check_digest(cx, &mut &text[..], expected).map_err(Failure::Local)?;
            digest.clone_from(expected);
        }
        Ok((text, digest))
    }

    fn over(&mut self, scheme: &str, cx: &Context, wanted: &str) -> Result<Vec<u8>, Failure> {
        self.base = format!("{scheme}://{}/v2/{}", self.reference.host(), self.reference.name);
        // Only what is on the other side of a network becomes better by asking again.
        if self.reference.is_local() { self.ask(wanted) } else { self.manifest(cx, wanted) }
    }

    fn manifest(&mut self, cx: &Context, wanted: &str) -> Result<Vec<u8>, Failure> {
        let cancel = cx.cancel.clone();
        retrying(&cancel, || self.ask(wanted))
    }

    fn ask(&mut self, wanted: &str) -> Result<Vec<u8>, Failure> {
        let url = format!("{}/manifests/{wanted}", self.base);
        let mut response = self.send(&url)?;
        if response.status == 401 && self.authorization.is_none() {
            self.authorization = Some(self.introduce(&url, &response)?);
            response = self.send(&url)?;
        }
        if let Some(failure) = status_failure(&url, response.status) {
            return Err(failure);
        }
        response.read(&url, LARGEST)
    }

    fn send(&self, url: &str) -> Result<Response, Failure> {
        let mut headers = vec![("Accept", ACCEPTED)];
        headers.extend(self.authorization.as_deref().map(|value| ("Authorization", value)));
        self.client.send(url, &headers)
    }

    /// Answers the registry's question who is there: with a token from whom it names, or with user and password.
    fn introduce(&self, url: &str, response: &Response) -> Result<String, Failure> {
        let known = credentials::find(&self.reference.registry, &self.network.registry_credentials);
        let known = known.map_err(Failure::Local)?;
        let basic = match &known {
            Some(Credentials::Password(user)) => {
                Some(format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(user)))
            }
            _ => None,
        };
        let refused = || {
            Failure::Local(
                Error::new(
                    ErrorKind::BoxImport,
                    format!(
                        "'{}' wants to know who you are, and no credentials are on file.",
                        self.reference.registry
                    ),
                )
                .hinted(format!(
                    "'docker login {0}' or 'skopeo login {0}' puts them there.",
                    self.reference.registry
                )),
            )
        };
        let challenge = response.header("www-authenticate").unwrap_or_default().to_owned();
        let (scheme, parameters) = challenge.split_once(' ').unwrap_or((&challenge, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return basic.ok_or_else(refused);
        }
        let realm = parameter(parameters, "realm").filter(|_| scheme.eq_ignore_ascii_case("bearer"));
        let Some(realm) = realm else {
            return Err(Failure::Final(format!(
                "'{url}' asks for credentials of an unknown kind ('{challenge}')"
            )));
        };
        let from = Address::parse(&self.base).map_err(Failure::Final)?;
        let to = Address::parse(&realm).map_err(Failure::Final)?;
        if from.scheme() == "https" && to.scheme() != "https" {
            return Err(Failure::Final(format!(
                "'{url}' sends for a token to '{realm}', which is not encrypted"
            )));
        }
        let mut query = vec![format!("scope=repository:{}:pull", self.reference.name)];
        query.extend(parameter(parameters, "service").map(|service| format!("service={}", encode(&service))));
        let answer = if let Some(Credentials::IdentityToken(token)) = &known {
            // One who logged in at another place was given this instead of a password.
            query.push("grant_type=refresh_token&client_id=yado".to_owned());
            query.push(format!("refresh_token={}", encode(token)));
            self.client.post_form(&realm, &query.join("&"))?
        } else {
            let mark = if realm.contains('?') { '&' } else { '?' };
            let headers: Vec<_> =
                basic.as_deref().map(|value| ("Authorization", value)).into_iter().collect();
            self.client.send(&format!("{realm}{mark}{}", query.join("&")), &headers)?
        };
        if answer.status == 401 && known.is_none() {
            return Err(refused());
        }
        if let Some(failure) = status_failure(&realm, answer.status) {
            return Err(failure);
        }
        let text = answer.read(&realm, LARGEST_TOKEN)?;
        let json: Value = serde_json::from_slice(&text).unwrap_or_default();
        match json["token"].as_str().or(json["access_token"].as_str()) {
            Some(token) => Ok(format!("Bearer {token}")),
            None => Err(Failure::Final(format!("'{realm}' answers without a token"))),
        }
    }

    /// Fetches a layer. Network trouble is the outer failure; what is wrong with the layer is the inner one.
    fn layer(
        &self,
        cx: &Context,
        layer: &Descriptor,
        downloads: &std::path::Path,
    ) -> Result<Result<LayerFile>, Failure> {
        let url = format!("{}/blobs/{}", self.base, layer.digest);
        let headers: Vec<_> =
            self.authorization.as_deref().map(|value| ("Authorization", value)).into_iter().collect();
        let size = Some(layer.size);
        let wanted = ranged::Wanted { url: &url, headers: &headers, is_verified: true, clean: false, size };
        let _time = cx.time("download a layer");
        let fetched = ranged::fetch(cx, self.client, &wanted, downloads)?;
        let file = LayerFile::Download(fetched);
        Ok(match file.verify(cx, &layer.digest, layer.size) {
            Ok(()) => Ok(file),
            Err(error) => {
                file.discard();
                Err(error)
            }
        })
    }
}

/// `name="value"` among the parameters of a challenge.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.trim_matches([' ', ',']).eq_ignore_ascii_case(name) {
            return Some(value.to_owned());
        }
        rest = next;
    }
    None
}

/// Percent-encoding for a query.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_taken_apart() {
        let text = r#"realm="https://a/token?x=1",service="r, e",scope="repository:a/b:pull,push""#;
        assert_eq!(parameter(text, "realm").as_deref(), Some("https://a/token?x=1"));
        assert_eq!(parameter(text, "Service").as_deref(), Some("r, e"));
        assert_eq!(parameter("realm=x, service=y", "service").as_deref(), Some("y"));
        assert_eq!(parameter(text, "error"), None);
        assert_eq!(encode("r, e"), "r%2C%20e");
    }
}
