//! [`Sysbench`]: the same program on all sides. A machine whose sysbench or whose libraries are other ones gets this
//! computer's, with its libraries and its loader, so that what differs is the machine and not the program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use yado_core::error::Doing;
use yado_core::{Communicator, Context, Error, ErrorKind, Result};

use crate::made::as_root;

/// Where it is put in machines that have another one.
const INSIDE: &str = "/var/tmp/yado-compare-sysbench";

/// Digests of the program and of the libraries that it is started with.
const DIGESTS: &str = "p=$(command -v sysbench) || exit 127; \
    sha256sum \"$p\" $(ldd \"$p\" | sed -n 's/.*=> \\(\\/[^ ]*\\) .*/\\1/p') | cut -d' ' -f1 | sort | tr '\\n' ' '";

/// This computer's sysbench.
pub(crate) struct Sysbench {
    digests: String,
    /// What it says its version is.
    pub(crate) version: String,
    /// A directory with the program, its libraries and its loader.
    folder: tempfile::TempDir,
    loader: String,
}

impl Sysbench {
    /// Finds it.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn here(context: &Context) -> Result<Self> {
        let run = |line: &str| -> Result<String> {
            let output = context.host.run(&context.cancel, ["sh", "-c", line], Duration::from_secs(30))?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let program = context.host.which("sysbench").ok_or_else(|| {
            Error::new(ErrorKind::Other, "There is no 'sysbench' on this machine.").hinted(
                "On Debian: apt-get install sysbench. Machines then get the same one. \
                 `--measure start --measure stop` and others need none.",
            )
        })?;
        let libraries = run(&format!("ldd '{}'", program.display()))?;
        let (loader, files) = libraries_of(&libraries);
        let folder = tempfile::Builder::new()
            .prefix("yado-compare-")
            .tempdir()
            .doing(|| "making a directory for sysbench")?;
        for file in files.iter().chain([&program]) {
            let name = file.file_name().unwrap_or_default();
            std::fs::copy(file, folder.path().join(name))
                .doing(|| format!("copying '{}'", file.display()))?;
        }
        Ok(Self { digests: run(DIGESTS)?, version: run("sysbench --version")?, folder, loader })
    }

    /// Has it at hand in a machine; what scripts there begin with.
    pub(crate) fn bring(
        &self,
        context: &Context,
        subject: &str,
        inside: &dyn Communicator,
    ) -> Result<String> {
        let ask = |line: &str| -> Result<(i32, String)> {
            let mut said = Vec::new();
            let status =
                inside.exec(context, &as_root(line), &mut |_, piece| said.extend_from_slice(piece))?;
            Ok((status.code(), String::from_utf8_lossy(&said).trim().to_owned()))
        };
        if ask(DIGESTS)? == (0, self.digests.clone()) {
            return Ok(String::new());
        }
        tracing::debug!(subject, "bringing this computer's sysbench");
        inside.upload(context, self.folder.path(), INSIDE)?;
        // Uploads may leave out the right to run.
        let lead = format!(
            "sysbench() {{ {INSIDE}/{loader} --library-path {INSIDE} {INSIDE}/sysbench \"$@\"; }}; ",
            loader = self.loader
        );
        let (code, said) = ask(&format!("chmod 755 {INSIDE} {INSIDE}/*; {lead}sysbench --version"))?;
        if code != 0 || said != self.version {
            return Err(Error::new(
                ErrorKind::Other,
                format!(
                    "This machine's {} does not run in the machine of '{subject}', which has another or none: {said}",
                    self.version
                ),
            )
            .hinted(
                "Use a box for the same processor architecture (`--box host` has this machine's programs), or measure \
                 what needs no sysbench, such as `--measure start`.",
            ));
        }
        Ok(lead)
    }
}

/// The loader's name, and the files that a program needs, from what ldd says.
fn libraries_of(text: &str) -> (String, Vec<PathBuf>) {
    let mut loader = String::new();
    let mut files = Vec::new();
    for line in text.lines() {
        let (name, path) = match line.trim().split_once(" => ") {
            Some((name, rest)) => (name, rest),
            // The loader stands alone, with its path.
            None => ("", line.trim()),
        };
        let path = path.rsplit_once(" (").map_or(path, |(path, _)| path);
        if !path.starts_with('/') {
            continue;
        }
        if name.is_empty() || name.starts_with('/') {
            loader = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        }
        files.push(PathBuf::from(path));
    }
    (loader, files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_the_loader_are_found() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let (loader, files) = libraries_of(text);
        assert_eq!(loader, "ld-linux-x86-64.so.2");
        assert_eq!(files.len(), 2, "{files:?}");
    }
}
