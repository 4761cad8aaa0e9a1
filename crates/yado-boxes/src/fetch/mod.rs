//! Downloading over http and https (and from `file://`, which mirrors may be).
//!
//! [`Client`] sends requests and follows redirects itself, because who may see credentials on the way is a decision
//! of ours; [`ranged`] turns requests into files that survive interruptions.

mod address;
mod options;
mod pieces;
mod proxy;
pub(crate) mod ranged;
#[cfg(test)]
mod tests;
mod trust;

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http;
use yado_core::error::Doing;
use yado_core::spec::DownloadSpec;
use yado_core::{Cancel, Error, ErrorKind, Result};

pub(crate) use address::{Address, decode};
pub(crate) use proxy::Proxies;

/// How many connections to one host are kept for the next requests, so how many may be made at once to advantage.
pub(crate) const KEPT_CONNECTIONS: usize = 8;

/// How many redirects are followed.
const REDIRECTS: usize = 10;

/// What the program knows about the network from the user's environment.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Nothing may be fetched (`YADO_OFFLINE`).
    pub offline: bool,
    /// The catalogue server; `None` when there is none.
    pub server: Option<String>,
    /// Whether the user named that server, rather than nobody.
    pub server_is_named: bool,
    /// The token that the catalogue server is shown.
    pub token: Option<String>,
    /// Certificates to trust instead of the system's (`CURL_CA_BUNDLE`).
    pub ca_bundle: Option<PathBuf>,
    /// Files with credentials for registries of images, the first ones first.
    pub registry_credentials: Vec<PathBuf>,
    /// No look for newer boxes on `up` (`VAGRANT_BOX_UPDATE_CHECK_DISABLE`).
    pub no_update_check: bool,
}

/// Why something could not be fetched, as far as someone acts on it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server answers, and says that there is no such thing.
    #[error("{0}")]
    Missing(String),
    /// Network trouble, or the server's; trying again may help.
    #[error("{0}")]
    Temporary(String),
    /// The user wants no network to be used.
    #[error("{0}")]
    Offline(String),
    /// Asking again will not help.
    #[error("{0}")]
    Final(String),
    /// Something on this machine (a full disk), or the user.
    #[error(transparent)]
    Local(Error),
}

/// Fetches URLs; one client keeps its connections.
pub(crate) struct Client {
    http: ureq::Agent,
    https: ureq::Agent,
    /// For hosts that are reached without a proxy.
    direct: ureq::Agent,
    without_proxy: proxy::Exceptions,
    headers: Vec<(String, String)>,
    location_trusted: bool,
    offline: bool,
}

/// An answer, its body being received.
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: http::HeaderMap,
    /// The body.
    pub(crate) reader: Box<dyn Read + Send>,
    /// The length of the body, when known.
    pub(crate) length: Option<u64>,
}

impl Response {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The whole body, which may have up to `limit` bytes.
    pub(crate) fn read(self, url: &str, limit: u64) -> Result<Vec<u8>, Failure> {
        let mut content = Vec::new();
        self.reader
            .take(limit + 1)
            .read_to_end(&mut content)
            .map_err(|error| Failure::Temporary(format!("'{url}': {error}")))?;
        if content.len() as u64 > limit {
            return Err(Failure::Final(format!("'{url}' is larger than the {limit} bytes that it may have")));
        }
        Ok(content)
    }
}

impl Client {
    /// A client that uses these proxies and verifies certificates by the system's trust store, unless told otherwise.
    pub(crate) fn new(proxies: &Proxies, download: &DownloadSpec, network: &Network) -> Result<Self> {
        let options = options::Options::read(download)?;
        let tls = trust::configuration(&options, network)?;
        let environment = Proxies::from_environment();
        let chosen = |own: &Option<String>, general: &Option<String>| {
            options.proxy.clone().or_else(|| own.clone()).or_else(|| general.clone())
        };
        Ok(Self {
            http: agent(chosen(&proxies.http, &environment.http).as_deref(), &tls, &options)?,
            https: agent(chosen(&proxies.https, &environment.https).as_deref(), &tls, &options)?,
            direct: agent(None, &tls, &options)?,
            without_proxy: proxy::Exceptions::from_environment(options.no_proxy.as_deref()),
            headers: options.headers,
            location_trusted: options.location_trusted,
            offline: network.offline,
        })
    }

