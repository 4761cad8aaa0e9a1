//! Which files a Vagrantfile may read before its project is trusted: what belongs to the project, what lies in the
//! folders above it, and elsewhere only a list of things that are no secret. A path is judged by where it leads.

use std::cell::RefCell;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use yado_ruby::HostError;

/// More than any configuration holds; reading it whole must not exhaust the memory.
const LARGEST: u64 = 64 << 20;

/// Folders that belong to the system or to many people: being below one of them says nothing about a file.
const BROAD: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/local",
    "/var",
    "/var/lib",
    "/var/tmp",
];

/// Broad folders whose own files can be secret, too.
const SYSTEM: &[&str] = &["/", "/boot", "/dev", "/etc", "/proc", "/run", "/sys", "/var", "/var/lib"];

/// Files elsewhere that are no secret.
const PUBLIC_FILES: &[&str] = &[
    "/dev/null",
    "/etc/alpine-release",
    "/etc/arch-release",
    "/etc/centos-release",
    "/etc/debian_version",
    "/etc/fedora-release",
    "/etc/gentoo-release",
    "/etc/group",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/issue",
    "/etc/localtime",
    "/etc/lsb-release",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/redhat-release",
    "/etc/resolv.conf",
    "/etc/SuSE-release",
    "/etc/timezone",
    "/proc/cpuinfo",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/ostype",
    "/proc/sys/kernel/version",
    "/proc/uptime",
    "/proc/version",
    "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/sys_vendor",
    "/usr/lib/os-release",
];

/// Folders elsewhere whose files are no secret.
const PUBLIC_FOLDERS: &[&str] =
    &["/usr/share", "/sys/devices/system/cpu", "/sys/devices/virtual/dmi/id", "/sys/devices/virtual/net"];

/// Folders that people keep secrets in, wherever they lie.
const SECRET_FOLDERS: &[&str] = &[
    ".aws",
    ".azure",
    ".config",
    ".docker",
    ".gcloud",
    ".gnupg",
    ".kube",
    ".local",
    ".mozilla",
    ".password-store",
    ".ssh",
    ".yado",
];

/// Files that hold secrets, wherever they lie.
const SECRET_FILES: &[&str] = &[
    ".bash_history",
    ".git-credentials",
    ".htpasswd",
    ".my.cnf",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".zsh_history",
    "credentials",
    "private_key",
    "vagrant_login_token",
];

/// Endings of files that hold private keys.
const SECRET_ENDINGS: &[&str] = &["asc", "gpg", "jks", "kdbx", "key", "keystore", "p12", "pem", "pfx", "ppk"];

/// What a Vagrantfile may read.
pub(crate) struct Reading {
    project: PathBuf,
    home: Option<PathBuf>,
    vagrant_home: Option<PathBuf>,
    /// Files and folders that yado itself reads from: the user's own Vagrantfile, a box.
    given: RefCell<Vec<PathBuf>>,
}

impl Reading {
    /// What the Vagrantfile of this project may read for a user with this home.
    pub(crate) fn new(project: &Path, home: Option<&str>, vagrant_home: Option<&str>) -> Self {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let home = home.filter(|home| !home.is_empty()).map(|home| real(Path::new(home)));
        let vagrant_home = match vagrant_home.filter(|path| path.starts_with('/')) {
            Some(path) => Some(real(Path::new(path))),
            None => home.as_ref().map(|home| real(&home.join(".vagrant.d"))),
        };
        Self { project: real(project), home, vagrant_home, given: RefCell::default() }
    }

    /// Allows a file or folder that yado itself was told to read.
    pub(crate) fn permit(&self, path: &Path) {
        if let Ok(real) = path.canonicalize() {
            self.given.borrow_mut().push(real);
        }
    }

