//! `yado docker-…`: commands of the engine on machines that are its containers.

pub(crate) mod exec;
pub(crate) mod logs;
pub(crate) mod run;

use yado_core::{Context, Error, ErrorKind, MessageKind, Program, Provider, Result, lifecycle};

use crate::session::Session;
use crate::targets::{Target, Wanted};

/// A machine that is an engine's container.
struct Contained {
    context: Context,
    provider: Box<dyn Provider>,
}

impl Contained {
    fn engine(&self) -> Result<&dyn yado_core::provider::EngineCommands> {
        let name = self.context.machine.as_deref().unwrap_or_default();
        self.provider.engine().ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("The machine '{name}' is no container of Docker or Podman."))
                .hinted("Enter it with `yado ssh`; `yado logs` shows what it wrote.")
        })
    }
}

/// The machines that these names mean; those that do not exist are told and left out.
fn containers(session: &Session, names: &[String]) -> Result<Vec<Contained>> {
    crate::interrupt::watch(&session.context.cancel);
    let targets = session.targets(names, Wanted { recorded: true, ..Wanted::default() })?;
    let opened: Vec<Contained> =
        targets.iter().filter_map(|target| open(session, target).transpose()).collect::<Result<_>>()?;
    if opened.is_empty() {
        return Err(Error::new(ErrorKind::MachineNotFound, "None of these machines exists yet.")
            .hinted("Run `yado up` first."));
    }
    opened.iter().try_for_each(|machine| machine.engine().map(drop))?;
    Ok(opened)
}

fn open(session: &Session, target: &Target) -> Result<Option<Contained>> {
    let context = session.context.for_machine(&target.name);
    let Some(record) = &target.record else {
        context.info("VM not created. Moving on...");
        return Ok(None);
    };
    let provider =
        target.kind.open(record, target.spec.as_ref(), &lifecycle::place(session.store()?, record))?;
    Ok(Some(Contained { context, provider }))
}

/// Runs a program of the engine, its lines with the machine's name in front of them or plain; its exit code.
fn show(context: &Context, argv: &[String], prefix: bool) -> Result<u8> {
    let mut rest = Vec::new();
    let say = |line: &[u8]| {
        let line = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
        if prefix {
            context.info(line);
        } else {
            Context { machine: None, ..context.clone() }.say(MessageKind::Output, line);
        }
    };
    let status = context.host.watch(&context.cancel, &Program::new(argv), &mut |_, piece| {
        rest.extend_from_slice(piece);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            say(&line[..end]);
        }
    })?;
    if !rest.is_empty() {
        say(&rest);
    }
    Ok(code(status))
}

/// Runs a program of the engine on our own terminal or streams.
fn attach(context: &Context, argv: &[String]) -> Result<u8> {
    context.host.attach(&context.cancel, &Program::new(argv)).map(code)
}

fn code(status: std::process::ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
}

/// What is to be run, which must be something.
fn required(command: &[String]) -> Result<&[String]> {
    if command.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "There is no command to run.")
            .hinted("Give it after two dashes: yado docker-exec web -- ls /"));
    }
    Ok(command)
}
