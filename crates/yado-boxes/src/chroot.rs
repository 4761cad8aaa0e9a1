//! [`Chroot`]: running a program of a root file system that is being made.

use std::path::Path;

use yado_core::{Context, Result};

/// Runs programs inside a root file system. The program fulfils it with its container engine.
pub trait Chroot: Send + Sync {
    /// Runs `argv` with `root` as root directory, in fresh namespaces (PIDs, mounts; the host's network), with
    /// `/proc` mounted and the usual device nodes in `/dev`, as root with the ids on disk. `output` is given what
    /// the program prints. Returns its exit code; nothing of it (processes, mounts) outlives the call.
    ///
    /// What is interrupted here is thrown away, so nothing needs to reach the disk: an implementation should
    /// have `fsync` and its like succeed without doing anything. The package manager calls them for every change
    /// of a package's state, which takes half of the time that making a system takes.
    fn run(
        &self,
        cx: &Context,
        root: &Path,
        argv: &[&str],
        env: &[(&str, &str)],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<i32>;
}
