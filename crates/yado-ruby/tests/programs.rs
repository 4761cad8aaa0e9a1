//! Runs the small Ruby programs in `tests/programs/` and compares what they print with the answers beside
//! them, which came from Ruby 3.1 itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use yado_ruby::{
    Change, Command, FileFacts, Host, HostError, Interpreter, Location, Output, SandboxHost, Stream,
};

/// The sandbox, with what it prints shared.
struct PrintingHost {
    inner: SandboxHost,
    printed: Rc<RefCell<Vec<u8>>>,
}

impl Host for PrintingHost {
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        self.inner.read_file(path)
    }
    fn facts(&self, path: &Path, follow_links: bool) -> std::io::Result<FileFacts> {
        self.inner.facts(path, follow_links)
    }
    fn list(&self, path: &Path) -> std::io::Result<Vec<String>> {
        self.inner.list(path)
    }
    fn read_link(&self, path: &Path) -> std::io::Result<PathBuf> {
        self.inner.read_link(path)
    }
    fn working_directory(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
    }
    fn environment(&self) -> BTreeMap<String, String> {
        self.inner.environment()
    }
    fn random(&self, buffer: &mut [u8]) {
        self.inner.random(buffer);
    }
    fn hostname(&self) -> String {
        self.inner.hostname()
    }
    fn print(&mut self, _: Stream, text: &[u8]) {
        self.printed.borrow_mut().extend_from_slice(text);
    }
    fn run(
        &mut self,
        command: &Command,
        directory: &Path,
        environment: &BTreeMap<String, String>,
        input: &[u8],
    ) -> Result<Output, HostError> {
        self.inner.run(command, directory, environment, input)
    }
    fn change(&mut self, change: &Change) -> Result<(), HostError> {
        self.inner.change(change)
    }
    fn note_refusal(&mut self, what: &str, place: Option<&Location>) {
        self.inner.note_refusal(what, place);
    }
}

fn run(path: &Path) -> String {
    let printed = Rc::new(RefCell::new(Vec::new()));
    let host = PrintingHost { inner: SandboxHost::new(), printed: printed.clone() };
    let mut interpreter = Interpreter::new(Box::new(host));
    let result = interpreter.eval_file(path);
    if let Err(control) = interpreter.run_at_exit().and(result) {
        let failure = interpreter.failure(control);
        printed.borrow_mut().extend(format!("{failure}\n").into_bytes());
    }
    String::from_utf8_lossy(&printed.borrow()).into_owned()
}

#[test]
fn programs_print_what_ruby_prints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let only = std::env::var("PROGRAM").ok();
    let mut names: Vec<PathBuf> = folder
        .read_dir()
        .expect("the folder of programs")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rb"))
        .filter(|path| only.as_ref().is_none_or(|only| path.to_string_lossy().contains(only)))
        .collect();
    names.sort();
    let mut wrong = Vec::new();
    for path in names {
        let answers = std::fs::read_to_string(path.with_extension("out")).expect("the answers");
        let program = path.clone();
        let printed = yado_ruby::on_big_stack(move || run(&program));
        let (mut expected, mut actual) = (answers.lines(), printed.lines());
        let mut line = 0;
        loop {
            line += 1;
            match (expected.next(), actual.next()) {
                (None, None) => break,
                (left, right) if left == right => {}
                (left, right) => {
                    wrong.push(format!(
                        "{} line {line}\n  ruby: {}\n  here: {}",
                        path.display(),
                        left.unwrap_or("(nothing)"),
                        right.unwrap_or("(nothing)")
                    ));
                    if left.is_none() || right.is_none() {
                        break;
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
