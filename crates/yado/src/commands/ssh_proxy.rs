//! `yado ssh-proxy ID`: the command by which SSH programs connect (see `ssh-config`). It knows the machine by its id and
//! reads no Vagrantfile: whatever is printed here would garble the conversation.

use clap::Args;
use yado_core::ssh::Keys;
use yado_core::{Error, ErrorKind, MachineState, Result, lifecycle};

use crate::session::Session;
use crate::ssh_access;

/// Connect an SSH program with a machine
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The machine's whole id
    id: String,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    crate::interrupt::watch(&session.context.cancel);
    let machines = session.store()?.machines(None)?;
    let record = machines.into_iter().find(|record| record.id == arguments.id).ok_or_else(|| {
        Error::new(ErrorKind::MachineNotFound, "There is no machine of this id any more.")
            .hinted("Run `yado ssh-config` again.")
    })?;
    let context = session.context.for_machine(&record.name);
    let kind = lifecycle::kind_of(&session.workshop()?.registry, &record)?;
    let place = lifecycle::place(session.store()?, &record);
    let provider = kind.open(&record, None, &place)?;
    if provider.state(&context)? != MachineState::Running {
        return Err(Error::new(ErrorKind::Other, format!("The machine '{}' is not running.", record.name)));
    }
    let keys = Keys::of(&context, &place.machine, &record.name)?;
    match ssh_access::serve(&context, &*provider.connect(&context)?, &keys) {
        // The client is done and ends its proxy by a signal: that is how every connection ends.
        Err(problem) if problem.kind() == ErrorKind::Interrupted => Ok(0),
        outcome => outcome,
    }
}
