//! Making a container: from a specification to a first process in namespaces of its own.

mod birth;
mod root;

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use birth::Ends;

use crate::cgroup::{Cgroups, Layout};
use crate::container::Container;
use crate::engine::Engine;
use crate::error::{Context, Error, Result};
use crate::hooks;
use crate::init::{self, Arrival, Init, Message};
use crate::namespaces::{Namespaces, sort_namespaces};
use crate::network::MachineNetwork;
use crate::privileges;
use crate::record::{Phase, Record, boot_id, start_time};
use crate::rootfs::{self, Entry, Overlay};
use crate::rootless;
use crate::seccomp;
use crate::spec::{Linux, Mount, Resources, Spec};
use crate::sys::clone::pidfd_open;
use crate::sys::signals;

/// What the specification does not say about a new container.
#[derive(Debug, Default)]
pub struct CreateOptions {
    /// Layers to take the root file system from, instead of `spec.root.path`.
    pub root_overlay: Option<Overlay>,
    /// Whether files on disk keep the container's own ids: the root (and, with an overlay, every layer) is
    /// then an idmapped mount with the mappings of the user namespace.
    pub id_mapped_root: bool,
    /// Network interfaces to give to the container's network namespace.
    pub network: Option<MachineNetwork>,
    /// What PID 1 is.
    pub init: Init,
    /// A file that the first process's output is appended to; without it, output goes nowhere.
    pub log: Option<PathBuf>,
    /// Standard input, output and error of the first process, instead of `log`.
    pub stdio: Option<[OwnedFd; 3]>,
    /// The folder that relative paths in the specification count from.
    pub bundle: Option<PathBuf>,
    /// A connected unix socket that gets the master side of the first process's terminal.
    pub console: Option<OwnedFd>,
    /// How many descriptors after the three standard ones the first process inherits.
    pub preserved: u32,
    /// Whether the container's tree is laid on top of the host's, for hosts whose root cannot be moved away.
    pub no_pivot: bool,
    /// Whether the first process keeps the session keyring of this program instead of getting an empty one.
    pub keep_keyring: bool,
    /// Whether the specification's process is started at once, as [`Container::start`] does later.
    pub started: bool,
    /// Where the first process's id is written before its program runs, so that nobody reads half of it.
    pub pid_file: Option<PathBuf>,
}

/// Makes a container; see [`Engine::create`].
pub(crate) fn create(engine: &Engine, id: &str, spec: &Spec, options: &CreateOptions) -> Result<Container> {
    let none = Linux::default();
    let linux = spec.linux.as_ref().unwrap_or(&none);
    let resources = linux.resources.clone().map(Resources::without_zeros);
    let namespaces = sort_namespaces(linux)?;
    linux.personality.as_ref().map(privileges::personality).transpose()?;
    crate::check::document(spec)?;
    crate::check::engine_can(spec, &namespaces, options)?;
    let filter = linux.seccomp.as_ref().map_or(Ok(Vec::new()), seccomp::compile)?;
    let filter_flags = linux.seccomp.as_ref().map_or(Ok(0), seccomp::flags)?;
    linux.seccomp.as_ref().map_or(Ok(None), seccomp::listener)?;
    let without_limits = if needs_all_hierarchies(spec, linux) { None } else { Layout::without_limits() };
    let layout = without_limits.as_ref().map_or_else(|| engine.layout(), Ok)?;
    if options.started && options.init == Init::Process && spec.process.is_none() {
        return Err(Error::invalid("process", "there is no program to run"));
    }

    let lock = engine.records.lock(id)?;
    clear_rubble(engine, id)?;
    let cgroups = Cgroups::plan(layout, id, linux.cgroups_path.as_deref(), resources.as_ref());
    if linux.cgroups_path.is_some()
        && let Err(error) = cgroups.refuse_used()
    {
        engine.records.remove(id)?;
        return Err(error);
    }
    let mut record = Record {
        id: id.to_owned(),
        phase: Phase::Creating,
        pid: 0,
        start_time: 0,
        boot: String::new(),
        cgroups,
        namespaces: namespaces.own,
        init: options.init,
        created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        bundle: options.bundle.clone().unwrap_or_default(),
        in_place: None,
        // Of what is half-made only its parts and its hooks matter.
        spec: if spec.hooks.is_some() { spec.clone() } else { Spec::default() },
    };
    let mut attempt = Attempt {
        engine,
        lock: &lock,
        layout,
        record: &mut record,
        spec,
        options,
        linux,
        resources: resources.as_ref(),
        namespaces,
        is_born_inside: false,
        pidfd: None,
        user: None,
    };
    match attempt.run((filter, filter_flags)) {
        Ok(()) => {}
        Err(error) => {
            attempt.undo();
            return Err(error);
        }
    }
    let container = Container::of(engine.records.clone(), record, engine.hierarchies.clone());
    drop(lock);
    Ok(container)
}

