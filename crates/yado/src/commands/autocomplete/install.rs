//! A few lines in the shells' start files, put there once.

use std::io::Write;
use std::path::{Path, PathBuf};

use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result};

use super::Shell;
use crate::session::Session;

/// The first and the last of our lines, by which they are found again.
const BEGIN: &str = "# >>> yado completion >>>";
const END: &str = "# <<< yado completion <<<";

/// Installs for these shells, or for those whose start files are there when none is named.
pub(super) fn install(session: &Session, named: &[Shell]) -> Result<()> {
    let home = std::env::home_dir().ok_or_else(|| {
        Error::new(ErrorKind::Other, "There is no home directory to look for start files in.")
    })?;
    let settings = std::env::var_os("ZDOTDIR").filter(|path| !path.is_empty());
    let settings = settings.map_or_else(|| home.clone(), PathBuf::from);
    let start_file = |shell: Shell| match shell {
        Shell::Bash => home.join(".bashrc"),
        Shell::Zsh => settings.join(".zshrc"),
    };
    let found = [Shell::Bash, Shell::Zsh].into_iter().filter(|shell| start_file(*shell).is_file());
    let shells: Vec<Shell> = if named.is_empty() { found.collect() } else { named.to_vec() };
    if shells.is_empty() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("There is neither a '.bashrc' nor a '.zshrc' in '{}'.", home.display()),
        )
        .hinted("`--bash` or `--zsh` makes one."));
    }
    let (mut written, mut known) = (Vec::new(), Vec::new());
    for shell in shells {
        let path = start_file(shell);
        if add(&path, shell)? {
            written.push(path);
        } else {
            known.push(path);
        }
    }
    for (lead, paths) in [
        ("Autocomplete installed at paths:", written),
        ("Autocomplete was installed before at paths:", known),
    ] {
        if !paths.is_empty() {
            let lines: Vec<String> = paths.iter().map(|path| format!("- {}", path.display())).collect();
            session.ui.plain(&format!("{lead}\n{}", lines.join("\n")));
        }
    }
    Ok(())
}

/// Adds our lines at the end, unless they are there; whether they were not. Nothing else of the file is touched.
fn add(path: &Path, shell: Shell) -> Result<bool> {
    let doing = || format!("adding completion to '{}'", path.display());
    let before = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(problem) => return Err(problem).doing(doing),
    };
    if before.split(|byte| *byte == b'\n').any(|line| line == BEGIN.as_bytes()) {
        return Ok(false);
    }
    let lead = if before.is_empty() || before.ends_with(b"\n") { "" } else { "\n" };
    let name = shell.name();
    let lines = format!(
        "{lead}{BEGIN}\ncommand -v yado >/dev/null && eval \"$(yado autocomplete script {name})\"\n{END}\n"
    );
    let mut file = std::fs::File::options().create(true).append(true).open(path).doing(doing)?;
    file.write_all(lines.as_bytes()).doing(doing)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_added_once_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (own, link) = (folder.path().join("own"), folder.path().join(".bashrc"));
        std::fs::write(&own, "alias x=y").unwrap();
        // Many keep such files elsewhere.
        std::os::unix::fs::symlink(&own, &link).unwrap();
        assert!(add(&link, Shell::Bash).unwrap());
        assert!(!add(&link, Shell::Bash).unwrap());
        let text = std::fs::read_to_string(&own).unwrap();
        assert!(
            text.starts_with(&format!("alias x=y\n{BEGIN}\n")) && text.ends_with(&format!("{END}\n")),
            "{text}"
        );
        assert!(link.is_symlink());
    }
}
