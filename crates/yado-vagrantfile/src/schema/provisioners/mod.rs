//! The provisioners that Vagrant brings, one file per family.

use std::rc::Rc;

use yado_ruby::{Eval, Interpreter, Value};

use super::{EMPTY, Section, plain, with};
use crate::config::Config;
use crate::session::Session;
use crate::validate::provisioners as check;

mod ansible;
mod cfengine;
mod chef;
mod containers;
mod puppet;
mod salt;

/// The types that there are.
pub(crate) const NAMES: &[&str] = &[
    "shell",
    "file",
    "ansible",
    "ansible_local",
    "docker",
    "podman",
    "container",
    "chef_solo",
    "chef_zero",
    "chef_client",
    "chef_apply",
    "puppet",
    "puppet_server",
    "salt",
    "cfengine",
];

/// The provisioner of this type.
pub(crate) fn find(name: &str) -> Option<&'static Section> {
    Some(match name {
        "shell" => &SHELL,
        "file" => &FILE,
        "ansible" => &ansible::ANSIBLE,
        "ansible_local" => &ansible::ANSIBLE_LOCAL,
        "docker" => &containers::DOCKER,
        "podman" => &containers::PODMAN,
        "container" => &containers::CONTAINER,
        "chef_solo" => &chef::SOLO,
        "chef_zero" => &chef::ZERO,
        "chef_client" => &chef::CLIENT,
        "chef_apply" => &chef::APPLY,
        "puppet" => &puppet::APPLY,
        "puppet_server" => &puppet::SERVER,
        "salt" => &salt::SALT,
        "cfengine" => &cfengine::CFENGINE,
        _ => return None,
    })
}

/// `shell`
pub(crate) static SHELL: Section = Section {
    class: "VagrantPlugins::Shell::Config",
    title: "shell provisioner",
    settings: &[
        plain("args"),
        with("binary", "false"),
        with("env", "{}"),
        plain("inline"),
        with("keep_color", "false"),
        plain("md5"),
        plain("name"),
        plain("path"),
        with("powershell_args", "\"-ExecutionPolicy Bypass\""),
        with("powershell_elevated_interactive", "false"),
        with("privileged", "true"),
        with("reboot", "false"),
        with("reset", "false"),
        with("sensitive", "false"),
        plain("sha1"),
        plain("sha256"),
        plain("sha384"),
        plain("sha512"),
        plain("upload_path"),
    ],
    finalize: Some(finish_shell),
    validate: Some(check::shell),
    ..EMPTY
};

/// Numbers among the arguments become text.
fn finish_shell(interpreter: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    let arguments = config.get("args");
    if !check::arguments_are_text(&arguments) {
        return Ok(());
    }
    match arguments {
        Value::Int(number) => config.put("args", Value::str(number.to_string())),
        Value::Array(list) => {
            let mut texts = Vec::new();
            for item in list.to_vec() {
                texts.push(Value::str(interpreter.to_s(&item)?));
            }
            config.put("args", Value::array(texts));
        }
        _ => {}
    }
    Ok(())
}

/// `file`
static FILE: Section = Section {
    class: "VagrantPlugins::FileUpload::Config",
    title: "File provisioner",
    settings: &[plain("source"), plain("destination")],
    validate: Some(check::file),
    ..EMPTY
};
