//! [`SyncedFolder`]: a way to make host directories visible in a machine that its provider cannot offer natively.

use crate::context::Context;
use crate::error::Result;
use crate::kind::Kind;
use crate::provisioner::Guest;
use crate::spec::FolderSpec;

/// A type of synced folder, such as `rsync`.
pub trait SyncedFolder: Kind {
    /// After boot: makes the folders visible.
    fn mount(&self, context: &Context, guest: &Guest<'_>, folders: &[FolderSpec]) -> Result<()>;
}
