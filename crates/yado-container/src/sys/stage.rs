//! The steps of a process that starts inside a container, by which it tells how far it came.

/// Where a process failed on its way, for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Nothing failed; the message carries a pid or a terminal.
    Done = 0,
    /// Joining the cgroup.
    Cgroup,
    /// Joining the namespaces.
    Namespaces,
    /// Making the process.
    Fork,
    /// Setting resource limits.
    Limits,
    /// Opening the terminal.
    Terminal,
    /// Taking the user's and groups' ids.
    Identity,
    /// Changing to the working directory.
    Directory,
    /// Dropping capabilities.
    Capabilities,
    /// Installing the system call filter.
    Seccomp,
    /// Running the program.
    Exec,
    /// Nothing failed; the message carries the descriptor by which calls are decided.
    Listener,
    /// Asking for the AppArmor profile.
    Profile,
}

impl Stage {
    /// The stage as an infinitive.
    pub(crate) fn describe(number: u8) -> &'static str {
        match number {
            1 => "join the cgroup",
            2 => "join the namespaces",
            3 => "make the process",
            4 => "set the resource limits or priorities",
            5 => "open the terminal",
            6 => "take the user's identity",
            7 => "change to the working directory",
            8 => "drop capabilities",
            9 => "install the system call filter",
            12 => "ask for the AppArmor profile",
            _ => "run the program",
        }
    }
}
