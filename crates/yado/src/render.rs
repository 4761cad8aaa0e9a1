//! Errors, rendered once: text for people, class names for programs, exit codes.

use yado_core::{Error, ErrorKind};

/// The text of an error: message, place in the Vagrantfile, hints.
pub(crate) fn text(error: &Error) -> String {
    let mut text = error.message().to_owned();
    if let Some(origin) = error.origin() {
        text.push_str(&format!("\n\n  at {origin}"));
        if let Some(line) = source_line(origin) {
            text.push_str(&format!("\n  | {}", line.trim_end()));
        }
    }
    for hint in error.hints() {
        text.push_str(&format!("\n\nhint: {hint}"));
    }
    text
}

fn source_line(origin: &yado_core::Origin) -> Option<String> {
    let text = std::fs::read_to_string(&origin.file).ok()?;
    text.lines().nth(origin.line.checked_sub(1)? as usize).map(str::to_owned)
}

/// The class that Vagrant would name in its `error-exit` line.
pub(crate) fn class(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::NoEnvironment => "Vagrant::Errors::NoEnvironmentError",
        ErrorKind::VagrantfileLoad => "Vagrant::Errors::VagrantfileLoadError",
        ErrorKind::ConfigInvalid => "Vagrant::Errors::ConfigInvalid",
        ErrorKind::MachineNotFound => "Vagrant::Errors::MachineNotFound",
        ErrorKind::MultiVmTargetRequired => "Vagrant::Errors::MultiVMTargetRequired",
        ErrorKind::ProviderNotFound => "Vagrant::Errors::ProviderNotFound",
        ErrorKind::ProviderNotUsable => "Vagrant::Errors::NoDefaultProvider",
        ErrorKind::MachineFoundWithDifferentProvider => "Vagrant::Errors::MachineFoundWithDifferentProvider",
        ErrorKind::BoxNotFound => "Vagrant::Errors::BoxNotFound",
        ErrorKind::BoxImport => "Vagrant::Errors::BoxUnpackageFailure",
        ErrorKind::Collision => "Vagrant::Errors::ForwardPortCollision",
        ErrorKind::Locked => "Vagrant::Errors::MachineActionLockedError",
        ErrorKind::GuestCommandFailed => "Vagrant::Errors::SSHCommandFailed",
        ErrorKind::Usage => "Vagrant::Errors::CLIInvalidUsage",
        ErrorKind::Interrupted => "Interrupt",
        _ => "Vagrant::Errors::VagrantError",
    }
}
