//! Provisioners: what configures a running machine. A new one is a file (or folder) and two lines here.

mod ansible;
mod engine;
mod file;
mod fingerprint;
mod guest_command;
mod puppet;
mod reload;
mod shell;

use yado_core::ProvisionerKind;

/// All provisioners, in the order of the reference page.
pub static PROVISIONERS: &[&dyn ProvisionerKind] = &[
    &shell::SHELL,
    &file::FILE,
    &ansible::ANSIBLE,
    &ansible::ANSIBLE_LOCAL,
    &engine::DOCKER,
    &engine::PODMAN,
    &puppet::PUPPET,
    &reload::RELOAD,
];
