//! The command lines that container managers write for every container, understood without making all that helps people:
//! to make the options of a command with their descriptions takes longer than most of what the command does.
//!
//! Whatever is not plain is not judged here but by the whole command line, which knows what can be said.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::{Arg, Parser};

use super::enter::Exec;
use super::lifecycle::{CONFIG, Create, Delete, Kill, Making, Run, SIGNAL, Start};
use super::look::State;
use super::{Arguments, CgroupManager, Command, Common, LogFormat};

/// What was typed, the program's name first; `None` when somebody else is to say what it means, or what is wrong with it.
pub(super) fn parse(words: &[OsString]) -> Option<Arguments> {
    // What comes before and after it is told apart by each command in its own way.
    if words.iter().any(|word| word == "--") {
        return None;
    }
    let mut words = Parser::from_iter(words);
    let (common, name) = before_the_command(&mut words)?;
    let command = match name.to_str()? {
        "create" => Command::Create(create(&mut words)?),
        "start" => Command::Start(Start { id: id_alone(&mut words)? }),
        "run" => Command::Run(run(&mut words)?),
        "kill" => Command::Kill(kill(&mut words)?),
        "delete" => Command::Delete(delete(&mut words)?),
        "exec" => Command::Exec(Box::new(exec(&mut words)?)),
        "state" => Command::State(State { id: id_alone(&mut words)? }),
        _ => return None,
    };
    Some(Arguments { common, command: Some(command) })
}

fn before_the_command(words: &mut Parser) -> Option<(Common, OsString)> {
    let mut common = Common {
        root: None,
        log: None,
        log_format: LogFormat::Text,
        debug: false,
        systemd_cgroup: false,
        cgroup_manager: None,
        rootless: None,
        version: false,
    };
    let mut log_format = None;
    loop {
        match words.next().ok()?? {
            Arg::Long("root") => path(&mut common.root, words)?,
            Arg::Long("log") => path(&mut common.log, words)?,
            Arg::Long("log-format") => {
                let format = match &*text(words)? {
                    "text" => LogFormat::Text,
                    "json" => LogFormat::Json,
                    _ => return None,
                };
                once(&mut log_format, format)?;
            }
            Arg::Long("debug") => flag(&mut common.debug)?,
            Arg::Long("systemd-cgroup") => flag(&mut common.systemd_cgroup)?,
            Arg::Long("cgroup-manager") => {
                let manager = match &*text(words)? {
                    "cgroupfs" => CgroupManager::Cgroupfs,
                    "systemd" => CgroupManager::Systemd,
                    _ => return None,
                };
                once(&mut common.cgroup_manager, manager)?;
            }
            Arg::Long("rootless") => once(&mut common.rootless, text(words)?)?,
            Arg::Value(name) => {
                common.log_format = log_format.unwrap_or(LogFormat::Text);
                return Some((common, name));
            }
            _ => return None,
        }
    }
}

/// What `create` and `run` have in common, in the making.
#[derive(Default)]
struct Draft {
    bundle: Option<PathBuf>,
    config: Option<PathBuf>,
    console_socket: Option<PathBuf>,
    pid_file: Option<PathBuf>,
    pidfd_socket: Option<PathBuf>,
    preserve_fds: Option<u32>,
    no_pivot: bool,
    no_new_keyring: bool,
    id: Option<String>,
}

/// A word with its value still to come, so that several can look at it.
enum Word {
    Short(char),
    Long(String),
    Value(OsString),
}

fn word(words: &mut Parser) -> Option<Option<Word>> {
    Some(words.next().ok()?.map(|word| match word {
        Arg::Short(letter) => Word::Short(letter),
        Arg::Long(name) => Word::Long(name.to_owned()),
        Arg::Value(value) => Word::Value(value),
    }))
}

