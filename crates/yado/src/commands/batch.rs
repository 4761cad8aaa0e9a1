//! Walking several machines to the same goal: side by side where their providers allow it, each on a thread of its own.

use yado_core::lifecycle::{Machine, Options};
use yado_core::plan::Goal;
use yado_core::{Error, ErrorKind, MachineState, ProviderKind, Result};

use crate::session::Session;
use crate::targets::Target;

/// What is wanted, of all machines alike.
pub(super) struct Batch<'a> {
    pub(super) goal: Goal,
    /// The word that another process sees when it finds a machine locked.
    pub(super) action: &'a str,
    pub(super) options: Options,
    pub(super) parallel: bool,
}

impl Batch<'_> {
    /// Walks all targets to the goal. A failure of one does not stop the others; all failures are reported together.
    pub(super) fn run(&self, session: &Session, targets: Vec<Target>) -> Result<()> {
        let parallel = self.parallel
            && !session.settings.no_parallel
            && targets.len() > 1
            && targets.iter().all(|target| target.kind.parallel())
            && !targets.iter().any(|target| self.reaches_others(session, target));
        let options = Options { trusted: session.global.trust, ..self.options.clone() };
        let mut machines = self.open(session, targets)?;
        for machine in &machines {
            machine.check_provisioners(&session.context, self.goal, &options)?;
        }
        if matches!(self.goal, Goal::Running | Goal::Restarted) {
            let _time = session.context.time("take ports and addresses");
            reserve(session, &mut machines, self.goal)?;
        }
        // Threads get the context alone; a session belongs to the thread that began it.
        let whole = session.context.clone();
        let work = |machine: &mut Machine| {
            let context = whole.for_machine(&machine.name);
            let _time = whole.time(&format!("machine {}", machine.name));
            context.data("action", &[self.action, "start"]);
            let result = machine.with_triggers(&whole, self.action, &options, |machine| {
                machine.reach(&whole, self.goal, &options)
            });
            context.data("action", &[self.action, "end"]);
            result.err().map(|error| (machine.name.clone(), error))
        };
        let failures: Vec<(String, Error)> = if parallel {
            std::thread::scope(|scope| {
                let threads: Vec<_> = machines
                    .iter_mut()
                    .map(|machine| (machine.name.clone(), scope.spawn(|| work(machine))))
                    .collect();
                threads
                    .into_iter()
                    .filter_map(|(name, thread)| thread.join().unwrap_or_else(|_| Some((name, fault()))))
                    .collect()
            })
        } else {
            // One after another, the first failure ends it, as what follows may depend on it.
            machines.iter_mut().find_map(work).into_iter().collect()
        };
        together(session, failures)
    }

    /// Whether a machine's provisioners configure others, too, which must then be there before.
    fn reaches_others(&self, session: &Session, target: &Target) -> bool {
        let (Goal::Running | Goal::Restarted | Goal::Provisioned, Some(spec)) = (self.goal, &target.spec)
        else {
            return false;
        };
        let Ok(workshop) = session.workshop() else { return false };
        spec.provisioners.iter().any(|provisioner| {
            let kind = workshop.registry.provisioner(&provisioner.kind);
            kind.is_some_and(|kind| kind.reaches_others(provisioner, spec))
        })
    }

    fn open(&self, session: &Session, targets: Vec<Target>) -> Result<Vec<Machine>> {
        let workshop = session.workshop()?;
        targets
            .into_iter()
            .map(|target| {
                let wanted = target.spec.map(|spec| (spec, target.kind as &'static dyn ProviderKind));
                let mut machine = Machine::open(
                    &session.context,
                    workshop,
                    &target.environment,
                    &target.name,
                    wanted,
                    self.action,
                )?;
                if let Some(triggers) = target.triggers {
                    machine.set_triggers(triggers);
                }
                Ok(machine)
            })
            .collect()
    }
}

/// Ports and addresses of all machines, before the first one is made: a collision leaves everything as it was.
fn reserve(session: &Session, machines: &mut [Machine], goal: Goal) -> Result<()> {
    let (mut starting, mut restarting) = (Vec::new(), Vec::new());
    for (at, machine) in machines.iter_mut().enumerate() {
        match (machine.state(&session.context)?, goal) {
            (MachineState::Stopped, _) => {
                machine.let_go()?;
                starting.push(at);
            }
            (MachineState::NotCreated, Goal::Running) => starting.push(at),
            (MachineState::Running | MachineState::Suspended, Goal::Restarted) => restarting.push(at),
            _ => {}
        }
    }
    // They take theirs when they are off; whoever could not would be left so.
    restarting.into_iter().try_for_each(|at| machines[at].check_reservation())?;
    let failure = starting.into_iter().find_map(|at| machines[at].reserve(&session.context).err());
    let Some(failure) = failure else { return Ok(()) };
    for machine in machines {
        machine.give_back()?;
    }
    Err(failure)
}

/// A thread that panicked has printed why; the other machines are not to suffer for it.
fn fault() -> Error {
    Error::new(
        ErrorKind::Other,
        "The work on this machine ended by a fault of yado's own; the message above says which.",
    )
    .hinted("Run the command again: what was begun is then finished or undone.")
}

fn together(session: &Session, mut failures: Vec<(String, Error)>) -> Result<()> {
    if failures.len() <= 1 {
        return failures.pop().map_or(Ok(()), |failure| Err(failure.1));
    }
    let kind = failures[0].1.kind();
    let mut text = String::from(
        "An error occurred while executing multiple actions in parallel.\n\
         Any errors that occurred are shown below.",
    );
    for (name, error) in &failures {
        text.push_str(&format!(
            "\n\nAn error occurred while executing the action on the '{name}'\n\
             machine. Please handle this error then try again:\n\n{}",
            session.ui.described(error)
        ));
    }
    Err(Error::new(kind, text))
}
