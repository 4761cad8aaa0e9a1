//! [`Ui`]: the only place that prints. Human text with Vagrant's prefixes and colours, or machine-readable lines.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the only printer")]

use std::io::{BufRead, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use yado_core::{Cancel, Error, ErrorKind, Event, EventSink, MessageKind, Result};
use yado_vagrantfile::Sources;

use crate::render::Drawing;

/// How output looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Lines for programs (`--machine-readable`).
    pub(crate) machine_readable: bool,
    /// Colours.
    pub(crate) color: bool,
    /// Questions may be asked and lines rewritten.
    pub(crate) interactive: bool,
}

/// The terminal, or the program that reads us.
#[derive(Debug)]
pub(crate) struct Ui {
    style: Style,
    /// Whether a progress line stands on the terminal; held while anything is printed, so that whole messages stay
    /// together.
    progress: Mutex<bool>,
    /// When each progress line began, and with how much; what was there before does not count for the rate.
    began: Mutex<Vec<(Option<String>, String, Instant, u64)>>,
    /// The texts of Vagrantfiles, from which lines at fault are drawn.
    sources: Sources,
    /// What is shown as stars, wherever it turns up in a message.
    secrets: Mutex<Vec<String>>,
}

impl Ui {
    pub(crate) fn new(style: Style) -> Self {
        Self {
            style,
            progress: Mutex::new(false),
            began: Mutex::default(),
            sources: Sources::default(),
            secrets: Mutex::default(),
        }
    }

    /// From now on shows none of these words, as `config.vagrant.sensitive` asks.
    pub(crate) fn hide(&self, words: Vec<String>) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.extend(words.into_iter().filter(|word| !word.is_empty()));
        // A word that is part of another one must not leave the other's rest standing.
        secrets.sort_by_key(|word| std::cmp::Reverse(word.len()));
        secrets.dedup();
    }

    fn without_secrets(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "*****"))
    }

    /// Text that is the command's result. Never prefixed; in machine-readable form a `ui` line.
    pub(crate) fn plain(&self, text: &str) {
        self.emit(Event::Message { machine: None, kind: MessageKind::Output, text: text.to_owned() });
    }

    /// Bytes as they are, for results that other programs read (`config --json`, `init --output -`).
    pub(crate) fn raw(&self, text: &str) {
        let _progress = self.clear();
        let mut out = std::io::stdout().lock();
        ignore_broken_pipe(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }

    /// What a Vagrantfile prints while it is read, as it is.
    pub(crate) fn vagrantfile_said(&self, to_stderr: bool, text: &[u8]) {
        let _progress = self.clear();
        ignore_broken_pipe(if to_stderr || self.style.machine_readable {
            std::io::stderr().lock().write_all(text)
        } else {
            std::io::stdout().lock().write_all(text)
        });
    }

    /// Where the texts of Vagrantfiles are to be put.
    pub(crate) fn sources(&self) -> Sources {
        self.sources.clone()
    }

    /// An error in words, with the lines at fault, without colours.
    pub(crate) fn described(&self, error: &Error) -> String {
        Drawing { sources: &self.sources, color: None }.text(error)
    }

    /// An error, on standard error.
    pub(crate) fn failure(&self, error: &Error) {
        let color = (self.style.color && !self.style.machine_readable).then_some((PLAIN, FAILURE));
        self.error(&Drawing { sources: &self.sources, color }.text(error));
    }

    /// A failure, on standard error.
    pub(crate) fn error(&self, text: &str) {
        self.emit(Event::Message { machine: None, kind: MessageKind::Error, text: text.to_owned() });
    }

    /// A fact for programs.
    pub(crate) fn data(&self, machine: Option<&str>, name: &str, data: &[&str]) {
        self.emit(Event::Data {
            machine: machine.map(str::to_owned),
            name: name.to_owned(),
            data: data.iter().map(|part| (*part).to_owned()).collect(),
        });
    }

    /// Asks for a line of text.
    pub(crate) fn ask(&self, cancel: &Cancel, machine: Option<&str>, question: &str) -> Result<String> {
        if !self.style.interactive || self.style.machine_readable {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "yado is attempting to interface with the UI in a way that requires a TTY.\n\
                     The question was: {question}"
                ),
            )
            .hinted("Use the command's `--force` flag to answer beforehand."));
        }
        let _progress = self.clear();
        let prefix = machine.map(|name| format!("    {name}: ")).unwrap_or_default();
        print!("{prefix}{question}");
        ignore_broken_pipe(std::io::stdout().flush());
        // A read goes on after a signal; only a thread of its own lets Ctrl-C end the question.
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut answer = String::new();
            let read = std::io::stdin().lock().read_line(&mut answer).map(|_| answer);
            drop(send.send(read));
        });
        loop {
            match receive.recv_timeout(std::time::Duration::from_millis(50)) {
                Ok(Ok(answer)) => return Ok(answer.trim().to_owned()),
                Ok(Err(problem)) => return Err(Error::system("reading the answer", problem)),
                Err(_) => cancel.check()?,
            }
        }
    }

    /// Takes a progress line away before something else is printed.
    fn clear(&self) -> std::sync::MutexGuard<'_, bool> {
        let mut shown = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown {
            eprint!("\r\x1b[K");
            *shown = false;
        }
        shown
    }

    fn message(&self, machine: Option<&str>, kind: MessageKind, text: &str) {
        let _progress = self.clear();
        let prefixed = prefixed(machine, kind, &self.without_secrets(text));
        if self.style.machine_readable {
            machine_line(machine, "ui", &[kind_name(kind).to_owned(), prefixed]);
            return;
        }
        let shown = if self.style.color { colored(machine, kind, &prefixed) } else { prefixed };
        if kind == MessageKind::Error {
            ignore_broken_pipe(writeln!(std::io::stderr().lock(), "{shown}"));
        } else {
            ignore_broken_pipe(writeln!(std::io::stdout().lock(), "{shown}"));
        }
    }

    fn show_progress(&self, machine: Option<&str>, what: &str, done: u64, total: Option<u64>) {
        if !self.style.interactive || self.style.machine_readable || !std::io::stderr().is_terminal() {
            return;
        }
        let mut shown = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let amount = match total {
            Some(total) if total > 0 => format!("{}%", done.min(total) * 100 / total),
            _ => format!("{} MiB", done >> 20),
        };
        let name = machine.map(|name| format!("    {name}: ")).unwrap_or_default();
        let rate = self.rate(machine, what, done, total);
        eprint!("\r\x1b[K{name}{what}: {amount}{rate}");
        ignore_broken_pipe(std::io::stderr().flush());
        *shown = true;
    }
}

