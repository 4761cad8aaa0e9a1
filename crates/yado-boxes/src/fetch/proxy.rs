//! Which proxy leads where: the variables that every downloading program reads.

/// Proxies by scheme; `None` leaves it to the environment, `DIRECT` means none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Proxies {
    /// For `http://`.
    pub(crate) http: Option<String>,
    /// For `https://`.
    pub(crate) https: Option<String>,
}

fn variable(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

impl Proxies {
    /// Those of the environment.
    pub(crate) fn from_environment() -> Self {
        Self {
            // `HTTP_PROXY` in capitals can be set by whoever calls a CGI program, so it is not read, as in curl.
            http: variable(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            https: variable(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
        }
    }
}

/// Hosts that are reached without a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exceptions(Vec<String>);

impl Exceptions {
    /// Those of `no_proxy`, unless a list is given.
    pub(crate) fn from_environment(given: Option<&str>) -> Self {
        Self::parse(
            &given.map(str::to_owned).or_else(|| variable(&["no_proxy", "NO_PROXY"])).unwrap_or_default(),
        )
    }

    fn parse(list: &str) -> Self {
        let names = list.split([',', ' ']).map(|name| name.trim().to_ascii_lowercase());
        Self(names.filter(|name| !name.is_empty()).collect())
    }

    /// Whether `host` is one of them: by name, or below a name.
    pub(crate) fn has(&self, host: &str) -> bool {
        self.0.iter().any(|name| {
            let name = name.trim_start_matches('*').trim_start_matches('.');
            name.is_empty() || host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_excepted_by_name_and_by_domain() {
        let exceptions = Exceptions::parse("localhost, .corp.example,10.0.0.1");
        for host in ["localhost", "corp.example", "x.corp.example", "10.0.0.1"] {
            assert!(exceptions.has(host), "{host}");
        }
        for host in ["mylocalhost", "xcorp.example", "example"] {
            assert!(!exceptions.has(host), "{host}");
        }
        assert!(Exceptions::parse("*").has("anything"));
        assert!(!Exceptions::parse("").has("anything"));
    }
}
