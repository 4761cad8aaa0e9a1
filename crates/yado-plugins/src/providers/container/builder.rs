//! [`Builder`]: programs run in a root file system that a box is being made from, in namespaces of their own. The
//! host's files, processes and devices stay out of reach; its network is not needed and not there.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use yado_boxes::Chroot;
use yado_container::spec::{self, Root, Spec, SyscallRule};
use yado_container::{CreateOptions, Engine, ExecRequest, Stdio};
use yado_core::{Context, Result};

use super::folders::IDS;
use super::{engine_error, owners};

/// Runs programs in root file systems.
pub struct Builder {
    engine: PathBuf,
}

impl Builder {
    /// A builder that keeps the engine's records below yado's `home`.
    pub fn new(home: &Path) -> Self {
        Self { engine: home.join("engine") }
    }
}

/// Ids on the host for what runs in here; below the machines' ranges.
const FIRST_ID: u32 = 1_000_000_000 - IDS;

impl Chroot for Builder {
    fn run(
        &self,
        cx: &Context,
        root: &Path,
        argv: &[&str],
        env: &[(&str, &str)],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<i32> {
        let engine = Engine::open(&self.engine).map_err(engine_error)?;
        let id = format!("build-{}", yado_core::store::random_id()?);
        let mut spec = spec::default_spec("build", FIRST_ID);
        spec.root = Some(Root { path: root.to_owned(), readonly: false });
        owners::map(&mut spec, FIRST_ID);
        pass_over_syncing(&mut spec);
        let options = CreateOptions { id_mapped_root: owners::are_translated(), ..CreateOptions::default() };
        let container = engine.create(&id, &spec, &options).map_err(engine_error)?;
        let outcome = (|| {
            let mut request = ExecRequest::new(argv.iter().copied());
            request.env = Some(
                [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("HOME", "/root")]
                    .iter()
                    .chain(env)
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect(),
            );
            let (mut ours, theirs) =
                std::io::pipe().map_err(|problem| yado_core::Error::system("making a pipe", problem))?;
            let also =
                theirs.try_clone().map_err(|problem| yado_core::Error::system("making a pipe", problem))?;
            request.stdout = Stdio::Fd(theirs.into());
            request.stderr = Stdio::Fd(also.into());
            let mut running = container.exec(&request).map_err(engine_error)?;
            // Our copies of the writing ends would keep the reading one open for ever.
            drop(request);
            let (send, receive) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let mut buffer = vec![0_u8; 32 << 10];
                while let Ok(count @ 1..) = ours.read(&mut buffer) {
                    if send.send(buffer[..count].to_vec()).is_err() {
                        return;
                    }
                }
            });
            loop {
                // A program that says nothing must not keep an interrupt waiting.
                cx.cancel.check()?;
                match receive.recv_timeout(Duration::from_millis(100)) {
                    Ok(piece) => output(&piece),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            Ok(running.wait().map_err(engine_error)?.code())
        })();
        container.delete(true).map_err(engine_error)?;
        outcome
    }
}

/// Calls that wait until the disk has something.
const SYNCING: [&str; 6] = ["fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "msync"];

/// Has them succeed at once: nobody keeps a root file system whose making was interrupted.
fn pass_over_syncing(spec: &mut Spec) {
    let Some(filter) = spec.linux.as_mut().and_then(|linux| linux.seccomp.as_mut()) else { return };
    // Of several rules for a call the last one counts. "Error 0" is success without the call being made.
    filter.syscalls.push(SyscallRule {
        names: SYNCING.map(str::to_owned).to_vec(),
        action: "SCMP_ACT_ERRNO".to_owned(),
        errno_ret: Some(0),
        args: Vec::new(),
    });
}
