//! Limits, syntax errors, failures with their places, and the embedding API.

use std::path::Path;

use yado_ruby::{
    Args, Failure, FailureKind, Interpreter, Limit, Limits, SandboxHost, Value, Visibility, on_big_stack,
};

fn interpreter() -> Interpreter {
    Interpreter::new(Box::new(SandboxHost::new()))
}

fn failure_of(source: &str) -> Failure {
    // Memory is the whole process's, which runs other tests meanwhile: only tests of memory limit it tightly.
    failure_within(source, Limits { steps: 3_000_000, memory: 8 << 30, ..Limits::default() })
}

fn failure_within(source: &str, limits: Limits) -> Failure {
    let source = source.to_owned();
    on_big_stack(move || {
        let mut ruby = interpreter();
        ruby.set_limits(limits);
        match ruby.eval_source("Vagrantfile", &source) {
            Ok(_) => panic!("it should have failed"),
            Err(control) => ruby.failure(control),
        }
    })
}

fn text_of(source: &str) -> String {
    let mut ruby = interpreter();
    match ruby.eval_source("Vagrantfile", source) {
        Ok(value) => ruby.inspect(&value).unwrap_or_default(),
        Err(control) => ruby.failure(control).to_string(),
    }
}

#[test]
fn an_endless_loop_ends_at_the_step_limit() {
    assert_eq!(failure_of("loop { }").kind, FailureKind::Limit(Limit::Steps));
    assert_eq!(failure_of("while true do end").kind, FailureKind::Limit(Limit::Steps));
}

#[test]
fn nothing_rescues_a_limit() {
    let failure = failure_of("begin; loop { }; rescue Exception; ensure; loop { }; end");
    assert_eq!(failure.kind, FailureKind::Limit(Limit::Steps));
}

#[test]
fn a_growing_string_ends_at_the_memory_limit() {
    let limits = Limits { steps: u64::MAX, memory: 300 << 20, ..Limits::default() };
    let failure = failure_within("s = 'x' * 1000; loop { s = s + s }", limits);
    assert_eq!(failure.kind, FailureKind::Limit(Limit::Memory));
}

#[test]
fn a_growing_array_ends_at_a_limit() {
    let limits = Limits { steps: u64::MAX, memory: 300 << 20, ..Limits::default() };
    let failure = failure_within("a = []; loop { a << 'y' * 1_000_000 }", limits);
    assert_eq!(failure.kind, FailureKind::Limit(Limit::Memory));
}

/// Programs that would take longer than the world has existed, and what stops them.
#[test]
fn what_explodes_ends_at_a_limit_that_names_its_line() {
    let nested = "a = [1]; 60.times { a = [a, a] }\n";
    for source in [
        "a.inspect",
        "a.to_s",
        "a.flatten",
        "a.join",
        "a == Marshal.load(Marshal.dump(a)) || a.inspect",
        "require 'json'; a.to_json",
        "b = [1]; 60.times { b = [b, b] }; a == b",
        "b = [1]; 60.times { b = [b, b] }; a <=> b; loop { }",
        "b = [1]; 60.times { b = [b, b] }; a.eql?(b); loop { }",
        "b = [1]; 60.times { b = [b, b] }; { a => 1 }[b]; loop { }",
        "('A'..'beginc').to_a",
    ] {
        let limits =
            Limits { steps: 3_000_000, memory: 8 << 30, time: std::time::Duration::from_millis(500) };
        let failure = failure_within(&format!("{nested}{source}"), limits);
        let limited = matches!(failure.kind, FailureKind::Limit(_)) || failure.class == "TypeError";
        assert!(limited || failure.class == "JSON::NestingError", "{source}: {failure:?}");
        assert_eq!(failure.location.map(|place| place.line), Some(2), "{source}");
    }
}

#[test]
fn a_size_that_nobody_has_room_for_is_refused_at_once() {
    let limits = Limits { steps: 3_000_000, memory: 1 << 30, ..Limits::default() };
    for source in [
        "'x' * 10**10",
        "[0] * 10**10",
        "Array.new(10**9)",
        "(1..10**12).to_a",
        "'x'.ljust(10**10)",
        "require 'securerandom'; SecureRandom.hex(10**10)",
    ] {
        let failure = failure_within(source, limits);
        assert!(matches!(failure.kind, FailureKind::Limit(_)), "{source}: {failure:?}");
        assert_eq!(failure.location.map(|place| place.line), Some(1), "{source}");
    }
}

