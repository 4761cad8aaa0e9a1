//! Reading and writing files of a machine that is switched off, from outside. Everything in its upper layer was put
//! there by the machine's own root, so no name in there may lead out: paths are resolved by the kernel beneath the
//! layer (`openat2(2)`), links are replaced and never followed.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};
use yado_core::Result;
use yado_core::error::Doing;

use super::owners;

/// The largest file that is read this way, in bytes.
const LARGEST: u64 = 1 << 20;

/// A machine's root file system while nothing has it mounted.
pub(super) struct RootFiles {
    /// The machine's own, writable layer.
    pub(super) upper: PathBuf,
    /// The read-only layers, lowest first.
    pub(super) lower: Vec<PathBuf>,
}

impl RootFiles {
    /// The text of `etc/NAME` as the machine sees it; empty when there is none.
    pub(super) fn read_etc(&self, name: &str) -> String {
        self.layers().find_map(|layer| read(layer, &format!("etc/{name}"))).unwrap_or_default()
    }

    /// Whether the machine sees a regular file of this name.
    pub(super) fn has_program(&self, name: &str) -> bool {
        self.layers().find_map(|layer| look(layer, name)) == Some(Seen::File)
    }

    /// Whether `/sbin/init` is systemd by another name.
    pub(super) fn init_is_systemd(&self) -> bool {
        ["sbin/init", "usr/sbin/init"].iter().any(|name| {
            self.layers()
                .find_map(|layer| link(layer, name))
                .is_some_and(|target| target.ends_with("systemd/systemd"))
        })
    }

    /// Whether systemd would mount `/tmp`: its unit is wanted at boot, and nobody has masked it.
    pub(super) fn has_tmp_unit(&self) -> bool {
        let link = |name: &str| self.layers().find_map(|layer| link(layer, name));
        let is_wanted = ["usr/lib", "lib", "etc"].iter().any(|folder| {
            link(&format!("{folder}/systemd/system/local-fs.target.wants/tmp.mount"))
                .is_some_and(|target| !target.as_os_str().is_empty())
        });
        is_wanted && link("etc/systemd/system/tmp.mount") != Some(PathBuf::from("/dev/null"))
    }

    /// The layers, the one that hides the others first.
    fn layers(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.upper).chain(self.lower.iter().rev())
    }

    /// Puts a text at `etc/NAME` in the machine's own layer.
    pub(super) fn write_etc(&self, name: &str, text: &str) -> Result<()> {
        let doing = || format!("writing '/etc/{name}' of the machine");
        let etc = self.open_etc().doing(doing)?;
        let temporary = format!(".yado-{name}");
        // Left over from an interrupted attempt, or not there at all.
        let _absent = rustix::fs::unlinkat(&etc, &temporary, AtFlags::empty());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&etc, &temporary, flags, Mode::from_raw_mode(0o644)).doing(doing)?;
        let mut file = std::fs::File::from(file);
        file.write_all(text.as_bytes()).doing(doing)?;
        owners::give_to_root(&file).doing(doing)?;
        rustix::fs::renameat(&etc, &temporary, &etc, name).doing(doing)
    }

    fn open_etc(&self) -> rustix::io::Result<OwnedFd> {
        let upper = rustix::fs::openat(CWD, &self.upper, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let open = || {
            rustix::fs::openat2(
                &upper,
                "etc",
                OFlags::DIRECTORY | OFlags::CLOEXEC,
                Mode::empty(),
                ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
            )
        };
        match open() {
            Err(rustix::io::Errno::NOENT) => {
                rustix::fs::mkdirat(&upper, "etc", Mode::from_raw_mode(0o755))?;
                let made = open()?;
                // Cannot fail where the layer itself was given to the machine's root.
                drop(owners::give_to_root(&made));
                Ok(made)
            }
            other => other,
        }
    }
}

