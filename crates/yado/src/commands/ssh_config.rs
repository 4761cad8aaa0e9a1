//! `yado ssh-config`: what OpenSSH's programs, and all that use them, need to enter machines.

use clap::Args;
use yado_core::ssh::{Access, Keys};
use yado_core::{Error, ErrorKind, MachineState, Result, lifecycle};

use crate::session::Session;
use crate::targets::{Target, Wanted};

/// Print an OpenSSH configuration to enter machines by
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    /// Call the machine by this name in the configuration
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let wanted = Wanted { recorded: true, ..Wanted::default() };
    for target in session.targets(&arguments.names, wanted)? {
        let text = entry(session, &target, arguments.host.as_deref().unwrap_or(&target.name))?;
        session.ui.data(Some(&target.name), "ssh-config", &[&text]);
        session.ui.raw(&text);
    }
    Ok(0)
}

fn entry(session: &Session, target: &Target, host: &str) -> Result<String> {
    let context = session.context.for_machine(&target.name);
    let not_ready = || {
        Error::new(
            ErrorKind::Other,
            format!("The machine '{}' is not running, and so not ready for SSH.", target.name),
        )
        .hinted("Run `yado up` first.")
    };
    let record = target.record.as_ref().ok_or_else(not_ready)?;
    let place = lifecycle::place(session.store()?, record);
    let provider = target.kind.open(record, target.spec.as_ref(), &place)?;
    if provider.state(&context)? != MachineState::Running {
        return Err(not_ready());
    }
    let spec: Option<yado_core::MachineSpec> =
        record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let settings = spec.map(|spec| spec.ssh.settings).unwrap_or_default();
    let forward = |name: &str| settings.get(name) == Some(&serde_json::Value::Bool(true));
    let (access, proxy) = match provider.ssh()? {
        Some(access) => (access, None),
        None => {
            let keys = Keys::of(&context, &place.machine, &target.name)?;
            let access = Access {
                host: "127.0.0.1".to_owned(),
                port: 22,
                user: provider.connect(&context)?.user().to_owned(),
                identities: vec![keys.identity()],
                known: Some((keys.known_hosts(), keys.alias()?)),
                options: Vec::new(),
            };
            (access, Some(proxy(session, &record.id)?))
        }
    };
    let mut lines = vec![format!("Host {host}")];
    let settled = access.settings();
    lines.extend(settled.iter().map(|(name, value)| format!("  {name} {}", quoted(value))));
    lines.push("  LogLevel FATAL".to_owned());
    if forward("forward_agent") {
        lines.push("  ForwardAgent yes".to_owned());
    }
    if forward("forward_x11") {
        lines.extend(["  ForwardX11 yes".to_owned(), "  ForwardX11Trusted yes".to_owned()]);
    }
    let variables = settings.get("forward_env").and_then(serde_json::Value::as_array);
    for name in variables.into_iter().flatten().filter_map(serde_json::Value::as_str) {
        lines.push(format!("  SendEnv {name}"));
    }
    // The percent sign is special there.
    lines.extend(proxy.map(|proxy| format!("  ProxyCommand {}", proxy.replace('%', "%%"))));
    Ok(lines.join("\n") + "\n\n")
}

/// The command by which SSH programs connect to a machine that is entered directly.
fn proxy(session: &Session, id: &str) -> Result<String> {
    let program =
        std::env::current_exe().map_err(|problem| Error::system("finding this program", problem))?;
    Ok(format!(
        "env YADO_HOME={} {} ssh-proxy {id}",
        for_shell(&session.settings.home.to_string_lossy()),
        for_shell(&program.to_string_lossy()),
    ))
}

/// A word for the user's shell.
fn for_shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A value of the configuration, which may hold spaces.
fn quoted(value: &str) -> String {
    if value.contains(' ') { format!("\"{value}\"") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_spaces_and_quotes_stay_one_word() {
        assert_eq!(for_shell("/usr/bin/yado"), "/usr/bin/yado");
        assert_eq!(for_shell("/it's here"), r"'/it'\''s here'");
        assert_eq!(quoted("/a b"), "\"/a b\"");
    }
}
