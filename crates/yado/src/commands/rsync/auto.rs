//! `yado rsync-auto`: copies whenever something changes, until it is interrupted.

use clap::Args;
use serde_json::Value;
use yado_core::{Error, ErrorKind, Result};

use super::watcher::Watcher;
use crate::session::Session;

/// Copy the folders of virtual machines whenever something in them changes
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let mut machines = super::copied(session, &arguments.names)?;
    let mut watcher = Watcher::new()?;
    // To which machine what is watched belongs.
    let mut owners = Vec::new();
    for (place, machine) in machines.iter().enumerate() {
        for folder in &machine.folders {
            if folder.options.get("rsync__auto") == Some(&Value::Bool(false)) {
                continue;
            }
            // Before the first copy: what changes meanwhile is copied by the second.
            watcher.watch(&folder.host_path, super::left_out(folder))?;
            owners.push(place);
            machine.context.info(format!("Watching: {}", folder.host_path.display()));
        }
    }
    if owners.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "There is no running machine whose folders are copied.")
            .hinted("Folders of containers are this computer's own and need no copying."));
    }
    for machine in &mut machines {
        machine.copy()?;
    }
    while let Some(changed) = watcher.wait(&session.context.cancel)? {
        let mut due: Vec<usize> = changed.into_iter().map(|folder| owners[folder]).collect();
        due.dedup();
        for place in due {
            let machine = &mut machines[place];
            match machine.copy() {
                Err(problem) if problem.kind() == ErrorKind::Interrupted => return Ok(0),
                // The machine may be restarting, or the editor may be half done: the next change may go well.
                Err(problem) => machine.context.warn(problem.to_string()),
                Ok(()) => {}
            }
        }
    }
    Ok(0)
}
