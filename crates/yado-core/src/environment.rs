//! [`Environment`]: a Vagrantfile's directory and its identity, which is an id in `.yado/`, not a path: a project
//! may be moved; a copy of it is another environment.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Doing, Result};
use crate::store::{MachineRecord, Store, random_id};

/// A project directory with a Vagrantfile.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The directory of the Vagrantfile, absolute.
    pub project: PathBuf,
    /// The Vagrantfile's name in it.
    pub vagrantfile: String,
    /// Where the project's own data lies, usually `.yado` in the project.
    pub data: PathBuf,
    id: Option<String>,
}

impl Environment {
    /// The environment of a project directory. Changes nothing on disk; an environment that never had machines has
    /// no id yet.
    pub fn open(project: &Path, vagrantfile: &str, data: &Path, store: &Store) -> Result<Self> {
        let mut environment = Self {
            project: project.to_owned(),
            vagrantfile: vagrantfile.to_owned(),
            data: data.to_owned(),
            id: read_id(data),
        };
        if let Some(id) = &environment.id
            && let Some(record) = store.environment(id)?
            && record.project != project
            && read_id(&data_of(&record.project, data, project)).as_ref() == Some(id)
        {
            // The directory that the id belongs to is still there: this one is a copy.
            environment.id = None;
        }
        Ok(environment)
    }

    /// The environment that a machine was recorded in, for commands that work from anywhere.
    pub fn of_machine(record: &MachineRecord) -> Self {
        Self {
            project: record.project.clone(),
            vagrantfile: record.vagrantfile.clone(),
            data: record.project.join(".yado"),
            id: Some(record.environment.clone()),
        }
    }

    /// That of another project, whose data lies in the same place of its directory.
    pub fn neighbour(&self, project: &Path, store: &Store) -> Result<Self> {
        Self::open(project, &self.vagrantfile, &data_of(project, &self.data, &self.project), store)
    }

    /// The id, when the environment has or had machines.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The id; made and recorded when there is none. Two processes that do this at once get the same one.
    pub fn ensure_id(&mut self, store: &Store) -> Result<String> {
        let id = if let Some(id) = &self.id { id.clone() } else { self.make_id(store)? };
        store.put_environment(&id, &self.project, &self.vagrantfile)?;
        self.id = Some(id.clone());
        Ok(id)
    }

    fn make_id(&self, store: &Store) -> Result<String> {
        let doing = || format!("making the environment's id in '{}'", self.data.display());
        let path = self.data.join("id");
        let id = random_id()?;
        let temporary = self.data.join(format!("id.{id}"));
        let mut file = self.make_temporary(&temporary).doing(doing)?;
        writeln!(file, "{id}").doing(doing)?;
        // In a copied project the file holds the original's id and is replaced; else whoever links first wins.
        let copied = match read_id(&self.data) {
            Some(old) => store.environment(&old)?.is_some_and(|record| record.project != self.project),
            None => false,
        };
        if copied {
            std::fs::rename(&temporary, &path).doing(doing)?;
            return Ok(id);
        }
        let linked = std::fs::hard_link(&temporary, &path);
        std::fs::remove_file(&temporary).doing(doing)?;
        match linked {
            Ok(()) => Ok(id),
            Err(problem) if problem.kind() == std::io::ErrorKind::AlreadyExists => {
                Ok(read_id(&self.data).unwrap_or(id))
            }
            Err(problem) => Err(problem).doing(doing),
        }
    }

    /// A file that is locked for as long as somebody needs it.
    fn make_temporary(&self, path: &Path) -> std::io::Result<std::fs::File> {
        loop {
            std::fs::create_dir_all(&self.data)?;
            match std::fs::File::create(path) {
                // Somebody whose last machine went took the directory away.
                Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => {}
                Err(problem) => return Err(problem),
                Ok(file) => {
                    // Where there are no locks, nobody takes abandoned ones away, either.
                    drop(file.lock());
                    // Before it was locked, it looked like one of them.
                    if path.exists() {
                        return Ok(file);
                    }
                }
            }
        }
    }

