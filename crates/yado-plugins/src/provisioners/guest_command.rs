//! Running command lines in the guest as Vagrant does: by the machine's shell, as root or the entry user, with the output
//! line by line.

use std::collections::BTreeMap;

use yado_core::{Context, Exec, ExitStatus, Guest, MessageKind, Result, Stream};

/// Runs a command line to its end and shows what it prints, colours included.
pub(super) fn run(context: &Context, guest: &Guest<'_>, privileged: bool, line: &str) -> Result<ExitStatus> {
    let mut lines = Lines::new(context, true, Vec::new());
    let command = command(guest, privileged, line);
    let status =
        guest.communicator.exec(context, &command, &mut |stream, piece| lines.take(stream, piece))?;
    lines.flush();
    Ok(status)
}

/// Runs a command line as root, and shows what it prints only when it fails.
pub(super) fn install(context: &Context, guest: &Guest<'_>, line: &str) -> Result<ExitStatus> {
    let mut pieces = Vec::new();
    let command = command(guest, true, line);
    let status = guest
        .communicator
        .exec(context, &command, &mut |stream, piece| pieces.push((stream, piece.to_vec())))?;
    if !status.success() {
        let mut lines = Lines::new(context, true, Vec::new());
        for (stream, piece) in &pieces {
            lines.take(*stream, piece);
        }
        lines.flush();
    }
    Ok(status)
}

/// Runs a command line to its end and keeps what it prints on its standard output.
pub(super) fn ask(
    context: &Context,
    guest: &Guest<'_>,
    privileged: bool,
    line: &str,
) -> Result<(ExitStatus, String)> {
    let mut said = Vec::new();
    let command = command(guest, privileged, line);
    let status = guest.communicator.exec(context, &command, &mut |stream, piece| {
        if stream == Stream::Stdout {
            said.extend_from_slice(piece);
        }
    })?;
    Ok((status, String::from_utf8_lossy(&said).trim().to_owned()))
}

/// The command line `line`, handed to the machine's shell on its standard input as Vagrant does; what the script
/// itself reads is empty.
pub(super) fn command(guest: &Guest<'_>, privileged: bool, line: &str) -> Exec {
    let ssh = &guest.spec.ssh;
    let mut environment: BTreeMap<String, String> = [("TERM".to_owned(), "vt100".to_owned())].into();
    if privileged {
        environment.insert("SUDO_USER".to_owned(), guest.user.to_owned());
        environment.insert("SUDO_COMMAND".to_owned(), ssh.shell.clone());
    }
    Exec {
        argv: vec!["sh".into(), "-c".into(), ssh.shell.clone()],
        user: Some(if privileged { "root" } else { guest.user }.to_owned()),
        directory: Some(format!("~{}", guest.user)),
        environment,
        input: Some(format!("( {line} ) </dev/null\nexit $?\n").into_bytes()),
    }
}

/// Quotes for a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Turns pieces of output into whole lines, without colours of their own unless they are to be kept.
pub(super) struct Lines<'a> {
    context: &'a Context,
    keep_color: bool,
    secrets: Vec<String>,
    rest: [Vec<u8>; 2],
}

impl<'a> Lines<'a> {
    /// Secrets are shown as stars.
    pub(super) fn new(context: &'a Context, keep_color: bool, secrets: Vec<String>) -> Self {
        Self { context, keep_color, secrets, rest: [vec![], vec![]] }
    }

    /// Takes a piece and shows the lines that are whole.
    pub(super) fn take(&mut self, stream: Stream, piece: &[u8]) {
        let rest = &mut self.rest[usize::from(stream == Stream::Stderr)];
        rest.extend_from_slice(piece);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { return };
        let whole: Vec<u8> = rest.drain(..=end).collect();
        self.show(stream, &whole[..end]);
    }

    /// Shows what is left at the end.
    pub(super) fn flush(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let rest = std::mem::take(&mut self.rest[usize::from(stream == Stream::Stderr)]);
            if !rest.is_empty() {
                self.show(stream, &rest);
            }
        }
    }

    fn show(&self, stream: Stream, text: &[u8]) {
        let mut text = String::from_utf8_lossy(text).replace("\r\n", "\n");
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "*****");
        }
        let kind = match stream {
            _ if self.keep_color => MessageKind::Detail,
            Stream::Stdout => MessageKind::GuestStdout,
            Stream::Stderr => MessageKind::GuestStderr,
        };
        self.context.say(kind, text);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use yado_core::{Cancel, Event, EventSink, Host};

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl EventSink for Kept {
        fn emit(&self, event: Event) {
            if let Event::Message { text, .. } = event {
                self.0.lock().unwrap().push(text);
            }
        }
    }

    #[test]
    fn output_comes_in_whole_lines_and_secrets_do_not_come_at_all() {
        let kept = Arc::new(Kept::default());
        let context = Context {
            machine: None,
            host: Arc::new(Host::new("/nonexistent")),
            events: kept.clone(),
            cancel: Cancel::new(),
        };
        let mut lines = Lines::new(&context, false, vec!["hunter2".into()]);
        lines.take(Stream::Stdout, b"one\ntw");
        lines.take(Stream::Stderr, b"err ");
        lines.take(Stream::Stdout, b"o hunter2\n");
        lines.take(Stream::Stderr, b"or");
        lines.flush();
        assert_eq!(*kept.0.lock().unwrap(), ["one", "two *****", "err or"]);
    }
}
