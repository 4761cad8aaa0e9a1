//! `yado docker-run`: a command in a container of its own, made as a machine's is.

use clap::Args;
use yado_core::Result;

use super::{attach, containers, required, show};
use crate::session::Session;

/// Run a command in a new container with the image and settings of a machine
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    /// Leave it running in the background; its id is printed
    #[arg(long, overrides_with = "no_detach")]
    detach: bool,
    /// Wait for it (default)
    #[arg(long, overrides_with = "detach")]
    no_detach: bool,
    /// Give it our terminal
    #[arg(short, long)]
    tty: bool,
    /// Remove the container when it ended (default, unless it runs in the background)
    #[arg(short, long, overrides_with = "no_rm")]
    rm: bool,
    /// Keep the container when it ended
    #[arg(long, overrides_with = "rm")]
    no_rm: bool,
    /// The command, after `--`
    #[arg(last = true)]
    command: Vec<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let command = required(&arguments.command)?;
    let mut options = Vec::new();
    for (wanted, option) in [
        (arguments.detach, "--detach"),
        (arguments.tty, "--interactive"),
        (arguments.tty, "--tty"),
        (arguments.rm || !arguments.no_rm && !arguments.detach, "--rm"),
    ] {
        options.extend(wanted.then(|| option.to_owned()));
    }
    let mut worst = 0;
    for machine in containers(session, &arguments.names)? {
        let argv = machine.engine()?.run(&machine.context, &options, command)?;
        let code = if arguments.tty {
            attach(&machine.context, &argv)?
        } else {
            show(&machine.context, &argv, true)?
        };
        worst = worst.max(code);
    }
    Ok(worst)
}
