//! `yado docker-exec`: a command in the containers of machines that run.

use clap::Args;
use yado_core::Result;

use super::{attach, containers, required, show};
use crate::session::Session;

/// Run a command in machines that are containers of Docker or Podman
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    /// Run it in the background
    #[arg(long, overrides_with = "no_detach")]
    detach: bool,
    /// Wait for it (default)
    #[arg(long, overrides_with = "detach")]
    no_detach: bool,
    /// Let it read our standard input
    #[arg(short, long, overrides_with = "no_interactive")]
    interactive: bool,
    /// Let it read nothing (default)
    #[arg(long, overrides_with = "interactive")]
    no_interactive: bool,
    /// Give it a terminal
    #[arg(short, long)]
    tty: bool,
    /// Run it as this user, by name or number
    #[arg(short, long)]
    user: Option<String>,
    /// Put the machine's name before each line (default)
    #[arg(long, overrides_with = "no_prefix")]
    prefix: bool,
    /// Show its output as it is
    #[arg(long, overrides_with = "prefix")]
    no_prefix: bool,
    /// The command, after `--`
    #[arg(last = true)]
    command: Vec<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let command = required(&arguments.command)?;
    let mut options = Vec::new();
    for (wanted, option) in
        [(arguments.detach, "--detach"), (arguments.interactive, "--interactive"), (arguments.tty, "--tty")]
    {
        options.extend(wanted.then(|| option.to_owned()));
    }
    if let Some(user) = &arguments.user {
        options.extend(["--user".to_owned(), user.clone()]);
    }
    let mut worst = 0;
    for machine in containers(session, &arguments.names)? {
        let argv = machine.engine()?.exec(&machine.context, &options, command)?;
        let code = if arguments.interactive || arguments.tty {
            attach(&machine.context, &argv)?
        } else {
            show(&machine.context, &argv, !arguments.no_prefix)?
        };
        worst = worst.max(code);
    }
    Ok(worst)
}
