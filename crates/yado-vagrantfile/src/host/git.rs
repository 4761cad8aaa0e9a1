//! What `git` would say about the project's branch and commit, read from its folder directly.

use std::path::{Path, PathBuf};

use yado_ruby::HostError;

use super::answers::{Asked, Reply, fails, says};

/// How git begins what it cannot do.
const FATAL: i32 = 128;

/// What `git` says with these arguments; `None` if it must be run to be known.
pub(super) fn answer(arguments: &[&str], asked: &Asked<'_>) -> Reply {
    let (start, arguments) = match arguments {
        ["-C", folder, rest @ ..] => (asked.directory.join(folder), rest),
        rest => (asked.directory.to_owned(), rest),
    };
    let question = match arguments {
        ["rev-parse", rest @ ..] => rest,
        ["branch", "--show-current"] | ["symbolic-ref", "--short", "HEAD"] => &["--abbrev-ref", "HEAD"],
        _ => return Ok(None),
    };
    let Some(root) = start.ancestors().find(|folder| folder.join(".git").exists()) else {
        let complaint = "fatal: not a git repository (or any of the parent directories): .git";
        return Ok(Some(fails(FATAL, complaint)));
    };
    let repository = Repository { asked, root };
    Ok(match question {
        ["--show-toplevel"] => Some(says(root.to_string_lossy())),
        ["--is-inside-work-tree"] => Some(says("true")),
        ["--abbrev-ref", "HEAD"] => repository.branch()?.map(says),
        ["HEAD"] => repository.commit()?.map(says),
        ["--short", "HEAD"] => repository.commit()?.map(|commit| says(&commit[..7])),
        _ => None,
    })
}

struct Repository<'a> {
    asked: &'a Asked<'a>,
    root: &'a Path,
}

impl Repository<'_> {
    /// A file of the repository, read by the same rules as any other; `None` if there is none.
    fn read(&self, path: &Path) -> Result<Option<String>, HostError> {
        match self.asked.reading.read(path) {
            Ok(content) => Ok(String::from_utf8(content).ok().map(|text| text.trim_end().to_owned())),
            Err(HostError::System(_)) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// The folder that holds `HEAD`: elsewhere for a further work tree.
    fn folder(&self) -> Result<Option<PathBuf>, HostError> {
        let folder = self.root.join(".git");
        if folder.is_dir() {
            return Ok(Some(folder));
        }
        let pointer = self.read(&folder)?;
        Ok(pointer.and_then(|text| Some(self.root.join(text.strip_prefix("gitdir: ")?))))
    }

    /// What `HEAD` holds: the name of a branch's file, or a commit.
    fn head(&self) -> Result<Option<(PathBuf, String)>, HostError> {
        let Some(folder) = self.folder()? else { return Ok(None) };
        Ok(self.read(&folder.join("HEAD"))?.map(|head| (folder, head)))
    }

    fn branch(&self) -> Result<Option<String>, HostError> {
        let Some((_, head)) = self.head()? else { return Ok(None) };
        Ok(match head.strip_prefix("ref: refs/heads/") {
            Some(branch) if !branch.contains('\n') => Some(branch.to_owned()),
            None if is_commit(&head) => Some("HEAD".to_owned()),
            _ => None,
        })
    }

    fn commit(&self) -> Result<Option<String>, HostError> {
        let Some((folder, head)) = self.head()? else { return Ok(None) };
        let Some(name) = head.strip_prefix("ref: ") else { return Ok(Some(head).filter(|it| is_commit(it))) };
        // The name comes from a file that anybody could have written: it must not lead out of the repository.
        if !name.starts_with("refs/") || name.split('/').any(|part| part == "..") {
            return Ok(None);
        }
        let common = match self.read(&folder.join("commondir"))? {
            Some(common) => folder.join(common),
            None => folder,
        };
        if let Some(commit) = self.read(&common.join(name))? {
            return Ok(Some(commit).filter(|it| is_commit(it)));
        }
        let packed = self.read(&common.join("packed-refs"))?.unwrap_or_default();
        let entry = packed.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix(' '));
        Ok(entry.map(str::to_owned).filter(|it| is_commit(it)))
    }
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
