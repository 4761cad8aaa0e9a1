//! [`Provider`]: builds and operates one machine of one technology.

use std::time::Duration;

use crate::communicator::Communicator;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::kind::Kind;
use crate::ports::Forward;
use crate::spec::MachineSpec;
use crate::store::MachineRecord;

/// What a machine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineState {
    /// Nothing of it exists.
    NotCreated,
    /// It exists and is switched off.
    Stopped,
    /// It runs.
    Running,
    /// It exists and is frozen in memory.
    Suspended,
}

impl MachineState {
    /// The machine-readable id, as in Vagrant's `state` lines.
    pub fn id(self) -> &'static str {
        match self {
            Self::NotCreated => "not_created",
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Suspended => "suspended",
        }
    }

    /// The words of `status`.
    pub fn short(self) -> &'static str {
        match self {
            Self::NotCreated => "not created",
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Suspended => "suspended",
        }
    }
}

/// How to stop a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// Ask politely, then by force after this time.
    Graceful(Duration),
    /// At once.
    Force,
}

/// A kind of provider, such as `container` or `docker`.
pub trait ProviderKind: Kind {
    /// One line for `yado providers`.
    fn summary(&self) -> &'static str;
    /// Other names that it is asked for by (`--provider`), and whose blocks in a Vagrantfile are meant for it, too. A
    /// mention of one does not choose it: many Vagrantfiles have such blocks for those who have the plugin.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }
    /// Settings that were understood and do nothing, a sentence with its place for each.
    fn without_effect(&self, spec: &MachineSpec) -> Vec<String> {
        let _ = spec;
        Vec::new()
    }
    /// Whether several machines may be worked on at once.
    fn parallel(&self) -> bool {
        true
    }
    /// Whether this very process makes and starts its machines, waiting for nothing but this computer's processors: then
    /// more at a time than there are of these are no help.
    fn is_made_by_this_process(&self) -> bool {
        false
    }
    /// Whether it may be chosen when the Vagrantfile names no provider; the highest usable priority wins.
    fn priority(&self) -> Option<u32> {
        None
    }
    /// Whether such a machine is made from a box.
    fn needs_box(&self, spec: &MachineSpec) -> bool {
        let _ = spec;
        true
    }
    /// The kind of boxes that its machines are made from, which is its own name or another provider's whose boxes serve.
    fn boxes(&self) -> &'static str {
        self.name()
    }
    /// Takes away what this provider keeps of a box beside yado's own state, such as an image in an engine's store, so
    /// that the next machine is made as if it were the first. What machines still use stays, and is an error.
    fn forget_box(&self, context: &Context, image: &Image) -> Result<()> {
        let _ = (context, image);
        Ok(())
    }
    /// Whether machines are entered through a forwarded SSH port; false where there is a shorter way in, and the
    /// implicit forward of port 22 would only take a host port.
    fn forwards_ssh(&self) -> bool {
        true
    }
    /// Whether files of synced folders belong to the entry user inside, whoever their owner is outside, and the other
    /// way round. Elsewhere they carry the same numbers on both sides.
    fn maps_owners(&self) -> bool {
        true
    }
    /// Whether a machine can be made as a copy of another one (`Provider::create_as_copy`).
    fn can_clone(&self) -> bool {
        false
    }
    /// Whether synced folders are copied into its machines, which see nothing of the host's file systems.
    fn copies_folders(&self) -> bool {
        false
    }
    /// Whether its machines boot from a disk instead of running on layers.
    fn wants_disk(&self) -> bool {
        false
    }
    /// What of this computer the provider's own settings hand to the machine: the user must trust the project for it.
    fn reach(&self, spec: &MachineSpec) -> Reach {
        let _ = spec;
        Reach::default()
    }
    /// Everything in `spec` that this provider cannot do, found before anything is changed.
    fn check(&self, spec: &MachineSpec) -> Vec<crate::spec::Problem>;
    /// A handle on the machine of this record; creates nothing.
    fn open(
        &self,
        record: &MachineRecord,
        spec: Option<&MachineSpec>,
        place: &Place,
    ) -> Result<Box<dyn Provider>>;
}

