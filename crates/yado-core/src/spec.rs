//! What should be: the finished, plain-data description of one machine that a Vagrantfile asks for.
//! Made by `yado-vagrantfile`, read by everyone else; nothing here can be half-set.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A place in a Vagrantfile (or a file that it loads).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file, absolute.
    pub file: PathBuf,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in bytes, counted from 1; 0 when unknown.
    pub column: u32,
    /// The column behind what is meant, on the same line; 0 when that reaches to the line's end.
    #[serde(default)]
    pub end_column: u32,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// One machine, wanted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MachineSpec {
    /// Its name in the environment.
    pub name: String,
    /// The directory of the project's Vagrantfile; relative paths start here.
    pub project: PathBuf,
    /// Taken by commands that want one machine when none is named.
    pub primary: bool,
    /// Brought up by `up` without a name.
    pub autostart: bool,
    /// Providers that the Vagrantfile mentions for this machine, in order of first mention.
    pub providers: Vec<ProviderSettings>,
    /// The box to build it from.
    pub image: BoxSpec,
    /// The machine that it is to be a copy of, instead of being built from a box.
    #[serde(default)]
    pub clone_from: Option<CloneSpec>,
    /// Host name inside.
    pub hostname: Option<String>,
    /// Forced guest type, such as `windows`.
    pub guest: Option<String>,
    /// Forced communicator, such as `winrm`.
    pub communicator: Option<String>,
    /// Networks in order, the implicit ssh forward included.
    pub networks: Vec<NetworkSpec>,
    /// Synced folders in order, the implicit `/vagrant` included, disabled ones left out.
    pub synced_folders: Vec<FolderSpec>,
    /// `config.vm.disk`, in order.
    #[serde(default)]
    pub disks: Vec<EntrySpec>,
    /// `config.vm.cloud_init`, in order.
    #[serde(default)]
    pub cloud_init: Vec<EntrySpec>,
    /// Provisioners in the order they run.
    pub provisioners: Vec<ProvisionerSpec>,
    /// Entering the machine.
    pub ssh: SshSpec,
    /// Seconds until an unreachable machine counts as failed.
    pub boot_timeout: u64,
    /// Seconds between the polite and the hard stop.
    pub graceful_halt_timeout: u64,
    /// Shown after `up`.
    pub post_up_message: String,
    /// Where corrected host ports come from, inclusive.
    pub usable_port_range: (u16, u16),
    /// Whether yado may write host names into the guest's `/etc/hosts`.
    pub allow_hosts_modification: bool,
    /// What is to happen around commands.
    #[serde(default)]
    pub triggers: Vec<TriggerSpec>,
    /// Settings of plugins whose work yado does itself, by section.
    #[serde(default)]
    pub plugins: crate::guest_settings::PluginSettings,
    /// What is wrong with the configuration, by section (`vm`, `shell provisioner`, …); empty when all is well.
    pub problems: Vec<(String, Vec<Problem>)>,
}

/// One complaint of validation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A full sentence.
    pub message: String,
    /// Where the setting was made, when known.
    pub origin: Option<Origin>,
    /// What to do about it, where the message alone does not say it.
    #[serde(default)]
    pub remedy: Option<String>,
}

/// `config.vm.provider NAME`, evaluated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProviderSettings {
    /// The provider's name.
    pub name: String,
    /// `p.key = value`, last value wins, defaults not filled in.
    pub settings: Map<String, Value>,
    /// Method calls that are not plain assignments, in order: `[name, arg, …]`, such as `["customize", [...]]`.
    pub calls: Vec<Value>,
    /// Where each setting was made last.
    pub origins: Vec<(String, Origin)>,
    /// Where the provider was mentioned first.
    pub origin: Option<Origin>,
}

/// `config.vm.clone`: a machine that exists already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloneSpec {
    /// The directory of its project, absolute.
    pub project: PathBuf,
    /// Its name there, when the Vagrantfile says one.
    pub machine: Option<String>,
    /// Where the setting was made.
    pub origin: Option<Origin>,
}

/// `config.vm.box*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxSpec {
    /// `config.vm.box`; `None` for providers that need none.
    pub name: Option<String>,
    /// Version constraints, comma separated.
    pub version: Option<String>,
    /// `config.vm.box_url`, tried in order.
    pub urls: Vec<String>,
    /// Expected checksum and its type.
    pub checksum: Option<(String, String)>,
    /// Look for newer versions on `up`.
    pub check_update: bool,
    /// The wanted architecture: `auto` is the host's, `None` the one that the box's catalogue calls its default.
    #[serde(default)]
    pub architecture: Option<String>,
    /// `config.vm.box_server_url`: the catalogue server, when the environment names none.
    #[serde(default)]
    pub server: Option<String>,
    /// How it is downloaded.
    #[serde(default)]
    pub download: DownloadSpec,
    /// Where `config.vm.box` was set.
    pub origin: Option<Origin>,
}

