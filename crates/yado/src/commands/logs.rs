//! `yado logs`: what machines' first processes wrote, at present or for as long as they go on writing.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use yado_core::error::Doing;
use yado_core::provider::Log;
use yado_core::{
    Context, Error, ErrorKind, MachineState, MessageKind, Program, Provider, Result, Stream, lifecycle,
};

use crate::session::Session;
use crate::targets::{Target, Wanted};

/// Show what the first processes of machines wrote: systemd's journal, or the console
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    /// Go on with what is written from now on, until the machine is switched off or Ctrl-C is pressed
    #[arg(short, long)]
    follow: bool,
}

/// How often a console's file is looked at, when it is followed.
const GLANCE: Duration = Duration::from_millis(100);

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    crate::interrupt::watch(&session.context.cancel);
    let named = !arguments.names.is_empty();
    let targets = session.targets(&arguments.names, Wanted { recorded: true, ..Wanted::default() })?;
    let mut sources = Vec::new();
    for target in &targets {
        match source(session, target, arguments.follow)? {
            Some(source) => sources.push(source),
            None if named => return Err(not_made(&target.name)),
            None => {}
        }
    }
    if sources.is_empty() {
        return Err(Error::new(ErrorKind::MachineNotFound, "None of these machines exists yet.")
            .hinted("Run `yado up` first."));
    }
    // One machine's lines stand alone; of several it has to be said whose they are.
    let alone = targets.len() == 1;
    let follow = arguments.follow;
    let failures: Vec<Error> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            sources.into_iter().map(|source| scope.spawn(move || source.show(alone, follow))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()?.err()).collect()
    });
    // Ctrl-C is how following ends.
    let failure = failures.into_iter().find(|error| !follow || error.kind() != ErrorKind::Interrupted);
    failure.map_or(Ok(0), Err)
}

fn not_made(name: &str) -> Error {
    Error::new(ErrorKind::MachineNotFound, format!("The machine '{name}' does not exist yet."))
        .hinted("Run `yado up` first.")
}

/// One machine's log.
struct Source {
    context: Context,
    provider: Box<dyn Provider>,
    log: Log,
}

fn source(session: &Session, target: &Target, follow: bool) -> Result<Option<Source>> {
    let Some(record) = &target.record else { return Ok(None) };
    let context = session.context.for_machine(&target.name);
    let provider =
        target.kind.open(record, target.spec.as_ref(), &lifecycle::place(session.store()?, record))?;
    let log = provider.log(&context, follow)?.ok_or_else(|| {
        Error::new(
            ErrorKind::Other,
            format!("The provider '{}' keeps no logs that yado could show.", record.provider),
        )
    })?;
    Ok(Some(Source { context, provider, log }))
}

impl Source {
    fn show(&self, alone: bool, follow: bool) -> Result<()> {
        let mut lines = Lines { context: &self.context, alone, rest: Vec::new() };
        match &self.log {
            Log::Command(command) => {
                let communicator = self.provider.connect(&self.context)?;
                let mut complaint = Vec::new();
                let status =
                    communicator.exec(&self.context, command, &mut |stream, piece| match stream {
                        Stream::Stdout => lines.take(piece),
                        Stream::Stderr => complaint.extend_from_slice(piece),
                    })?;
                lines.finish();
                // Whoever follows sees the journal end when the machine is switched off.
                if status.success() || follow {
                    return Ok(());
                }
                let complaint = String::from_utf8_lossy(&complaint);
                Err(Error::new(
                    ErrorKind::GuestCommandFailed,
                    format!("The journal cannot be read: {}", complaint.trim()),
                ))
            }
            Log::Program(argv) => {
                let status =
                    self.context.host.watch(&self.context.cancel, &Program::new(argv), &mut |_, piece| {
                        lines.take(piece);
                    })?;
                lines.finish();
                if status.success() || follow {
                    return Ok(());
                }
                Err(Error::new(ErrorKind::Other, "The engine cannot show what the container wrote."))
            }
            Log::File(path) => self.show_file(path, follow, &mut lines),
        }
    }

    fn show_file(&self, path: &Path, follow: bool, lines: &mut Lines<'_>) -> Result<()> {
        let mut position = 0;
        loop {
            // What was written before the machine ended is there by the time that it is found ended.
            let running = follow && self.provider.state(&self.context)? != MachineState::Stopped;
            position = read_from(path, position, lines)
                .doing(|| format!("reading the log of '{}'", path.display()))?;
            if !running || !path.exists() && position > 0 {
                lines.finish();
                return Ok(());
            }
            self.context.cancel.check()?;
            std::thread::sleep(GLANCE);
        }
    }
}

/// Takes what stands in a file from a position on; says where the next piece begins.
fn read_from(path: &Path, position: u64, lines: &mut Lines<'_>) -> std::io::Result<u64> {
    let mut file = match std::fs::File::open(path) {
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => return Ok(position),
        other => other?,
    };
    // A file that became shorter was begun anew.
    let mut position = if file.metadata()?.len() < position { 0 } else { position };
    file.seek(SeekFrom::Start(position))?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(position);
        }
        lines.take(&buffer[..count]);
        position += count as u64;
    }
}

/// Pieces of output as whole lines.
struct Lines<'a> {
    context: &'a Context,
    alone: bool,
    rest: Vec<u8>,
}

impl Lines<'_> {
    fn take(&mut self, piece: &[u8]) {
        self.rest.extend_from_slice(piece);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        self.say(&whole[..end]);
    }

    /// What stands after the last end of line.
    fn finish(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.say(&rest);
        }
    }

    fn say(&self, text: &[u8]) {
        let text = String::from_utf8_lossy(text).replace('\r', "");
        if self.alone {
            Context { machine: None, ..self.context.clone() }.say(MessageKind::Output, text);
        } else {
            self.context.detail(text);
        }
    }
}