/// What of a computer a machine gets to see and to do besides what every machine gets.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Files and directories of the host, with the place where they are asked for. Those near the project are nobody's
    /// harm.
    pub paths: Vec<(std::path::PathBuf, Option<crate::spec::Origin>)>,
    /// Rights, as sentences.
    pub rights: Vec<crate::spec::Problem>,
}

/// Where a provider keeps what belongs to one machine, and where shared state lives.
#[derive(Clone)]
pub struct Place {
    /// The machine's own directory below yado's home. Exists while the machine does.
    pub machine: std::path::PathBuf,
    /// The store, for leases.
    pub store: std::sync::Arc<crate::store::Store>,
}

/// One machine, as the program or kernel that runs it sees it. Methods are called by the lifecycle only; each may be
/// repeated after an interruption and must then finish the work.
pub trait Provider: Send {
    /// What the machine is doing now. Changes nothing and is quick.
    fn state(&self, context: &Context) -> Result<MachineState>;
    /// Takes what only one machine can have (addresses, subnets) before anything is made. Called for all machines of
    /// a command, one after another; leases go with the machine's record.
    fn reserve(&mut self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }
    /// Gives back what the present configuration does not ask for any more, of a machine that is switched off. Called for
    /// all machines of a command before the first of them reserves.
    fn let_go(&mut self) -> Result<()> {
        Ok(())
    }
    /// Refuses a restart for which another machine has what this one is to have then; this one still runs.
    fn check_reservation(&self) -> Result<()> {
        Ok(())
    }
    /// Makes the machine, switched off, from the image that its kind [needs](ProviderKind::needs_box). On failure
    /// nothing is left behind.
    fn create(&mut self, context: &Context, image: Option<&Image>) -> Result<()>;
    /// Makes the machine, switched off, as a copy of another of the same provider, whose lock is held and which may run.
    /// What the copy is made from is on its record. On failure nothing is left behind.
    fn create_as_copy(&mut self, context: &Context, model: &MachineRecord) -> Result<()> {
        let _ = (context, model);
        Err(Error::new(ErrorKind::Other, "This provider cannot make copies of machines."))
    }
    /// Before a machine that was restarted on purpose is switched on: what it is made from may have changed. When it is
    /// made anew, what provisioners did is forgotten.
    fn renew(&mut self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }
    /// Switches it on: networks with these forwarded ports, folders, boot.
    fn start(&mut self, context: &Context, forwards: &[Forward]) -> Result<()>;
    /// Switches it off. A stopped machine is fine.
    fn stop(&mut self, context: &Context, how: StopMode) -> Result<()>;
    /// Removes every trace of it, whatever state it is in; also when it is half made.
    fn destroy(&mut self, context: &Context) -> Result<()>;
    /// A way in; the machine runs.
    fn connect(&self, context: &Context) -> Result<Box<dyn Communicator>>;

    /// Lets a machine that runs know of those that have come to its environment since it was started. Does nothing for
    /// one that cannot be told now: it is asked again when it is ready.
    fn learn_names(&mut self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// When the machine can be entered after it was started or went on: brings what needs it to run. `copies`: also
    /// folders that are copied, which takes from them what the machine made there. Only a start that the user asked for
    /// does that, and neither a machine that goes on nor one that a provisioner restarts.
    fn bring(&mut self, context: &Context, copies: bool) -> Result<()> {
        let _ = (context, copies);
        Ok(())
    }

    // Powers that not every provider has.

    /// The machine's file system as layers, lowest first, for packaging; the machine is switched off.
    fn layers(&self, context: &Context) -> Result<Option<Vec<std::path::PathBuf>>> {
        let _ = context;
        Ok(None)
    }

    /// Where what the machine's first process wrote is found now; with `follow`, as it goes on writing.
    fn log(&self, context: &Context, follow: bool) -> Result<Option<Log>> {
        let _ = (context, follow);
        Ok(None)
    }

    /// The machine's serial console, to be talked to; an error when somebody else has it.
    fn console(&self, context: &Context) -> Result<Option<Console>> {
        let _ = context;
        Ok(None)
    }

    /// Commands of the engine that the machine is a container of.
    fn engine(&self) -> Option<&dyn EngineCommands> {
        None
    }

    /// How SSH programs enter the machine by themselves; `None` where it has no server, or none that they could reach.
    fn ssh(&self) -> Result<Option<crate::ssh::Access>> {
        Ok(None)
    }

    /// Changing what the machine may use while it runs.
    fn limits(&mut self) -> Option<&mut dyn LiveLimits> {
        None
    }

    /// Freezing and thawing.
    fn suspend(&mut self) -> Option<&mut dyn Suspend> {
        None
    }

    /// Keeping the machine's data as it is, and going back to it.
    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        None
    }
}

