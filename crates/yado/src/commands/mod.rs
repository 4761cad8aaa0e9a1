//! One file per command, all of the same shape: an `Arguments` struct whose doc comments are the help, and `run`,
//! which returns the exit code.

pub(crate) mod boxes;
pub(crate) mod config;
pub(crate) mod destroy;
pub(crate) mod global_status;
pub(crate) mod halt;
pub(crate) mod init;
pub(crate) mod port;
pub(crate) mod provision;
pub(crate) mod reload;
pub(crate) mod resume;
pub(crate) mod runtime;
pub(crate) mod ssh;
pub(crate) mod status;
pub(crate) mod suspend;
pub(crate) mod trust;
pub(crate) mod up;
pub(crate) mod validate;
pub(crate) mod version;

mod batch;

use clap::Args;
use yado_core::provisioning::Wish;

/// How provisioning goes, for commands that may provision.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProvisionArguments {
    /// Run the provisioners again
    #[arg(long, overrides_with = "no_provision")]
    provision: bool,
    /// Run no provisioner
    #[arg(long, overrides_with = "provision")]
    no_provision: bool,
    /// Run only these provisioners, by type or name, comma separated
    #[arg(long, value_name = "X,Y", value_delimiter = ',')]
    provision_with: Vec<String>,
}

impl ProvisionArguments {
    fn wish(&self) -> Wish {
        if !self.provision_with.is_empty() {
            Wish::Only(self.provision_with.clone())
        } else if self.no_provision {
            Wish::Skip
        } else if self.provision {
            Wish::Force
        } else {
            Wish::Due
        }
    }
}
