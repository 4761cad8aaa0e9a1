//! `config.ssh`, `config.winssh` and `config.winrm`: how machines are entered.

use std::rc::Rc;

use yado_ruby::{Args, Arity, Eval, Interpreter, Value};

use super::{EMPTY, Section, Setting, plain, with};
use crate::config::{Config, ConfigCell, Entry};
use crate::session::Session;

/// The settings of a connection, wherever they are made.
macro_rules! connection {
    ($($more:expr),* $(,)?) => {
        &[
            with("compression", "true"),
            plain("config"),
            with("connect_timeout", "15"),
            plain("connect_retries"),
            plain("connect_retry_delay"),
            plain("disable_deprecated_algorithms"),
            with("dsa_authentication", "true"),
            plain("extra_args"),
            plain("host"),
            with("insert_key", "true"),
            with("keys_only", "true"),
            plain("key_type"),
            with("paranoid", "false"),
            plain("password"),
            plain("port"),
            plain("private_key_path"),
            plain("remote_user"),
            plain("username"),
            plain("verify_host_key"),
            $($more),*
        ]
    };
}

/// The settings of the fallback below what the provider says.
static DEFAULT_SETTINGS: &[Setting] = connection![];

/// `config.ssh.default`
static DEFAULTS: Section = Section {
    class: "VagrantPlugins::Kernel_V2::SSHConnectConfig",
    title: "SSH Defaults",
    settings: DEFAULT_SETTINGS,
    finalize: Some(finish_defaults),
    validate: Some(crate::validate::access::ssh_defaults),
    ..EMPTY
};

/// `config.ssh`
pub(crate) static SSH: Section = Section {
    class: "VagrantPlugins::Kernel_V2::SSHConfig",
    title: "SSH",
    settings: connection![
        plain("__default"),
        with("export_command_template", "\"export %ENV_KEY%=\\\"%ENV_VALUE%\\\"\""),
        with("forward_agent", "false"),
        with("forward_env", "false"),
        with("forward_x11", "false"),
        with("guest_port", "22"),
        with("keep_alive", "true"),
        plain("proxy_command"),
        with("pty", "false"),
        with("shell", "\"bash -l\""),
        plain("ssh_command"),
        with("sudo_command", "\"sudo -E -H %c\""),
    ],
    methods: &[("default", default, Arity::exactly(0))],
    merge: Some(merge_defaults),
    prepare: Some(prepare),
    finalize: Some(finish),
    validate: Some(crate::validate::access::ssh),
    ..EMPTY
};

/// `config.winssh`
pub(crate) static WINSSH: Section = Section {
    class: "VagrantPlugins::CommunicatorWinSSH::Config",
    title: "WINSSH",
    settings: connection![
        plain("__default"),
        with("export_command_template", "\"$env:%ENV_KEY%=\\\"%ENV_VALUE%\\\"\""),
        with("forward_agent", "false"),
        with("forward_env", "false"),
        with("forward_x11", "false"),
        with("guest_port", "22"),
        with("keep_alive", "true"),
        plain("proxy_command"),
        with("pty", "false"),
        with("shell", "\"powershell\""),
        plain("ssh_command"),
        with("sudo_command", "\"%c\""),
        with("upload_directory", "\"C:/Windows/Temp\""),
    ],
    methods: &[("default", default, Arity::exactly(0))],
    merge: Some(merge_defaults),
    prepare: Some(prepare),
    finalize: Some(finish_winssh),
    validate: Some(crate::validate::access::winssh),
    ..EMPTY
};

/// `config.winrm`
pub(crate) static WINRM: Section = Section {
    class: "VagrantPlugins::CommunicatorWinRM::Config",
    title: "WinRM",
    settings: &[
        with("basic_auth_only", "false"),
        plain("codepage"),
        with("execution_time_limit", "\"PT2H\""),
        plain("guest_port"),
        plain("host"),
        with("max_tries", "20"),
        with("password", "\"vagrant\""),
        plain("port"),
        with("retry_delay", "2"),
        with("ssl_peer_verification", "true"),
        with("timeout", "1800"),
        with("transport", "\"negotiate\""),
        with("username", "\"vagrant\""),
    ],
    finalize: Some(finish_winrm),
    validate: Some(crate::validate::access::winrm),
    ..EMPTY
};

