//! Files that travel through a command's standard input and output: all that a way in needs for copying is that it
//! can run commands. The machine needs a shell, `cat`, and for directories `tar`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::communicator::{Communicator, Exec, Stream};
use crate::context::Context;
use crate::error::{Doing, Error, ErrorKind, Result};

/// Copies a host file or directory to a guest path, owned by the entry user.
pub fn upload(inside: &dyn Communicator, context: &Context, from: &Path, to: &str) -> Result<()> {
    let doing = || format!("reading '{}'", from.display());
    let facts = std::fs::metadata(from).doing(doing)?;
    let (script, input) = if facts.is_dir() {
        let mut archive = tar::Builder::new(Vec::new());
        archive.follow_symlinks(false);
        archive.append_dir_all(".", from).doing(doing)?;
        // `-o` is what every tar calls "not the owners in the archive".
        let script = "mkdir -p \"$1\" && tar -x -o -f - -C \"$1\"".to_owned();
        (script, archive.into_inner().doing(doing)?)
    } else {
        let mode = facts.permissions().mode() & 0o777;
        let script = format!(
            "if [ -d \"$1\" ]; then f=\"$1/$2\"; else f=$1; fi; cat > \"$f\" && chmod {mode:o} \"$f\""
        );
        (script, std::fs::read(from).doing(doing)?)
    };
    let name = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let command = Exec {
        argv: ["sh", "-c", &script, "upload", to, &name].map(str::to_owned).to_vec(),
        input: Some(input),
        ..Exec::default()
    };
    let mut said = Vec::new();
    let status = inside.exec(context, &command, &mut |_, piece| said.extend_from_slice(piece))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::GuestCommandFailed,
        format!(
            "'{}' could not be copied to '{to}' in the machine: {}",
            from.display(),
            String::from_utf8_lossy(&said).trim()
        ),
    ))
}

/// Copies a guest file to a host path.
pub fn download(inside: &dyn Communicator, context: &Context, from: &str, to: &Path) -> Result<()> {
    let (mut content, mut said) = (Vec::new(), Vec::new());
    let command = Exec { argv: ["cat", "--", from].map(str::to_owned).to_vec(), ..Exec::default() };
    let status = inside.exec(context, &command, &mut |stream, piece| match stream {
        Stream::Stdout => content.extend_from_slice(piece),
        Stream::Stderr => said.extend_from_slice(piece),
    })?;
    if !status.success() {
        return Err(Error::new(
            ErrorKind::GuestCommandFailed,
            format!("'{from}' could not be read in the machine: {}", String::from_utf8_lossy(&said).trim()),
        ));
    }
    std::fs::write(to, content).doing(|| format!("writing '{}'", to.display()))
}
