//! Harmless questions that Vagrantfiles put to programs, such as `uname -m` and `nproc`, answered without running
//! anything. A line is answered whole or not at all.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use yado_ruby::{Command, HostError, Output};

use super::reading::Reading;
use super::shell::{self, Joint, Simple};
use super::{filters, system};

/// Where programs are looked for when the environment does not say.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The status of a program that is not there.
const MISSING: i32 = 127;

/// What a question is asked with.
pub(super) struct Asked<'a> {
    /// What may be read.
    pub(super) reading: &'a Reading,
    /// The working directory.
    pub(super) directory: &'a Path,
    /// The environment.
    pub(super) environment: &'a BTreeMap<String, String>,
}

/// What a program says, or `None` if it is not one that is answered here.
pub(super) type Reply = Result<Option<Output>, HostError>;

/// The output of a program that succeeded with this line.
pub(super) fn says(line: impl Into<String>) -> Output {
    let mut line = line.into();
    line.push('\n');
    Output { status: Some(0), stdout: line.into_bytes(), stderr: Vec::new() }
}

/// The output of a program that failed.
pub(super) fn fails(status: i32, complaint: impl Into<String>) -> Output {
    let mut complaint = complaint.into();
    if !complaint.is_empty() {
        complaint.push('\n');
    }
    Output { status: Some(status), stdout: Vec::new(), stderr: complaint.into_bytes() }
}

/// The answer to a command; `None` if it must be run to be known.
pub(super) fn answer(command: &Command, asked: &Asked<'_>, input: &[u8]) -> Reply {
    let line = match command {
        Command::Argv(words) => {
            let simple = Simple { words: words.clone(), ..Simple::default() };
            return direct(&simple, asked, input);
        }
        Command::Shell(line) => line,
    };
    let Some(line) = shell::parse(line, asked.environment) else { return Ok(None) };
    if let [(_, pipeline)] = line.as_slice()
        && let [simple] = pipeline.as_slice()
        && !simple.drops_errors
    {
        return direct(simple, asked, input);
    }
    let mut whole = Output { status: Some(0), ..Output::default() };
    for (joint, pipeline) in line {
        let runs = match joint {
            Joint::Always => true,
            Joint::And => whole.status == Some(0),
            Joint::Or => whole.status != Some(0),
        };
        if !runs {
            continue;
        }
        let mut passed = input.to_vec();
        for simple in pipeline {
            let output = if is_missing(&simple.words[0], asked) {
                fails(MISSING, format!("sh: 1: {}: not found", simple.words[0]))
            } else {
                match program(&simple.words, asked, &passed)? {
                    Some(output) => output,
                    None => return Ok(None),
                }
            };
            let output = redirected(output, &simple);
            whole.status = output.status;
            whole.stderr.extend(output.stderr);
            passed = output.stdout;
        }
        whole.stdout.extend(passed);
    }
    Ok(Some(whole))
}

/// A command without any of the shell's language: if its program is not there, that is the system's error.
fn direct(simple: &Simple, asked: &Asked<'_>, input: &[u8]) -> Reply {
    let Some(name) = simple.words.first() else { return Ok(None) };
    if is_missing(name, asked) {
        return Err(io::Error::from_raw_os_error(2).into());
    }
    Ok(program(&simple.words, asked, input)?.map(|output| redirected(output, simple)))
}

fn redirected(mut output: Output, simple: &Simple) -> Output {
    if simple.drops_errors {
        output.stderr.clear();
    }
    if simple.joins_errors {
        output.stdout.append(&mut output.stderr);
    }
    if simple.drops_output {
        output.stdout.clear();
    }
    output
}

/// Commands that the shell has itself.
const BUILT_IN: &[&str] =
    &["[", "cd", "command", "echo", "eval", "exec", "exit", "false", "pwd", "test", "true", "type"];
/// Commands that are answered here whether or not they are installed.
const ALWAYS: &[&str] = &["lsb_release", "vagrant"];

/// Whether running this would fail because there is no such program.
fn is_missing(name: &str, asked: &Asked<'_>) -> bool {
    // What VirtualBox would say about itself cannot be known without running it, and yado does not drive it here.
    let virtualbox = matches!(name, "VBoxManage" | "vboxmanage" | "VBoxManage.exe");
    virtualbox || (!BUILT_IN.contains(&name) && !ALWAYS.contains(&name) && find(name, asked).is_none())
}

/// The program of this name on the search path.
pub(super) fn find(name: &str, asked: &Asked<'_>) -> Option<PathBuf> {
    let runs = |path: &Path| {
        use std::os::unix::fs::PermissionsExt;
        path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(asked.directory.join(name)).filter(|path| runs(path));
    }
    let search = asked.environment.get("PATH").map_or(USUAL_PATH, String::as_str);
    let folders = search.split(':').filter(|folder| !folder.is_empty());
    folders.map(|folder| asked.directory.join(folder).join(name)).find(|path| runs(path))
}

