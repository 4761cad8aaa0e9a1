//! `docker` and `podman`: images and containers inside the guest.

use std::cell::RefCell;
use std::rc::Rc;

use yado_ruby::{Args, Arity, Eval, Interpreter, RHash, Table, Value};

use crate::config::{Config, ConfigCell};
use crate::hash::{merged, option, put, take, take_options};
use crate::schema::{EMPTY, Section, plain, starting, with};
use crate::session::Kind;
use crate::vm::provisioner_of;

const METHODS: Table = &[
    ("pull_images", pull_images, Arity::at_least(0)),
    ("build_image", build_image, Arity::at_least(1)),
    ("run", run, Arity::at_least(1)),
    ("post_install_provision", post_install_provision, Arity::at_least(1)),
];

/// The provisioner that the other two build on.
pub(super) static CONTAINER: Section = Section {
    class: "VagrantPlugins::ContainerProvisioner::Config",
    title: "container provisioner",
    settings: &[
        starting("images", "[]"),
        plain("post_install_provisioner"),
        plain("__containers"),
        plain("__build_images"),
    ],
    methods: METHODS,
    merge: Some(merge),
    ..EMPTY
};

/// `docker`
pub(super) static DOCKER: Section = Section {
    class: "VagrantPlugins::DockerProvisioner::Config",
    title: "VagrantPlugins::DockerProvisioner::Config",
    settings: &[
        starting("images", "[]"),
        plain("post_install_provisioner"),
        plain("__containers"),
        plain("__build_images"),
    ],
    methods: METHODS,
    merge: Some(merge),
    ..EMPTY
};

/// `podman`
pub(super) static PODMAN: Section = Section {
    class: "VagrantPlugins::PodmanProvisioner::Config",
    title: "VagrantPlugins::PodmanProvisioner::Config",
    settings: &[
        starting("images", "[]"),
        with("kubic", "false"),
        plain("post_install_provisioner"),
        plain("__containers"),
        plain("__build_images"),
    ],
    methods: METHODS,
    merge: Some(merge),
    ..EMPTY
};

fn list(config: &Config, name: &str) -> Vec<Value> {
    match config.get(name) {
        Value::Array(list) => list.to_vec(),
        _ => Vec::new(),
    }
}

/// A list among the images becomes the text of that list, as in Vagrant.
fn pull_images(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if let Some(cell) = ConfigCell::of(this) {
        let mut names = Vec::new();
        for image in &args.positional {
            names.push(Value::str(interpreter.to_s(image)?));
        }
        let mut config = cell.config.borrow_mut();
        let mut images = list(&config, "images");
        images.extend(names);
        config.put("images", Value::array(images));
    }
    Ok(Value::Nil)
}

fn build_image(_: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let options = take_options(&mut args);
    if let Some(cell) = ConfigCell::of(this) {
        let mut config = cell.config.borrow_mut();
        let mut images = list(&config, "__build_images");
        images.push(Value::array(vec![args.at(0), Value::Hash(options)]));
        config.put("__build_images", Value::array(images));
    }
    Ok(Value::Nil)
}

/// A container that is started and kept: what is said of one name in several calls adds up.
fn run(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let options = take_options(&mut args);
    let name = interpreter.to_s(&args.at(0))?;
    for (key, value) in [
        ("image", Value::str(name.as_str())),
        ("auto_assign_name", Value::Bool(true)),
        ("daemonize", Value::Bool(true)),
        ("restart", Value::str("always")),
    ] {
        if option(&options, key).is_none() && options.get_symbol(key).is_none() {
            put(&options, key, value);
        }
    }
    if let Some(cell) = ConfigCell::of(this) {
        let mut config = cell.config.borrow_mut();
        let containers = match config.get("__containers") {
            Value::Hash(known) => known,
            _ => RHash::new(),
        };
        containers.insert(Value::str(name), Value::Hash(options));
        config.put("__containers", Value::Hash(containers));
    }
    Ok(Value::Nil)
}

/// A provisioner that runs right after the engine was installed.
fn post_install_provision(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let block = args.block.take();
    let options = take_options(&mut args);
    let Some(cell) = ConfigCell::of(this) else { return Ok(Value::Nil) };
    let session = Rc::clone(&cell.session);
    let mut made = provisioner_of(interpreter, &session, &args.at(0), &options)?;
    for name in ["preserve_order", "run", "communicator_required"] {
        let value = take(&options, name);
        if let (Some(value), "run") = (value, name) {
            made.run = value.text_or_symbol();
        }
    }
    let class = match session.provisioner(&made.kind) {
        Some(Kind::Table(section)) => Value::Class(session.class_of(interpreter, section)),
        Some(Kind::Ruby(class)) => Value::Class(class),
        _ => Value::Nil,
    };
    let made = Rc::new(RefCell::new(made));
    crate::vm::add_settings(interpreter, &session, &made, options, block.as_ref())?;
    let made = made.borrow();
    let shown = Value::hash([
        (Value::sym("communicator_required"), Value::Bool(made.communicator_required)),
        (Value::sym("config"), made.config.clone().unwrap_or(Value::Nil)),
        (Value::sym("config_class"), class),
        (Value::sym("id"), made.name.clone().into()),
        (Value::sym("invalid"), Value::Bool(made.unknown)),
        (Value::sym("name"), made.name.clone().into()),
        (Value::sym("preserve_order"), Value::Bool(made.preserve_order)),
        (Value::sym("run"), made.run.clone().into()),
        (Value::sym("type"), Value::sym(&made.kind)),
    ]);
    cell.config.borrow_mut().put("post_install_provisioner", shown);
    Ok(Value::Nil)
}

/// Images, builds and containers of both sides.
fn merge(older: &Config, newer: &Config, result: &mut Config) {
    for name in ["images", "__build_images"] {
        let mut both = list(older, name);
        both.extend(list(newer, name));
        result.put(name, Value::array(both));
    }
    if let (Value::Hash(older), Value::Hash(newer)) = (older.get("__containers"), newer.get("__containers")) {
        result.put("__containers", Value::Hash(merged(&older, &newer)));
    }
}
