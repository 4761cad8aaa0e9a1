//! Commands as one line for the far side's shell: another user's, with directory, variables, and a mark by which all
//! that belongs to a command is found.

use super::ending::Ending;
use crate::communicator::Exec;

/// The variable that a command and all that it starts can be told by, to end them when the user interrupts.
pub(super) const MARK: &str = "YADO_COMMAND";

/// Quotes a word for a shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=@:,".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The command as `entry` runs it, without anything that watches over it.
pub(super) fn plain(entry: &str, command: &Exec, mark: &str) -> String {
    let mut words = become_user(entry, command.user.as_deref());
    words.push("env".to_owned());
    words.push(format!("{MARK}={mark}"));
    words.extend(command.environment.iter().map(|(name, value)| quoted(&format!("{name}={value}"))));
    let shell = if command.argv.is_empty() {
        "exec \"${SHELL:-/bin/sh}\" -l".to_owned()
    } else {
        "exec \"$@\"".to_owned()
    };
    let inner = format!("cd {} 2>/dev/null || cd /; {shell}", directory(command.directory.as_deref()));
    words.extend(["sh".to_owned(), "-c".to_owned(), quoted(&inner), "sh".to_owned()]);
    words.extend(command.argv.iter().map(|word| quoted(word)));
    words.join(" ")
}

/// The same, for whatever shell the user has, and with a mark at the end of its output.
pub(super) fn watched(entry: &str, command: &Exec, mark: &str) -> String {
    let script = format!("{}; s=$?; {}", plain(entry, command, mark), Ending::script(mark));
    format!("sh -c {}", quoted(&script))
}

/// Ends a command with all that it started.
pub(super) fn end(entry: &str, mark: &str) -> String {
    let script = format!(
        "for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ 2>/dev/null | grep -qx '{MARK}={mark}' && \
         kill -TERM ${{p#/proc/}} 2>/dev/null; done; true"
    );
    let mut words = become_user(entry, Some("root"));
    words.extend(["sh".to_owned(), "-c".to_owned(), quoted(&script)]);
    words.join(" ")
}

/// `sudo` for those who entered as somebody else; root needs nobody's leave.
fn become_user(entry: &str, user: Option<&str>) -> Vec<String> {
    match user {
        None => Vec::new(),
        Some(user) if user == entry => Vec::new(),
        Some(user) if entry == "root" => ["runuser", "-u", user, "--"].map(quoted).to_vec(),
        Some(user) => ["sudo", "-n", "-H", "-u", user, "--"].map(quoted).to_vec(),
    }
}

/// A shell word: a `~` in front is for the shell to resolve.
fn directory(directory: Option<&str>) -> String {
    let Some(directory) = directory else { return "~".to_owned() };
    let end = directory.find('/').unwrap_or(directory.len());
    let (user, rest) = directory.split_at(end);
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    match user.strip_prefix('~') {
        Some(name) if name.chars().all(plain) && rest.is_empty() => user.to_owned(),
        Some(name) if name.chars().all(plain) => format!("{user}/{}", quoted(rest.trim_start_matches('/'))),
        _ => quoted(directory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> (Option<i32>, String) {
        let output = std::process::Command::new("sh").args(["-c", line]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn words_arrive_as_they_were_given() {
        let argv = ["printf", "%s|", "a b", "it's", "$HOME", "", "\"q\"", "new\nline", "\\"];
        let command = Exec {
            argv: argv.map(str::to_owned).to_vec(),
            environment: [("WORD".to_owned(), "v'w x".to_owned())].into(),
            directory: Some("/".to_owned()),
            ..Exec::default()
        };
        let (code, out) = run(&watched("me", &command, "mark"));
        assert_eq!(code, Some(0));
        assert_eq!(out, "a b|it's|$HOME||\"q\"|new\nline|\\|\u{1e}mark:0\u{1e}");
        let command =
            Exec { argv: ["sh", "-c", "echo $WORD; kill -9 $$"].map(str::to_owned).to_vec(), ..command };
        assert_eq!(run(&watched("me", &command, "m")), (Some(137), "v'w x\n\u{1e}m:137\u{1e}".to_owned()));
    }

    #[test]
    fn homes_are_for_the_shell_to_find_and_nothing_else_is() {
        assert_eq!(directory(Some("~vagrant")), "~vagrant");
        assert_eq!(directory(Some("~/a b")), "~/'a b'");
        assert_eq!(directory(Some("~$(x)/y")), "'~$(x)/y'");
        assert_eq!(directory(None), "~");
    }

    #[test]
    fn other_users_are_become_by_sudo_or_by_root_itself() {
        assert!(become_user("vagrant", Some("vagrant")).is_empty());
        assert_eq!(become_user("vagrant", Some("root"))[0], "sudo");
        assert_eq!(become_user("root", Some("web"))[..3], ["runuser", "-u", "web"]);
    }
}
