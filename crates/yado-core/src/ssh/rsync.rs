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
        let mut argv =
            vec!["rsync".to_owned(), "-e".to_owned(), format!("ssh -F none -S {CONTROL} -o BatchMode=yes")];
        let usual = || ["--archive", "--delete", "--no-devices", "--no-specials"].map(str::to_owned).to_vec();
        argv.extend(copy.options.clone().unwrap_or_else(usual));
        argv.extend(copy.owner.iter().map(|owner| format!("--chown={owner}")));
        argv.extend(copy.exclude.iter().map(|name| format!("--exclude={name}")));
        let become_root = if self.access.user == "root" { "" } else { "sudo -n " };
        let to = remote::quoted(copy.to);
        argv.push(format!("--rsync-path={become_root}mkdir -p {to} && {become_root}rsync"));
        // With a slash at the end, it is the directory's content that is meant.
        argv.push(format!("{}/", copy.from.to_string_lossy().trim_end_matches('/')));
        argv.push(format!("machine:{}/", copy.to.trim_end_matches('/')));
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
