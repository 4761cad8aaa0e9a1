//! `yado snapshot …`: keeping what machines have on their disks, and going back to it.

use clap::{Args, Subcommand};
use yado_core::lifecycle::{Machine, Options};
use yado_core::{Error, ErrorKind, ProviderKind, Result};

use super::{ProvisionArguments, check_provisioners, existing_in_reverse};
use crate::session::Session;
use crate::targets::{Target, Wanted};

/// Keep what machines have on their disks, and go back to it
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep the present state under a name
    Save {
        /// The name, after the machine's name or id where only one is meant: [MACHINE] NAME
        #[arg(required = true, num_args = 1..=2, value_name = "MACHINE] [NAME")]
        names: Vec<String>,
        /// Replace a snapshot of this name
        #[arg(short, long)]
        force: bool,
    },
    /// Go back to a snapshot
    Restore {
        /// The name, after the machine's name or id where only one is meant: [MACHINE] NAME
        #[arg(required = true, num_args = 1..=2, value_name = "MACHINE] [NAME")]
        names: Vec<String>,
        #[command(flatten)]
        start: StartArguments,
    },
    /// List the snapshots
    List {
        /// Machine names, /regular expressions/ or ids; all machines when none is given
        names: Vec<String>,
    },
    /// Forget a snapshot
    Delete {
        /// The name, after the machine's name or id where only one is meant: [MACHINE] NAME
        #[arg(required = true, num_args = 1..=2, value_name = "MACHINE] [NAME")]
        names: Vec<String>,
    },
    /// Keep the present state, without having to think of a name
    Push {
        /// Machine names, /regular expressions/ or ids; all machines when none is given
        names: Vec<String>,
    },
    /// Go back to what was pushed last, and forget it
    Pop {
        /// Machine names, /regular expressions/ or ids; all machines when none is given
        names: Vec<String>,
        #[command(flatten)]
        start: StartArguments,
        /// Do not forget it
        #[arg(long)]
        no_delete: bool,
    },
}

/// What happens after going back.
#[derive(Debug, Args)]
struct StartArguments {
    #[command(flatten)]
    provision: ProvisionArguments,
    /// Leave the machine switched off
    #[arg(long)]
    no_start: bool,
}

/// What names of pushed snapshots begin with.
const PUSHED: &str = "push_";

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    match &arguments.command {
        Command::Save { names, force } => {
            let (machines, name) = machine_and_name(names)?;
            each(session, existing_in_reverse(session, machines)?, "snapshot save", |machine| {
                machine.save_snapshot(&session.context, name, *force)
            })
        }
        Command::Restore { names, start } => {
            let (machines, name) = machine_and_name(names)?;
            go_back(session, machines, start, "snapshot restore", |machine, options| {
                machine.restore_snapshot(&session.context, name, options, !start.no_start)
            })
        }
        Command::List { names } => {
            each(session, existing(session, names)?, "snapshot list", |machine| list(session, machine))
        }
        Command::Delete { names } => {
            let (machines, name) = machine_and_name(names)?;
            each(session, existing_in_reverse(session, machines)?, "snapshot delete", |machine| {
                machine.delete_snapshot(&session.context, name)
            })
        }
        Command::Push { names } => {
            each(session, existing_in_reverse(session, names)?, "snapshot push", |machine| {
                machine.save_snapshot(&session.context, &new_name(session, machine)?, false)
            })
        }
        Command::Pop { names, start, no_delete } => {
            go_back(session, names, start, "snapshot pop", |machine, options| {
                pop(session, machine, options, !start.no_start, !no_delete)
            })
        }
    }?;
    Ok(0)
}

/// `[MACHINE] NAME`
fn machine_and_name(names: &[String]) -> Result<(&[String], &str)> {
    match names.split_last() {
        Some((name, machines)) if !name.is_empty() => Ok((machines, name)),
        _ => Err(Error::new(ErrorKind::Usage, "A snapshot needs a name.")),
    }
}

/// Those that exist, in the order of definition.
fn existing(session: &Session, names: &[String]) -> Result<Vec<Target>> {
    let mut targets = existing_in_reverse(session, names)?;
    targets.reverse();
    Ok(targets)
}

/// One machine after another: what takes time is the machine's start, and a failure is to stop the rest.
fn each(
    session: &Session,
    targets: Vec<Target>,
    action: &str,
    mut work: impl FnMut(&mut Machine) -> Result<()>,
) -> Result<()> {
    let workshop = session.workshop()?;
    let mut machines = Vec::new();
    for target in targets {
        let wanted = target.spec.map(|spec| (spec, target.kind as &'static dyn ProviderKind));
        let (environment, name) = (&target.environment, &target.name);
        let mut machine = Machine::open(&session.context, workshop, environment, name, wanted, action)?;
        if let Some(triggers) = target.triggers {
            machine.set_triggers(triggers);
        }
        machines.push(machine);
    }
    let options = Options { trusted: session.global.trust, ..Options::default() };
    machines.iter_mut().try_for_each(|machine| {
        session.context.cancel.check()?;
        machine.with_triggers(&session.context, action, &options, &mut work)
    })
}

/// As [`each`], for machines that are started afterwards with their present configuration.
fn go_back(
    session: &Session,
    names: &[String],
    start: &StartArguments,
    action: &str,
    mut work: impl FnMut(&mut Machine, &Options) -> Result<()>,
) -> Result<()> {
    let mut targets = session.targets(names, Wanted { spec: true, checked: true, ..Wanted::default() })?;
    check_provisioners(session, &start.provision.wish(), &targets)?;
    targets.retain(|target| {
        if target.record.is_none() {
            session.context.for_machine(&target.name).info("VM not created. Moving on...");
        }
        target.record.is_some()
    });
    let options = Options { provision: start.provision.wish(), ..Options::default() };
    each(session, targets, action, |machine| work(machine, &options))
}

fn list(session: &Session, machine: &Machine) -> Result<()> {
    let context = session.context.for_machine(&machine.name);
    let snapshots = machine.snapshots(&context)?;
    if snapshots.is_empty() {
        context.info("No snapshots have been taken yet!");
        context.detail("You can take a snapshot using `yado snapshot save`.");
        return Ok(());
    }
    context.info("");
    for name in snapshots {
        session.ui.plain(&name);
        context.data("snapshot", &[&name]);
    }
    Ok(())
}

/// `push_TIME_NUMBER`, as in the reference; the number is the first that is free.
fn new_name(session: &Session, machine: &Machine) -> Result<String> {
    let known = machine.snapshots(&session.context)?;
    let time =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let free =
        (0..=u32::MAX).map(|number| format!("{PUSHED}{time}_{number}")).find(|name| !known.contains(name));
    free.ok_or_else(|| Error::new(ErrorKind::Other, "There are too many snapshots."))
}

fn pop(session: &Session, machine: &mut Machine, options: &Options, start: bool, delete: bool) -> Result<()> {
    let context = session.context.for_machine(&machine.name);
    // The newest counts, whatever the clock said.
    let Some(name) = machine.snapshots(&context)?.into_iter().rev().find(|name| name.starts_with(PUSHED))
    else {
        context.info("No pushed snapshot found!");
        context.detail("Use `yado snapshot push` to push a snapshot to restore to.");
        return Ok(());
    };
    // Forgotten before the start, while the layer that it leaves can still become the machine's own again.
    machine.restore_snapshot(&context, &name, options, false)?;
    if delete {
        machine.delete_snapshot(&context, &name)?;
    }
    if start { machine.reach(&session.context, yado_core::plan::Goal::Running, options) } else { Ok(()) }
}
