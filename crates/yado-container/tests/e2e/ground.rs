//! What every test stands on: an engine in a folder of its own and a root made of the host's `/usr`.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use yado_container::spec::{self, Mount, Spec};
use yado_container::{Container, CreateOptions, Engine, ExecRequest, ExitStatus, Leftovers, Overlay, Stdio};

/// The host's id of the containers' root.
pub(crate) const FIRST_ID: u32 = 1_000_000;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A folder with an engine, removed at the end.
pub(crate) struct Ground {
    pub(crate) folder: PathBuf,
    pub(crate) engine: Engine,
    /// What others have on this machine.
    before: Leftovers,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("yado-e2e-{}-{number}", std::process::id()));
        std::fs::create_dir_all(folder.join("skeleton")).unwrap();
        skeleton(&folder.join("skeleton"));
        Self::at(folder)
    }

    /// On a folder that another process has prepared.
    pub(crate) fn at(folder: PathBuf) -> Self {
        let engine = Engine::open(folder.join("engine")).unwrap();
        let before = engine.leftovers().unwrap();
        Self { folder, engine, before }
    }

    /// A specification with all defaults and the host's `/usr`.
    pub(crate) fn spec(&self, name: &str) -> Spec {
        let mut spec = spec::default_spec(name, FIRST_ID);
        spec.mounts.push(Mount {
            destination: "/usr".into(),
            kind: Some("bind".to_owned()),
            source: Some("/usr".into()),
            options: ["rbind", "ro", "nosuid"].map(str::to_owned).into(),
            ..Mount::default()
        });
        spec
    }

    /// An overlay over the skeleton with changes of its own.
    pub(crate) fn options(&self, name: &str) -> CreateOptions {
        let machine = self.folder.join("machines").join(name);
        let overlay = Overlay {
            lower: vec![self.folder.join("skeleton")],
            upper: machine.join("upper"),
            work: machine.join("work"),
        };
        std::fs::create_dir_all(&overlay.upper).unwrap();
        std::fs::create_dir_all(&overlay.work).unwrap();
        CreateOptions { root_overlay: Some(overlay), id_mapped_root: true, ..CreateOptions::default() }
    }

    /// Fails when something of this test's is still on the machine after the kernel had time to clear up.
    pub(crate) fn assert_nothing_left(&self) {
        let limit = Instant::now() + Duration::from_secs(3);
        loop {
            let left = self.engine.leftovers().unwrap().since(&self.before);
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < limit, "{left:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A container with all defaults.
    pub(crate) fn container(&self, name: &str) -> Container {
        self.container_with(name, &self.spec(name))
    }

    pub(crate) fn container_with(&self, name: &str, spec: &Spec) -> Container {
        self.engine.create(name, spec, &self.options(name)).unwrap()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for container in self.engine.list().unwrap_or_default() {
            if let Err(error) = container.delete(true) {
                println!("left behind: {error}");
            }
        }
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn skeleton(root: &Path) {
    for folder in ["usr", "etc", "proc", "sys", "dev", "tmp", "root", "run", "var"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    for name in ["bin", "sbin", "lib", "lib64"] {
        symlink(format!("usr/{name}"), root.join(name)).unwrap();
    }
    std::fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\nvagrant:x:1000:1000::/:/bin/sh\n")
        .unwrap();
}

/// Runs a shell line; its standard output and how it ended. Standard error is appended.
pub(crate) fn shell_as(
    container: &Container,
    line: &str,
    change: impl FnOnce(&mut ExecRequest),
) -> (String, ExitStatus) {
    let mut request = ExecRequest::new(["/bin/sh", "-c", line]);
    request.stdout = Stdio::Piped;
    change(&mut request);
    let mut running = container.exec(&request).unwrap();
    let mut text = String::new();
    if let Some(mut stdout) = running.stdout.take() {
        std::io::Read::read_to_string(&mut stdout, &mut text).unwrap();
    }
    let status = running.wait_for(Duration::from_mins(1)).unwrap().expect("the command ends within a minute");
    (text, status)
}

/// As [`shell_as`] with nothing special; the text without its last line end.
pub(crate) fn shell(container: &Container, line: &str) -> String {
    let (text, status) = shell_as(container, &format!("exec 2>&1; {line}"), |_| {});
    assert!(status.success(), "{line}: {status:?}: {text}");
    text.trim_end().to_owned()
}
