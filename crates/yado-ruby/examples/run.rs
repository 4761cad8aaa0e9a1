//! Runs a Ruby file with the evaluator, printing as it goes: for comparing with Ruby itself.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use yado_ruby::{
    Change, Command, FileFacts, Host, HostError, Interpreter, Location, Output, SandboxHost, Stream,
    on_big_stack,
};

/// A sandbox that prints at once.
struct Printing(SandboxHost);

impl Host for Printing {
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        self.0.read_file(path)
    }
    fn facts(&self, path: &Path, follow_links: bool) -> io::Result<FileFacts> {
        self.0.facts(path, follow_links)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.0.list(path)
    }
    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.0.read_link(path)
    }
    fn working_directory(&self) -> PathBuf {
        self.0.working_directory()
    }
    fn environment(&self) -> BTreeMap<String, String> {
        self.0.environment()
    }
    fn random(&self, buffer: &mut [u8]) {
        self.0.random(buffer);
    }
    fn hostname(&self) -> String {
        self.0.hostname()
    }
    fn print(&mut self, stream: Stream, text: &[u8]) {
        // Nobody listening is no reason to stop.
        let _ignored = match stream {
            Stream::Out => io::stdout().write_all(text),
            Stream::Err => io::stderr().write_all(text),
        };
    }
    fn run(
        &mut self,
        command: &Command,
        directory: &Path,
        environment: &BTreeMap<String, String>,
        input: &[u8],
    ) -> Result<Output, HostError> {
        self.0.run(command, directory, environment, input)
    }
    fn change(&mut self, change: &Change) -> Result<(), HostError> {
        self.0.change(change)
    }
    fn note_refusal(&mut self, what: &str, place: Option<&Location>) {
        self.0.note_refusal(what, place);
    }
}

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else { return ExitCode::from(2) };
    let code = on_big_stack(move || {
        let mut ruby = Interpreter::new(Box::new(Printing(SandboxHost::new())));
        let result = ruby.eval_file(Path::new(&path));
        let result = ruby.run_at_exit().and(result);
        match result {
            Ok(_) => 0,
            Err(control) => {
                let failure = ruby.failure(control);
                if failure.kind != yado_ruby::FailureKind::Exit {
                    let mut text = format!("{failure}\n");
                    for line in failure.backtrace.iter().skip(1) {
                        text.push_str(&format!("\tfrom {line}\n"));
                    }
                    ruby.host.print(Stream::Err, text.as_bytes());
                }
                failure.status as u8
            }
        }
    });
    ExitCode::from(code)
}
