//! [`Chroot`]: running a program of a root file system that is being made.

use std::path::Path;

use yado_core::{Context, Result};

/// Runs programs inside a root file system. The program fulfils it with its container engine.
pub trait Chroot: Send + Sync {
    /// Runs `argv` with `root` as root directory, in fresh namespaces (PIDs, mounts; the host's network), with
    /// `/proc` mounted and the usual device nodes in `/dev`, as root with the ids on disk. `output` is given what
    /// the program prints. Returns its exit code; nothing of it (processes, mounts) outlives the call.
    fn run(
        &self,
        cx: &Context,
        root: &Path,
        argv: &[&str],
        env: &[(&str, &str)],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<i32>;
}