/// Whether a container has to do with other hierarchies than the v2 tree, or shows them.
fn needs_all_hierarchies(spec: &Spec, linux: &Linux) -> bool {
    linux.resources.is_some() || linux.cgroups_path.is_some() || spec.mounts.iter().any(shows_cgroups)
}

/// Whether cgroups are mounted there.
fn shows_cgroups(mount: &Mount) -> bool {
    matches!(mount.kind.as_deref(), Some("cgroup" | "cgroup2"))
}

/// Removes what an interrupted attempt left; a whole container is left alone and is an error.
fn clear_rubble(engine: &Engine, id: &str) -> Result<()> {
    let Some(record) = engine.records.read(id)? else {
        return Ok(());
    };
    if record.phase != Phase::Creating {
        return Err(Error::Exists(id.to_owned()));
    }
    record.cgroups.kill();
    record.unmount()?;
    record.cgroups.remove()?;
    match std::fs::remove_dir_all(engine.records.folder(id)) {
        // It had not come so far.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.path("remove", engine.records.folder(id)),
    }
}

/// One attempt at making a container.
struct Attempt<'a> {
    engine: &'a Engine,
    lock: &'a File,
    layout: &'a Layout,
    record: &'a mut Record,
    spec: &'a Spec,
    options: &'a CreateOptions,
    linux: &'a Linux,
    resources: Option<&'a Resources>,
    namespaces: Namespaces,
    /// Whether the first process is born in its v1 cgroups.
    is_born_inside: bool,
    pidfd: Option<OwnedFd>,
    /// Its user namespace, unless it is the host's.
    user: Option<OwnedFd>,
}

