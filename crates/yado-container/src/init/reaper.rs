//! The small init: PID 1 of a machine that has no init of its own.
//!
//! It collects orphans. On SIGTERM (or SIGINT, SIGPWR, SIGRTMIN+3, which other init programs know as "shut
//! down") it asks everybody to end and ends with the last of them. It has no rights but to signal.

use std::time::Duration;

use rustix::process::{DumpableBehavior, WaitOptions, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

use crate::error::{Context, Result};
use crate::sys::signals;

/// Gives up everything that is not needed for signalling.
pub(super) fn prepare() -> Result<()> {
    signals::block_all();
    // Nobody inside may trace this process and use what it was.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).doing("protect the init")?;
    rustix::thread::set_no_new_privs(true).doing("protect the init")?;
    let sets = CapabilitySets {
        effective: CapabilitySet::KILL,
        permitted: CapabilitySet::KILL,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets).doing("give up the init's rights")
}

/// Works until it is told to end and everybody else has ended.
pub(super) fn run() {
    let shut_down = [libc::SIGTERM, libc::SIGINT, libc::SIGPWR, libc::SIGRTMIN() + 3];
    let mut waited = shut_down.to_vec();
    waited.push(libc::SIGCHLD);
    let mut ending = false;
    loop {
        // The end of commands that were entered from outside is not signalled here: then look now and then.
        let signal = signals::next(&waited, ending.then_some(Duration::from_millis(2)));
        if shut_down.contains(&signal) {
            ending = true;
            // Interactive shells ignore SIGTERM but go away when their terminal does; the stopped must run to
            // end at all.
            for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGCONT] {
                signals::to_all(signal);
            }
        }
        collect();
        if ending && !signals::anyone_else() {
            return;
        }
    }
}

/// Waits for whoever has ended.
fn collect() {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) | Err(_) => return,
        }
    }
}