    /// Sends a GET request and follows redirects. Every answer of a server is an answer, whatever its status.
    pub(crate) fn send(&self, url: &str, headers: &[(&str, &str)]) -> Result<Response, Failure> {
        if self.offline {
            return Err(Failure::Offline(format!("'{url}' is not fetched, since YADO_OFFLINE is set")));
        }
        let mut address = Address::parse(url).map_err(Failure::Final)?;
        let first = address.origin();
        for _ in 0..=REDIRECTS {
            let is_own = self.location_trusted || address.origin() == first;
            let response = self.ask(&address, headers, is_own)?;
            let location = response.header("location").map(str::to_owned);
            match (response.status, location) {
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    tracing::debug!(location, "redirected");
                    address = address.join(&location).map_err(Failure::Final)?;
                }
                _ => return Ok(response),
            }
        }
        Err(Failure::Final(format!("'{url}': the server redirects more than {REDIRECTS} times")))
    }

    /// Sends one request. Credentials go to the host that they were meant for.
    fn ask(&self, address: &Address, headers: &[(&str, &str)], is_own: bool) -> Result<Response, Failure> {
        let url = address.to_string();
        tracing::debug!(url, "get");
        // Ranges and lengths are about the bytes on disk, so nothing may be compressed on the way.
        let mut request = self.agent(address).get(&url).header("Accept-Encoding", "identity");
        if let Some(authorization) = address.authorization() {
            request = request.header("Authorization", authorization);
        }
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(headers.iter().copied()) {
            let is_secret = ["authorization", "cookie"].iter().any(|known| name.eq_ignore_ascii_case(known));
            if !value.is_empty() && (is_own || !is_secret) {
                request = request.header(name, value);
            }
        }
        answer(&url, request.call())
    }

    /// Who sends requests to this address.
    fn agent(&self, address: &Address) -> &ureq::Agent {
        match address.scheme() {
            _ if self.without_proxy.has(address.host()) => &self.direct,
            "https" => &self.https,
            _ => &self.http,
        }
    }

    /// Begins to fetch `url`, which must succeed.
    pub(crate) fn get(&self, url: &str) -> Result<Response, Failure> {
        self.get_with(url, &[])
    }

    /// The same, with headers.
    pub(crate) fn get_with(&self, url: &str, headers: &[(&str, &str)]) -> Result<Response, Failure> {
        if let Some(path) = url.strip_prefix("file://").or_else(|| url.strip_prefix("file:")) {
            return match File::open(decode(path)) {
                Ok(file) => {
                    let length = file.metadata().ok().map(|metadata| metadata.len());
                    let headers = http::HeaderMap::new();
                    Ok(Response { status: 200, headers, reader: Box::new(file), length })
                }
                Err(error) => Err(Failure::Missing(format!("'{url}': {error}"))),
            };
        }
        let response = self.send(url, headers)?;
        status_failure(url, response.status).map_or(Ok(response), Err)
    }

    /// The same for the first `most` bytes, from servers that know ranges, and whether there are more than were sent.
    pub(crate) fn get_beginning(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        most: u64,
    ) -> Result<(Response, bool), Failure> {
        if url.starts_with("file:") {
            return Ok((self.get_with(url, headers)?, false));
        }
        let range = format!("bytes=0-{}", most - 1);
        let response = self.send(url, &[headers, &[("Range", &range)]].concat())?;
        // An empty file has no beginning.
        if response.status == 416 {
            return Ok((self.get_with(url, headers)?, false));
        }
        let is_part = response.status == 206 && ranged::total(&response) != response.length;
        status_failure(url, response.status).map_or(Ok((response, is_part)), Err)
    }

    /// Sends a form to `url`, which is where tokens are had: it is not led elsewhere.
    pub(crate) fn post_form(&self, url: &str, form: &str) -> Result<Response, Failure> {
        if self.offline {
            return Err(Failure::Offline(format!("'{url}' is not asked, since YADO_OFFLINE is set")));
        }
        let address = Address::parse(url).map_err(Failure::Final)?;
        let request =
            self.agent(&address).post(url).header("Content-Type", "application/x-www-form-urlencoded");
        answer(url, request.send(form))
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

/// What became of a request: every answer of a server is one.
fn answer(url: &str, outcome: Result<http::Response<ureq::Body>, ureq::Error>) -> Result<Response, Failure> {
    let response = outcome.map_err(|error| match error {
        error @ (ureq::Error::BadUri(_) | ureq::Error::Tls(_) | ureq::Error::InvalidProxyUrl) => {
            Failure::Final(format!("'{url}': {error}"))
        }
        error => {
            let text = error.to_string();
            // A certificate does not become better by asking again.
            if text.contains("certificate") || text.contains("CertificateRequired") {
                Failure::Final(format!("'{url}': {text}"))
            } else {
                Failure::Temporary(format!("'{url}': {text}"))
            }
        }
    })?;
    let (parts, body) = response.into_parts();
    let length = body.content_length();
    let reader = Box::new(body.into_with_config().limit(u64::MAX).reader());
    Ok(Response { status: parts.status.as_u16(), headers: parts.headers, reader, length })
}

/// What a status means; `None` when all is well.
pub(crate) fn status_failure(url: &str, status: u16) -> Option<Failure> {
    Some(match status {
        200..=299 => return None,
        404 | 410 => Failure::Missing(format!("'{url}' does not exist there")),
        408 | 429 | 500..=599 => {
            Failure::Temporary(format!("'{url}': the server answers with status {status}"))
        }
        401 | 403 => Failure::Final(format!(
            "'{url}': the server refuses access (status {status}); it wants other credentials"
        )),
        status => Failure::Final(format!("'{url}': the server answers with status {status}")),
    })
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
        pause_for(pause, cancel)?;
    }
    attempt()
}