impl Draft {
    fn take(&mut self, word: Word, words: &mut Parser) -> Option<()> {
        match word {
            Word::Short('b') => path(&mut self.bundle, words),
            Word::Short('f') => path(&mut self.config, words),
            Word::Value(value) => once(&mut self.id, value.into_string().ok()?),
            Word::Short(_) => None,
            Word::Long(name) => match &*name {
                "bundle" => path(&mut self.bundle, words),
                "config" => path(&mut self.config, words),
                "console-socket" => path(&mut self.console_socket, words),
                "pid-file" => path(&mut self.pid_file, words),
                "pidfd-socket" => path(&mut self.pidfd_socket, words),
                "preserve-fds" => number(&mut self.preserve_fds, words),
                "no-pivot" => flag(&mut self.no_pivot),
                "no-new-keyring" => flag(&mut self.no_new_keyring),
                _ => None,
            },
        }
    }

    fn finish(self) -> Option<Making> {
        Some(Making {
            bundle: self.bundle,
            config: self.config.unwrap_or_else(|| CONFIG.into()),
            console_socket: self.console_socket,
            pid_file: self.pid_file,
            pidfd_socket: self.pidfd_socket,
            preserve_fds: self.preserve_fds.unwrap_or(0),
            no_pivot: self.no_pivot,
            no_new_keyring: self.no_new_keyring,
            id: self.id?,
        })
    }
}

fn create(words: &mut Parser) -> Option<Create> {
    let mut draft = Draft::default();
    while let Some(word) = word(words)? {
        draft.take(word, words)?;
    }
    Some(Create { making: draft.finish()? })
}

fn run(words: &mut Parser) -> Option<Run> {
    let (mut draft, mut detach, mut keep, mut no_subreaper) = (Draft::default(), false, false, false);
    while let Some(word) = word(words)? {
        match word {
            Word::Short('d') => flag(&mut detach)?,
            Word::Long(name) if name == "detach" => flag(&mut detach)?,
            Word::Long(name) if name == "keep" => flag(&mut keep)?,
            Word::Long(name) if name == "no-subreaper" => flag(&mut no_subreaper)?,
            other => draft.take(other, words)?,
        }
    }
    Some(Run { detach, keep, no_subreaper, making: draft.finish()? })
}

fn kill(words: &mut Parser) -> Option<Kill> {
    let (mut all, mut id, mut signal) = (false, None, None);
    while let Some(word) = words.next().ok()? {
        match word {
            Arg::Short('a') | Arg::Long("all") => flag(&mut all)?,
            Arg::Value(value) => {
                let place = if id.is_none() { &mut id } else { &mut signal };
                once(place, value.into_string().ok()?)?;
            }
            _ => return None,
        }
    }
    Some(Kill { all, id: id?, signal: signal.unwrap_or_else(|| SIGNAL.to_owned()) })
}

fn delete(words: &mut Parser) -> Option<Delete> {
    let (mut force, mut id) = (false, None);
    while let Some(word) = words.next().ok()? {
        match word {
            Arg::Short('f') | Arg::Long("force") => flag(&mut force)?,
            Arg::Value(value) => once(&mut id, value.into_string().ok()?)?,
            _ => return None,
        }
    }
    Some(Delete { force, id: id? })
}

fn exec(words: &mut Parser) -> Option<Exec> {
    let mut exec = Exec::default();
    let mut preserve_fds = None;
    loop {
        match words.next().ok()?? {
            Arg::Short('p') | Arg::Long("process") => path(&mut exec.process, words)?,
            Arg::Long("console-socket") => path(&mut exec.console_socket, words)?,
            Arg::Long("pid-file") => path(&mut exec.pid_file, words)?,
            Arg::Long("pidfd-socket") => path(&mut exec.pidfd_socket, words)?,
            Arg::Short('d') | Arg::Long("detach") => flag(&mut exec.detach)?,
            Arg::Short('t') | Arg::Long("tty") => flag(&mut exec.tty)?,
            Arg::Long("cwd") => path(&mut exec.cwd, words)?,
            Arg::Short('e') | Arg::Long("env") => exec.env.push(text(words)?),
            Arg::Short('u') | Arg::Long("user") => once(&mut exec.user, text(words)?)?,
            Arg::Long("no-new-privs") => flag(&mut exec.no_new_privs)?,
            Arg::Long("preserve-fds") => number(&mut preserve_fds, words)?,
            Arg::Value(id) => {
                exec.id = id.into_string().ok()?;
                break;
            }
            _ => return None,
        }
    }
    exec.preserve_fds = preserve_fds.unwrap_or(0);
    // All that follows is the program's, but what could still be an option of this one.
    exec.command = words.raw_args().ok()?.map(|word| word.into_string().ok()).collect::<Option<_>>()?;
    exec.command.first().is_none_or(|first| !first.starts_with('-')).then_some(exec)
}