/// A regular file's text, its name resolved as if `layer` were the root directory.
fn read(layer: &Path, name: &str) -> Option<String> {
    let folder = rustix::fs::openat(CWD, layer, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = rustix::fs::openat2(&folder, name, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
    let file = std::fs::File::from(file);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// What a layer has under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    File,
    /// The mark by which a layer says that a name of the layers below is gone, or something else that is no file.
    Other,
}

fn look(layer: &Path, name: &str) -> Option<Seen> {
    let folder = rustix::fs::openat(CWD, layer, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let found = rustix::fs::openat2(&folder, name, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
    let is_file = std::fs::File::from(found).metadata().ok()?.is_file();
    Some(if is_file { Seen::File } else { Seen::Other })
}

/// Where the link of this name points in a layer; what is there but no link points nowhere.
fn link(layer: &Path, name: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let folder = rustix::fs::openat(CWD, layer, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let (parent, last) = name.rsplit_once('/')?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = rustix::fs::openat2(&folder, parent, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
    rustix::fs::statat(&parent, last, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let target = rustix::fs::readlinkat(&parent, last, Vec::new()).map(std::ffi::CString::into_bytes);
    Some(PathBuf::from(std::ffi::OsString::from_vec(target.unwrap_or_default())))
}

/// Whether a running machine has something of this name.
pub(super) fn exists_running(pid: u32, name: &str) -> bool {
    look(Path::new(&format!("/proc/{pid}/root")), name).is_some()
}

/// A file of a running machine, by its first process's view (`/proc/PID/root`).
pub(super) fn read_running(pid: u32, name: &str) -> Option<String> {
    read(Path::new(&format!("/proc/{pid}/root")), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_planted_in_the_layer_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        let upper = folder.path().join("upper");
        std::fs::create_dir(&upper).unwrap();
        let files = RootFiles { upper: upper.clone(), lower: vec![] };

        std::os::unix::fs::symlink(&outside, upper.join("etc")).unwrap();
        assert!(files.write_etc("hosts", "x").is_err());
        assert!(!outside.join("hosts").exists());

        std::fs::remove_file(upper.join("etc")).unwrap();
        std::fs::create_dir(upper.join("etc")).unwrap();
        std::fs::write(outside.join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(outside.join("secret"), upper.join("etc/hosts")).unwrap();
        assert_eq!(files.read_etc("hosts"), "");
        files.write_etc("hosts", "mine").unwrap();
        assert_eq!(files.read_etc("hosts"), "mine");
        assert_eq!(std::fs::read_to_string(outside.join("secret")).unwrap(), "secret");
    }

    #[test]
    fn the_machines_own_layer_hides_the_box() {
        let folder = tempfile::tempdir().unwrap();
        let (upper, lower) = (folder.path().join("u"), folder.path().join("l"));
        std::fs::create_dir_all(lower.join("etc")).unwrap();
        std::fs::create_dir_all(&upper).unwrap();
        std::fs::write(lower.join("etc/hosts"), "box").unwrap();
        let files = RootFiles { upper, lower: vec![lower] };
        assert_eq!(files.read_etc("hosts"), "box");
        files.write_etc("hosts", "machine").unwrap();
        assert_eq!(files.read_etc("hosts"), "machine");
    }

    #[test]
    fn a_tmp_unit_is_wanted_by_a_link_and_masked_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let (upper, lower) = (folder.path().join("u"), folder.path().join("l"));
        let wants = "usr/lib/systemd/system/local-fs.target.wants";
        std::fs::create_dir_all(lower.join(wants)).unwrap();
        std::fs::create_dir_all(upper.join("etc/systemd/system")).unwrap();
        let files = RootFiles { upper: upper.clone(), lower: vec![lower.clone()] };
        assert!(!files.has_tmp_unit());
        std::os::unix::fs::symlink("../tmp.mount", lower.join(wants).join("tmp.mount")).unwrap();
        assert!(files.has_tmp_unit());
        std::os::unix::fs::symlink("/dev/null", upper.join("etc/systemd/system/tmp.mount")).unwrap();
        assert!(!files.has_tmp_unit());
    }
}
