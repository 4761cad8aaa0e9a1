//! `ansible_local`: Ansible runs inside the machine, on the project's synced folder, and is installed there when missing.

use std::io::Write;

use yado_core::error::Doing;
use yado_core::spec::{MachineSpec, ProvisionerSpec};
use yado_core::{
    Aftermath, Context, Error, ErrorKind, Guest, Kind, Provisioner, ProvisionerKind, Result, Schema, Setting,
    settings,
};

use super::inventory::{self, Entry};
use super::playbook::Playbook;
use crate::provisioners::guest_command::{ask, install, quoted, run};

/// The kind.
pub(in crate::provisioners) static ANSIBLE_LOCAL: AnsibleLocalKind = AnsibleLocalKind;

pub(in crate::provisioners) struct AnsibleLocalKind;

const OWN: [Setting; 6] = settings! {
    "install" Bool "true" "Install Ansible when it is missing.";
    "install_mode" Text "default" "From the guest's packages, or 'pip', or 'pip_args_only'.";
    "pip_args" Text "" "Further arguments of pip.";
    "pip_install_cmd" Text "" "A command line that installs pip.";
    "provisioning_path" Text "/vagrant" "The directory in the guest that paths start at.";
    "tmp_path" Text "/tmp/vagrant-ansible" "Where the inventory is put in the guest.";
};

static SETTINGS: [Setting; super::COMMON.len() + OWN.len()] = super::together(OWN);

static SCHEMA: Schema = Schema { settings: &SETTINGS };

/// Installs Ansible from the guest's own packages; 3 when it knows none.
const PACKAGES: &str = r"
if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends ansible
elif command -v dnf >/dev/null; then
    dnf install -y ansible || { dnf install -y epel-release && dnf install -y ansible; } || dnf install -y ansible-core
elif command -v yum >/dev/null; then
    yum install -y ansible || { yum install -y epel-release && yum install -y ansible; }
elif command -v apk >/dev/null; then apk add --no-cache ansible
elif command -v pacman >/dev/null; then pacman -Sy --noconfirm ansible
elif command -v zypper >/dev/null; then zypper --non-interactive install ansible
else exit 3
fi
";

/// Installs pip the same way.
const PIP: &str = r"
if python3 -m pip --version >/dev/null 2>&1; then :
elif command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-pip
elif command -v dnf >/dev/null; then dnf install -y python3-pip
elif command -v yum >/dev/null; then yum install -y python3-pip
elif command -v apk >/dev/null; then apk add --no-cache py3-pip
elif command -v pacman >/dev/null; then pacman -Sy --noconfirm python-pip
elif command -v zypper >/dev/null; then zypper --non-interactive install python3-pip
else exit 3
fi
";

impl Kind for AnsibleLocalKind {
    fn name(&self) -> &'static str {
        "ansible_local"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }
}

impl ProvisionerKind for AnsibleLocalKind {
    fn open(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Box<dyn Provisioner>> {
        let playbook = Playbook::from_spec(spec, machine)?;
        let install = if playbook.flag("install", true) {
            match playbook.text("install_mode").as_deref() {
                Some("pip") => Install::Pip { only_arguments: false },
                Some("pip_args_only") => Install::Pip { only_arguments: true },
                _ => Install::Packages,
            }
        } else {
            Install::Never
        };
        let path = |name: &str, default: &str| playbook.text(name).unwrap_or_else(|| default.to_owned());
        Ok(Box::new(AnsibleLocal {
            install,
            directory: path("provisioning_path", "/vagrant"),
            temporary: path("tmp_path", "/tmp/vagrant-ansible"),
            project: machine.project.clone(),
            playbook,
        }))
    }
}

/// Where Ansible comes from when it is missing.
#[derive(Debug, Clone, Copy)]
enum Install {
    Never,
    Packages,
    Pip { only_arguments: bool },
}

struct AnsibleLocal {
    playbook: Playbook,
    install: Install,
    directory: String,
    temporary: String,
    project: std::path::PathBuf,
}

impl Provisioner for AnsibleLocal {
    fn fingerprint(&self) -> Result<String> {
        self.playbook.fingerprint(&self.project)
    }

    fn run(&mut self, context: &Context, guest: &Guest<'_>) -> Result<Aftermath> {
        self.have_ansible(context, guest)?;
        self.require_file(context, guest, &self.playbook.file, "playbook")?;
        let inventory = match self.playbook.text("inventory_path") {
            Some(path) => path,
            None => self.put_inventory(context, guest)?,
        };
        if let Some(galaxy) = &self.playbook.galaxy {
            self.require_file(context, guest, &galaxy.role_file, "galaxy_role_file")?;
            context.detail("Running ansible-galaxy...");
            let status = run(context, guest, false, &self.line(&galaxy.line))?;
            if !status.success() {
                return Err(self.playbook.failed(status.code()));
            }
        }
        context.detail("Running ansible-playbook...");
        let argv = self.playbook.command(&inventory, &[]);
        let (program, arguments) = argv.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
        let arguments: Vec<_> = arguments.iter().map(|argument| quoted(argument)).collect();
        let line = self.line(&format!("{program} {}", arguments.join(" ")));
        if self.playbook.verbosity().is_some() {
            context.detail(&*line);
        }
        let status = run(context, guest, false, &line)?;
        if !status.success() {
            return Err(self.playbook.failed(status.code()));
        }
        Ok(Aftermath::Nothing)
    }
}

impl AnsibleLocal {
    /// A command line of Ansible's, in its directory and with its environment.
    fn line(&self, command: &str) -> String {
        let colour = std::io::IsTerminal::is_terminal(&std::io::stdout());
        let variables = self.playbook.environment(colour);
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| format!("export {name}={};", quoted(value))).collect();
        format!("cd {} && {{ {} {command}; }}", quoted(&self.directory), variables.join(" "))
    }