/// Waits this many milliseconds, or until the user interrupts.
fn pause_for(milliseconds: u64, cancel: &Cancel) -> Result<(), Failure> {
    for _ in 0..milliseconds / 50 {
        cancel.check().map_err(Failure::Local)?;
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
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
            Self::Offline(why) => {
                Error::new(ErrorKind::BoxImport, format!("{what} cannot be fetched: {why}."))
                    .hinted("What is installed works offline; 'yado box list' shows it.")
            }
            Self::Final(why) if why.contains("certificate") => Error::new(
                ErrorKind::BoxImport,
                format!("{what} cannot be fetched: {why}."),
            )
            .hinted(
                "A company's or test server's own authority is named by 'config.vm.box_download_ca_cert', \
                     '--cacert' or SSL_CERT_FILE.",
            ),
            Self::Missing(why) | Self::Final(why) => {
                Error::new(ErrorKind::BoxImport, format!("{what} cannot be fetched: {why}."))
            }
        }
    }
}

fn agent(proxy: Option<&str>, tls: &ureq::tls::TlsConfig, options: &options::Options) -> Result<ureq::Agent> {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let agent = options.user_agent.clone();
    let mut config = ureq::Agent::config_builder()
        .timeout_resolve(seconds(15))
        .timeout_connect(seconds(options.connect_timeout.unwrap_or(15)))
        .timeout_recv_response(seconds(60))
        .timeout_per_read(seconds(30))
        .max_idle_connections_per_host(KEPT_CONNECTIONS)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .user_agent(agent.unwrap_or_else(|| concat!("yado/", env!("CARGO_PKG_VERSION")).to_owned()))
        .tls_config(tls.clone());
    match proxy {
        Some(direct) if direct.eq_ignore_ascii_case("direct") => {}
        Some(url) => {
            let proxy = ureq::Proxy::new(url)
                .map_err(|error| Error::system(format!("using the proxy '{url}'"), error))?;
            config = config.proxy(Some(proxy));
        }
        None => {}
    }
    Ok(config.build().into())
}
