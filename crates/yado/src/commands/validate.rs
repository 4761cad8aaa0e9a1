//! `yado validate`: whether the Vagrantfile makes sense.

use clap::Args;
use yado_core::{Error, ErrorKind, Result};

use crate::session::Session;

/// Check the Vagrantfile
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Check without regard to what providers can do
    #[arg(short = 'p', long)]
    ignore_provider: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let mut loaded = session.load()?;
    let mut faults: Vec<(String, Error)> = Vec::new();
    for machine in loaded.machines() {
        let mentioned = loaded.mentioned_providers(&machine.name);
        if arguments.ignore_provider {
            let provider = mentioned.first().map_or("container", String::as_str).to_owned();
            let spec = loaded.machine(&machine.name, &provider)?;
            faults.extend(session.check(&spec, &AnyProvider).err().map(|fault| (machine.name, fault)));
        } else {
            let kind = session.choose_provider(&mentioned, None)?.kind;
            let spec = loaded.machine(&machine.name, kind.name())?;
            faults.extend(session.check(&spec, kind).err().map(|fault| (machine.name, fault)));
        }
    }
    // Machines that share a fault share its report.
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for (machine, fault) in faults {
        match told.iter_mut().find(|(text, _)| text == fault.message()) {
            Some((_, machines)) => machines.push(machine),
            None => told.push((fault.message().to_owned(), vec![machine])),
        }
    }
    let single = told.len() == 1;
    if let Some(text) = told
        .into_iter()
        .map(|(text, machines)| if single { text } else { format!("{}: {text}", machines.join(", ")) })
        .reduce(|all, one| format!("{all}\n{one}"))
    {
        return Err(Error::new(ErrorKind::ConfigInvalid, text));
    }
    session.ui.plain("Vagrantfile validated successfully.");
    Ok(0)
}

/// Stands for whatever provider there may be: it objects to nothing and can do nothing.
struct AnyProvider;

impl yado_core::Kind for AnyProvider {
    fn name(&self) -> &'static str {
        "any"
    }

    fn schema(&self) -> &'static yado_core::Schema {
        &yado_core::Schema { settings: &[] }
    }
}

impl yado_core::ProviderKind for AnyProvider {
    fn summary(&self) -> &'static str {
        ""
    }

    fn check(&self, _spec: &yado_core::MachineSpec) -> Vec<yado_core::spec::Problem> {
        Vec::new()
    }

    fn open(
        &self,
        record: &yado_core::MachineRecord,
        _spec: Option<&yado_core::MachineSpec>,
        _place: &yado_core::provider::Place,
    ) -> Result<Box<dyn yado_core::Provider>> {
        Err(Error::new(
            ErrorKind::ProviderNotFound,
            format!("The machine '{}' has no provider.", record.name),
        ))
    }
}
