//! What a machine of a user who is not root lacks, said once for a command.

use std::fs::File;
use std::path::Path;
use std::sync::Once;

use yado_container::rootless::Ground;
use yado_core::{Context, Result};

use super::engine_error;

/// What both programs need, when it cannot be had: they are installed then in vain.
fn missing_device(tunnel: &Path) -> String {
    match File::options().read(true).write(true).open(tunnel) {
        Ok(_) => String::new(),
        Err(error) => format!(" Both need '{}', which cannot be opened: {error}.", tunnel.display()),
    }
}

/// Tells what does not work here. `unlimited` are the limits that nothing can hold.
pub(super) fn tell(context: &Context, ground: &Ground, unlimited: &[&str]) -> Result<()> {
    static TOLD: Once = Once::new();
    let way_out = ground.way_out().map_err(engine_error)?;
    TOLD.call_once(|| {
        if way_out.is_none() {
            context.warn(format!(
                "Machines reach each other and are reached through forwarded ports, but not the world outside: \
                 neither 'pasta' (package passt) nor 'slirp4netns' works here.{}",
                missing_device(Path::new("/dev/net/tun"))
            ));
        }
        if !unlimited.is_empty() {
            context.warn(format!(
                "No limit holds for {}: no cgroups were delegated to you. `systemd-run --user --scope -p \
                 Delegate=yes yado up` has them where systemd manages your session.",
                unlimited.join(", ")
            ));
        }
        if !ground.ids().are_many() {
            context.warn(
                "The machine has no user but root: you have no subordinate ids (an entry in /etc/subuid and \
                 /etc/subgid, and the package uidmap). What changes users or owners in it fails.",
            );
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_named_where_it_cannot_be_opened() {
        assert_eq!(missing_device(Path::new("/dev/null")), "");
        let told = missing_device(Path::new("/dev/net/none"));
        assert!(
            told.starts_with(" Both need '/dev/net/none', which cannot be opened: No such file"),
            "{told}"
        );
    }
}
