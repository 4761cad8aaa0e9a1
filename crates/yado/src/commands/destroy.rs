//! `yado destroy`: machines that do not exist.

use clap::Args;
use yado_core::Result;
use yado_core::lifecycle::Options;
use yado_core::plan::Goal;

use super::batch::Batch;
use crate::session::Session;
use crate::targets::Wanted;

/// Switch machines off and remove every trace of them
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Switch off politely first
    #[arg(short, long)]
    graceful: bool,
    /// Several machines at once; implies --force
    #[arg(long, overrides_with = "no_parallel")]
    parallel: bool,
    /// One machine after another
    #[arg(long)]
    no_parallel: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let mut targets =
        session.targets(&arguments.names, Wanted { recorded: true, triggers: true, ..Wanted::default() })?;
    targets.reverse();
    let force = arguments.force || arguments.parallel;
    let asked = targets.iter().filter(|target| target.record.is_some()).count();
    let mut declined = 0;
    let mut confirmed = Vec::new();
    for target in targets {
        let context = session.context.for_machine(&target.name);
        if target.record.is_none() {
            context.info("VM not created. Moving on...");
            continue;
        }
        if force || confirm(session, &target.name)? {
            confirmed.push(target);
        } else {
            declined += 1;
            context.info(format!(
                "The VM '{}' will not be destroyed, since the confirmation\nwas declined.",
                target.name
            ));
        }
    }
    let options = Options { force: !arguments.graceful, ..Options::default() };
    Batch { goal: Goal::Destroyed, action: "destroy", options, parallel: !arguments.no_parallel }
        .run(session, confirmed)?;
    Ok(match declined {
        0 => 0,
        all if all == asked => 1,
        _ => 2,
    })
}

fn confirm(session: &Session, name: &str) -> Result<bool> {
    loop {
        let question = format!("Are you sure you want to destroy the '{name}' VM? [y/N] ");
        match session.ui.ask(&session.context.cancel, Some(name), &question)?.to_lowercase().as_str() {
            "y" => return Ok(true),
            "" | "n" => return Ok(false),
            _ => {}
        }
    }
}
