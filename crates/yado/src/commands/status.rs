//! `yado status`: what the machines of this environment are doing.

use clap::Args;
use yado_core::lifecycle;
use yado_core::{MachineState, Result};

use crate::session::Session;
use crate::targets::{Target, Wanted};

/// Show what the machines of this environment are doing
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    if session.settings.home.join("state.sqlite").is_file() {
        lifecycle::recover_interrupted(&session.context, session.workshop()?)?;
    }
    let targets = session.targets(&arguments.names, Wanted::default())?;
    let mut lines = Vec::new();
    let mut last = MachineState::NotCreated;
    for target in &targets {
        last = state(session, target)?;
        lines.push(format!("{:<25} {} ({})", target.name, last.short(), target.kind.name()));
        let name = Some(target.name.as_str());
        session.ui.data(name, "metadata", &["provider", target.kind.name()]);
        session.ui.data(name, "provider-name", &[target.kind.name()]);
        session.ui.data(name, "state", &[last.id()]);
        session.ui.data(name, "state-human-short", &[last.short()]);
        session.ui.data(name, "state-human-long", &[long(last)]);
    }
    let explanation = if targets.len() == 1 {
        long(last).to_owned()
    } else {
        "This environment represents multiple VMs. The VMs are all listed\n\
         above with their current state. For more information about a specific\n\
         VM, run `yado status NAME`."
            .to_owned()
    };
    session.ui.plain(&format!("Current machine states:\n\n{}\n\n{explanation}", lines.join("\n")));
    Ok(0)
}

/// What a machine is doing, noted in the state for `global-status`.
pub(super) fn state(session: &Session, target: &Target) -> Result<MachineState> {
    let Some(record) = &target.record else { return Ok(MachineState::NotCreated) };
    let store = session.store()?;
    let context = session.context.for_machine(&target.name);
    let state = target.kind.open(record, None, &lifecycle::place(store, record))?.state(&context)?;
    // A machine that is just being made is its maker's to note.
    if state.id() != record.state && store.unfinished(&record.id)?.is_none() {
        store.set_state(&record.id, state)?;
    }
    Ok(state)
}

fn long(state: MachineState) -> &'static str {
    match state {
        MachineState::NotCreated => "The machine is not yet created. Run `yado up` to create it.",
        MachineState::Stopped => {
            "The machine is switched off. To start it again, run `yado up`.\n\
             To remove it, run `yado destroy`."
        }
        MachineState::Running => {
            "The machine is running. To stop it, you can run `yado halt` to\n\
             switch it off, or `yado suspend` to freeze it with all its processes.\n\
             In either case, `yado up` brings it back."
        }
        MachineState::Suspended => {
            "The machine is suspended. To let it go on, run `yado resume` or `yado up`."
        }
    }
}
