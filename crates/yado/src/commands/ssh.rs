//! `yado ssh`: a shell or a command in a machine.

use std::collections::BTreeMap;

use clap::{ArgAction, Args};
use yado_core::{Error, ErrorKind, Exec, Result};

use crate::session::Session;
use crate::targets::Wanted;

/// Open a shell in a machine, or run a command there
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine name or id
    name: Option<String>,
    /// Run this command instead of a shell; its exit code becomes ours
    #[arg(short, long)]
    command: Option<String>,
    /// Use a terminal for the command even when its output is no terminal; twice, also when its input is none
    #[arg(short, long, action = ArgAction::Count, overrides_with = "no_tty_for_command")]
    tty: u8,
    /// Taken, and without effect: machines are entered with keys of their own either way
    #[arg(short, long, hide = true)]
    #[allow(dead_code, reason = "scripts give it to Vagrant's command")]
    plain: bool,
    /// Use no terminal for the command
    #[arg(short = 'T', long = "no-terminal", overrides_with = "tty")]
    no_tty_for_command: bool,
    /// More of the command line, after `--`
    #[arg(last = true)]
    extra: Vec<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    use std::io::IsTerminal;
    let target =
        session.one_target(arguments.name.as_ref(), Wanted { recorded: true, ..Wanted::default() })?;
    let (context, communicator, spec) = super::way_in(session, &target)?;
    let (options, words) = split(&arguments.extra);
    let wish = match (arguments.tty, arguments.no_tty_for_command || session.global.no_tty) {
        (0, false) => terminal_wish(options),
        (_, true) => Some(0),
        (count, false) => Some(count),
    };
    let terminal = has_terminal(wish, std::io::stdin().is_terminal(), std::io::stdout().is_terminal());
    if !terminal {
        // Our own Ctrl-C is then the only way to end the command.
        crate::interrupt::watch(&session.context.cancel);
    }
    let shell = spec.as_ref().map_or("bash -l", |spec| spec.ssh.shell.as_str());
    let mut command = match (&arguments.command, words) {
        (Some(command), _) => in_shell(shell, command),
        (None, []) => Exec::default(),
        (None, words) => in_shell(shell, &words.join(" ")),
    };
    command.environment = forwarded(spec.as_ref());
    let by_ssh = if options.is_empty() {
        None
    } else {
        communicator.interact_by_ssh(&context, &command, terminal, options)
    };
    let status = match by_ssh {
        Some(status) => status?,
        None => {
            let meant = understood(options)?;
            if meant.agent {
                context.warn("The ssh agent is not forwarded: the machine is entered directly, not by ssh.");
            }
            command.user = meant.user;
            communicator.interact(&context, &command, terminal)?
        }
    };
    Ok(u8::try_from(status.code()).unwrap_or(255))
}

/// The variables that `config.ssh.forward_env` names, as they are here.
fn forwarded(spec: Option<&yado_core::MachineSpec>) -> BTreeMap<String, String> {
    let names = spec.and_then(|spec| spec.ssh.settings.get("forward_env")?.as_array());
    let names = names.into_iter().flatten().filter_map(serde_json::Value::as_str);
    names.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))).collect()
}

/// `bash -l -c 'command'`, with the shell that the Vagrantfile names.
fn in_shell(shell: &str, command: &str) -> Exec {
    let mut argv: Vec<String> = shell.split_whitespace().map(str::to_owned).collect();
    // A shell given as a command line of its own (`bash -c '…'`) takes no second command.
    if argv.is_empty() || shell.contains(['\'', '"']) || argv.iter().any(|word| word == "-c") {
        argv = vec!["bash".to_owned(), "-l".to_owned()];
    }
    argv.extend(["-c".to_owned(), command.to_owned()]);
    Exec { argv, ..Exec::default() }
}

