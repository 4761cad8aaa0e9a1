//! The strategies of `config.push.define`.

use yado_ruby::{Args, Arity, Eval, Interpreter, Table, Value};

use super::{EMPTY, Section, plain, starting, with};
use crate::config::{Config, ConfigCell};

/// The strategy of this name.
pub(crate) fn find(name: &str) -> Option<&'static Section> {
    Some(match name {
        "ftp" => &FTP,
        "heroku" => &HEROKU,
        "local-exec" => &LOCAL_EXEC,
        "noop" => &NOOP,
        "atlas" => &ATLAS,
        _ => return None,
    })
}

const FILTERS: Table = &[("include", include, Arity::exactly(1)), ("exclude", exclude, Arity::exactly(1))];

static FTP: Section = Section {
    class: "VagrantPlugins::FTPPush::Config",
    title: "FTP push",
    settings: &[
        with("destination", "\"/\""),
        with("dir", "\".\""),
        starting("excludes", "[]"),
        plain("host"),
        starting("includes", "[]"),
        with("passive", "true"),
        plain("password"),
        with("secure", "false"),
        plain("username"),
    ],
    aliases: &[("include", "includes"), ("exclude", "excludes")],
    methods: FILTERS,
    merge: Some(merge_filters),
    ..EMPTY
};

static ATLAS: Section = Section {
    class: "VagrantPlugins::AtlasPush::Config",
    title: "Atlas push",
    settings: &[
        plain("address"),
        plain("app"),
        with("dir", "\".\""),
        starting("excludes", "[]"),
        starting("includes", "[]"),
        plain("token"),
        plain("uploader_path"),
        with("vcs", "true"),
    ],
    aliases: &[("include", "includes"), ("exclude", "excludes")],
    methods: FILTERS,
    merge: Some(merge_filters),
    ..EMPTY
};

static HEROKU: Section = Section {
    class: "VagrantPlugins::HerokuPush::Config",
    title: "Heroku push",
    settings: &[plain("app"), with("dir", "\".\""), with("git_bin", "\"git\""), with("remote", "\"heroku\"")],
    ..EMPTY
};

static LOCAL_EXEC: Section = Section {
    class: "VagrantPlugins::LocalExecPush::Config",
    title: "Local Exec push",
    settings: &[plain("args"), plain("inline"), plain("script")],
    finalize: Some(|_, _, config| {
        if let Value::Int(number) = config.get("args") {
            config.put("args", Value::str(number.to_string()));
        }
        Ok(())
    }),
    ..EMPTY
};

static NOOP: Section = Section { class: "VagrantPlugins::NoopDeploy::Config", title: "noop push", ..EMPTY };

fn append(this: &Value, name: &'static str, pattern: &Value) {
    let Some(cell) = ConfigCell::of(this) else { return };
    let mut config = cell.config.borrow_mut();
    let mut list = match config.get(name) {
        Value::Array(list) => list.to_vec(),
        _ => Vec::new(),
    };
    match pattern {
        Value::Array(more) => list.extend(more.to_vec()),
        one => list.push(one.clone()),
    }
    config.put(name, Value::array(list));
}

fn include(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    append(this, "includes", &args.at(0));
    Ok(Value::Nil)
}

fn exclude(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    append(this, "excludes", &args.at(0));
    Ok(Value::Nil)
}

/// The patterns of both sides, each once.
fn merge_filters(older: &Config, newer: &Config, result: &mut Config) {
    for name in ["includes", "excludes"] {
        let mut list: Vec<Value> = Vec::new();
        for side in [older, newer] {
            if let Value::Array(items) = side.get(name) {
                for item in items.to_vec() {
                    if !list.iter().any(|known| yado_ruby::eql(known, &item)) {
                        list.push(item);
                    }
                }
            }
        }
        result.put(name, Value::array(list));
    }
}