/// A machine's serial console.
pub struct Console {
    /// What the machine writes comes out, and what is written goes in.
    pub stream: std::os::unix::net::UnixStream,
    /// Keeps others away from it meanwhile.
    pub lock: std::fs::File,
}

/// Changing what a running machine may use: memory, processors, processes.
pub trait LiveLimits {
    /// How the wanted limits differ from those that count now, a line each; empty for a machine that does not run.
    fn pending(&self, context: &Context) -> Result<Vec<String>>;
    /// Makes the wanted limits count.
    fn apply(&mut self, context: &Context) -> Result<()>;
}

/// What a machine's first process writes.
#[derive(Debug, Clone)]
pub enum Log {
    /// To a file of the host, line after line; it may not be there yet.
    File(std::path::PathBuf),
    /// To a journal, which this command inside prints.
    Command(crate::communicator::Exec),
    /// To its engine, which this program of the host prints.
    Program(Vec<String>),
}

/// The engine that a machine is a container of: its command lines, for users who know it, and its images.
pub trait EngineCommands {
    /// Runs a command in the machine, with these options of the engine's `exec`. The machine runs.
    fn exec(&self, context: &Context, options: &[String], command: &[String]) -> Result<Vec<String>>;
    /// Runs a command in a container beside the machine, made from the same image with the same settings but for
    /// name, ports and addresses, which only one can have. With these options of the engine's `run`.
    fn run(&self, context: &Context, options: &[String], command: &[String]) -> Result<Vec<String>>;
    /// Prints what the container wrote.
    fn logs(&self, context: &Context, follow: bool) -> Result<Vec<String>>;
    /// Writes the machine's image, without a name, to a file that `docker load` takes; of the engine's images and their
    /// names none is changed.
    fn save_image(&self, context: &Context, output: &std::path::Path) -> Result<()>;
}

/// Keeping a machine's data under a name, and going back to it. A death at any instant leaves either what was before
/// or what was asked for; [`Snapshots::tidy`] then takes the rest away.
pub trait Snapshots {
    /// The names of the snapshots, the oldest first.
    fn list(&self, context: &Context) -> Result<Vec<String>>;
    /// Keeps the data as it is now, also of a machine that runs; a snapshot of the same name is replaced.
    fn save(&mut self, context: &Context, name: &str) -> Result<()>;
    /// Goes back to a snapshot that exists; the machine is switched off, and what it had is lost.
    fn restore(&mut self, context: &Context, name: &str) -> Result<()>;
    /// Forgets a snapshot that exists; the machine keeps what it has.
    fn delete(&mut self, context: &Context, name: &str) -> Result<()>;
    /// After an interruption: takes away what belongs to no snapshot, and lets a machine go on that `running` says ran.
    fn tidy(&mut self, context: &Context, running: bool) -> Result<()>;
}

/// Freezing a machine with all its processes, and going on.
pub trait Suspend {
    /// Freezes.
    fn suspend(&mut self, context: &Context) -> Result<()>;
    /// Goes on.
    fn resume(&mut self, context: &Context) -> Result<()>;
    /// After an interruption of either: afterwards the machine is frozen, or it goes on.
    fn mend(&mut self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }
}