impl Attempt<'_> {
    fn run(&mut self, filter: (Vec<seccomp::Instruction>, u32)) -> Result<()> {
        // First, so that whoever finds this half-made knows where its parts are.
        self.engine.records.announce(self.lock, self.record)?;
        self.record.cgroups.make(self.layout, self.resources)?;
        // How the first process can be born in its v1 cgroups, if it can.
        let detour = self.record.cgroups.detour(self.layout, self.resources);
        self.is_born_inside = detour.is_some();
        if self.may_make_cgroups() {
            self.record.cgroups.delegate(self.host_root().0, self.host_root().1)?;
        }
        let (ours, theirs) = init::pair()?;
        if self.options.init == Init::Process && !self.options.started {
            self.engine.records.make_folder(&self.record.id)?;
        }
        let ends = Ends { socket: theirs, start: self.pipe("start")?, answer: self.pipe("answer")? };
        self.start(ends, &ours, detour.as_ref(), &filter)
    }

    /// What is done for the first process, and with it, from its birth on.
    fn accompany(&mut self, pid: i32, pidfd: OwnedFd, ours: &OwnedFd) -> Result<()> {
        self.pidfd = Some(pidfd);
        self.record.pid = pid;
        self.record.start_time = start_time(pid).unwrap_or(0);
        let own_user = self.namespaces.own & libc::CLONE_NEWUSER != 0;
        if self.namespaces.make & libc::CLONE_NEWUSER != 0 {
            self.write_mappings()?;
        }
        // Before it goes on and changes its ids: from then on until its program runs, ordinary users cannot look at it.
        if own_user {
            self.user = Some(self.open_namespace("user")?);
        }
        if let Some(ground) = rootless::ground() {
            ground.keep_for(self.record.pid)?;
        }
        if rootless::is_needed() && !self.is_born_inside {
            // Later it has ids that an ordinary user may not move.
            self.record.cgroups.attach(self.record.pid)?;
        }
        if own_user {
            init::release(ours)?;
        }
        // Where hooks could tell the difference, everything is done in the order in which it is told.
        let hooks = self.spec.hooks.is_some();
        if hooks {
            self.attach(ours)?;
        }
        if let Some(network) = self.options.network.as_ref() {
            network.connect(&self.record.id, self.record.pid)?;
        }
        if !self.linux.net_devices.is_empty() {
            crate::network::move_into(&self.linux.net_devices, self.open_namespace("net")?.as_fd())?;
        }
        self.run_hooks()?;
        let root = self.root()?;
        if self.entry() == Entry::InPlace {
            self.lay_in_place(&root)?;
        }
        let arrival = Arrival { pid: self.record.pid, root, sources: self.sources()? };
        init::send_arrival(ours.as_fd(), &arrival)?;
        drop(arrival);
        if !hooks {
            self.attach(ours)?;
        }
        self.finish(ours)
    }

    fn attached_later(&self) -> bool {
        !self.record.cgroups.legacy.is_empty() && !self.is_born_inside && !rootless::is_needed()
    }

    /// Moves the process into the cgroups that it was not born in, and tells it. The kernel may take some
    /// milliseconds for that, in which the process builds its tree.
    fn attach(&self, ours: &OwnedFd) -> Result<()> {
        if !self.attached_later() {
            return Ok(());
        }
        self.record.cgroups.attach(self.record.pid)?;
        Self::tell(ours, &Message::Attached)
    }

    /// Tells something to a process that will still be heard.
    fn tell(ours: &OwnedFd, word: &Message) -> Result<()> {
        let gone = |error: &Error| {
            let number = error.io().and_then(std::io::Error::raw_os_error);
            matches!(number, Some(libc::EPIPE | libc::ECONNRESET))
        };
        match init::send_message(ours.as_fd(), word) {
            // It failed meanwhile, and has said why.
            Err(error) if gone(&error) => Ok(()),
            other => other,
        }
    }

    /// The hooks that run on the host while the namespaces exist and the root is still the host's.
    fn run_hooks(&self) -> Result<()> {
        let Some(hooks) = &self.spec.hooks else { return Ok(()) };
        // The older kind of hook was once run by `start`, and what it is told is still the state of then.
        hooks::run("prestart", &hooks.prestart, self.record.moment("created"))?;
        hooks::run("createRuntime", &hooks.create_runtime, self.record.moment("creating"))
    }

    /// Shows the container as made when its first process has said that it stands, and lets that go on.
    fn finish(&mut self, ours: &OwnedFd) -> Result<()> {
        // While it works.
        self.prepare_record()?;
        if !self.runs_through() {
            match init::receive_message(ours.as_fd())? {
                Some(Message::Ready) => {}
                Some(Message::Failed(message)) => return Err(self.failed(message)),
                _ => return Err(self.failed("its first process ended without a word".to_owned())),
            }
        }
        self.publish_record()?;
        if self.runs_through() {
            Self::tell(ours, &Message::Continue)?;
        } else {
            init::send_message(ours.as_fd(), &Message::Continue)?;
        }
        if self.options.started && self.options.init == Init::Process {
            self.learn_whether_it_runs(ours)?;
        }
        Ok(())
    }

    /// Whether the container is on record as started before its first process has built its tree, for which nobody but
    /// hooks and who makes it could have a use. The process waits for that only when its tree stands: mostly it need not.
    fn runs_through(&self) -> bool {
        self.options.started && self.options.init == Init::Process && self.spec.hooks.is_none()
    }

    fn prepare_record(&mut self) -> Result<()> {
        self.record.boot = boot_id();
        self.record.phase = match self.options.init {
            Init::Process if !self.options.started => Phase::Created,
            _ => Phase::Started,
        };
        self.record.spec = self.spec.clone();
        self.engine.records.prepare(self.record)
    }

    fn publish_record(&self) -> Result<()> {
        self.engine.records.publish(&self.record.id)?;
        if let Some(path) = &self.options.pid_file {
            write_whole(path, &self.record.pid.to_string()).path("write the process id to", path)?;
        }
        Ok(())
    }

    /// The other end of the conversation is closed by the exec of the program; what is said before is why there was none.
    fn learn_whether_it_runs(&self, ours: &OwnedFd) -> Result<()> {
        let said = init::receive_rest(ours.as_fd())?;
        if !said.is_empty() {
            return Err(not_started(self.record, &said));
        }
        hooks::run_poststart(self.record.moment("running"))
    }

    fn failed(&self, message: String) -> Error {
        Error::SetUp { id: self.record.id.clone(), message }
    }

    fn write_mappings(&self) -> Result<()> {
        for (file, mappings) in [("uid_map", &self.linux.uid_mappings), ("gid_map", &self.linux.gid_mappings)]
        {
            let path = format!("/proc/{}/{file}", self.record.pid);
            std::fs::write(&path, rootfs::map_text(mappings)).path("write the id mapping", &path)?;
        }
        Ok(())
    }

    fn open_namespace(&self, name: &str) -> Result<OwnedFd> {
        let path = format!("/proc/{}/ns/{name}", self.record.pid);
        File::open(&path).map(OwnedFd::from).path("open the namespace", &path)
    }

    /// Whether the container is shown its v2 cgroup in a namespace of its own, writable: the specification's rule for
    /// giving it away.
    fn may_make_cgroups(&self) -> bool {
        self.namespaces.make & libc::CLONE_NEWCGROUP != 0
            && self
                .spec
                .mounts
                .iter()
                .any(|mount| shows_cgroups(mount) && !mount.options.iter().any(|option| option == "ro"))
    }

    fn kill(&self) {
        let Some(pidfd) = &self.pidfd else { return };
        if signals::to_pidfd(pidfd.as_fd(), libc::SIGKILL).is_err() {
            tracing::debug!(id = self.record.id, "the first process had ended");
        }
    }

    /// Leaves nothing behind. The first error is the one that matters, so later ones are only logged.
    fn undo(&mut self) {
        if self.pidfd.is_some() {
            self.kill();
            crate::sys::clone::reap(self.record.pid);
        }
        self.record.cgroups.kill();
        if self.pidfd.is_some()
            && let Some(hooks) = &self.spec.hooks
        {
            // The life of a container that a hook forbade ends as every other one.
            hooks::run_all(&hooks.poststop, self.record.moment("stopped"));
        }
        let removed = self.record.unmount().and_then(|()| self.record.cgroups.remove());
        let removed = removed.and_then(|()| self.engine.records.remove(&self.record.id));
        if let Err(error) = removed {
            tracing::warn!(id = self.record.id, %error, "the failed container could not be removed wholly");
        }
    }
}

