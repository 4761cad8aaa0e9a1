//! Symbolic links in a folder that is copied with what its links lead to: where they lead outside of it, and whether any
//! leads back to where it is, which no copy would come to the end of.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What links in a folder lead to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Places outside the folder.
    pub(super) outside: Vec<PathBuf>,
    /// Links in it that lead nowhere, as they are called from there.
    pub(super) broken: Vec<PathBuf>,
    /// Some link leads to a directory that it is in.
    pub(super) has_loop: bool,
}

/// Looks at all of a folder, but for directories of these names. What cannot be read cannot be copied either.
pub(super) fn survey(folder: &Path, left_out: &[&str]) -> Survey {
    let Ok(root) = folder.canonicalize() else { return Survey::default() };
    let mut walk = Walk { root: root.clone(), left_out, seen: HashMap::new(), survey: Survey::default() };
    walk.visit(&root);
    walk.survey.outside.sort();
    walk.survey.outside.dedup();
    walk.survey
}

struct Walk<'a> {
    root: PathBuf,
    left_out: &'a [&'a str],
    /// Directories, by where they really are; false while the walk is in them.
    seen: HashMap<PathBuf, bool>,
    survey: Survey,
}

impl Walk<'_> {
    fn visit(&mut self, directory: &Path) {
        match self.seen.get(directory) {
            Some(true) => return,
            Some(false) => {
                self.survey.has_loop = true;
                return;
            }
            None => self.seen.insert(directory.to_owned(), false),
        };
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_left_out = self.left_out.iter().any(|left_out| name == *left_out);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !is_left_out => self.visit(&entry.path()),
                Ok(kind) if kind.is_symlink() => self.follow(&entry.path(), is_left_out),
                _ => {}
            }
        }
        self.seen.insert(directory.to_owned(), true);
    }

    fn follow(&mut self, link: &Path, is_left_out: bool) {
        let Ok(target) = link.canonicalize() else {
            self.survey.broken.extend(link.strip_prefix(&self.root).ok().map(Path::to_owned));
            return;
        };
        let is_directory = target.is_dir();
        if is_left_out && is_directory {
            return;
        }
        if !target.starts_with(&self.root) {
            self.survey.outside.push(target.clone());
        }
        if self.root.starts_with(&target) {
            self.survey.has_loop = true;
        } else if is_directory {
            self.visit(&target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_wherever_they_lead() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap();
        let (project, beside) = (home.join("p"), home.join("beside"));
        std::fs::create_dir_all(project.join("a/b")).unwrap();
        std::fs::create_dir_all(project.join(".yado")).unwrap();
        std::fs::create_dir_all(&beside).unwrap();
        symlink("../a", project.join("a/nowhere/x")).unwrap_err();
        symlink("b", project.join("a/inside")).unwrap();
        symlink("nothing", project.join("broken")).unwrap();
        symlink(&beside, project.join("a/b/out")).unwrap();
        symlink("/etc/passwd", beside.join("further")).unwrap();
        symlink("/etc/hostname", project.join(".yado/left-out")).unwrap();
        let outside = vec![PathBuf::from("/etc/passwd"), beside];
        let broken = vec![PathBuf::from("broken")];
        assert_eq!(survey(&project, &[".yado"]), Survey { outside, broken, has_loop: false });
        symlink("../..", project.join("a/b/back")).unwrap();
        assert!(survey(&project, &[".yado"]).has_loop);
        std::fs::remove_file(project.join("a/b/back")).unwrap();
        // Two that lead into each other.
        std::fs::create_dir(project.join("c")).unwrap();
        symlink("../c", project.join("a/c")).unwrap();
        symlink("../a", project.join("c/a")).unwrap();
        assert!(survey(&project, &[".yado"]).has_loop);
        assert!(survey(&project.join("a/b"), &[]).outside.contains(&PathBuf::from("/etc/passwd")));
    }
}