/// `config.vm.box_download_*`: whom to trust when a box is downloaded. Paths are as given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadSpec {
    /// Do not verify certificates.
    pub insecure: bool,
    /// Send credentials to other hosts, too, when the server redirects there.
    pub location_trusted: bool,
    /// A file of certificates to trust instead of the system's.
    pub ca_certificate: Option<PathBuf>,
    /// A directory of such files.
    pub ca_directory: Option<PathBuf>,
    /// A certificate with its key to show to the server.
    pub client_certificate: Option<PathBuf>,
    /// Options by their long names in curl, in order; `None` for a bare flag.
    pub options: Vec<(String, Option<String>)>,
}

/// `config.vm.network TYPE, options`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// `forwarded_port`, `private_network` or `public_network`.
    pub kind: String,
    /// The options as given plus finalised ones (`id`, `protocol`, …); provider-prefixed keys of the chosen
    /// provider already applied.
    pub options: Map<String, Value>,
    /// Where it was asked for; `None` for implicit ones.
    pub origin: Option<Origin>,
}

/// `config.vm.disk TYPE, options` or `config.vm.cloud_init TYPE, options`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntrySpec {
    /// `disk`, `dvd`, `floppy`; `user_data`.
    pub kind: String,
    /// The options with their defaults.
    pub options: Map<String, Value>,
    /// Options that do not exist.
    pub unknown: Vec<String>,
    /// Whether what is wrong with it stands among the machine's problems already.
    pub checked: bool,
    /// Where it was asked for.
    pub origin: Option<Origin>,
}

/// `config.vm.synced_folder HOST, GUEST, options`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FolderSpec {
    /// Its id (by default the guest path).
    pub id: String,
    /// Host path, absolute.
    pub host_path: PathBuf,
    /// Guest path.
    pub guest_path: String,
    /// `type:`, when forced.
    pub kind: Option<String>,
    /// All options as given.
    pub options: Map<String, Value>,
    /// Where it was asked for; `None` for the implicit one.
    pub origin: Option<Origin>,
}

/// When a provisioner runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunWhen {
    /// On the first `up` only, or when asked.
    Once,
    /// On every `up` and `reload`.
    Always,
    /// Only when named by `--provision-with`.
    Never,
}

/// `config.vm.provision NAME_OR_TYPE, options`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProvisionerSpec {
    /// The type, such as `shell`.
    pub kind: String,
    /// Its name, when it has one.
    pub name: Option<String>,
    /// When it runs.
    pub run: RunWhen,
    /// False: runs even without a reachable guest.
    pub communicator_required: bool,
    /// Its finalised settings.
    pub settings: Map<String, Value>,
    /// Where it was asked for.
    pub origin: Option<Origin>,
}

/// `config.trigger.before|after COMMAND`, for a machine that it is meant for (`only_on`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerSpec {
    /// After the command, and not before it.
    pub after: bool,
    /// `up`, `halt`, …, or `all`.
    pub command: String,
    /// With `all`: commands that it is not for.
    pub ignore: Vec<String>,
    /// `action`, `command` or `hook`.
    pub kind: String,
    /// Its name, when it has one.
    pub name: Option<String>,
    /// Said first.
    pub info: Option<String>,
    /// Said next.
    pub warn: Option<String>,
    /// Ends the program with this code.
    pub abort: Option<i32>,
    /// Codes of `run` that count as success.
    pub exit_codes: Vec<i32>,
    /// Whether a failure ends the command.
    pub halt_on_error: bool,
    /// Settings of a script for the host.
    pub run: Option<Map<String, Value>>,
    /// Settings of a script for the machine, as of a shell provisioner.
    pub run_remote: Option<Map<String, Value>>,
    /// Whether it has a block of Ruby.
    pub ruby: bool,
    /// Where it was asked for.
    pub origin: Option<Origin>,
}

/// `config.ssh`, as far as entering a machine needs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SshSpec {
    /// Guest user; `None`: the box's default.
    pub username: Option<String>,
    /// Shell that runs commands, such as `bash -l`.
    pub shell: String,
    /// Template of privileged commands, `%c` is the command.
    pub sudo_command: String,
    /// Everything else of the section, finalised.
    pub settings: Map<String, Value>,
}
