//! The tables of expressions in `tests/expressions/`, whose answers came from Ruby 3.1 itself
//! (`record.rb` writes them anew), answered here by the evaluator. `differing.list` names the expressions
//! that are known to answer otherwise here; one that has been mended must leave it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use yado_ruby::{Args, Interpreter, SandboxHost, Value, on_big_stack};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expressions")
}

/// The differences of one table, evaluated in one interpreter, and how many expressions it has.
fn differences(path: &Path, known: &BTreeSet<String>) -> (usize, Vec<String>) {
    let table = std::fs::read_to_string(path).expect("a readable table");
    let mut ruby = Interpreter::new(Box::new(SandboxHost::new()));
    if let Err(control) = ruby.eval_file(&folder().join("driver.rb")) {
        return (0, vec![format!("driver.rb: {}", ruby.failure(control))]);
    }
    let main = ruby.main.clone();
    let (mut count, mut wrong) = (0, Vec::new());
    for (number, line) in table.lines().enumerate() {
        let Some((expression, expected)) = line.split_once(" #=> ") else { continue };
        count += 1;
        let answer = match ruby.send(&main, "__answer", Args::one(Value::str(expression))) {
            Ok(answer) => answer.as_text().unwrap_or_default(),
            Err(control) => ruby.failure(control).to_string(),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let line = number + 1;
        if known.contains(expression) {
            if answer == expected {
                wrong.push(format!("{name}:{line}: {expression} no longer differs"));
            }
        } else if answer != expected {
            wrong.push(format!("{name}:{line}: {expression}\n  ruby: {expected}\n  here: {answer}"));
        }
    }
    (count, wrong)
}

#[test]
fn expressions_answer_what_ruby_answers() {
    let mut tables: Vec<PathBuf> = folder()
        .read_dir()
        .expect("the folder of tables")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    tables.sort();
    let known = std::fs::read_to_string(folder().join("differing.list")).expect("the list of differences");
    let known: BTreeSet<String> = known.lines().map(str::to_owned).collect();
    let (mut count, mut wrong) = (0, Vec::new());
    for path in tables {
        let (answered, differ) = on_big_stack(|| differences(&path, &known));
        count += answered;
        wrong.extend(differ);
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 1500, "the tables have only {count} expressions");
}
