//! `yado plugin`: there are none, and scripts that install Vagrant's are told what takes their place.

use clap::{Args, Subcommand};
use yado_core::Result;

use crate::foreign_plugins;
use crate::session::Session;

/// Say that no plugins are needed
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Install nothing, and say what yado does instead
    Install(Names),
    /// List what is installed: nothing
    List(Options),
    /// Remove nothing
    Uninstall(Names),
    /// Update nothing
    Update(Names),
    /// Mend nothing
    Repair(Options),
    /// Remove nothing at all
    Expunge(Options),
}

#[derive(Debug, Args)]
struct Names {
    /// Plugins of Vagrant
    names: Vec<String>,
    #[command(flatten)]
    options: Options,
}

/// What scripts give to Vagrant's command; with nothing to install, none of it makes a difference.
#[derive(Debug, Args)]
#[command(next_help_heading = "Taken, and without effect")]
#[allow(dead_code, reason = "they are only there to be taken")]
struct Options {
    #[arg(long, hide = true)]
    local: bool,
    #[arg(long, hide = true)]
    local_only: bool,
    #[arg(long, hide = true)]
    global_only: bool,
    #[arg(long, hide = true)]
    force: bool,
    #[arg(long, hide = true)]
    reinstall: bool,
    #[arg(long, hide = true)]
    verbose: bool,
    #[arg(long, hide = true)]
    plugin_clean_sources: bool,
    #[arg(long, hide = true)]
    entry_point: Option<String>,
    #[arg(long, hide = true)]
    plugin_source: Vec<String>,
    #[arg(long, hide = true)]
    plugin_version: Option<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    match &arguments.what {
        What::Install(names) | What::Update(names) => {
            for name in &names.names {
                session.ui.plain(&format!("'{name}' was not installed: {}.", instead(name)));
            }
            if names.names.is_empty() {
                session.ui.plain("There are no plugins to update: yado has none.");
            }
        }
        What::Uninstall(names) => {
            for name in &names.names {
                session.ui.plain(&format!("'{name}' is not installed: yado has no plugins."));
            }
        }
        What::List(_) => session.ui.plain("No plugins installed."),
        What::Repair(_) | What::Expunge(_) => session.ui.plain("Nothing was done: yado has no plugins."),
    }
    Ok(0)
}

/// What takes the plugin's place.
fn instead(plugin: &str) -> String {
    let name = plugin.strip_prefix("vagrant-").unwrap_or(plugin);
    let section = match name {
        "cachier" => "cache".to_owned(),
        "proxyconf" => "proxy".to_owned(),
        "persistent-storage" => "persistent_storage".to_owned(),
        other => other.replace('-', "_"),
    };
    if let Some(kind) = yado_plugins::registry().providers.iter().find(|kind| kind.name() == section) {
        return format!("the provider '{}' is built in", kind.name());
    }
    if let Some(kind) = yado_plugins::registry().provisioner(&section) {
        return format!("the provisioner '{}' is built in", kind.name());
    }
    match (foreign_plugins::section(&section), foreign_plugins::is_known(&section)) {
        (Some(what), _) => format!("yado needs no plugins, and its settings are understood; {what}"),
        (None, true) => "yado does what it does by itself".to_owned(),
        (None, false) => "yado has no plugins".to_owned(),
    }
}
