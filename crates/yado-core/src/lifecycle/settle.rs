//! Settings of plugins that are made true inside a machine that was just switched on.

use std::path::Path;

use super::Machine;
use crate::communicator::{Communicator, Exec};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::guest_settings;
use crate::spec::MachineSpec;
use crate::store::MachineRecord;

impl Machine {
    /// What the machine was started with last is on record only until it is started again.
    pub(super) fn remember_what_was_settled(&mut self, record: &MachineRecord) {
        let before: Option<MachineSpec> =
            record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
        self.settled = before.map(|spec| spec.plugins).unwrap_or_default();
    }

    /// Time zone and proxies.
    pub(super) fn settle(&mut self, context: &Context, communicator: &dyn Communicator) -> Result<()> {
        let wanted = &self.spec()?.plugins;
        let Some(script) = guest_settings::script(wanted, &self.settled, host_zone().as_deref()) else {
            return Ok(());
        };
        let command = Exec {
            argv: vec!["sh".to_owned(), "-c".to_owned(), script],
            user: Some("root".to_owned()),
            directory: Some("/".to_owned()),
            ..Exec::default()
        };
        let mut said = Vec::new();
        let status = communicator.exec(context, &command, &mut |_, piece| said.extend_from_slice(piece))?;
        match status.code() {
            0 => {
                if wanted.contains_key("timezone")
                    && guest_settings::zone(wanted, host_zone().as_deref()).is_none()
                {
                    context.warn("'config.timezone.value' names no time zone; the machine keeps its own.");
                }
                Ok(())
            }
            guest_settings::NO_SUCH_ZONE => {
                context.warn(
                    "The machine does not know the time zone of 'config.timezone.value' (the package tzdata has \
                     them); it keeps its own.",
                );
                Ok(())
            }
            _ => Err(Error::new(
                ErrorKind::GuestCommandFailed,
                format!(
                    "Time zone and proxies could not be set in the machine: {}",
                    String::from_utf8_lossy(&said).trim()
                ),
            )),
        }
    }
}

/// This computer's time zone, by name.
fn host_zone() -> Option<String> {
    let link = Path::new("/etc/localtime").canonicalize().ok()?;
    let zone = link.strip_prefix("/usr/share/zoneinfo").ok()?;
    Some(zone.to_string_lossy().into_owned())
}
