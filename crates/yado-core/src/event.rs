//! What happened, as data: the program alone decides how it is shown (terminal, machine-readable lines).

/// The manner of a message, as in Vagrant's user interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// A headline of a machine: `==> web: …`.
    Info,
    /// Like [`MessageKind::Info`]; kept apart because machine-readable output names it.
    Output,
    /// A line of detail below a headline: `    web: …`.
    Detail,
    /// Something that the user should know.
    Warn,
    /// Something failed.
    Error,
    /// Something ended well.
    Success,
    /// Output of a script in the guest, written to its standard output.
    GuestStdout,
    /// Output of a script in the guest, written to its standard error.
    GuestStderr,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Text for a person; may have several lines.
    Message {
        /// The machine that it is about; `None` for the command as a whole.
        machine: Option<String>,
        /// Its manner.
        kind: MessageKind,
        /// The text, without prefix and colour.
        text: String,
    },
    /// A fact for machine-readable output only.
    Data {
        /// The machine that it is about.
        machine: Option<String>,
        /// The type column, such as `provider-name`.
        name: String,
        /// The data columns, unescaped.
        data: Vec<String>,
    },
    /// How far a long operation has come. Shown on terminals only, rewriting one line.
    Progress {
        /// The machine (or `box`) that it is about.
        machine: Option<String>,
        /// What is being done.
        what: String,
        /// Units done, usually bytes.
        done: u64,
        /// Units in all, when known.
        total: Option<u64>,
    },
    /// The progress line of that machine is finished and may be cleared.
    ProgressEnd {
        /// The machine (or `box`) that it was about.
        machine: Option<String>,
    },
}

/// Where events go. Called from several threads at once.
pub trait EventSink: Send + Sync {
    /// Takes one event; must not block for long.
    fn emit(&self, event: Event);
}

/// A sink that keeps nothing, for library use without a user.
#[derive(Debug, Default)]
pub struct Silent;

impl EventSink for Silent {
    fn emit(&self, _event: Event) {}
}
