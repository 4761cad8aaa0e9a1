//! `yado push`: what a Vagrantfile says of bringing its project somewhere. Programs are run here for the strategy
//! `local-exec`, once the user trusts the project; strategies that need services of others are refused.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use clap::Args;
use serde_json::Value;
use yado_core::{Error, ErrorKind, Result};
use yado_vagrantfile::Push;

use crate::session::{Session, no_environment};

/// Bring the project where the Vagrantfile says
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Which of the pushes; not needed where there is one only
    name: Option<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let mut loaded = session.load()?;
    let machines = loaded.machines();
    let machine = machines.first().ok_or_else(no_environment)?;
    let provider = loaded
        .mentioned_providers(&machine.name)
        .into_iter()
        .next()
        .unwrap_or_else(|| "container".to_owned());
    let pushes = loaded.pushes(&machine.name, &provider)?;
    let push = chosen(&pushes, arguments.name.as_deref())?;
    match push.strategy.as_str() {
        "noop" => Ok(0),
        "local-exec" => local_exec(session, loaded.root(), push),
        "ftp" | "heroku" | "atlas" => Err(refused(
            push,
            format!("yado does not bring projects anywhere by the strategy '{}'.", push.strategy),
        )),
        unknown => Err(refused(push, format!("There is no push strategy '{unknown}'."))),
    }
}

fn refused(push: &Push, text: String) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("The push '{}' cannot be done: {text}", push.name))
        .at(push.origin.clone())
        .hinted("With `strategy: \"local-exec\"` and `script` or `inline` a program of your own does it.")
}

/// The push of this name, or the only one.
fn chosen<'a>(pushes: &'a [Push], name: Option<&str>) -> Result<&'a Push> {
    let wrong = |text: String| Err(Error::new(ErrorKind::Usage, text));
    let names = || pushes.iter().map(|push| format!("'{}'", push.name)).collect::<Vec<_>>().join(", ");
    match (pushes, name) {
        ([], _) => wrong("The Vagrantfile defines no push (`config.push.define`).".to_owned()),
        ([only], None) => Ok(only),
        (_, None) => wrong(format!("The Vagrantfile defines several pushes; name one of {}.", names())),
        (_, Some(name)) => match pushes.iter().find(|push| push.name == name) {
            Some(push) => Ok(push),
            None => wrong(format!("The Vagrantfile defines no push '{name}', but {}.", names())),
        },
    }
}

/// Runs the script in the directory that the command was typed in, and ends as it does.
fn local_exec(session: &Session, project: &Path, push: &Push) -> Result<u8> {
    if !session.trusted()? {
        let text = format!(
            "The push '{}' runs a program on this computer, which the Vagrantfile may not do yet.",
            push.name
        );
        return Err(Error::new(ErrorKind::Other, text)
            .at(push.origin.clone())
            .hinted("`yado trust` allows it for this project, `--trust` once."));
    }
    let text = |name: &str| push.settings.get(name).and_then(Value::as_str);
    match (text("script"), text("inline")) {
        (Some(script), None) => {
            let script = project.join(script);
            executable(&script).map_err(|problem| {
                Error::system(format!("making '{}' executable", script.display()), problem)
                    .at(push.origin.clone())
            })?;
            execute(session, push, &script)
        }
        (None, Some(inline)) => {
            let file =
                written(inline).map_err(|problem| Error::system("writing the push's script", problem))?;
            execute(session, push, &file)
        }
        _ => Err(refused(push, "it takes one of `script` and `inline`.".to_owned())),
    }
}

/// Scripts are often kept without the right to be run; Vagrant gives it to them, too.
fn executable(script: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = script.metadata()?.permissions().mode();
    if mode & 0o111 != 0 {
        return Ok(());
    }
    // Whoever may read it may run it.
    std::fs::set_permissions(script, std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

/// The script as a program, which is gone when this value is.
fn written(inline: &str) -> std::io::Result<tempfile::TempPath> {
    use std::os::unix::fs::PermissionsExt;
    let mut file = tempfile::Builder::new()
        .prefix("yado-push-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempfile()?;
    file.write_all(inline.as_bytes())?;
    // A program that is open for writing cannot be started.
    Ok(file.into_temp_path())
}

fn execute(session: &Session, push: &Push, program: &Path) -> Result<u8> {
    // Arguments that are one text are a piece of shell, in Vagrant, too; and a shell also runs scripts without `#!`.
    let (line, words) = match push.settings.get("args") {
        Some(Value::String(text)) => (format!("\"$0\" {text}"), Vec::new()),
        Some(Value::Array(list)) => {
            let words = list.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned));
            ("\"$0\" \"$@\"".to_owned(), words.collect())
        }
        _ => ("\"$0\"".to_owned(), Vec::new()),
    };
    let status = Command::new("/bin/sh")
        .args(["-c", &line])
        .arg(program)
        .args(words)
        .current_dir(&session.directory)
        .status()
        .map_err(|problem| Error::system("starting a shell for the push", problem))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
