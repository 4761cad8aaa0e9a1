//! Which host directories a project may share with its machines without being trusted: its own, those beside it, the
//! user's, and those that are there for data. Links are judged by where they lead.

use std::path::{Path, PathBuf};

/// Places that are there for data.
const FOR_DATA: &[&str] = &["/srv", "/mnt", "/media", "/data", "/tmp", "/var/tmp", "/opt"];

/// What lies around a project.
pub(crate) struct Neighbourhood {
    /// The folder that the project is in, or the project itself where it has no neighbours of its own.
    beside: PathBuf,
    /// The project.
    project: PathBuf,
    /// The user's home, if it is one person's.
    home: Option<PathBuf>,
}

impl Neighbourhood {
    /// The neighbourhood of the project in this folder, for a user with this home.
    pub(crate) fn of(project: &Path, home: Option<&Path>) -> Self {
        let project = real(project);
        // A project directly below the root directory has no neighbours of its own.
        let beside = project.parent().filter(|parent| parent.components().count() > 1).unwrap_or(&project);
        let home = home.map(real).filter(|home| home.components().count() > 1);
        Self { beside: beside.to_owned(), project: project.clone(), home }
    }

    /// Whether a directory is the project's, beside it, in the user's home (but for hidden directories, where keys
    /// and settings lie), or in a place that is there for data.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        let path = real(path);
        let hidden = |rest: &Path| {
            rest.components()
                .next()
                .is_some_and(|first| first.as_os_str().as_encoded_bytes().starts_with(b"."))
        };
        let in_home = self
            .home
            .as_ref()
            .is_some_and(|home| path.strip_prefix(home).is_ok_and(|rest| !hidden(rest) && path != *home));
        path.starts_with(&self.project)
            || path.starts_with(&self.beside)
            || in_home
            || FOR_DATA.iter().any(|place| path.starts_with(place))
    }
}

/// Where a path leads, as far as it exists.
fn real(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|known| {
            let rest = path.strip_prefix(known).ok()?;
            Some(known.canonicalize().ok()?.join(rest))
        })
        .unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_near_the_project_and_of_the_user_are_near_and_those_of_the_system_are_not() {
        let around = Neighbourhood::of(Path::new("/home/u/code/p"), Some(Path::new("/home/u")));
        for good in ["/home/u/code/p/data", "/home/u/code/q", "/home/u/data", "/srv/www", "/tmp/x"] {
            assert!(around.holds(Path::new(good)), "{good}");
        }
        for bad in
            ["/", "/etc", "/root/x", "/home/u/.ssh", "/home/u/.config/x", "/home/other", "/var/lib", "/boot"]
        {
            assert!(!around.holds(Path::new(bad)), "{bad}");
        }
        let around = Neighbourhood::of(Path::new("/p"), Some(Path::new("/")));
        assert!(!around.holds(Path::new("/etc")));
    }
}