/// What follows `--` is for ssh: its options, and then the command (ssh(1)).
fn split(words: &[String]) -> (&[String], &[String]) {
    const WITH_VALUE: &str = "BbcDEeFIiJLlmOopQRSWw";
    let mut at = 0;
    while let Some(letters) =
        words.get(at).and_then(|word| word.strip_prefix('-')).filter(|rest| !rest.is_empty())
    {
        at += 1;
        // A letter with a value takes the rest of its word, or else the next one.
        if let Some(place) = letters.find(|letter| WITH_VALUE.contains(letter))
            && place + 1 == letters.len()
        {
            at += 1;
        }
    }
    words.split_at(at.min(words.len()))
}

/// How often options of ssh ask for a terminal, zero for none; nothing when they do not say.
fn terminal_wish(options: &[String]) -> Option<u8> {
    options.iter().fold(None, |wish, option| match option.as_str() {
        "-T" => Some(0),
        "-t" => Some(wish.unwrap_or_default().saturating_add(1)),
        "-tt" => Some(2),
        _ => wish,
    })
}

/// Whether the command gets a terminal. As with ssh, asking once takes ours, which our input must be; asking twice makes
/// one in any case. Without being asked, a command whose output goes elsewhere gets none, which would change it.
fn has_terminal(wish: Option<u8>, input: bool, output: bool) -> bool {
    match wish {
        None => input && output,
        Some(0) => false,
        Some(1) => input,
        Some(_) => true,
    }
}

/// What options of ssh mean where machines are entered without it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Meant {
    user: Option<String>,
    agent: bool,
}

/// Those that mean something are understood, those that change nothing are passed over, and the others are refused.
fn understood(options: &[String]) -> Result<Meant> {
    let mut meant = Meant::default();
    let mut rest = options;
    while let [option, after @ ..] = rest {
        rest = after;
        match (option.as_str(), after) {
            ("-l", [name, after @ ..]) => {
                meant.user = Some(name.clone());
                rest = after;
            }
            ("-A", _) => meant.agent = true,
            ("-v" | "-vv" | "-vvv" | "-q" | "-t" | "-tt" | "-T" | "-a" | "-C" | "-4", _) => {}
            (other, _) => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!(
                        "The ssh option '{other}' means nothing here: the machine is entered directly, not by ssh."
                    ),
                ));
            }
        }
    }
    Ok(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_ssh_are_understood_passed_over_or_refused() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let given = words("-t -A -l root id -u");
        let (options, command) = split(&given);
        assert_eq!(command, words("id -u"));
        assert_eq!(understood(options).unwrap(), Meant { user: Some("root".to_owned()), agent: true });
        assert!(understood(&words("-L 1:2:3")).is_err());
        assert_eq!(split(&words("-NL 1:2:3 -p22 -oX=y ls -l")).1, words("ls -l"));
        assert_eq!(split(&words("-L")).0, words("-L"));
    }

    #[test]
    fn a_terminal_is_made_as_ssh_makes_one() {
        let wish = |text: &str| terminal_wish(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!((wish("-A"), wish("-t"), wish("-t -t")), (None, Some(1), Some(2)));
        assert_eq!((wish("-tt -A"), wish("-t -T")), (Some(2), Some(0)));
        assert!(has_terminal(None, true, true) && !has_terminal(None, true, false));
        assert!(has_terminal(Some(1), true, false) && !has_terminal(Some(1), false, true));
        assert!(has_terminal(Some(2), false, false) && !has_terminal(Some(0), true, true));
    }

    #[test]
    fn a_command_runs_in_the_shell_of_the_vagrantfile() {
        assert_eq!(in_shell("bash -l", "echo hi").argv, ["bash", "-l", "-c", "echo hi"]);
        assert_eq!(in_shell("sh", "x").argv, ["sh", "-c", "x"]);
        let odd = "bash -c 'BASH_ENV=/etc/profile exec bash'";
        assert_eq!(in_shell(odd, "x").argv, ["bash", "-l", "-c", "x"]);
    }
}
