//! The environment variables that yado reads, each in one place. Vagrant's own names count where ours is not set.

use std::path::PathBuf;

use yado_boxes::Network;

/// Where names of boxes are looked up when nobody names a server, as in Vagrant.
const PUBLIC_CATALOGUE: &str = "https://vagrantcloud.com";

/// What the user's environment says.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// yado's directory: `YADO_HOME`, else `$XDG_DATA_HOME/yado`, else `~/.local/share/yado`.
    pub(crate) home: PathBuf,
    /// Where to look for the Vagrantfile: `VAGRANT_CWD`.
    pub(crate) directory: Option<PathBuf>,
    /// The Vagrantfile's name: `VAGRANT_VAGRANTFILE`.
    pub(crate) vagrantfile: Option<String>,
    /// The project's data directory: `YADO_DOTFILE_PATH`, else `VAGRANT_DOTFILE_PATH`.
    pub(crate) data: Option<PathBuf>,
    /// `VAGRANT_DEFAULT_PROVIDER`.
    pub(crate) default_provider: Option<String>,
    /// `VAGRANT_PREFERRED_PROVIDERS`, comma separated.
    pub(crate) preferred_providers: Vec<String>,
    /// `VAGRANT_NO_PARALLEL`.
    pub(crate) no_parallel: bool,
    /// `VAGRANT_NO_COLOR` or `NO_COLOR`.
    pub(crate) no_color: bool,
    /// `VAGRANT_FORCE_COLOR`.
    pub(crate) force_color: bool,
    /// `YADO_LOG`, else `VAGRANT_LOG`: debug, info, warn, error.
    pub(crate) log: Option<String>,
    /// `VAGRANT_LOG_TIMESTAMP`: the log's lines begin with the time.
    pub(crate) log_timestamp: bool,
    /// What the environment says about the network: `YADO_OFFLINE`, `VAGRANT_SERVER_URL` (empty: no catalogue server),
    /// `VAGRANT_CLOUD_TOKEN`, `CURL_CA_BUNDLE`, `DOCKER_CONFIG`, `REGISTRY_AUTH_FILE`,
    /// `VAGRANT_BOX_UPDATE_CHECK_DISABLE`.
    pub(crate) network: Network,
    /// Per-user defaults: `$VAGRANT_HOME/Vagrantfile`, by default `~/.vagrant.d/Vagrantfile`, when it exists.
    pub(crate) home_vagrantfile: Option<PathBuf>,
}

impl Settings {
    pub(crate) fn read() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let user = std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
        let home = path("YADO_HOME").unwrap_or_else(|| {
            path("XDG_DATA_HOME").unwrap_or_else(|| user.join(".local/share")).join("yado")
        });
        let vagrant_home = path("VAGRANT_HOME").unwrap_or_else(|| user.join(".vagrant.d"));
        let home_vagrantfile = vagrant_home.join("Vagrantfile");
        let server = std::env::var("VAGRANT_SERVER_URL").ok();
        let network = Network {
            offline: text("YADO_OFFLINE").is_some_and(|value| value != "0"),
            server_is_named: server.as_ref().is_some_and(|url| !url.is_empty()),
            server: Some(server.unwrap_or_else(|| PUBLIC_CATALOGUE.to_owned())).filter(|url| !url.is_empty()),
            token: text("VAGRANT_CLOUD_TOKEN").or_else(|| {
                let token = std::fs::read_to_string(vagrant_home.join("data/vagrant_login_token")).ok()?;
                Some(token.trim().to_owned()).filter(|token| !token.is_empty())
            }),
            ca_bundle: path("CURL_CA_BUNDLE"),
            registry_credentials: [
                path("REGISTRY_AUTH_FILE"),
                Some(path("DOCKER_CONFIG").unwrap_or_else(|| user.join(".docker")).join("config.json")),
                path("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
            ]
            .into_iter()
            .flatten()
            .collect(),
            no_update_check: text("VAGRANT_BOX_UPDATE_CHECK_DISABLE").is_some(),
        };
        Self {
            home,
            directory: path("VAGRANT_CWD"),
            vagrantfile: text("VAGRANT_VAGRANTFILE"),
            data: path("YADO_DOTFILE_PATH").or_else(|| path("VAGRANT_DOTFILE_PATH")),
            default_provider: text("VAGRANT_DEFAULT_PROVIDER"),
            preferred_providers: text("VAGRANT_PREFERRED_PROVIDERS")
                .map(|list| list.split(',').map(|name| name.trim().to_owned()).collect())
                .unwrap_or_default(),
            no_parallel: text("VAGRANT_NO_PARALLEL").is_some(),
            no_color: text("VAGRANT_NO_COLOR").is_some() || text("NO_COLOR").is_some(),
            force_color: text("VAGRANT_FORCE_COLOR").is_some(),
            log: text("YADO_LOG").or_else(|| text("VAGRANT_LOG")),
            log_timestamp: text("VAGRANT_LOG_TIMESTAMP").is_some(),
            network,
            home_vagrantfile: Some(home_vagrantfile).filter(|path| path.is_file()),
        }
    }
}
