//! Where in a command line the cursor is: what kind of word is to be completed there.

use clap::{Arg, Command};

/// What kind of word is to be completed.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// One of this command's commands.
    Command(&'a Command),
    /// An option of this command.
    Option(&'a Command),
    /// A value.
    Value {
        /// The command that takes it, as a path below the program.
        path: Vec<&'a str>,
        /// What it is for.
        argument: &'a Arg,
        /// What stands before it in the same word, such as `--provider=`.
        lead: String,
    },
    /// Nothing that is known here.
    Unknown,
}

/// The words as they were meant: bash parts them at `=` and `:`, too. With the place in the last one from which on the
/// shell replaces it.
pub(super) fn joined(words: &[String]) -> (Vec<String>, usize) {
    let mut joined: Vec<String> = Vec::new();
    let (mut glue, mut replaced_from) = (false, 0);
    for word in words {
        let is_break = !word.is_empty() && word.chars().all(|letter| letter == '=' || letter == ':');
        match joined.last_mut() {
            Some(last) if glue || is_break => {
                replaced_from = last.len() + if is_break { word.len() } else { 0 };
                last.push_str(word);
            }
            _ => {
                joined.push(word.clone());
                replaced_from = 0;
            }
        }
        glue = is_break;
    }
    (joined, replaced_from)
}

/// Where the word `current` is, after the words before it.
pub(super) fn find<'a>(program: &'a Command, before: &[String], current: &str) -> Place<'a> {
    let (mut within, mut path) = (program, Vec::new());
    let (mut positions, mut taking, mut only_values) = (0, None, false);
    for word in before {
        if taking.take().is_some() {
            continue;
        }
        if only_values {
            positions += 1;
        } else if word == "--" {
            only_values = true;
        } else if word.starts_with('-') && word.len() > 1 {
            taking = takes_next(within, word);
        } else if let Some(command) = within.find_subcommand(word) {
            path.push(command.get_name());
            (within, positions) = (command, 0);
        } else {
            positions += 1;
        }
    }
    if let Some(argument) = taking {
        return Place::Value { path, argument, lead: String::new() };
    }
    if !only_values && let Some((name, _)) = current.strip_prefix("--").and_then(|rest| rest.split_once('='))
    {
        let argument = option(within, name).filter(|argument| argument.get_action().takes_values());
        let lead = format!("--{name}=");
        return argument.map_or(Place::Unknown, |argument| Place::Value { path, argument, lead });
    }
    if !only_values && current.starts_with('-') {
        return Place::Option(within);
    }
    if within.has_subcommands() {
        return Place::Command(within);
    }
    let arguments: Vec<&Arg> =
        within.get_positionals().filter(|argument| argument.is_last_set() == only_values).collect();
    let last = arguments.last().copied();
    let several = |argument: &&Arg| argument.get_num_args().is_some_and(|count| count.max_values() > 1);
    match arguments.get(positions).copied().or_else(|| last.filter(several)) {
        Some(argument) => Place::Value { path, argument, lead: String::new() },
        None => Place::Unknown,
    }
}

/// The option whose value is the next word.
fn takes_next<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let found = match word.strip_prefix("--") {
        Some(name) if name.contains('=') => None,
        Some(name) => option(command, name),
        // Of several letters in one word, the last may take one.
        None => {
            let letter = word.chars().last();
            command.get_arguments().find(|argument| argument.get_short() == letter)
        }
    };
    let takes = |argument: &&Arg| {
        argument.get_action().takes_values()
            && !argument.is_require_equals_set()
            && argument.get_num_args().is_none_or(|count| count.min_values() > 0)
    };
    found.filter(takes)
}

fn option<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|argument| argument.get_long() == Some(name))
}

/// The names of a command's commands, but for those that the help leaves out.
pub(super) fn commands(command: &Command) -> Vec<String> {
    let shown = command.get_subcommands().filter(|known| !known.is_hide_set());
    shown.map(|known| known.get_name().to_owned()).collect()
}

/// A command's options by their long names, but for those that the help leaves out.
pub(super) fn options(command: &Command) -> Vec<String> {
    let shown = command.get_arguments().filter(|known| !known.is_hide_set());
    shown.filter_map(|known| Some(format!("--{}", known.get_long()?))).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    /// What is to be completed at the end of a command line.
    fn at_end(line: &str) -> String {
        let mut whole = crate::cli::Cli::command();
        whole.build();
        let words = words(line);
        let (current, before) = words.split_last().unwrap();
        match find(&whole, before, current) {
            Place::Command(command) => format!("command of {}", command.get_name()),
            Place::Option(command) => format!("option of {}", command.get_name()),
            Place::Value { path, argument, lead } => {
                format!("{} {} {lead}", path.join(" "), argument.get_id())
            }
            Place::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn the_kind_of_word_follows_from_those_before_it() {
        assert_eq!(at_end("ha"), "command of yado");
        assert_eq!(at_end("--machine-readable ha"), "command of yado");
        assert_eq!(at_end("-C /tmp ha"), "command of yado");
        assert_eq!(at_end("box re"), "command of box");
        assert_eq!(at_end("up --pro"), "option of up");
        assert_eq!(at_end("up web "), "up names ");
        assert_eq!(at_end("up --provider "), "up provider ");
        assert_eq!(at_end("up --provider=k"), "up provider --provider=");
        assert_eq!(at_end("up --provider kvm "), "up names ");
        assert_eq!(at_end("up --timings "), "up names ");
        assert_eq!(at_end("box remove "), "box remove name ");
        assert_eq!(at_end("box remove x "), "unknown");
        assert_eq!(at_end("ssh web -- l"), "ssh extra ");
        assert_eq!(at_end("ssh -c ls "), "ssh name ");
        assert_eq!(at_end("upload a b "), "upload name ");
    }

    #[test]
    fn words_that_bash_has_parted_are_put_together() {
        assert_eq!(joined(&words("up --provider = kv")), (words("up --provider=kv"), 11));
        assert_eq!(joined(&words("up --provider =")), (words("up --provider="), 11));
        assert_eq!(joined(&words("box remove oci : r")), (words("box remove oci:r"), 4));
        assert_eq!(joined(&words("up --provider = kvm web")), (words("up --provider=kvm web"), 0));
        assert_eq!(joined(&words("up web")), (words("up web"), 0));
    }
}
