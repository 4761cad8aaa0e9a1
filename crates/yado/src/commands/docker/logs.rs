//! `yado docker-logs`: what containers of machines wrote, by the engine.

use clap::Args;
use yado_core::{Error, ErrorKind, Result};

use super::{Contained, containers, show};
use crate::session::Session;

/// Show what machines that are containers of Docker or Podman wrote
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    /// Go on with what is written from now on
    #[arg(long, overrides_with = "no_follow")]
    follow: bool,
    /// Show what was written so far (default)
    #[arg(long, overrides_with = "follow")]
    no_follow: bool,
    /// Put the machine's name before each line (default)
    #[arg(long, overrides_with = "no_prefix")]
    prefix: bool,
    /// Show the lines as they are
    #[arg(long, overrides_with = "prefix")]
    no_prefix: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let machines = containers(session, &arguments.names)?;
    let (follow, prefix) = (arguments.follow, !arguments.no_prefix);
    let show_one = |machine: &Contained| {
        let argv = machine.engine()?.logs(&machine.context, follow)?;
        show(&machine.context, &argv, prefix)
    };
    if !follow {
        return machines.iter().try_fold(0, |worst: u8, machine| Ok(worst.max(show_one(machine)?)));
    }
    // Side by side, since none ends before its machine does.
    let outcomes: Vec<Result<u8>> = std::thread::scope(|scope| {
        let argvs: Vec<_> = machines
            .iter()
            .map(|machine| {
                (
                    machine.context.clone(),
                    machine.engine().and_then(|engine| engine.logs(&machine.context, true)),
                )
            })
            .collect();
        let threads: Vec<_> = argvs
            .into_iter()
            .map(|(context, argv)| scope.spawn(move || show(&context, &argv?, prefix)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "Following broke off.")))
            })
            .collect()
    });
    outcomes.into_iter().try_fold(0, |worst: u8, outcome| match outcome {
        // Ctrl-C is how following ends.
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(worst),
        outcome => Ok(worst.max(outcome?)),
    })
}
