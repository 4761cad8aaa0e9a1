//! A machine's keys for SSH: the pair that clients come with and the one that its server shows. They are its own, lie
//! in its directory, and go with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::context::Context;
use crate::disk::HostKey;
use crate::error::{Doing, Error, ErrorKind, Result};

/// A machine's keys on this host.
pub struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// Those in a machine's directory, made when they are not there yet.
    pub fn of(context: &Context, machine: &Path, name: &str) -> Result<Self> {
        let keys = Self::beside(machine);
        let known = keys.folder.join("known_hosts");
        if known.exists() {
            return Ok(keys);
        }
        use std::os::unix::fs::DirBuilderExt;
        let doing = || format!("making keys for '{name}'");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&keys.folder).doing(doing)?;
        // Several commands may want the keys at once: one makes them.
        let folder = std::fs::File::open(&keys.folder).doing(doing)?;
        folder.lock().doing(doing)?;
        if known.exists() {
            return Ok(keys);
        }
        for (file, comment) in [(keys.identity(), "vagrant"), (keys.host(), name)] {
            // Left by an interrupted attempt; ssh-keygen would ask.
            for old in [file.clone(), file.with_extension("pub")] {
                if old.exists() {
                    std::fs::remove_file(&old).doing(doing)?;
                }
            }
            let path = file.to_string_lossy().into_owned();
            let argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", &path];
            let made =
                context.host.run(&context.cancel, argv, Duration::from_secs(30)).map_err(|problem| {
                    problem.hinted("Keys are made by OpenSSH's 'ssh-keygen'; is the SSH client installed?")
                })?;
            if !made.status.success() {
                let said = String::from_utf8_lossy(&made.stderr).trim().to_owned();
                return Err(Error::new(ErrorKind::Other, format!("'ssh-keygen' failed: {said}")));
            }
        }
        let key = std::fs::read_to_string(keys.host().with_extension("pub")).doing(doing)?;
        // Last, as it says that the others are there.
        let fresh = keys.folder.join("known_hosts.new");
        std::fs::write(&fresh, format!("{} {key}", keys.alias()?)).doing(doing)?;
        std::fs::rename(&fresh, &known).doing(doing)?;
        Ok(keys)
    }

    /// Those in a machine's directory, which may not be there.
    pub fn beside(machine: &Path) -> Self {
        Self { folder: machine.join("ssh") }
    }

    /// The private key that clients come with.
    pub fn identity(&self) -> PathBuf {
        self.folder.join("private_key")
    }

    /// The file by which clients know the machine.
    pub fn known_hosts(&self) -> PathBuf {
        self.folder.join("known_hosts")
    }

    /// The name by which clients know it: one that no other machine has, whatever it is called.
    pub fn alias(&self) -> Result<String> {
        let id = self.folder.parent().and_then(Path::file_name).map(|name| name.to_string_lossy());
        id.map(|id| format!("yado-{id}"))
            .ok_or_else(|| Error::new(ErrorKind::Other, "The machine has no directory."))
    }

    /// The line of `authorized_keys` that lets clients in.
    pub fn authorized(&self) -> Result<String> {
        read(&self.identity().with_extension("pub")).map(|text| text.trim_end().to_owned())
    }

    /// The pair that the machine's server shows.
    pub fn host_key(&self) -> Result<HostKey> {
        let public = read(&self.host().with_extension("pub"))?.trim_end().to_owned();
        Ok(HostKey { kind: "ed25519".to_owned(), private: read(&self.host())?, public })
    }

    fn host(&self) -> PathBuf {
        self.folder.join("host_key")
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).doing(|| format!("reading '{}'", path.display()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::context::Cancel;
    use crate::host::Host;

    struct Silent;

    impl crate::event::EventSink for Silent {
        fn emit(&self, _event: crate::event::Event) {}
    }

    #[test]
    fn keys_that_several_want_at_once_are_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let machine = folder.path().join("m1");
        let context = Context {
            machine: None,
            host: Arc::new(Host::new(folder.path().join("home"))),
            events: Arc::new(Silent),
            cancel: Cancel::new(),
        };
        if !std::path::Path::new("/usr/bin/ssh-keygen").exists() {
            eprintln!("skipped: there is no ssh-keygen");
            return;
        }
        let lines: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| Keys::of(&context, &machine, "web")?.authorized())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        assert!(lines.iter().all(|line| *line == lines[0]), "{lines:?}");
    }
}