    /// Removes what somebody left who was killed while the id was made. Whether there was any.
    fn remove_abandoned(&self) -> bool {
        let mut found = false;
        for entry in std::fs::read_dir(&self.data).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.strip_prefix("id.").is_some_and(is_id)
                && let Ok(file) = std::fs::File::open(entry.path())
                && file.try_lock().is_ok()
            {
                found |= std::fs::remove_file(entry.path()).is_ok();
            }
        }
        found
    }

    /// Takes the id away again when the environment has no machine left, so that nothing stays behind.
    pub fn forget_if_empty(&self, store: &Store) -> Result<()> {
        let Some(id) = &self.id else {
            if self.remove_abandoned() {
                drop(std::fs::remove_dir(&self.data));
            }
            return Ok(());
        };
        if store.has_machines(id)? {
            return Ok(());
        }
        store.forget_empty_environment(id)?;
        match std::fs::remove_file(self.data.join("id")) {
            Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                return Err(problem).doing(|| format!("removing '{}'", self.data.join("id").display()));
            }
            _ => {}
        }
        self.remove_abandoned();
        // Other files of the user or of a running process may be in there; then the directory stays.
        drop(std::fs::remove_dir(&self.data));
        Ok(())
    }
}

/// The data directory of another project directory that uses the same relative place.
fn data_of(other_project: &Path, data: &Path, project: &Path) -> PathBuf {
    data.strip_prefix(project).map_or_else(|_| data.to_owned(), |relative| other_project.join(relative))
}

fn read_id(data: &Path) -> Option<String> {
    let text = std::fs::read_to_string(data.join("id")).ok()?;
    let id = text.trim();
    is_id(id).then(|| id.to_owned())
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(folder: &Path, name: &str) -> PathBuf {
        let project = folder.join(name);
        std::fs::create_dir_all(&project).unwrap();
        project
    }

    #[test]
    fn what_somebody_killed_left_of_an_id_goes_with_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("home")).unwrap();
        let project = project(folder.path(), "project");
        let data = project.join(".yado");
        let left = data.join(format!("id.{}", "0a".repeat(16)));
        for has_id in [false, true] {
            std::fs::create_dir_all(&data).unwrap();
            std::fs::write(&left, "").unwrap();
            let mut environment = Environment::open(&project, "Vagrantfile", &data, &store).unwrap();
            if has_id {
                environment.ensure_id(&store).unwrap();
            }
            environment.forget_if_empty(&store).unwrap();
            assert!(!data.exists());
        }
        // Another process is at it, and the user has something in there.
        std::fs::create_dir_all(&data).unwrap();
        let file = std::fs::File::create(&left).unwrap();
        file.lock().unwrap();
        std::fs::write(data.join("id.txt"), "mine").unwrap();
        let environment = Environment::open(&project, "Vagrantfile", &data, &store).unwrap();
        environment.forget_if_empty(&store).unwrap();
        assert!(left.exists() && data.join("id.txt").exists());
    }

    #[test]
    fn a_moved_project_keeps_its_identity_and_a_copied_one_gets_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("home")).unwrap();
        let first = project(folder.path(), "first");
        let mut environment = Environment::open(&first, "Vagrantfile", &first.join(".yado"), &store).unwrap();
        let id = environment.ensure_id(&store).unwrap();
        store.add_machine(&id, "default", "container").unwrap();

        let copy = project(folder.path(), "copy");
        std::fs::create_dir(copy.join(".yado")).unwrap();
        std::fs::copy(first.join(".yado/id"), copy.join(".yado/id")).unwrap();
        let mut copied = Environment::open(&copy, "Vagrantfile", &copy.join(".yado"), &store).unwrap();
        assert_eq!(copied.id(), None);
        assert_ne!(copied.ensure_id(&store).unwrap(), id);

        let moved = folder.path().join("moved");
        std::fs::rename(&first, &moved).unwrap();
        let mut environment = Environment::open(&moved, "Vagrantfile", &moved.join(".yado"), &store).unwrap();
        assert_eq!(environment.ensure_id(&store).unwrap(), id);
        assert_eq!(store.environment(&id).unwrap().unwrap().project, moved);
    }

    #[test]
    fn processes_that_make_the_id_at_once_agree() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        drop(Store::open(&home).unwrap());
        let place = project(folder.path(), "p");
        let ids: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let store = Store::open(&home).unwrap();
                        let mut environment =
                            Environment::open(&place, "Vagrantfile", &place.join(".yado"), &store).unwrap();
                        environment.ensure_id(&store).unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}