impl Ui {
    /// How fast it goes and how long it will take, once that can be told.
    fn rate(&self, machine: Option<&str>, what: &str, done: u64, total: Option<u64>) -> String {
        let mut began = self.began.lock().unwrap_or_else(PoisonError::into_inner);
        let known = began
            .iter()
            .find(|(of, name, ..)| of.as_deref() == machine && name == what)
            .map(|line| (line.2, line.3));
        let Some((since, before)) = known else {
            began.push((machine.map(str::to_owned), what.to_owned(), Instant::now(), done));
            return String::new();
        };
        rate_text(done.saturating_sub(before), since.elapsed(), total.map(|total| total.saturating_sub(done)))
    }

    /// The lines of a machine are finished; the next one of the same name begins anew.
    fn forget_rate(&self, machine: Option<&str>) {
        let mut began = self.began.lock().unwrap_or_else(PoisonError::into_inner);
        began.retain(|(of, ..)| of.as_deref() != machine);
    }
}

/// ` (Rate: 1234k/s, Estimated time remaining: 0:01:02)`, as Vagrant shows it.
fn rate_text(done: u64, within: Duration, left: Option<u64>) -> String {
    let rate = done as f64 / within.as_secs_f64();
    if within < Duration::from_millis(500) || rate < 1.0 {
        return String::new();
    }
    let remaining = left.map(|left| {
        let seconds = (left as f64 / rate).ceil() as u64;
        format!(", Estimated time remaining: {}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    });
    format!(" (Rate: {}k/s{})", (rate / 1024.0) as u64, remaining.unwrap_or_default())
}

impl EventSink for Ui {
    fn emit(&self, event: Event) {
        match event {
            Event::Message { machine, kind, text } => self.message(machine.as_deref(), kind, &text),
            Event::Data { machine, name, data } => {
                if self.style.machine_readable {
                    let _progress = self.clear();
                    let data: Vec<String> = data.iter().map(|part| self.without_secrets(part)).collect();
                    machine_line(machine.as_deref(), &name, &data);
                }
            }
            Event::Progress { machine, what, done, total } => {
                self.show_progress(machine.as_deref(), &what, done, total);
            }
            Event::ProgressEnd { machine } => {
                self.forget_rate(machine.as_deref());
                drop(self.clear());
            }
        }
    }
}

/// Ends colours.
const PLAIN: &str = "\x1b[0m";

/// The colour of failures that belong to no machine.
const FAILURE: &str = "\x1b[0;31m";

/// Whoever closed the pipe has read enough.
fn ignore_broken_pipe(result: std::io::Result<()>) {
    drop(result);
}

fn kind_name(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Info => "info",
        MessageKind::Output => "output",
        MessageKind::Detail | MessageKind::GuestStdout | MessageKind::GuestStderr => "detail",
        MessageKind::Warn => "warn",
        MessageKind::Error => "error",
        MessageKind::Success => "success",
    }
}

/// `==> web: ` before every line of a headline, `    web: ` before every line of detail.
fn prefixed(machine: Option<&str>, kind: MessageKind, text: &str) -> String {
    let Some(machine) = machine else { return text.to_owned() };
    let lead = match kind {
        MessageKind::Detail | MessageKind::GuestStdout | MessageKind::GuestStderr => "    ",
        _ => "==> ",
    };
    text.split('\n').map(|line| format!("{lead}{machine}: {line}")).collect::<Vec<_>>().join("\n")
}

fn colored(machine: Option<&str>, kind: MessageKind, text: &str) -> String {
    let color = match kind {
        MessageKind::Error | MessageKind::GuestStderr => ";31",
        MessageKind::Success | MessageKind::GuestStdout => ";32",
        MessageKind::Warn => ";33",
        MessageKind::Info | MessageKind::Output | MessageKind::Detail => "",
    };
    let detail = matches!(kind, MessageKind::Detail | MessageKind::GuestStdout | MessageKind::GuestStderr);
    let bold = u8::from(machine.is_some() && !detail);
    format!("\x1b[{bold}{color}m{text}\x1b[0m")
}

fn machine_line(machine: Option<&str>, name: &str, data: &[String]) {
    let time =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let data: Vec<String> = data.iter().map(|field| escaped(field)).collect();
    ignore_broken_pipe(writeln!(
        std::io::stdout().lock(),
        "{time},{},{name},{}",
        machine.unwrap_or_default(),
        data.join(",")
    ));
}

fn escaped(field: &str) -> String {
    field.replace(',', "%!(VAGRANT_COMMA)").replace('\n', "\\n").replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_message_carries_the_machine() {
        assert_eq!(prefixed(Some("web"), MessageKind::Info, "a\nb"), "==> web: a\n==> web: b");
        assert_eq!(prefixed(Some("web"), MessageKind::Detail, "a\nb"), "    web: a\n    web: b");
        assert_eq!(prefixed(None, MessageKind::Info, "a\nb"), "a\nb");
    }

    #[test]
    fn hidden_words_are_shown_as_stars() {
        let style = Style { machine_readable: false, color: false, interactive: false };
        let ui = Ui::new(style);
        ui.hide(vec!["pass".to_owned(), String::new(), "password".to_owned()]);
        assert_eq!(ui.without_secrets("a password, a pass"), "a *****, a *****");
    }

    #[test]
    fn the_rate_and_the_time_left_are_told_once_they_can_be() {
        assert_eq!(
            rate_text(10 << 20, Duration::from_secs(10), Some(62 << 20)),
            " (Rate: 1024k/s, Estimated time remaining: 0:01:02)"
        );
        assert_eq!(rate_text(2048, Duration::from_secs(1), None), " (Rate: 2k/s)");
        assert_eq!(rate_text(2048, Duration::from_millis(10), None), "");
    }

    #[test]
    fn commas_and_line_ends_are_escaped_for_programs() {
        assert_eq!(escaped("a,b\nc\\"), "a%!(VAGRANT_COMMA)b\\nc\\");
    }

    #[test]
    fn headlines_are_bold_and_details_are_not() {
        assert_eq!(colored(Some("w"), MessageKind::Info, "x"), "\x1b[1mx\x1b[0m");
        assert_eq!(colored(Some("w"), MessageKind::GuestStderr, "x"), "\x1b[0;31mx\x1b[0m");
        assert_eq!(colored(Some("w"), MessageKind::Warn, "x"), "\x1b[1;33mx\x1b[0m");
    }
}
