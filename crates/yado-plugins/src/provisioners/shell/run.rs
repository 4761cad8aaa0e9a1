//! Putting the script into the guest and running it there, its output line by line.

use std::io::Write;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Exec, Guest, Result};

use super::Shell;
use crate::provisioners::guest_command::{Lines, command, quoted};

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
        let mut lines = Lines::new(context, self.keep_color, self.secrets());
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
