//! `yado validate`: whether the Vagrantfile makes sense.

use clap::Args;
use yado_core::spec::Problem;
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
    let (mut faults, mut machines) = (Vec::new(), Vec::new());
    for machine in loaded.machines() {
        let mentioned = loaded.mentioned_providers(&machine.name);
        let checked = if arguments.ignore_provider {
            let provider = mentioned.first().map_or("container", String::as_str).to_owned();
            let spec = loaded.machine(&machine.name, &provider)?;
            session.check(&spec, &AnyProvider)
        } else {
            let kind = session.choose_provider(&mentioned, None)?.kind;
            let spec = loaded.machine(&machine.name, kind.name())?;
            session.check(&spec, kind)
        };
        faults.extend(checked.err().map(|fault| (machine.name.clone(), fault)));
        machines.push(machine.name);
    }
    if let Some((_, first)) = faults.first() {
        let all = Error::new(ErrorKind::ConfigInvalid, first.message());
        return Err(all.with_problems(gathered(&faults, machines.len())));
    }
    session.ui.plain("Vagrantfile validated successfully.");
    Ok(0)
}

/// The problems of all machines, each once: those of some machines only stand in sections that name these.
fn gathered(faults: &[(String, Error)], machines: usize) -> Vec<(String, Vec<Problem>)> {
    let mut known: Vec<(&str, &Problem, Vec<&str>)> = Vec::new();
    for (machine, fault) in faults {
        for (section, problem) in
            fault.problems().iter().flat_map(|(section, list)| list.iter().map(move |one| (section, one)))
        {
            match known.iter_mut().find(|(title, one, _)| *title == section && *one == problem) {
                Some((.., named)) if named.last() == Some(&machine.as_str()) => {}
                Some((.., named)) => named.push(machine),
                None => known.push((section, problem, vec![machine])),
            }
        }
    }
    let mut sections: Vec<(String, Vec<Problem>)> = Vec::new();
    for (section, problem, named) in known {
        let shared = named.len() == machines;
        let title = if shared { section.to_owned() } else { format!("{}: {section}", named.join(", ")) };
        match sections.iter_mut().find(|(known, _)| *known == title) {
            Some((_, list)) => list.push(problem.clone()),
            None => sections.push((title, vec![problem.clone()])),
        }
    }
    sections
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
