//! `yado autocomplete`: the shell completes commands, options, and the names of machines, boxes, snapshots and
//! provisioners. What there is to complete is asked of yado itself at every press of the key, from the same definition
//! that the command line is read by, so that no script on the user's disk can be out of date.

mod install;
mod place;
mod values;

use clap::{Args, CommandFactory, Subcommand, ValueEnum};
use yado_core::Result;

use crate::cli::Cli;
use crate::session::Session;
use place::Place;

/// Have the shell complete what is typed after `yado`
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a line to the start files of bash and zsh, where they are
    Install {
        /// Only to bash's, which is made when it is missing
        #[arg(short, long)]
        bash: bool,
        /// Only to zsh's, which is made when it is missing
        #[arg(short, long)]
        zsh: bool,
        /// The same by name
        shells: Vec<Shell>,
    },
    /// Print what that line has the shell read
    Script {
        /// The shell
        shell: Shell,
    },
    /// Print what the last of these words may become, a line each
    #[command(hide = true)]
    Candidates {
        /// The words after `yado`
        #[arg(last = true)]
        words: Vec<String>,
    },
}

/// A shell that can be told how to complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
}

impl Shell {
    const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
        }
    }

    /// What the shell reads when it starts.
    const fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("completion.bash"),
            Self::Zsh => include_str!("completion.zsh"),
        }
    }
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    match &arguments.what {
        What::Install { bash, zsh, shells } => {
            let named = [(Shell::Bash, *bash), (Shell::Zsh, *zsh)];
            let named = named.into_iter().filter(|(shell, by_flag)| *by_flag || shells.contains(shell));
            let named: Vec<Shell> = named.map(|(shell, _)| shell).collect();
            install::install(session, &named)?;
        }
        What::Script { shell } => session.ui.raw(shell.script()),
        What::Candidates { words } => {
            for candidate in candidates(session, words) {
                session.ui.raw(&format!("{candidate}\n"));
            }
        }
    }
    Ok(0)
}

/// What the last word may become. Whatever goes wrong, a key that completes nothing is the best answer.
fn candidates(session: &Session, words: &[String]) -> Vec<String> {
    let mut whole = Cli::command();
    // The options of commands are made when they are needed.
    whole.build();
    let (words, shown_from) = place::joined(words);
    let Some((current, before)) = words.split_last() else { return Vec::new() };
    let (lead, found) = match place::find(&whole, before, current) {
        Place::Command(command) => (String::new(), place::commands(command)),
        Place::Option(command) => (String::new(), place::options(command)),
        Place::Value { path, argument, lead } => (lead, values::of(session, &path, argument)),
        Place::Unknown => return Vec::new(),
    };
    let mut candidates: Vec<String> = Vec::new();
    for word in found.into_iter().map(|word| format!("{lead}{word}")) {
        if word.starts_with(current.as_str()) && !candidates.contains(&word) {
            candidates.push(word);
        }
    }
    // The shell has parted the word, and replaces its last part alone.
    candidates.iter().filter_map(|word| word.get(shown_from..)).map(str::to_owned).collect()
}
