//! The QEMU process of a machine: finding it whatever became of the yado that started it, and its end.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::json;
use yado_core::error::Doing;
use yado_core::provider::Console;
use yado_core::{Context, Error, ErrorKind, Result};

use super::qmp::{self, Qmp};

/// The file with QEMU's process number, in the machine's directory.
pub(super) const PID: &str = "qemu.pid";
/// What the serial console showed.
pub(super) const CONSOLE: &str = "console.log";
/// Where it can be talked to.
pub(super) const CONSOLE_SOCKET: &str = "console.sock";
/// What QEMU itself said.
pub(super) const LOG: &str = "qemu.log";

/// How long a QEMU that is to end may take to answer.
const HEARD: Duration = Duration::from_secs(2);

/// The name that QEMU is started with: by it the process is told from others.
pub(super) fn name(machine: &str) -> String {
    format!("yado-{machine}")
}

/// The process number of a machine's QEMU, when there is one.
pub(super) fn find(folder: &Path, machine: &str) -> Option<u32> {
    let noted = std::fs::read_to_string(folder.join(PID)).ok().and_then(|text| text.trim().parse().ok());
    if let Some(pid) = noted.filter(|pid| is_it(*pid, machine)) {
        return Some(pid);
    }
    // While QEMU starts, there may be a socket and no number yet.
    folder.join(qmp::SOCKET).exists().then(|| search(machine)).flatten()
}

/// The same when a killed yado may have left one that had no time to write anything.
fn search(machine: &str) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?;
    let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.into_iter().find(|pid| is_it(*pid, machine))
}

fn is_it(pid: u32, machine: &str) -> bool {
    let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut words = line.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    program.windows(4).any(|part| part == b"qemu") && words.any(|word| word == name(machine).as_bytes())
}

/// Waits for a machine's QEMU to end; false when it has not within that time.
pub(super) fn wait(context: &Context, folder: &Path, machine: &str, within: Duration) -> Result<bool> {
    let end = Instant::now() + within;
    while find(folder, machine).is_some() {
        if Instant::now() > end {
            return Ok(false);
        }
        context.cancel.check()?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(true)
}

/// Ends a machine's QEMU at once: by its own command, and by a signal when it does not listen any more.
pub(super) fn quit(folder: &Path, machine: &str) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(20);
    while let Some(pid) = find(folder, machine).or_else(|| search(machine)) {
        if Instant::now() > end {
            return Err(Error::new(ErrorKind::System, format!("QEMU (process {pid}) does not end.")));
        }
        let asked = match Qmp::open_within(folder, HEARD) {
            Ok(Some(mut qmp)) => qmp.run("quit", json!({})).is_ok(),
            _ => false,
        };
        let patience = Instant::now() + Duration::from_secs(10);
        while asked && is_it(pid, machine) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        if is_it(pid, machine) {
            kill(pid)?;
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    for file in [PID, qmp::SOCKET, CONSOLE_SOCKET, super::hardware::IDENTITY] {
        // They may have gone with it.
        drop(std::fs::remove_file(folder.join(file)));
    }
    Ok(())
}

fn kill(pid: u32) -> Result<()> {
    let Some(pid) = Pid::from_raw(pid as i32) else { return Ok(()) };
    let gone = rustix::io::Errno::SRCH;
    match pidfd_open(pid, PidfdFlags::empty()).and_then(|fd| pidfd_send_signal(fd, Signal::KILL)) {
        Err(problem) if problem != gone => Err(problem).doing(|| "ending QEMU"),
        _ => Ok(()),
    }
}

/// Connects to the machine's serial console, which serves one at a time.
pub(super) fn console(folder: &Path, machine: &str, name: &str) -> Result<Console> {
    if find(folder, machine).is_none() {
        return Err(Error::new(ErrorKind::Usage, format!("The machine '{name}' is not running."))
            .hinted("`yado logs` shows what its console showed last."));
    }
    let doing = || format!("connecting to the console of '{name}'");
    let path = folder.join("console.lock");
    let lock = std::fs::File::options().create(true).truncate(false).write(true).open(path).doing(doing)?;
    if lock.try_lock().is_err() {
        return Err(Error::new(ErrorKind::Locked, format!("Somebody else has the console of '{name}'."))
            .hinted("`yado logs -f` shows it meanwhile."));
    }
    let stream = qmp::connect(folder, CONSOLE_SOCKET, std::time::Duration::from_secs(10)).doing(doing)?;
    // A console may be quiet for as long as it likes.
    stream.set_read_timeout(None).doing(doing)?;
    stream.set_write_timeout(None).doing(doing)?;
    Ok(Console { stream, lock })
}

/// The last lines that the machine wrote to its console, for those who want to know why it ended.
pub(super) fn last_words(folder: &Path) -> String {
    let text = std::fs::read(folder.join(CONSOLE)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4000)..]).into_owned();
    let lines: Vec<String> = text
        .lines()
        .map(|line| without_controls(line).trim_end().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return "(its console stayed empty)".to_owned();
    }
    let last = &lines[lines.len().saturating_sub(12)..];
    last.iter().fold(String::new(), |text, line| text + "  " + line + "\n")
}

/// Without the sequences by which terminals are coloured and cleared.
fn without_controls(line: &str) -> String {
    let mut text = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            if letters.next() == Some('[') {
                letters.by_ref().find(char::is_ascii_alphabetic);
            }
        } else if !letter.is_control() {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_the_consoles_last_lines_without_colours() {
        let folder = tempfile::tempdir().unwrap();
        assert!(last_words(folder.path()).contains("stayed empty"));
        let text =
            (0..20).fold(String::new(), |text, n| text + &format!("\u{1b}[0;32mline {n}\u{1b}[0m\r\n\r\n"));
        std::fs::write(folder.path().join(CONSOLE), text).unwrap();
        let words = last_words(folder.path());
        assert!(words.starts_with("  line 8\n") && words.ends_with("  line 19\n"), "{words}");
    }

    #[test]
    fn a_qemu_that_is_silent_is_ended_all_the_same() {
        use std::os::unix::process::CommandExt;
        let folder = tempfile::tempdir().unwrap();
        let _silent = std::os::unix::net::UnixListener::bind(folder.path().join(qmp::SOCKET)).unwrap();
        let machine = format!("silent{}", std::process::id());
        let mut hung = std::process::Command::new("sh")
            .arg0("qemu-stand-in")
            .args(["-c", "read word", &name(&machine)])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        assert!((0..100).any(|_| search(&machine).is_some() || {
            std::thread::sleep(Duration::from_millis(20));
            false
        }));
        let begin = Instant::now();
        let ended = quit(folder.path(), &machine);
        hung.kill().unwrap();
        let status = hung.wait().unwrap();
        ended.unwrap();
        assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    }

    #[test]
    fn a_process_of_that_number_that_is_something_else_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(PID), std::process::id().to_string()).unwrap();
        assert_eq!(find(folder.path(), "nobody"), None);
    }
}
