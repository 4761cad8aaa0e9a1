//! `yado rsync` and `yado rsync-auto`: folders of machines that see nothing of this computer's file systems are copied
//! again, once or whenever something changes. Others see their folders live.

pub(crate) mod auto;
pub(crate) mod once;

mod watcher;

use serde_json::Value;
use yado_core::spec::FolderSpec;
use yado_core::{Context, MachineState, Provider, Result, lifecycle};

use crate::session::Session;
use crate::targets::Wanted;

/// A machine that runs, whose folders are copies.
struct Copied {
    context: Context,
    provider: Box<dyn Provider>,
    folders: Vec<FolderSpec>,
}

impl Copied {
    fn copy(&mut self) -> Result<()> {
        for folder in &self.folders {
            self.context.info(format!(
                "Rsyncing folder: {}/ => {}",
                folder.host_path.display(),
                folder.guest_path
            ));
        }
        self.provider.bring(&self.context, true)
    }
}

/// The machines among those that are meant whose folders are copies; of the others the user is told.
fn copied(session: &Session, names: &[String]) -> Result<Vec<Copied>> {
    let wanted = Wanted { recorded: true, spec: true, ..Wanted::default() };
    let mut found = Vec::new();
    for target in session.targets(names, wanted)? {
        let context = session.context.for_machine(&target.name);
        let Some(record) = &target.record else {
            context.info("VM not created. Moving on...");
            continue;
        };
        if !target.kind.copies_folders() {
            context.info("Its folders are this computer's own; there is nothing to copy.");
            continue;
        }
        let recorded = || record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let Some(spec) = target.spec.clone().or_else(recorded) else { continue };
        let provider = target.kind.open(record, Some(&spec), &lifecycle::place(session.store()?, record))?;
        if provider.state(&context)? != MachineState::Running {
            context.info("The machine does not run. Moving on...");
            continue;
        }
        found.push(Copied { context, provider, folders: spec.synced_folders });
    }
    Ok(found)
}

/// Names that are left out of a folder's copy, as far as they are names of files and no patterns.
fn left_out(folder: &FolderSpec) -> Vec<String> {
    let mut names = [".vagrant", ".yado"].map(str::to_owned).to_vec();
    let said = match folder.options.get("rsync__exclude") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    names.extend(said.into_iter().map(|name| name.trim_matches('/').to_owned()));
    names
}
