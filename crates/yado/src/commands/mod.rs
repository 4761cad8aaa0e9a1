//! One file per command, all of the same shape: an `Arguments` struct whose doc comments are the help, and `run`,
//! which returns the exit code.

pub(crate) mod autocomplete;
pub(crate) mod boxes;
pub(crate) mod cap;
pub(crate) mod compare;
pub(crate) mod config;
pub(crate) mod console;
pub(crate) mod destroy;
pub(crate) mod docker;
pub(crate) mod elsewhere;
pub(crate) mod global_status;
pub(crate) mod halt;
pub(crate) mod init;
pub(crate) mod list_commands;
pub(crate) mod lock;
pub(crate) mod logs;
pub(crate) mod package;
pub(crate) mod plan;
pub(crate) mod plugin;
pub(crate) mod port;
pub(crate) mod provider;
pub(crate) mod provision;
pub(crate) mod push;
pub(crate) mod reload;
pub(crate) mod resume;
pub(crate) mod rsync;
pub(crate) mod runtime;
pub(crate) mod snapshot;
pub(crate) mod ssh;
pub(crate) mod ssh_config;
pub(crate) mod ssh_proxy;
pub(crate) mod status;
pub(crate) mod suspend;
pub(crate) mod trust;
pub(crate) mod up;
pub(crate) mod upload;
pub(crate) mod validate;
pub(crate) mod verify;
pub(crate) mod version;

mod batch;
mod timings;

use clap::Args;
use yado_core::provisioning::{self, Wish};
use yado_core::{Communicator, Context, Error, ErrorKind, MachineSpec, MachineState, Result, lifecycle};

use crate::session::Session;
use crate::targets::{Target, Wanted};

/// The machines that exist of those that are meant, the last defined first, as what is switched off may be needed by
/// what was defined after it. Of the others the user is told that there is nothing to do.
fn existing_in_reverse(session: &Session, names: &[String]) -> Result<Vec<Target>> {
    let mut targets =
        session.targets(names, Wanted { recorded: true, triggers: true, ..Wanted::default() })?;
    targets.reverse();
    targets.retain(|target| {
        if target.record.is_none() {
            session.context.for_machine(&target.name).info("VM not created. Moving on...");
        }
        target.record.is_some()
    });
    Ok(targets)
}

/// A way into a machine that runs, and the configuration that it was last started with.
fn way_in(
    session: &Session,
    target: &Target,
) -> Result<(Context, Box<dyn Communicator>, Option<MachineSpec>)> {
    let not_ready = || {
        let text = format!("The machine '{}' must be created and running to be entered.", target.name);
        Error::new(ErrorKind::Other, text).hinted("Run `yado up` first.")
    };
    let context = session.context.for_machine(&target.name);
    let record = target.record.as_ref().ok_or_else(not_ready)?;
    let recorded = || record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let spec = target.spec.clone().or_else(recorded);
    let provider = target.kind.open(record, spec.as_ref(), &lifecycle::place(session.store()?, record))?;
    if provider.state(&context)? != MachineState::Running {
        return Err(not_ready());
    }
    let communicator = provider.connect(&context)?;
    Ok((context, communicator, spec))
}

/// Refuses names of provisioners that none of these machines has.
fn check_provisioners(session: &Session, wish: &Wish, targets: &[Target]) -> Result<()> {
    let Wish::Only(names) = wish else { return Ok(()) };
    let specs: Vec<&MachineSpec> = targets.iter().filter_map(|target| target.spec.as_ref()).collect();
    provisioning::check_names(&session.workshop()?.registry, &specs, names)
}

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
