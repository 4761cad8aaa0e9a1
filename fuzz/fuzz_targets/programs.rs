//! Any text as a program: parsed, lowered, evaluated in the sandbox. It may fail in any way that Ruby can, but
//! not panic, and not take longer or more memory than the limits allow (libFuzzer's own limits see to that).
#![no_main]

mod worker;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use yado_ruby::{Change, Command, FileFacts, Host, HostError, Interpreter, Limits, Location, Output, Stream};

/// A world without files: what a program finds on this machine must not decide what the fuzzer learns.
struct Nowhere;

fn missing<T>() -> io::Result<T> {
    Err(io::Error::from(io::ErrorKind::NotFound))
}

impl Host for Nowhere {
    fn read_file(&self, _: &Path) -> Result<Vec<u8>, HostError> {
        Ok(missing()?)
    }
    fn facts(&self, _: &Path, _: bool) -> io::Result<FileFacts> {
        missing()
    }
    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        missing()
    }
    fn read_link(&self, _: &Path) -> io::Result<PathBuf> {
        missing()
    }
    fn working_directory(&self) -> PathBuf {
        PathBuf::from("/project")
    }
    fn environment(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("HOME".to_owned(), "/home/me".to_owned())])
    }
    fn random(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
    fn hostname(&self) -> String {
        "here".to_owned()
    }
    fn print(&mut self, _: Stream, _: &[u8]) {}
    fn run(
        &mut self,
        _: &Command,
        _: &Path,
        _: &BTreeMap<String, String>,
        _: &[u8],
    ) -> Result<Output, HostError> {
        Err(HostError::Refused("running a program".to_owned()))
    }
    fn change(&mut self, _: &Change) -> Result<(), HostError> {
        Err(HostError::Refused("a change".to_owned()))
    }
    fn note_refusal(&mut self, _: &str, _: Option<&Location>) {}
}

fuzz_target!(|source: &str| worker::handle(source, run));

fn run(source: &str) {
    let mut ruby = Interpreter::new(Box::new(Nowhere));
    ruby.set_limits(Limits { steps: 300_000, memory: 160 << 20, time: Duration::from_secs_f64(1.4) });
    let result = ruby.eval_source("Vagrantfile", source);
    if let Err(control) = ruby.run_at_exit().and(result) {
        let _shown = ruby.failure(control).to_string();
    }
    ruby.dismantle();
}
