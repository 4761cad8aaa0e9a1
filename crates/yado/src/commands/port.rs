//! `yado port`: where the guest's ports are on this host.

use clap::Args;
use yado_core::{Error, ErrorKind, Forward, Result};

use crate::session::Session;
use crate::targets::Wanted;

/// Show the forwarded ports of a machine
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine name or id
    name: Option<String>,
    /// Only the host port of this guest port
    #[arg(long, value_name = "PORT")]
    guest: Option<u16>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let target =
        session.one_target(arguments.name.as_ref(), Wanted { recorded: true, ..Wanted::default() })?;
    let Some(record) = &target.record else {
        return Err(Error::new(
            ErrorKind::MachineNotFound,
            "The machine must be created and running before its ports can be shown.",
        )
        .hinted("Run `yado up` first."));
    };
    let forwards: Vec<Forward> = record
        .forwards
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(|problem| Error::system("reading the machine's forwarded ports", problem))?
        .unwrap_or_default();
    if let Some(guest) = arguments.guest {
        let Some(forward) = forwards.iter().find(|forward| forward.guest_port == guest) else {
            session.ui.error(&format!(
                "The guest is not currently mapping port {guest} to the host machine. Is the port\n\
                 configured in the Vagrantfile?"
            ));
            return Ok(1);
        };
        session.ui.data(
            Some(&target.name),
            "forwarded_port",
            &[&guest.to_string(), &forward.host_port.to_string()],
        );
        session.ui.plain(&forward.host_port.to_string());
        return Ok(0);
    }
    if forwards.is_empty() {
        session.ui.plain("The machine has no forwarded ports now.");
        return Ok(0);
    }
    let mut text = String::from(
        "The forwarded ports for the machine are listed below. They may differ\n\
         from those in the Vagrantfile where a port was in use and was corrected.\n",
    );
    for forward in &forwards {
        session.ui.data(
            Some(&target.name),
            "forwarded_port",
            &[&forward.guest_port.to_string(), &forward.host_port.to_string()],
        );
        text.push_str(&format!("\n{:>6} (guest) => {} (host)", forward.guest_port, forward.host_port));
    }
    session.ui.plain(&text);
    Ok(0)
}
