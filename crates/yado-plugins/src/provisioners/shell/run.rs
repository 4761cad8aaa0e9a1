//! Putting the script into the guest and running it there, its output line by line.

use std::io::Write;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Exec, Guest, MessageKind, Result, Stream};

use super::Shell;

impl Shell {
    pub(super) fn run_script(
        &self,
        context: &Context,
        guest: &Guest<'_>,
        text: &[u8],
        what: &str,
    ) -> Result<()> {
        context.detail(format!("Running: {what}"));
        self.put(context, guest, text)?;
        let path = quoted(&self.upload_path);
        let mut line = format!("chmod +x {path} && ");
        for (name, value) in &self.environment {
            line.push_str(&format!("{name}={} ", quoted(value)));
        }
        line.push_str(&path);
        if !self.arguments.is_empty() {
            line.push(' ');
            line.push_str(&self.arguments);
        }
        let mut lines =
            Lines { context, keep_color: self.keep_color, secrets: self.secrets(), rest: [vec![], vec![]] };
        let command = command(guest, self.privileged, &line);
        let status =
            guest.communicator.exec(context, &command, &mut |stream, piece| lines.take(stream, piece))?;
        lines.flush();
        if status.success() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::GuestCommandFailed,
            format!(
                "The SSH command responded with a non-zero exit status. yado assumes that this means the command \
                 failed. The output for this command should be in the log above. Please read the output to determine \
                 what went wrong.\n\nCommand: {what}\nExit status: {}",
                status.code()
            ),
        ))
    }

    /// Uploads the script. A shebang-less script is run by the shell that starts it, as ever.
    fn put(&self, context: &Context, guest: &Guest<'_>, text: &[u8]) -> Result<()> {
        let mut file = tempfile::NamedTempFile::new().doing(|| "writing the script")?;
        file.write_all(text).doing(|| "writing the script")?;
        // A file that a run as another user left behind could not be overwritten by this one.
        let remove = Exec {
            argv: vec!["rm".into(), "-f".into(), "--".into(), self.upload_path.clone()],
            user: Some("root".to_owned()),
            ..Exec::default()
        };
        guest.communicator.exec(context, &remove, &mut |_, _| {})?;
        guest.communicator.upload(context, file.path(), &self.upload_path)
    }

    fn secrets(&self) -> Vec<String> {
        if !self.sensitive {
            return Vec::new();
        }
        self.environment.iter().map(|(_, value)| value.clone()).filter(|value| !value.is_empty()).collect()
    }
}

/// The command line `line`, handed to the machine's shell on its standard input as Vagrant does; what the script
/// itself reads is empty.
fn command(guest: &Guest<'_>, privileged: bool, line: &str) -> Exec {
    let ssh = &guest.spec.ssh;
    let mut environment: std::collections::BTreeMap<String, String> =
        [("TERM".to_owned(), "vt100".to_owned())].into();
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
struct Lines<'a> {
    context: &'a Context,
    keep_color: bool,
    secrets: Vec<String>,
    rest: [Vec<u8>; 2],
}

impl Lines<'_> {
    fn take(&mut self, stream: Stream, piece: &[u8]) {
        let rest = &mut self.rest[usize::from(stream == Stream::Stderr)];
        rest.extend_from_slice(piece);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { return };
        let whole: Vec<u8> = rest.drain(..=end).collect();
        self.show(stream, &whole[..end]);
    }

    fn flush(&mut self) {
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
        let mut lines = Lines {
            context: &context,
            keep_color: false,
            secrets: vec!["hunter2".into()],
            rest: [vec![], vec![]],
        };
        lines.take(Stream::Stdout, b"one\ntw");
        lines.take(Stream::Stderr, b"err ");
        lines.take(Stream::Stdout, b"o hunter2\n");
        lines.take(Stream::Stderr, b"or");
        lines.flush();
        assert_eq!(*kept.0.lock().unwrap(), ["one", "two *****", "err or"]);
    }
}