    /// The content of a file, if it may be read.
    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        let real = path.canonicalize()?;
        let metadata = real.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::from_raw_os_error(21).into());
        }
        let shown = if real == path {
            format!("reading {}", path.display())
        } else {
            format!("reading {}, which is {},", path.display(), real.display())
        };
        if real == Path::new("/dev/null") {
            return Ok(Vec::new());
        }
        if !self.allows(&real) || !metadata.is_file() || metadata.len() > LARGEST {
            return Err(HostError::Refused(shown));
        }
        // What was judged is what is opened, even if somebody put a link there meanwhile.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let file =
            std::fs::OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(&real)?;
        let mut content = Vec::new();
        file.take(LARGEST).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Whether what lies at this path, which has no links in it, may be read.
    fn allows(&self, real: &Path) -> bool {
        let given = self.given.borrow().iter().any(|given| real.starts_with(given));
        given || self.belongs_to_project(real) || self.lies_above(real) || self.is_public(real)
    }

    fn belongs_to_project(&self, real: &Path) -> bool {
        let Ok(below) = real.strip_prefix(&self.project) else { return false };
        if !self.is_broad(&self.project) {
            return true;
        }
        // A Vagrantfile in somebody's home: everything of theirs is "beneath the project".
        !is_system(&self.project)
            && !is_secret(below)
            && !below.components().any(|part| is_hidden(part.as_os_str()))
    }

    fn lies_above(&self, real: &Path) -> bool {
        self.project.ancestors().skip(1).any(|folder| {
            let Ok(below) = real.strip_prefix(folder) else { return false };
            if is_secret(below) || is_system(folder) {
                return false;
            }
            let name = below.as_os_str();
            let vagrants = name.to_string_lossy().starts_with(".vagrant");
            let plain_child = below.components().count() == 1 && (!is_hidden(name) || vagrants);
            plain_child || !self.is_broad(folder)
        })
    }

    fn is_public(&self, real: &Path) -> bool {
        if PUBLIC_FILES.iter().any(|known| real == Path::new(known))
            || PUBLIC_FOLDERS.iter().any(|folder| real.starts_with(folder))
            || is_kvm_parameter(real)
            || real.extension().is_some_and(|ending| ending == "pub")
        {
            return true;
        }
        let Some(below) = self.vagrant_home.as_ref().and_then(|home| real.strip_prefix(home).ok()) else {
            return false;
        };
        below.starts_with("insecure_private_key")
            || below.starts_with("insecure_private_keys")
            || (!is_secret(below) && !below.starts_with("data"))
    }

    /// Whether a folder holds more than one project's things.
    fn is_broad(&self, folder: &Path) -> bool {
        BROAD.iter().any(|known| folder == Path::new(known))
            || self.home.as_ref().is_some_and(|home| home.starts_with(folder))
            || folder
                .parent()
                .is_some_and(|parent| parent == Path::new("/home") || parent == Path::new("/run/user"))
            || is_system(folder)
    }
}

