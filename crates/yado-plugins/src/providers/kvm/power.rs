//! Switching off. A machine is asked in three ways, each given its time: by a command inside, by the power button (which
//! small systems ignore), and in the end by QEMU itself, which asks nobody.

use std::time::{Duration, Instant};

use serde_json::json;
use yado_core::ssh::Ssh;
use yado_core::{Communicator, Context, Exec, Result};

use super::machine::Machine;
use super::process;
use super::qmp::Qmp;

/// How long the machine may take to hear the command inside.
const HEARD: Duration = Duration::from_secs(15);

impl Machine {
    /// Asks the machine to switch itself off; false when it still runs after `patience`.
    pub(super) fn ask_to_power_off(&self, context: &Context, patience: Duration) -> Result<bool> {
        let end = Instant::now() + patience;
        let half = patience / 2;
        if self.tell_inside(context) && process::wait(context, self.folder(), self.id(), half)? {
            return Ok(true);
        }
        if let Some(mut qmp) = Qmp::open(self.folder())? {
            // Whether anybody listens to the button shows by the machine's end alone.
            drop(qmp.run("system_powerdown", json!({})));
        }
        process::wait(context, self.folder(), self.id(), end.saturating_duration_since(Instant::now()))
    }

    /// Runs `poweroff` inside; false when the machine cannot be entered.
    fn tell_inside(&self, context: &Context) -> bool {
        let Ok(inside) = self.inside() else { return false };
        let limited = Context { cancel: context.cancel.within(HEARD), ..context.clone() };
        if inside.ready(&limited, HEARD).is_err() {
            return false;
        }
        let command = Exec {
            // In the background: the connection ends before the command could say how it ended.
            argv: ["sh", "-c", "(sleep 0.1; systemctl poweroff || poweroff) >/dev/null 2>&1 &"]
                .map(str::to_owned)
                .to_vec(),
            user: Some("root".to_owned()),
            directory: Some("/".to_owned()),
            ..Exec::default()
        };
        let told = inside.exec(&limited, &command, &mut |_, _| {}).is_ok();
        Ssh::close(context, self.folder());
        told
    }
}
