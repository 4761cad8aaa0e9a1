//! Prints the canonical JSON of the Vagrantfile in the working directory; `--trust` lets it run programs.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::io::Write;

use yado_vagrantfile::{LoadOptions, failure_json, load, on_big_stack};

fn main() {
    let trusted = std::env::args().any(|argument| argument == "--trust");
    let text = on_big_stack(|| {
        let mut options = LoadOptions::new(std::env::current_dir().unwrap_or_default());
        options.env = std::env::vars().collect();
        options.argv = vec!["status".to_owned()];
        options.trusted = trusted.into();
        options.output = Some(Box::new(|_, text| drop(std::io::stderr().write_all(text))));
        let json = match load(options) {
            Ok(mut loaded) => loaded.canonical_json(),
            Err(error) => {
                drop(writeln!(std::io::stderr(), "{error}"));
                failure_json(&error)
            }
        };
        format!("{json:#}")
    });
    println!("{text}");
}
