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
        let text =
            format!("'{}' could not be copied to '{}' in the machine: {said}", copy.from.display(), copy.to);
        Err(Error::new(ErrorKind::Other, text).hinted("Both sides need the program 'rsync' for this."))
    }
}

/// The command line that copies into a machine that is entered as this user.
fn arguments(copy: &Copy<'_>, user: &str) -> Vec<String> {
    let usual = || ["--archive", "--delete", "--no-devices", "--no-specials"].map(str::to_owned).to_vec();
    let mut argv = vec!["rsync".to_owned()];
    argv.extend(copy.options.clone().unwrap_or_else(usual));
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
        let copy = Copy { from: Path::new("/p"), to: "/vagrant", owner: None, exclude: vec![], options };
        let argv = arguments(&copy, "vagrant");
        let last = argv.iter().rposition(|word| word == "-e").unwrap();
        assert!(argv[last + 1].starts_with("ssh "), "{argv:?}");
    }
}