/// What a program says that is there.
fn program(words: &[String], asked: &Asked<'_>, input: &[u8]) -> Reply {
    let Some((name, arguments)) = words.split_first() else { return Ok(None) };
    // A program of the project's own may have any name; what it says is not known.
    let name = match name.rsplit_once('/') {
        Some((folder, last)) if ["/bin", "/usr/bin", "/sbin", "/usr/sbin"].contains(&folder) => last,
        Some(_) => return Ok(None),
        None => name.as_str(),
    };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Some(reply) = filters::answer(name, &arguments, asked, input) {
        return reply;
    }
    Ok(match (name, arguments.as_slice()) {
        ("true", _) => Some(Output { status: Some(0), ..Output::default() }),
        ("false", _) => Some(fails(1, "")),
        ("pwd", [] | ["-P" | "-L"]) => Some(says(asked.directory.to_string_lossy())),
        ("echo", _) => echo(&arguments),
        ("test", operands) => test(operands, asked),
        ("[", [operands @ .., "]"]) => test(operands, asked),
        ("which", ["-a" | "-s", names @ ..] | names) => which(names, asked, |path, _| path),
        ("command", ["-v", names @ ..]) => {
            which(names, asked, |path, name| if BUILT_IN.contains(&name) { name.to_owned() } else { path })
        }
        ("type", ["-p" | "-P", names @ ..]) => which(names, asked, |path, _| path),
        ("type", names) => which(names, asked, |path, name| format!("{name} is {path}")),
        ("vagrant", arguments) => vagrant(arguments),
        ("git", arguments) => return super::git::answer(arguments, asked),
        _ => system::answer(name, &arguments, asked),
    })
}

fn echo(words: &[&str]) -> Option<Output> {
    match words {
        ["-n", words @ ..] => {
            Some(Output { status: Some(0), stdout: words.join(" ").into_bytes(), stderr: Vec::new() })
        }
        // Shells disagree on what these mean.
        [first, ..] if first.starts_with("-e") => None,
        words if words.iter().any(|word| word.contains('\\')) => None,
        words => Some(says(words.join(" "))),
    }
}

fn which(names: &[&str], asked: &Asked<'_>, show: impl Fn(String, &str) -> String) -> Option<Output> {
    if names.is_empty() || names.iter().any(|name| name.starts_with('-')) {
        return None;
    }
    let mut output = Output { status: Some(0), ..Output::default() };
    for name in names {
        let known = find(name, asked).map(|path| path.to_string_lossy().into_owned());
        let known = known.or_else(|| BUILT_IN.contains(name).then(|| (*name).to_owned()));
        match known {
            Some(path) => output.stdout.extend(says(show(path, name)).stdout),
            None => output.status = Some(1),
        }
    }
    Some(output)
}

/// `test` with one or two operands.
fn test(operands: &[&str], asked: &Asked<'_>) -> Option<Output> {
    let (negated, operands) = match operands {
        ["!", rest @ ..] => (true, rest),
        all => (false, all),
    };
    let at = |path: &str| asked.directory.join(path);
    let holds = match operands {
        [] => false,
        ["-e", path] => at(path).exists(),
        ["-f", path] => at(path).is_file(),
        ["-d", path] => at(path).is_dir(),
        ["-L" | "-h", path] => at(path).is_symlink(),
        ["-s", path] => at(path).metadata().is_ok_and(|facts| facts.len() > 0),
        ["-x", path] => find(&at(path).to_string_lossy(), asked).is_some(),
        ["-n", text] => !text.is_empty(),
        ["-z", text] => text.is_empty(),
        [one, "=" | "==", other] => one == other,
        [one, "!=", other] => one != other,
        [text] if !text.starts_with('-') => !text.is_empty(),
        _ => return None,
    };
    Some(if holds == negated { fails(1, "") } else { Output { status: Some(0), ..Output::default() } })
}

/// Vagrant's plugins: yado needs none, so that there is nothing to install.
pub(super) fn vagrant(arguments: &[&str]) -> Option<Output> {
    match arguments {
        ["plugin", "list", ..] => Some(says("No plugins installed.")),
        ["plugin", "install" | "update" | "repair", names @ ..] => {
            let names: Vec<&str> = names.iter().copied().filter(|name| !name.starts_with('-')).collect();
            Some(Output {
                status: Some(0),
                stdout: Vec::new(),
                stderr: format!("yado has no Vagrant plugins; not installed: {}\n", names.join(", "))
                    .into_bytes(),
            })
        }
        ["--version" | "-v"] => Some(says("Vagrant 2.3.4")),
        _ => None,
    }
}
