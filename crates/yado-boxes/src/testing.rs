//! What unit tests of several modules need.

use std::sync::Arc;

use yado_core::event::Silent;
use yado_core::{Cancel, Context, Host};

/// A context in which nothing is printed.
pub(crate) fn context() -> Context {
    Context {
        machine: None,
        host: Arc::new(Host::new("/nowhere")),
        events: Arc::new(Silent),
        cancel: Cancel::new(),
    }
}
