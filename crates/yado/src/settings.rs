//! The environment variables that yado reads, each in one place. Vagrant's own names count where ours is not set.

use std::path::PathBuf;

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
        let home_vagrantfile =
            path("VAGRANT_HOME").unwrap_or_else(|| user.join(".vagrant.d")).join("Vagrantfile");
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
            home_vagrantfile: Some(home_vagrantfile).filter(|path| path.is_file()),
        }
    }
}
