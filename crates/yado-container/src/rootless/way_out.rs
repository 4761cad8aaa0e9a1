//! The way out of the user's network namespace: `pasta`, else `slirp4netns`, which turn a machine's packets into
//! connections of the user's own. Without either, machines reach each other and are reached, and that is all.

use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::ids::program;
use crate::network;
use crate::sys::{clone, ground};

/// How long a program may take until there is a route.
const PATIENCE: Duration = Duration::from_secs(3);

/// The program that runs, if any.
#[derive(Debug, Default)]
pub(super) struct WayOut {
    running: Option<(String, Child)>,
}

impl WayOut {
    /// Starts the first program that works; returns its name.
    /// `path` leads to `network` without any right to look at other processes, which these programs give up first.
    pub(super) fn ensure(&mut self, network: &OwnedFd, path: &str) -> Option<String> {
        if let Some((name, child)) = &mut self.running
            && matches!(child.try_wait(), Ok(None))
        {
            return Some(name.clone());
        }
        self.running = None;
        for (name, arguments) in [
            (
                "pasta",
                // No port of either side is led to the other: the ground does that for the ports that are asked for.
                vec![
                    "--config-net",
                    "--foreground",
                    "--quiet",
                    "--no-map-gw",
                    "-t",
                    "none",
                    "-u",
                    "none",
                    "-T",
                    "none",
                    "-U",
                    "none",
                    "--netns",
                    path,
                ],
            ),
            (
                "slirp4netns",
                vec![
                    "--configure",
                    "--mtu=65520",
                    "--disable-host-loopback",
                    "--netns-type=path",
                    path,
                    "tap0",
                ],
            ),
        ] {
            if program(name)
                && let Some(child) = start(name, &arguments, network)
            {
                self.running = Some((name.to_owned(), child));
                return Some(name.to_owned());
            }
        }
        None
    }
}

fn start(name: &str, arguments: &[&str], network: &OwnedFd) -> Option<Child> {
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    ground::die_with_this_thread(&mut command);
    let mut child = command.spawn().ok()?;
    let limit = Instant::now() + PATIENCE;
    while Instant::now() < limit && matches!(child.try_wait(), Ok(None)) {
        if leads_out(network) {
            return Some(child);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    // It ended by itself, or works in a way that is of no use.
    drop(child.kill());
    drop(child.wait());
    None
}

fn leads_out(namespace: &OwnedFd) -> bool {
    std::thread::scope(|scope| {
        let thread = scope
            .spawn(|| clone::enter(namespace.as_fd(), libc::CLONE_NEWNET).is_ok() && network::has_way_out());
        thread.join().unwrap_or(false)
    })
}

impl Drop for WayOut {
    fn drop(&mut self) {
        if let Some((_, child)) = &mut self.running {
            drop(child.kill());
            drop(child.wait());
        }
    }
}
