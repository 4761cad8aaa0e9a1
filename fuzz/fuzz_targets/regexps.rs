//! The first line as a regular expression (its first byte the options), the rest as the text: rewritten for the
//! engine, compiled, and used in the ways in which the library uses it.
#![no_main]

mod worker;

use libfuzzer_sys::fuzz_target;
use yado_ruby::{Args, FailureKind, Interpreter, SandboxHost, Value};

const PROGRAM: &str = r#"
def used(source, options, text)
  pattern = begin
    Regexp.new(source, options)
  rescue RegexpError, ArgumentError
    return
  end
  pattern.match(text)
  text.scan(pattern)
  text.gsub(pattern) { |found| "<#{found}>" }
  text.split(pattern)
  text.rindex(pattern)
  Regexp.new(Regexp.escape(source)).match?(source) or raise "escape is not reversible"
  Regexp.new(pattern.to_s).match(text)
  pattern.inspect
  pattern.names
rescue RegexpError
  nil
end
"#;

fuzz_target!(|input: &str| worker::handle(input, run));

fn run(input: &str) {
    let (head, text) = input.split_once('\n').unwrap_or((input, "abc\nABC 123"));
    let mut letters = head.chars();
    let options = i64::from(letters.next().map_or(0, |letter| letter as u32 & 7));
    let source = letters.as_str();
    let mut ruby = Interpreter::new(Box::new(SandboxHost::new()));
    if let Err(control) = ruby.eval_source("fuzz.rb", PROGRAM) {
        panic!("{}", ruby.failure(control));
    }
    let main = ruby.main.clone();
    let args = Args::of(vec![Value::str(source), Value::Int(options), Value::str(text)]);
    if let Err(control) = ruby.send(&main, "used", args) {
        let failure = ruby.failure(control);
        assert!(matches!(failure.kind, FailureKind::Limit(_)), "{failure}");
    }
    ruby.dismantle();
}