fn id_alone(words: &mut Parser) -> Option<String> {
    let Arg::Value(id) = words.next().ok()?? else { return None };
    words.next().ok()?.is_none().then_some(())?;
    id.into_string().ok()
}

/// A value that is neither empty nor looks like an option.
fn value(words: &mut Parser) -> Option<OsString> {
    let value = words.value().ok()?;
    let first = value.as_encoded_bytes().first().copied()?;
    (first != b'-').then_some(value)
}

fn text(words: &mut Parser) -> Option<String> {
    value(words)?.into_string().ok()
}

fn path(place: &mut Option<PathBuf>, words: &mut Parser) -> Option<()> {
    once(place, value(words)?.into())
}

fn number<N: FromStr>(place: &mut Option<N>, words: &mut Parser) -> Option<()> {
    once(place, text(words)?.parse().ok()?)
}

/// Nothing can be said twice.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn flag(place: &mut bool) -> Option<()> {
    (!std::mem::replace(place, true)).then_some(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        std::iter::once("yado").chain(line.split_whitespace()).map(Into::into).collect()
    }

    /// The lines of Docker's, containerd's and Podman's runtimes, and of people.
    #[test]
    fn plain_lines_mean_what_they_mean_to_the_whole_command_line() {
        let lines = [
            "run -b /bundle web",
            "run web -db /bundle --keep --no-subreaper",
            "--root /r --log-format json --log /l --systemd-cgroup create --bundle /b --pid-file /p web",
            "--root /r --log /l --log-format text create --bundle /b --pid-file /p --console-socket /c --no-pivot \
             --no-new-keyring --preserve-fds 3 --pidfd-socket /d -f other.json web",
            "--root=/r --debug start web",
            "--cgroup-manager systemd --root /r run --config=other.json web",
            "--cgroup-manager=cgroupfs state web",
            "--rootless true kill -a web KILL",
            "kill --all web",
            "kill web 9",
            "--root run delete --force web",
            "delete -f web",
            "delete web",
            "exec -t --user 1:2 -e A=b -e C=d web sh -c run",
            "exec web",
            "exec web sh --process -t",
            "exec --process /p --console-socket /c --pid-file /f --detach --tty --cwd / --no-new-privs --preserve-fds 1 \
             --pidfd-socket /d web",
            "state web",
            "start we\u{308}b",
        ];
        for line in lines {
            let quick = parse(&words(line)).unwrap_or_else(|| panic!("{line}"));
            let whole = Arguments::try_parse_from(words(line)).unwrap();
            assert_eq!(format!("{quick:?}"), format!("{whole:?}"), "{line}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_whole_command_line() {
        let lines = [
            "",
            "--version",
            "-v state web",
            "features",
            "unknown web",
            "--root",
            "--root= state web",
            "--root -x state web",
            "--root a --root b state web",
            "--debug --debug state web",
            "--debug=1 state web",
            "--log-format xml state web",
            "--unknown state web",
            "run",
            "run --help",
            "run web other",
            "run -b a -b b web",
            "run --preserve-fds x web",
            "run -- web",
            "-- run web",
            "start",
            "start web other",
            "start --force web",
            "kill web 9 9",
            "kill web -9",
            "delete -ff web",
            "exec",
            "exec web -t sh",
            "exec --cap CAP_CHOWN web sh",
            "exec -- web sh",
            "state",
        ];
        for line in lines {
            assert!(parse(&words(line)).is_none(), "{line}");
        }
        let no_text = <OsString as std::os::unix::ffi::OsStringExt>::from_vec(vec![0xff]);
        assert!(parse(&["yado".into(), "state".into(), no_text]).is_none());
    }
}
