//! What changes below some directories, as the kernel tells it (inotify): every directory is watched by itself, and new
//! ones are as soon as they are there.

use std::collections::{BTreeSet, HashMap};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use yado_core::error::Doing;
use yado_core::{Cancel, Error, Result};

/// How often the kernel is asked.
const PAUSE: Duration = Duration::from_millis(100);

/// Watches directories.
pub(super) struct Watcher {
    kernel: OwnedFd,
    roots: Vec<(PathBuf, Vec<String>)>,
    /// Which root a watched directory is below.
    known: HashMap<i32, usize>,
}

impl Watcher {
    pub(super) fn new() -> Result<Self> {
        let kernel = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .map_err(std::io::Error::from)
            .doing(|| "asking the kernel to tell what changes")?;
        Ok(Self { kernel, roots: Vec::new(), known: HashMap::new() })
    }

    /// Watches a directory and all below it, but for those of these names.
    pub(super) fn watch(&mut self, root: &Path, without: Vec<String>) -> Result<()> {
        self.roots.push((root.to_owned(), without));
        self.look_below(self.roots.len() - 1)
    }

    fn look_below(&mut self, place: usize) -> Result<()> {
        let (root, without) = self.roots[place].clone();
        let mut open = vec![root];
        while let Some(directory) = open.pop() {
            let flags = WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::CLOSE_WRITE
                | WatchFlags::MOVED_FROM
                | WatchFlags::MOVED_TO
                | WatchFlags::ATTRIB
                | WatchFlags::ONLYDIR
                | WatchFlags::DONT_FOLLOW;
            match inotify::add_watch(&self.kernel, &directory, flags) {
                Ok(watch) => drop(self.known.insert(watch, place)),
                // Gone again, or not ours to read.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => continue,
                Err(Errno::NOSPC) => return Err(too_many()),
                Err(problem) => {
                    return Err(std::io::Error::from(problem))
                        .doing(|| format!("watching '{}'", directory.display()));
                }
            }
            for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
                let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_directory && !without.iter().any(|name| entry.file_name() == name.as_str()) {
                    open.push(entry.path());
                }
            }
        }
        Ok(())
    }

    /// Waits for changes and then until there are no more for a moment: the numbers of the directories, in which something
    /// has changed, as they were given. `None` when the user interrupts.
    pub(super) fn wait(&mut self, cancel: &Cancel) -> Result<Option<BTreeSet<usize>>> {
        let mut changed = BTreeSet::new();
        loop {
            if cancel.is_cancelled() {
                return Ok(None);
            }
            let now = self.seen()?;
            if now.is_empty() && !changed.is_empty() {
                return Ok(Some(changed));
            }
            changed.extend(now);
            std::thread::sleep(PAUSE);
        }
    }

    /// What was told since the last time.
    fn seen(&mut self) -> Result<BTreeSet<usize>> {
        let (mut changed, mut grown) = (BTreeSet::new(), BTreeSet::new());
        let mut space = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.kernel, &mut space);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(problem) => {
                    return Err(std::io::Error::from(problem)).doing(|| "reading what has changed");
                }
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                // Nobody knows what was lost.
                changed.extend(0..self.roots.len());
                grown.extend(0..self.roots.len());
            } else if let Some(place) = self.known.get(&event.wd()).copied() {
                if event.events().contains(ReadFlags::IGNORED) {
                    self.known.remove(&event.wd());
                    continue;
                }
                let name =
                    event.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                if self.roots[place].1.contains(&name) {
                    continue;
                }
                changed.insert(place);
                if event.events().contains(ReadFlags::ISDIR) {
                    grown.insert(place);
                }
            }
        }
        for place in grown {
            self.look_below(place)?;
        }
        Ok(changed)
    }
}

fn too_many() -> Error {
    Error::system("watching folders", std::io::Error::from(Errno::NOSPC)).hinted(
        "There are more directories than this user may watch: leave some out with 'rsync__exclude', or raise \
         fs.inotify.max_user_watches.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_seen_also_in_new_directories_and_not_in_what_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["one/deep", "two", "one/.git"] {
            std::fs::create_dir_all(path(name)).unwrap();
        }
        let mut watcher = Watcher::new().unwrap();
        watcher.watch(&path("one"), vec![".git".to_owned()]).unwrap();
        watcher.watch(&path("two"), Vec::new()).unwrap();
        let cancel = Cancel::new();
        std::fs::write(path("one/deep/file"), "x").unwrap();
        assert_eq!(watcher.wait(&cancel).unwrap(), Some(BTreeSet::from([0])));
        std::fs::create_dir(path("two/new")).unwrap();
        assert_eq!(watcher.wait(&cancel).unwrap(), Some(BTreeSet::from([1])));
        std::fs::write(path("two/new/file"), "x").unwrap();
        assert_eq!(watcher.wait(&cancel).unwrap(), Some(BTreeSet::from([1])));
        std::fs::write(path("one/.git/index"), "x").unwrap();
        std::fs::remove_file(path("two/new/file")).unwrap();
        assert_eq!(watcher.wait(&cancel).unwrap(), Some(BTreeSet::from([1])));
        cancel.cancel();
        assert_eq!(watcher.wait(&cancel).unwrap(), None);
    }
}