/// `config.ssh.default`, made when it is first asked for.
fn default(interpreter: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let Some(cell) = ConfigCell::of(this) else { return Ok(Value::Nil) };
    let known = cell.config.borrow().get("__default");
    if !known.is_nil() {
        return Ok(known);
    }
    let made = cell.session.wrap(interpreter, Config::new(&DEFAULTS));
    let entry = Entry { value: made.clone(), origin: None, earlier: Vec::new() };
    cell.config.borrow_mut().values.insert("__default", entry);
    Ok(made)
}

/// The fallbacks of both sides together.
fn merge_defaults(older: &Config, newer: &Config, result: &mut Config) {
    let (older, newer) = (older.get("__default"), newer.get("__default"));
    if let (Some(older), Some(newer)) = (ConfigCell::of(&older), ConfigCell::of(&newer)) {
        // Laid over each other in the newer object's place: values only, so no Ruby code is needed.
        let merged = older.config.borrow().merged(&newer.config.borrow());
        if let Some(value) = copy_with(&newer, &result.get("__default"), merged) {
            result.put("__default", value);
        }
    }
}

fn copy_with(cell: &Rc<ConfigCell>, like: &Value, config: Config) -> Option<Value> {
    let Value::Object(object) = like else { return None };
    let made = Rc::new(ConfigCell {
        session: Rc::clone(&cell.session),
        config: std::cell::RefCell::new(config),
        extra: std::cell::RefCell::new(crate::config::Extra::None),
    });
    let class = object.class.borrow().clone();
    Some(Value::Object(yado_ruby::RObject::with_data(class, Some(Box::new(made)))))
}

/// Completes a copy of the fallbacks and shows it as a value.
fn prepare(interpreter: &mut Interpreter, session: &Rc<Session>, config: &mut Config) -> Eval<()> {
    let mut defaults = match ConfigCell::of(&config.get("__default")) {
        Some(cell) => cell.config.borrow().copy(),
        None => Config::new(&DEFAULTS),
    };
    defaults.finalize(interpreter, session)?;
    if defaults.get("port").is_nil() {
        let port = config.get("guest_port");
        let port = if port.is_nil() { Value::Int(22) } else { port };
        defaults.put("port", port);
    }
    if defaults.get("username").is_nil() {
        defaults.put("username", Value::str("vagrant"));
    }
    if defaults.get("remote_user").is_nil() {
        defaults.put("remote_user", defaults.get("username"));
    }
    let object = session.wrap(interpreter, defaults);
    config.values.insert("default", Entry { value: object, origin: None, earlier: Vec::new() });
    Ok(())
}

/// What holds for every connection: one form for key paths and host key checking.
fn finish_connection(config: &mut Config) {
    match config.get("private_key_path") {
        Value::Nil | Value::Array(_) => {}
        one => config.put("private_key_path", Value::array(vec![one])),
    }
    let paranoid = config.get("paranoid");
    if paranoid.truthy() {
        config.put("verify_host_key", paranoid);
    }
    let checked = match config.get("verify_host_key") {
        Value::Nil | Value::Bool(false) => Value::sym("never"),
        Value::Bool(true) => Value::sym("accepts_new_or_local_tunnel"),
        other => match other.text_or_symbol().as_deref() {
            Some("very") => Value::sym("accept_new"),
            Some("secure") => Value::sym("always"),
            _ => other,
        },
    };
    config.put("verify_host_key", checked);
    let seconds = match config.get("connect_timeout") {
        Value::Int(seconds) => seconds,
        Value::Float(seconds) => seconds as i64,
        Value::Str(text) => text.text().trim().parse().unwrap_or(0),
        _ => 0,
    };
    config.put("connect_timeout", Value::Int(seconds));
}

fn finish_defaults(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    finish_connection(config);
    Ok(())
}

fn finish(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    finish_connection(config);
    if config.get("remote_user").is_nil() {
        config.put("remote_user", config.get("username"));
    }
    Ok(())
}

fn finish_winssh(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    finish_connection(config);
    if config.get("remote_user").is_nil() {
        config.put("remote_user", config.get("username"));
    }
    Ok(())
}

fn finish_winrm(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    // Only the symbol counts: with the text "ssl" the port stays that of plain HTTP, as people find it today.
    let encrypted = matches!(config.get("transport"), Value::Sym(name) if name.as_str() == "ssl");
    let port = if encrypted { 5986 } else { 5985 };
    for name in ["port", "guest_port"] {
        if !config.is_set_by_hand(name) {
            config.put(name, Value::Int(port));
        }
    }
    Ok(())
}