fn is_system(folder: &Path) -> bool {
    SYSTEM.iter().any(|known| folder == Path::new(known))
        || ["/dev", "/proc", "/sys"].iter().any(|known| folder.starts_with(known))
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Whether nested virtualization is on, which Vagrantfiles ask.
fn is_kvm_parameter(real: &Path) -> bool {
    ["/sys/module/kvm_intel/parameters/nested", "/sys/module/kvm_amd/parameters/nested"]
        .iter()
        .any(|known| real == Path::new(known))
}

/// Whether a path is by its names one of a secret.
fn is_secret(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_lowercase()) else { return false };
    let folder = path.components().any(|part| match part {
        Component::Normal(part) => SECRET_FOLDERS.iter().any(|known| part == *known),
        _ => false,
    });
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let key = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "identity"]
        .iter()
        .any(|known| name.starts_with(known));
    let public = ending == "pub";
    !public && (folder || key || SECRET_ENDINGS.contains(&ending) || SECRET_FILES.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(project: &str) -> Reading {
        Reading::new(Path::new(project), Some("/home/someone"), None)
    }

    fn allows(project: &str, path: &str) -> bool {
        reading(project).allows(Path::new(path))
    }

    #[test]
    fn the_projects_own_files_are_all_readable() {
        for path in ["/a/b", ".ssh/id_rsa", "keys/ca.pem", ".env"] {
            assert!(
                allows("/home/someone/work/project", &format!("/home/someone/work/project/{path}")),
                "{path}"
            );
        }
    }

    #[test]
    fn the_folders_above_are_readable_but_for_their_secrets() {
        let project = "/home/someone/work/project/vagrant";
        for path in ["work/project/settings.yml", "work/other/lib.rb", "shared.yml", ".vagrantuser"] {
            assert!(allows(project, &format!("/home/someone/{path}")), "{path}");
        }
        for path in [
            "work/project/id_rsa",
            "work/ca.key",
            "work/.ssh/config",
            ".bashrc",
            "documents/letter.txt",
            ".netrc",
            ".ssh/id_ed25519",
            ".aws/credentials",
            ".config/gh/hosts.yml",
            ".docker/config.json",
            "id_rsa",
            "key.pem",
        ] {
            assert!(!allows(project, &format!("/home/someone/{path}")), "{path}");
        }
    }

    #[test]
    fn a_project_that_is_a_home_does_not_open_its_secrets() {
        assert!(allows("/home/someone", "/home/someone/project/settings.yml"));
        for path in
            [".ssh/id_rsa", ".ssh/config", ".netrc", ".mozilla/cookies", "keys/server.pem", ".bash_history"]
        {
            assert!(!allows("/home/someone", &format!("/home/someone/{path}")), "{path}");
        }
    }

    #[test]
    fn a_project_in_a_folder_of_the_system_does_not_open_that() {
        for project in ["/", "/etc", "/etc/vagrant", "/tmp/x", "/root/x"] {
            assert!(!allows(project, "/etc/shadow"), "{project}");
            assert!(!allows(project, "/proc/1/environ"), "{project}");
        }
        assert!(!allows("/tmp/mine", "/tmp/theirs/file"));
        assert!(!allows("/home/someone/x", "/home/other/x"));
    }

    #[test]
    fn elsewhere_what_is_no_secret_is_readable() {
        for path in [
            "/etc/os-release",
            "/usr/lib/os-release",
            "/proc/cpuinfo",
            "/usr/share/zoneinfo/Europe/Berlin",
            "/home/someone/.ssh/id_rsa.pub",
            "/home/someone/.vagrant.d/Vagrantfile",
            "/etc/timezone",
            "/home/someone/.vagrant.d/insecure_private_key",
        ] {
            assert!(allows("/srv/project", path), "{path}");
        }
        for path in [
            "/home/someone/.vagrant.d/data/vagrant_login_token",
            "/home/someone/notes",
            "/etc/shadow",
            "/etc/ssl/private/a.key",
            "/var/log/syslog",
            "/proc/self/environ",
            "/proc/1/cmdline",
            "/run/secrets/token",
        ] {
            assert!(!allows("/srv/project", path), "{path}");
        }
    }

    #[test]
    fn a_link_is_judged_by_where_it_leads() {
        let room = tempfile::tempdir().unwrap();
        let (project, other) = (room.path().join("project"), room.path().join("other"));
        std::fs::create_dir_all(&project).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        std::fs::write(other.join("id_rsa"), "secret").unwrap();
        std::os::unix::fs::symlink(other.join("id_rsa"), project.join("settings.pub")).unwrap();
        std::os::unix::fs::symlink(&other, project.join("lib")).unwrap();
        let reading = Reading::new(&project, None, None);
        for path in ["settings.pub", "lib/id_rsa", "lib/../other/id_rsa"] {
            assert!(matches!(reading.read(&project.join(path)), Err(HostError::Refused(_))), "{path}");
        }
    }

    #[test]
    fn what_is_no_ordinary_file_is_not_read() {
        let room = tempfile::tempdir().unwrap();
        let pipe = room.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
            .unwrap();
        let reading = Reading::new(room.path(), None, None);
        assert!(matches!(reading.read(&pipe), Err(HostError::Refused(_))));
        assert!(matches!(reading.read(Path::new("/dev/zero")), Err(HostError::Refused(_))));
        assert!(reading.read(Path::new("/dev/null")).unwrap().is_empty());
    }
}