    fn have_ansible(&self, context: &Context, guest: &Guest<'_>) -> Result<()> {
        let program = self.playbook.text("playbook_command").unwrap_or_else(|| "ansible-playbook".to_owned());
        let look = format!("{program} --version");
        let (status, said) = ask(context, guest, false, &look)?;
        if status.success()
            && (self.playbook.check_version(&said).is_ok() || !matches!(self.install, Install::Pip { .. }))
        {
            return self.playbook.check_version(&said);
        }
        match self.install {
            Install::Never => {
                return Err(Error::new(
                    ErrorKind::GuestCommandFailed,
                    "The Ansible software could not be found! Please verify that Ansible is correctly installed on \
                     the guest system.",
                )
                .at(self.playbook.origin.clone())
                .hinted("With `install = true` yado installs it."));
            }
            Install::Packages => {
                context.detail("Installing Ansible...");
                self.install_by(context, guest, PACKAGES)?;
            }
            Install::Pip { only_arguments } => {
                context.detail("Installing pip... (for Ansible installation)");
                let own = self.playbook.text("pip_install_cmd");
                self.install_by(context, guest, own.as_deref().unwrap_or(PIP))?;
                context.detail("Installing Ansible...");
                let arguments = self.playbook.text("pip_args").unwrap_or_default();
                let package = match self.playbook.text("version") {
                    _ if only_arguments => String::new(),
                    Some(version) if version != "latest" => format!("ansible=={version}"),
                    _ => "ansible".to_owned(),
                };
                // Distributions ask whoever runs pip beside their packages to say that it is meant.
                let line = format!(
                    "PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --upgrade {arguments} {package}"
                );
                self.install_by(context, guest, &line)?;
            }
        }
        let (status, said) = ask(context, guest, false, &look)?;
        if !status.success() {
            let text = format!("Ansible was installed in the machine, and still `{look}` fails there.");
            return Err(Error::new(ErrorKind::GuestCommandFailed, text).at(self.playbook.origin.clone()));
        }
        // What `pip` was told to install is what was wanted, whatever it calls itself.
        if matches!(self.install, Install::Pip { .. }) { Ok(()) } else { self.playbook.check_version(&said) }
    }

    fn install_by(&self, context: &Context, guest: &Guest<'_>, script: &str) -> Result<()> {
        let status = install(context, guest, script)?;
        if status.success() {
            return Ok(());
        }
        let text = match status.code() {
            3 => "yado does not know how to install Ansible on this guest system.".to_owned(),
            code => format!("Installing Ansible in the machine failed (exit status {code}); see above."),
        };
        Err(Error::new(ErrorKind::GuestCommandFailed, text)
            .at(self.playbook.origin.clone())
            .hinted("Install it with a `shell` provisioner before this one, and set `install = false`."))
    }

    fn require_file(&self, context: &Context, guest: &Guest<'_>, file: &str, setting: &str) -> Result<()> {
        let line = format!("cd {} && test -f {}", quoted(&self.directory), quoted(file));
        if ask(context, guest, false, &line)?.0.success() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::GuestCommandFailed,
            format!("`{setting}` does not exist on the guest: '{file}' in '{}'.", self.directory),
        )
        .at(self.playbook.origin.clone())
        .hinted("`provisioning_path` says where in the guest the project is."))
    }

    /// Puts the inventory into the guest; its directory is the option's value.
    fn put_inventory(&self, context: &Context, guest: &Guest<'_>) -> Result<String> {
        let entries: Vec<Entry> = guest
            .neighbours
            .iter()
            .map(|machine| Entry {
                name: machine.name.clone(),
                variables: if machine.name == guest.spec.name {
                    vec!["ansible_connection=local".to_owned()]
                } else {
                    Vec::new()
                },
            })
            .collect();
        let mut file = tempfile::NamedTempFile::new().doing(|| "writing the inventory")?;
        file.write_all(inventory::text(&self.playbook, &entries).as_bytes())
            .doing(|| "writing the inventory")?;
        let directory = format!("{}/inventory", self.temporary);
        let path = format!("{directory}/vagrant_ansible_local_inventory");
        let line = format!(
            "mkdir -p {0} && rm -f {1} && chown -R {2} {3}",
            quoted(&directory),
            quoted(&path),
            quoted(guest.user),
            quoted(&self.temporary)
        );
        if !ask(context, guest, true, &line)?.0.success() {
            let text = format!("'{directory}' could not be made in the machine.");
            return Err(Error::new(ErrorKind::GuestCommandFailed, text).at(self.playbook.origin.clone()));
        }
        guest.communicator.upload(context, file.path(), &path)?;
        Ok(directory)
    }
}
