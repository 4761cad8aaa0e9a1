//! `yado list-commands`: every command with what it is for, also those that the help leaves out, for people and scripts
//! that look for one.

use clap::{Args, CommandFactory};
use yado_core::Result;

use crate::cli::Cli;
use crate::session::Session;

/// List every command with what it is for
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(session: &Session, _arguments: &Arguments) -> Result<u8> {
    let mut commands: Vec<(String, String)> = Cli::command()
        .get_subcommands()
        .map(|command| {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            (command.get_name().to_owned(), about)
        })
        .collect();
    commands.sort();
    let width = commands.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    session.ui.plain("All commands, and what each of them is for:\n");
    for (name, about) in commands {
        session.ui.data(None, "cli-command", &[&name]);
        session.ui.plain(&format!("{name:width$}  {about}"));
    }
    Ok(0)
}
