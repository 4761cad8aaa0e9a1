//! `yado provision`: the provisioners run again.

use clap::Args;
use yado_core::Result;
use yado_core::lifecycle::Options;
use yado_core::plan::Goal;
use yado_core::provisioning::Wish;
use yado_core::spec::ProvisionerSpec;

use super::batch::Batch;
use crate::session::Session;
use crate::targets::{Target, Wanted};

/// Run the provisioners of running machines
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    /// Run only these provisioners, by type or name, comma separated
    #[arg(long, value_name = "X,Y", value_delimiter = ',')]
    provision_with: Vec<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let wanted = Wanted { spec: true, checked: true, ..Wanted::default() };
    let targets = session.targets(&arguments.names, wanted)?;
    let provision = if arguments.provision_with.is_empty() {
        Wish::Force
    } else {
        Wish::Only(arguments.provision_with.clone())
    };
    tell_unknown(session, &arguments.provision_with, &targets);
    let options = Options { provision, ..Options::default() };
    Batch { goal: Goal::Provisioned, action: "provision", options, parallel: true }.run(session, targets)?;
    Ok(0)
}

/// As in Vagrant, a name that no provisioner has is no failure here; here it is told, since it may be misspelt.
fn tell_unknown(session: &Session, names: &[String], targets: &[Target]) {
    let specs = targets.iter().filter_map(|target| target.spec.as_ref());
    let known: Vec<_> = specs.flat_map(|spec| &spec.provisioners).collect();
    for name in names {
        let is_meant = |provisioner: &&ProvisionerSpec| {
            provisioner.kind == *name || provisioner.name.as_ref() == Some(name)
        };
        if !known.iter().any(is_meant) {
            session.context.warn(format!("No provisioner has the name or the type '{name}'."));
        }
    }
}
