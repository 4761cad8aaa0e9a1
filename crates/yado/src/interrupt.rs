//! Ctrl-C: the first asks everyone to stop at the next safe point, the second leaves at once.

use yado_core::Cancel;

/// Watches for SIGINT, SIGTERM and SIGHUP from now on.
pub(crate) fn watch(cancel: &Cancel) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // The order matters: the shutdown sees the flag as it was before this signal set it. Registration fails only
        // for forbidden signals, which these are not.
        drop(signal_hook::flag::register_conditional_shutdown(signal, 1, cancel.flag()));
        drop(signal_hook::flag::register(signal, cancel.flag()));
    }
}
