//! Any text as a YAML document, and as a JSON one: read, and what was read written and read again.
#![no_main]

mod worker;

use libfuzzer_sys::fuzz_target;
use yado_ruby::{Args, Interpreter, SandboxHost, Value};

/// Both return true; what is written must be readable.
const PROGRAM: &str = r#"
require "yaml"
require "json"
def reads_yaml(text)
  made = begin
    YAML.unsafe_load(text)
  rescue Psych::Exception, ArgumentError, TypeError, NameError, RangeError, RegexpError
    return true
  end
  # Not the same value always: Psych itself writes a key of nil as an empty text.
  YAML.unsafe_load(YAML.dump(made))
  true
end
def reads_json(text)
  JSON.parse(text).to_json
  true
rescue JSON::JSONError, TypeError
  true
end
"#;

fuzz_target!(|text: &str| worker::handle(text, run));

fn run(text: &str) {
    let mut ruby = Interpreter::new(Box::new(SandboxHost::new()));
    if let Err(control) = ruby.eval_source("fuzz.rb", PROGRAM) {
        panic!("{}", ruby.failure(control));
    }
    let main = ruby.main.clone();
    for method in ["reads_yaml", "reads_json"] {
        match ruby.send(&main, method, Args::one(Value::str(text))) {
            Ok(Value::Bool(true)) => {}
            Ok(other) => panic!("{}", ruby.inspect(&other).unwrap_or_default()),
            // Limits are an answer; so are exceptions, but they are not the ones that reading may raise.
            Err(control) => {
                let failure = ruby.failure(control);
                assert!(
                    matches!(failure.kind, yado_ruby::FailureKind::Limit(_))
                        || failure.class == "SystemStackError",
                    "{method}: {failure}"
                );
            }
        }
    }
    ruby.dismantle();
}