/// Why the program of a container could not be run: in words, or by the numbers of the step and the error.
pub(crate) fn not_started(record: &Record, message: &[u8]) -> Error {
    let message = match (message, &record.spec.process) {
        ([0, stage, low, high], Some(process)) => {
            let error = i32::from(u16::from_le_bytes([*low, *high]));
            init::failure_of(&record.id, process, *stage, error).to_string()
        }
        _ => String::from_utf8_lossy(message).into_owned(),
    };
    Error::SetUp { id: record.id.clone(), message }
}

/// Writes a file so that nobody reads half of it.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, path))
}

/// Connects to the program that decides system calls, when there are such.
pub(crate) fn connect_listener(seccomp: &crate::spec::Seccomp) -> Result<Option<OwnedFd>> {
    let Some(path) = seccomp::listener(seccomp)? else { return Ok(None) };
    let socket = std::os::unix::net::UnixStream::connect(path);
    socket.map(|socket| Some(socket.into())).path("connect to the listener of 'linux.seccomp'", path)
}

/// Opens a descriptor for a process on record.
pub(crate) fn pidfd_of(record: &Record) -> Result<OwnedFd> {
    let gone = || Error::NotRunning(record.id.clone());
    let pidfd = pidfd_open(record.pid).map_err(|_| gone())?;
    // Only now does the number surely stand for the process that is checked.
    if record.is_alive() { Ok(pidfd) } else { Err(gone()) }
}
