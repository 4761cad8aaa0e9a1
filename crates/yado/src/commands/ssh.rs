//! `yado ssh`: a shell or a command in a machine.

use std::collections::BTreeMap;

use clap::Args;
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
    /// Use a terminal for the command (default when ours is one)
    #[arg(short, long, overrides_with = "no_tty_for_command")]
    tty: bool,
    /// Taken, and without effect: machines are entered with keys of their own either way
    #[arg(short, long, hide = true)]
    #[allow(dead_code, reason = "scripts give it to Vagrant's command")]
    plain: bool,
    /// Use no terminal for the command
    #[arg(short = 'T', long = "no-terminal")]
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
    let both_terminals = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let terminal = !arguments.no_tty_for_command && both_terminals;
    if !terminal {
        // Our own Ctrl-C is then the only way to end the command.
        crate::interrupt::watch(&session.context.cancel);
    }
    let shell = spec.as_ref().map_or("bash -l", |spec| spec.ssh.shell.as_str());
    let (options, words) = split(&arguments.extra);
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
    fn a_command_runs_in_the_shell_of_the_vagrantfile() {
        assert_eq!(in_shell("bash -l", "echo hi").argv, ["bash", "-l", "-c", "echo hi"]);
        assert_eq!(in_shell("sh", "x").argv, ["sh", "-c", "x"]);
        let odd = "bash -c 'BASH_ENV=/etc/profile exec bash'";
        assert_eq!(in_shell(odd, "x").argv, ["bash", "-l", "-c", "x"]);
    }
}