#[test]
fn a_bomb_of_aliases_ends_at_a_limit() {
    let source = "require 'yaml'\nt = \"a0: &a0 [x, x, x, x]\\n\"\n30.times { |i| t << \"a#{i + 1}: &a#{i + 1} [#{(['*a' + i.to_s] * 9).join(',')}]\\n\" }\nYAML.unsafe_load(t)['a30'].flatten\n";
    let failure = failure_within(source, Limits { steps: 3_000_000, memory: 1 << 30, ..Limits::default() });
    assert!(matches!(failure.kind, FailureKind::Limit(_)), "{failure:?}");
    assert_eq!(failure.location.map(|place| place.line), Some(4));
}

#[test]
fn a_pattern_that_explodes_ends_in_an_error_or_an_answer() {
    let text = text_of("begin; ('a' * 40 + '!') =~ /^(a+)+$(?!b)\\1/; rescue => e; e.class; end");
    assert!(text == "nil" || text.contains("Error"), "{text}");
}

#[test]
fn processor_time_is_limited() {
    let limits = Limits { steps: u64::MAX, memory: 8 << 30, time: std::time::Duration::from_millis(200) };
    assert_eq!(failure_within("loop { }", limits).kind, FailureKind::Limit(Limit::Steps));
}

#[test]
fn endless_recursion_is_an_exception() {
    let failure = failure_of("def f(n) = f(n + 1)\nf(0)");
    assert_eq!(
        (failure.class.as_str(), failure.message.as_str()),
        ("SystemStackError", "stack level too deep")
    );
}

#[test]
fn recursion_ends_well_on_a_small_stack_too() {
    assert_eq!(
        text_of("def f(n) = f(n + 1)\nbegin; f(0); rescue SystemStackError => e; e.message; end"),
        "\"stack level too deep\""
    );
    assert_eq!(
        text_of(
            "class A; def to_s; \"#{self}\"; end; end; begin; A.new.to_s; rescue SystemStackError; :deep; end"
        ),
        ":deep"
    );
}

#[test]
fn every_syntax_error_is_reported_with_its_place() {
    let failure = failure_of("x = [1, 2\ny = )\n");
    assert_eq!(failure.kind, FailureKind::Syntax);
    assert!(failure.diagnostics.len() > 1);
    let place = failure.location.expect("place");
    assert_eq!((&*place.file, failure.diagnostics.last().expect("one").location.line), ("Vagrantfile", 2));
}

#[test]
fn an_exception_knows_its_place_and_its_calls() {
    let failure = failure_of("def setup\n  [1].each { |x| x.upcase }\nend\n\nsetup\n");
    assert_eq!(failure.message, "undefined method `upcase' for 1:Integer");
    let place = failure.location.expect("place");
    assert_eq!((place.line, place.column, place.end_column), (2, 17, 25));
    assert_eq!(
        failure.backtrace,
        [
            "Vagrantfile:2:in `block in setup'",
            "Vagrantfile:2:in `each'",
            "Vagrantfile:2:in `setup'",
            "Vagrantfile:5:in `<main>'"
        ]
    );
}

#[test]
fn exit_keeps_its_status() {
    let failure = failure_of("exit 3");
    assert_eq!((failure.kind, failure.status), (FailureKind::Exit, 3));
    assert_eq!(failure_of("abort 'no'").status, 1);
}

#[test]
fn what_is_not_supported_says_so_with_its_place() {
    let failure = failure_of("x = 1\nObjectSpace.each_object(Class) { }");
    assert_eq!(failure.message, "ObjectSpace cannot list objects here");
    assert_eq!(failure.location.map(|place| place.line), Some(2));
}

#[test]
fn embedding_code_defines_classes_and_is_called_with_blocks_and_keywords() {
    let mut ruby = interpreter();
    let class = ruby.define_class("Outer::Config", None);
    ruby.define_method(&class, "setting", |ruby, this, args| {
        let name = args.keyword("name").unwrap_or(Value::Nil);
        let block = args.block.clone().expect("block");
        let place = ruby.location().expect("place");
        let inner = ruby.call_proc(&block, Args::one(name))?;
        let own = ruby.call_proc_with_self(&block, this, Args::one(Value::Int(place.line as i64)))?;
        Ok(Value::array(vec![inner, own]))
    });
    ruby.define_singleton_method(&class, "build", |ruby, this, _| match this {
        Value::Class(class) => Ok(ruby.new_object(class, Some(Box::new(41i64)))),
        _ => Ok(Value::Nil),
    });
    ruby.define_method(&class, "number", |_, this, _| {
        Ok(Value::Int(this.data::<i64>().map_or(0, |number| *number + 1)))
    });
    let result = ruby.eval_source(
        "V",
        "\nc = Outer::Config.build\nc.setting(name: 'n') { |x| [x, self.class] } + [c.number]",
    );
    let shown = result.ok().and_then(|value| ruby.inspect(&value).ok());
    assert_eq!(shown.as_deref(), Some("[[\"n\", Object], [3, Outer::Config], 42]"));
}

