//! Provisioners: what configures a running machine. A new one is a file (or folder) and two lines here.

mod file;
mod reload;
mod shell;

use yado_core::ProvisionerKind;

/// All provisioners, in the order of the reference page.
pub static PROVISIONERS: &[&dyn ProvisionerKind] = &[&shell::SHELL, &file::FILE, &reload::RELOAD];
