//! What a test says that cannot run here. All crates' tests that make real machines say it in these words, past the
//! harness, which would keep them to itself; in CI a peer that is missing is a failure.
#![allow(dead_code, unreachable_pub, reason = "every test program uses its own part")]

use std::io::Write;

/// Says that a test is left out for want of something that `./test` installs, or of root. In CI nothing of this kind
/// may be missing, and the test fails.
pub fn for_want_of_a_peer(test: &str, reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "in CI nothing may be missing: {test}: {reason}");
    because(test, reason);
}

/// Says that a test is left out because this computer is not made for it: its kernel, its networks.
pub fn because(test: &str, reason: &str) {
    // Whoever has closed standard error does not want to know.
    drop(writeln!(std::io::stderr(), "skipped: {test}: {reason}"));
}
