//! Downloading over http and https (and from `file://`, which mirrors may be).

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::tls::TlsConfig;
use yado_core::error::Doing;
use yado_core::{Cancel, Error, ErrorKind, Result};

/// Why something could not be fetched, as far as someone acts on it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server answers, and says that there is no such thing.
    #[error("{0}")]
    Missing(String),
    /// Network trouble, or the server's; trying again may help.
    #[error("{0}")]
    Temporary(String),
    /// Asking again will not help.
    #[error("{0}")]
    Final(String),
    /// Something on this machine (a full disk), or the user.
    #[error(transparent)]
    Local(Error),
}

/// Proxies by scheme; `None` leaves it to the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Proxies {
    /// For `http://`.
    pub(crate) http: Option<String>,
    /// For `https://`.
    pub(crate) https: Option<String>,
}

/// Fetches URLs; one client keeps its connections.
pub(crate) struct Client {
    http: ureq::Agent,
    https: ureq::Agent,
}

/// A body being received.
pub(crate) struct Body {
    pub(crate) reader: Box<dyn Read + Send>,
    pub(crate) length: Option<u64>,
}

impl Client {
    /// A client that uses these proxies and, unless `insecure`, verifies certificates by the system's trust store.
    pub(crate) fn new(proxies: &Proxies, insecure: bool) -> Result<Self> {
        Ok(Self {
            http: agent(proxies.http.as_deref(), insecure)?,
            https: agent(proxies.https.as_deref(), insecure)?,
        })
    }

    /// Begins to fetch `url`.
    pub(crate) fn get(&self, url: &str) -> Result<Body, Failure> {
        if let Some(path) = url.strip_prefix("file://").or_else(|| url.strip_prefix("file:")) {
            return match File::open(path) {
                Ok(file) => {
                    let length = file.metadata().ok().map(|metadata| metadata.len());
                    Ok(Body { reader: Box::new(file), length })
                }
                Err(error) => Err(Failure::Missing(format!("'{url}': {error}"))),
            };
        }
        let agent = if url.starts_with("https:") { &self.https } else { &self.http };
        tracing::debug!(url, "get");
        let response = agent.get(url).call().map_err(|error| match error {
            ureq::Error::StatusCode(404 | 410) => Failure::Missing(format!("'{url}' does not exist there")),
            ureq::Error::StatusCode(status @ (408 | 429 | 500..=599)) => {
                Failure::Temporary(format!("'{url}': the server answers with status {status}"))
            }
            ureq::Error::StatusCode(status) => {
                Failure::Final(format!("'{url}': the server answers with status {status}"))
            }
            error @ (ureq::Error::BadUri(_) | ureq::Error::Tls(_) | ureq::Error::InvalidProxyUrl) => {
                Failure::Final(format!("'{url}': {error}"))
            }
            error => Failure::Temporary(format!("'{url}': {error}")),
        })?;
        let body = response.into_body();
        let length = body.content_length();
        Ok(Body { reader: Box::new(body.into_with_config().limit(u64::MAX).reader()), length })
    }

    /// Fetches `url` into `path`, trying again after network trouble; `progress` is told of every piece and of
    /// the length, when known.
    pub(crate) fn download(
        &self,
        url: &str,
        path: &Path,
        cancel: &Cancel,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Failure> {
        retrying(cancel, || self.download_once(url, path, cancel, progress))
    }

    /// The same, once.
    pub(crate) fn download_once(
        &self,
        url: &str,
        path: &Path,
        cancel: &Cancel,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Failure> {
        let mut body = self.get(url)?;
        let mut file =
            File::create(path).doing(|| format!("creating '{}'", path.display())).map_err(Failure::Local)?;
        let mut buffer = vec![0; 128 << 10];
        let mut received = 0_u64;
        loop {
            cancel.check().map_err(Failure::Local)?;
            let read = body
                .reader
                .read(&mut buffer)
                .map_err(|error| Failure::Temporary(format!("'{url}': {error}")))?;
            if read == 0 {
                break;
            }
            file.write_all(&buffer[..read])
                .doing(|| format!("writing '{}'", path.display()))
                .map_err(Failure::Local)?;
            received += read as u64;
            progress(read as u64, body.length);
        }
        match body.length {
            Some(length) if length != received => Err(Failure::Temporary(format!(
                "'{url}': the connection ended after {received} of {length} bytes"
            ))),
            _ => Ok(()),
        }
    }
}

/// Does it again after temporary failures, waiting longer each time.
pub(crate) fn retrying<T>(
    cancel: &Cancel,
    mut attempt: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    for pause in [300_u64, 1000, 3000] {
        match attempt() {
            Err(Failure::Temporary(why)) => tracing::debug!(why, "trying again"),
            other => return other,
        }
        for _ in 0..pause / 50 {
            cancel.check().map_err(Failure::Local)?;
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    attempt()
}

impl Failure {
    /// As an error about `what`.
    pub(crate) fn into_error(self, what: &str) -> Error {
        match self {
            Self::Local(error) => error,
            Self::Temporary(why) => {
                Error::new(ErrorKind::BoxImport, format!("{what} cannot be fetched: {why}.")).hinted(
                    "Check the network connection and the proxy settings ('http_proxy', 'https_proxy').",
                )
            }
            Self::Missing(why) | Self::Final(why) => {
                Error::new(ErrorKind::BoxImport, format!("{what} cannot be fetched: {why}."))
            }
        }
    }
}

fn agent(proxy: Option<&str>, insecure: bool) -> Result<ureq::Agent> {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let mut config = ureq::Agent::config_builder()
        .timeout_resolve(seconds(15))
        .timeout_connect(seconds(15))
        .timeout_recv_response(seconds(60))
        .timeout_per_read(seconds(30))
        .max_idle_connections_per_host(4)
        .user_agent(concat!("yado/", env!("CARGO_PKG_VERSION")))
        .tls_config(
            TlsConfig::builder()
                .root_certs(ureq::tls::RootCerts::PlatformVerifier)
                .disable_verification(insecure)
                .build(),
        );
    match proxy {
        Some(direct) if direct.eq_ignore_ascii_case("direct") => config = config.proxy(None),
        Some(url) => {
            let proxy = ureq::Proxy::new(url)
                .map_err(|error| Error::system(format!("using the proxy '{url}'"), error))?;
            config = config.proxy(Some(proxy));
        }
        None => {}
    }
    Ok(config.build().into())
}
