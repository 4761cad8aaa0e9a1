//! Directories copied into a machine by rsync, over the connection that is open anyway.

use std::path::Path;

use super::{CONTROL, Ssh, remote};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Program;

/// What is copied, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy<'a> {
    /// The host's directory; what is in it becomes what is in the guest's.
    pub from: &'a Path,
    /// The guest's directory, made when it is not there.
    pub to: &'a str,
    /// Whom the files are to belong to inside, as `user:group`; `None`: they keep their numbers.
    pub owner: Option<String>,
    /// Names that are left out and left alone.
    pub exclude: Vec<String>,
    /// Whether the usual options copy what links lead to, and not the links.
    pub follows_links: bool,
    /// Instead of the usual options (archive, delete what is gone).
    pub options: Option<Vec<String>>,
}

impl Ssh {
    /// Makes a guest directory the same as a host directory.
    ///
    /// # Errors
    /// When one side has no rsync, or it fails.
    pub fn rsync(&self, context: &Context, copy: &Copy<'_>) -> Result<()> {
        self.open(context)?;
        let argv = arguments(copy, &self.access.user);
        let program = Program { directory: Some(self.folder.clone()), ..Program::new(&argv) };
        let (succeeded, said) = super::said(context, &program)?;
        if succeeded {
            return Ok(());
        }
        if copy.options.is_none() && only_links_are_missing(&said) {
            let from = copy.from.display();
            context.warn(format!(
                "Links in '{from}' that lead nowhere were not copied, and nothing was deleted."
            ));
            return Ok(());
        }
        let text =
            format!("'{}' could not be copied to '{}' in the machine: {said}", copy.from.display(), copy.to);
        Err(Error::new(ErrorKind::Other, text).hinted("Both sides need the program 'rsync' for this."))
    }
}

/// Whether rsync complains of nothing but links that lead nowhere.
fn only_links_are_missing(said: &str) -> bool {
    let is_link = |line: &str| {
        line.starts_with("symlink has no referent:") || line.starts_with("IO error encountered -- skipping")
    };
    let mut lines = said.lines().filter(|line| !line.trim().is_empty()).peekable();
    lines.peek().is_some_and(|line| is_link(line))
        && lines.all(|line| is_link(line) || (line.starts_with("rsync error:") && line.contains("(code 23)")))
}

/// The command line that copies into a machine that is entered as this user.
fn arguments(copy: &Copy<'_>, user: &str) -> Vec<String> {
    let links = copy.follows_links.then_some("--copy-links");
    let usual = ["--archive", "--delete", "--no-devices", "--no-specials"].into_iter().chain(links);
    let mut argv = vec!["rsync".to_owned()];
    argv.extend(copy.options.clone().unwrap_or_else(|| usual.map(str::to_owned).collect()));
    argv.extend(copy.owner.iter().map(|owner| format!("--chown={owner}")));
    argv.extend(copy.exclude.iter().map(|name| format!("--exclude={name}")));
    // The last word on how the machine is reached is ours.
    argv.extend(["-e".to_owned(), format!("ssh -F none -S {CONTROL} -o BatchMode=yes")]);
    let become_root = if user == "root" { "" } else { "sudo -n " };
    let to = remote::quoted(copy.to);
    argv.push(format!("--rsync-path={become_root}mkdir -p {to} && {become_root}rsync"));
    // With a slash at the end, it is the directory's content that is meant.
    argv.push(format!("{}/", copy.from.to_string_lossy().trim_end_matches('/')));
    argv.push(format!("machine:{}/", copy.to.trim_end_matches('/')));
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_options_are_given_the_machine_is_reached_by_our_connection() {
        let options = Some(vec!["-a".to_owned(), "-e".to_owned(), "sh -c id".to_owned()]);
        let copy = Copy {
            from: Path::new("/p"),
            to: "/vagrant",
            owner: None,
            exclude: vec![],
            follows_links: true,
            options,
        };
        let argv = arguments(&copy, "vagrant");
        let last = argv.iter().rposition(|word| word == "-e").unwrap();
        assert!(argv[last + 1].starts_with("ssh "), "{argv:?}");
    }

    #[test]
    fn what_links_lead_to_is_copied_and_those_that_lead_nowhere_are_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir(&from).unwrap();
        std::fs::write(folder.path().join("outside"), "there").unwrap();
        std::os::unix::fs::symlink("../outside", from.join("link")).unwrap();
        std::os::unix::fs::symlink("nothing", from.join("broken")).unwrap();
        std::fs::create_dir(&to).unwrap();
        std::fs::write(to.join("gone"), "").unwrap();
        let copy =
            Copy { from: &from, to: "", owner: None, exclude: vec![], follows_links: true, options: None };
        // The same options, to a directory beside.
        let mut argv: Vec<String> = arguments(&copy, "root");
        argv.truncate(argv.iter().position(|word| word == "-e").unwrap());
        argv.extend([format!("{}/", from.display()), to.display().to_string()]);
        let Ok(output) = std::process::Command::new(&argv[0]).args(&argv[1..]).output() else {
            eprintln!("skipped: there is no rsync");
            return;
        };
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(only_links_are_missing(&said), "{said}");
        assert_eq!(std::fs::read_to_string(to.join("link")).unwrap(), "there");
        assert!(!to.join("link").is_symlink());
        let other =
            format!("{said}rsync: [sender] send_files failed to open \"/x\": Permission denied (13)\n");
        assert!(!only_links_are_missing(&other) && !only_links_are_missing(""));
    }
}
