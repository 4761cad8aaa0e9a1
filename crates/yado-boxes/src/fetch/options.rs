//! [`Options`]: `config.vm.box_download_*` understood. Vagrant hands `box_download_options` to curl; those that mean
//! something here are honoured, others are refused by name rather than forgotten.

use std::path::PathBuf;

use yado_core::spec::DownloadSpec;
use yado_core::{Error, ErrorKind, Result};

use super::address::basic;

/// How one download is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) insecure: bool,
    pub(super) location_trusted: bool,
    pub(super) ca_certificate: Option<PathBuf>,
    pub(super) ca_directory: Option<PathBuf>,
    pub(super) client_certificate: Option<PathBuf>,
    pub(super) client_key: Option<PathBuf>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) proxy: Option<String>,
    pub(super) no_proxy: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) connect_timeout: Option<u64>,
}

impl Options {
    pub(super) fn read(download: &DownloadSpec) -> Result<Self> {
        let mut options = Self {
            insecure: download.insecure,
            location_trusted: download.location_trusted,
            ca_certificate: download.ca_certificate.clone(),
            ca_directory: download.ca_directory.clone(),
            client_certificate: download.client_certificate.clone(),
            ..Self::default()
        };
        for (name, value) in &download.options {
            options.take(name.trim_start_matches('-'), value.as_deref())?;
        }
        Ok(options)
    }

    fn take(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        match (name, value) {
            ("insecure", None) => self.insecure = true,
            ("location-trusted", None) => self.location_trusted = true,
            // What curl needs these for happens here anyway.
            ("location" | "fail" | "silent" | "show-error" | "compressed" | "globoff", None) => {}
            ("cacert", Some(path)) => self.ca_certificate = Some(path.into()),
            ("capath", Some(path)) => self.ca_directory = Some(path.into()),
            ("cert", Some(path)) => self.client_certificate = Some(path.into()),
            ("key", Some(path)) => self.client_key = Some(path.into()),
            ("user", Some(user)) => self.headers.push(("Authorization".to_owned(), basic(user))),
            ("header", Some(header)) => {
                let (name, value) = header
                    .split_once(':')
                    .ok_or_else(|| refused(name, "is no header, as in 'Name: value'"))?;
                self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            ("cookie", Some(cookie)) => self.headers.push(("Cookie".to_owned(), cookie.to_owned())),
            ("referer", Some(referer)) => self.headers.push(("Referer".to_owned(), referer.to_owned())),
            ("user-agent", Some(agent)) => self.user_agent = Some(agent.to_owned()),
            ("proxy", Some(proxy)) => self.proxy = Some(proxy.to_owned()),
            ("noproxy", Some(hosts)) => self.no_proxy = Some(hosts.to_owned()),
            ("connect-timeout", Some(seconds)) => {
                let seconds = seconds.parse().map_err(|_| refused(name, "needs a number of seconds"))?;
                self.connect_timeout = Some(seconds);
            }
            _ => return Err(refused(name, "has no meaning for yado, which downloads without curl")),
        }
        Ok(())
    }
}

fn refused(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("The option '{name}' of 'box_download_options' {why}.")).hinted(
        "Understood are: cacert, capath, cert, connect-timeout, cookie, header, insecure, key, location-trusted, \
         noproxy, proxy, referer, user, user-agent.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[(&str, Option<&str>)]) -> Result<Options> {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
        Options::read(&DownloadSpec { options: options.collect(), ..DownloadSpec::default() })
    }

    #[test]
    fn curls_options_are_understood_or_refused_by_name() {
        let options = read(&[("header", Some("X-A: b")), ("user", Some("u:p")), ("insecure", None)]).unwrap();
        assert!(options.insecure);
        assert_eq!(options.headers[0], ("X-A".to_owned(), "b".to_owned()));
        assert_eq!(options.headers[1].1, "Basic dTpw");
        let error = read(&[("limit-rate", Some("1k"))]).unwrap_err();
        assert!(error.message().contains("'limit-rate'"), "{error}");
        assert!(read(&[("header", Some("nothing"))]).is_err());
    }
}