#[test]
fn embedding_code_raises_exceptions_that_ruby_code_rescues() {
    let mut ruby = interpreter();
    let object = ruby.class_named("Object").expect("Object");
    ruby.define_method(&object, "refuse", |ruby, _, _| ruby.raise("ArgumentError", "not today"));
    let result = ruby.eval_source("V", "begin; refuse; rescue ArgumentError => e; e.message; end");
    assert_eq!(result.ok().and_then(|value| value.as_text()).as_deref(), Some("not today"));
    let method = ruby.find_method(&object, yado_ruby::Symbol::new("refuse")).expect("method");
    assert_eq!(method.visibility, Visibility::Public);
}

#[test]
fn files_are_loaded_from_beside_the_file_that_asks() {
    let folder = std::env::temp_dir().join(format!("yado-ruby-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("lib")).expect("folder");
    std::fs::write(folder.join("main.rb"), "a = require_relative 'lib/part'\nb = require_relative 'lib/part'\n$r = [a, b, PART, load(File.join(__dir__, 'lib/part.rb'))]\n").expect("main");
    std::fs::write(folder.join("lib/part.rb"), "PART = __FILE__ unless defined?(PART)\n").expect("part");
    let mut ruby = interpreter();
    let result = ruby.eval_file(Path::new(&folder.join("main.rb")));
    let shown = match result {
        Ok(_) => {
            let value = ruby.get_global("$r");
            ruby.inspect(&value).unwrap_or_default()
        }
        Err(control) => ruby.failure(control).to_string(),
    };
    std::fs::remove_dir_all(&folder).expect("clean up");
    assert_eq!(shown, format!("[true, false, \"{}\", true]", folder.join("lib/part.rb").display()));
}

#[test]
fn code_nested_without_end_is_refused_rather_than_crashing() {
    let source = format!("x = {}1{}", "(".repeat(2000), ")".repeat(2000));
    assert_eq!(on_big_stack(|| text_of(&source)), "1");
    assert!(text_of(&source).contains("nested this deeply") || text_of(&source) == "1");
    let long = format!("x = 1{}", " + 1".repeat(20_000));
    let text = on_big_stack(move || text_of(&long));
    assert!(text == "20001" || text.contains("deep"), "{text}");
}

/// What a fuzzer found: a pattern that calls itself twice is written out until memory ends.
#[test]
fn a_pattern_that_calls_itself_over_and_over_is_refused() {
    for pattern in [r"\b1.a7.\g<0>.|.a7.\g<0>.|", r"(?<a>x\g<b>?)(?<b>y\g<a>?)", r"H?Hp\g<0>\g<0>?Hp|x"] {
        let failure = failure_of(&format!("Regexp.new('{pattern}').match('xx(a(b)) aaa1.a7.')"));
        assert_eq!(failure.class, "RegexpError", "{pattern}: {failure:?}");
    }
    assert_eq!(text_of(r"'f(a(b))'[/(?<p>\((?:[^()]|\g<p>)*\))/]"), "\"(a(b))\"");
    assert_eq!(text_of(r"'10.0.0.1'[/(?<n>\d+)\.\g<n>\.\g<n>\.\g<n>/]"), "\"10.0.0.1\"");
}

/// What a fuzzer found: long keys were folded and keys of several lines written as blocks, which nobody can read.
#[test]
fn keys_that_yaml_cannot_write_plainly_are_read_again() {
    for key in [r#""x: " + "word " * 40"#, r#""a\nb\n""#, r#""- -  \\T\n...""#] {
        let program = format!("k = {key}; YAML.load(YAML.dump({{ k => 1 }})) == {{ k => 1 }}");
        assert_eq!(text_of(&program), "true", "{key}");
    }
}
