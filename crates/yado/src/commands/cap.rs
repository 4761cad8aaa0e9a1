//! `yado cap`: single abilities of a provider or of a machine's system, by the names that Vagrant has for them. For
//! scripts and editors: `--check` answers by the exit code alone.

use clap::Args;
use yado_core::lifecycle::{self, Options};
use yado_core::plan::Goal;
use yado_core::{Error, ErrorKind, Exec, Forward, MachineState, Result};

use super::batch::Batch;
use crate::session::Session;
use crate::targets::{Target, Wanted};

/// Ask for what a provider or a machine's system can do, or have it done
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only say by code 0 or 1 whether there is such an ability
    #[arg(long)]
    check: bool,
    /// The machine that is meant where there are several
    #[arg(short, long, value_name = "MACHINE")]
    target_guest: Option<String>,
    /// Whose ability it is: host, guest or provider
    #[arg(value_name = "TYPE", value_parser = ["host", "guest", "provider"])]
    kind: String,
    /// The ability's name, as Vagrant has it
    ability: String,
    /// What the ability takes
    words: Vec<String>,
}

/// Something that the system of a machine does: a script, which is given the words of the command line.
struct Ability {
    name: &'static str,
    /// How many words it takes.
    takes: usize,
    as_root: bool,
    script: &'static str,
}

/// What the systems of machines can do besides being switched off.
const GUEST: &[Ability] = &[
    Ability {
        name: "change_host_name",
        takes: 1,
        as_root: true,
        script: "printf '%s\\n' \"$1\" > /etc/hostname && { hostnamectl set-hostname \"$1\" 2>/dev/null || hostname \"$1\"; }",
    },
    Ability { name: "create_tmp_path", takes: 0, as_root: false, script: "mktemp -d" },
    Ability {
        name: "insert_public_key",
        takes: 1,
        as_root: false,
        script: "umask 077 && mkdir -p ~/.ssh && printf '%s\\n' \"$1\" >> ~/.ssh/authorized_keys",
    },
    Ability {
        name: "remove_public_key",
        takes: 1,
        as_root: false,
        script: "[ ! -f ~/.ssh/authorized_keys ] || { kept=$(grep -vxF -- \"$1\" ~/.ssh/authorized_keys); printf '%s\\n' \
                 \"$kept\" > ~/.ssh/authorized_keys; }",
    },
    Ability {
        name: "rsync_installed",
        takes: 0,
        as_root: false,
        script: "command -v rsync >/dev/null && echo true || echo false",
    },
    Ability {
        name: "shell_expand_guest_path",
        takes: 1,
        as_root: false,
        script: "case $1 in '~') echo ~ ;; '~/'*) printf '%s\\n' ~/\"${1#??}\" ;; *) printf '%s\\n' \"$1\" ;; esac",
    },
];

/// What the system of every machine does by being switched off.
const HALT: &str = "halt";

/// What is known of every machine without entering it.
const PROVIDER: &[&str] = &["forwarded_ports", "has_communicator", "snapshot_list"];

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let (kind, ability) = (arguments.kind.as_str(), arguments.ability.as_str());
    let is_there = match kind {
        "guest" => ability == HALT || GUEST.iter().any(|known| known.name == ability),
        "provider" => PROVIDER.contains(&ability),
        _ => false,
    };
    if arguments.check {
        return Ok(u8::from(!is_there));
    }
    if !is_there {
        return Err(missing(kind, ability));
    }
    let target = session
        .one_target(arguments.target_guest.as_ref(), Wanted { recorded: true, ..Wanted::default() })?;
    match GUEST.iter().find(|known| kind == "guest" && known.name == ability) {
        Some(known) => inside(session, &target, known, &arguments.words),
        None => {
            check_words(ability, 0, &arguments.words)?;
            if kind == "guest" { halt(session, target) } else { told_by_provider(session, &target, ability) }
        }
    }
}

fn missing(kind: &str, ability: &str) -> Error {
    let known = match kind {
        "guest" => {
            std::iter::once(HALT).chain(GUEST.iter().map(|known| known.name)).collect::<Vec<_>>().join(", ")
        }
        "provider" => PROVIDER.join(", "),
        _ => "none".to_owned(),
    };
    Error::new(ErrorKind::Usage, format!("The {kind} has no ability '{ability}'."))
        .hinted(format!("There are: {known}."))
}

fn check_words(ability: &str, takes: usize, words: &[String]) -> Result<()> {
    if words.len() == takes {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!(
            "'{ability}' takes {takes} argument{}, not {}.",
            if takes == 1 { "" } else { "s" },
            words.len()
        ),
    ))
}

fn halt(session: &Session, target: Target) -> Result<u8> {
    session.prepare_for_changes()?;
    let batch = Batch { goal: Goal::Stopped, action: "halt", options: Options::default(), parallel: false };
    batch.run(session, vec![target])?;
    Ok(0)
}

fn inside(session: &Session, target: &Target, ability: &Ability, words: &[String]) -> Result<u8> {
    check_words(ability.name, ability.takes, words)?;
    let (context, communicator, _) = super::way_in(session, target)?;
    let mut argv = ["sh", "-c", ability.script, "sh"].map(str::to_owned).to_vec();
    argv.extend(words.iter().cloned());
    let user = ability.as_root.then(|| "root".to_owned());
    let status = communicator.interact(&context, &Exec { argv, user, ..Exec::default() }, false)?;
    Ok(u8::try_from(status.code()).unwrap_or(255))
}

fn told_by_provider(session: &Session, target: &Target, ability: &str) -> Result<u8> {
    let record = target.record.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::MachineNotFound, format!("The machine '{}' is not created.", target.name))
            .hinted("Run `yado up` first.")
    })?;
    match ability {
        "forwarded_ports" => {
            let forwards = record.forwards.as_deref().map(serde_json::from_str::<Vec<Forward>>).transpose();
            let forwards = forwards
                .map_err(|problem| Error::system("reading the machine's forwarded ports", problem))?;
            for forward in forwards.unwrap_or_default() {
                session.ui.plain(&format!("{} {}", forward.host_port, forward.guest_port));
            }
        }
        "snapshot_list" => {
            let place = lifecycle::place(session.store()?, record);
            let mut provider = target.kind.open(record, None, &place)?;
            let names = provider.snapshots().map(|snapshots| snapshots.list(&session.context)).transpose()?;
            names.unwrap_or_default().iter().for_each(|name| session.ui.plain(name));
        }
        _ => {
            let runs = super::status::state(session, target)? == MachineState::Running;
            session.ui.plain(if runs { "true" } else { "false" });
        }
    }
    Ok(0)
}
