//! What other runtimes can and this one cannot: it says so, and what can be done instead.

use clap::Args;

use super::{Failure, Outcome};

/// Save a container's processes to files: not supported
#[derive(Debug, Args)]
pub(super) struct Checkpoint {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<String>,
}

/// Bring saved processes back: not supported
#[derive(Debug, Args)]
pub(super) struct Restore {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<String>,
}

pub(super) fn checkpoint() -> Outcome {
    Err(Failure::new(
        "checkpoint is not supported: running processes cannot be saved to files; 'pause' stops them for a while and keeps \
         them in memory",
    ))
}

pub(super) fn restore() -> Outcome {
    Err(Failure::new(
        "restore is not supported, since there are no checkpoints; 'run' starts the container anew",
    ))
}
