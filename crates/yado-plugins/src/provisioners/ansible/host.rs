//! `ansible`: Ansible runs on this computer and enters the machines by SSH, as `yado ssh-config` describes them. Playbooks
//! can run programs here, and so the project must be trusted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use yado_core::error::Doing;
use yado_core::host::Program;
use yado_core::spec::{MachineSpec, ProvisionerSpec};
use yado_core::{
    Aftermath, Context, Error, ErrorKind, Guest, Kind, Neighbour, Provisioner, ProvisionerKind, Result,
    Schema, Setting, settings,
};

use super::inventory::{self, Entry};
use super::playbook::Playbook;
use crate::provisioners::guest_command::{Lines, ask, install, quoted};

/// The kind.
pub(in crate::provisioners) static ANSIBLE: AnsibleKind = AnsibleKind;

pub(in crate::provisioners) struct AnsibleKind;

const OWN: [Setting; 5] = settings! {
    "ask_become_pass" Bool "false" "Ask for the password to become another user with.";
    "ask_vault_pass" Bool "false" "Ask for the vault's password.";
    "force_remote_user" Bool "true" "Enter as the machine's user whatever the playbook says.";
    "host_key_checking" Bool "false" "Taken for true always: the machines' keys are known.";
    "raw_ssh_args" Any "" "Further options of ssh.";
};

static SETTINGS: [Setting; super::COMMON.len() + OWN.len()] = super::together(OWN);

static SCHEMA: Schema = Schema { settings: &SETTINGS };

/// Where Vagrant has the inventory, and people's own `ansible.cfg` look for it.
const FOLDER: &str = ".vagrant/provisioners/ansible";
/// The longest that asking for a machine's connection may take.
const ASKING: Duration = Duration::from_secs(60);

/// The longest that installing Python in another machine may take.
const INSTALLING: Duration = Duration::from_mins(10);

/// Whether a machine has a Python that Ansible finds.
const HAS_PYTHON: &str =
    "command -v python3 >/dev/null || command -v /usr/libexec/platform-python >/dev/null";

/// Installs one from the machine's own packages.
const PYTHON: &str = r"
if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-minimal python3-apt
elif command -v dnf >/dev/null; then dnf install -y python3
elif command -v yum >/dev/null; then yum install -y python3
elif command -v apk >/dev/null; then apk add --no-cache python3
elif command -v pacman >/dev/null; then pacman -Sy --noconfirm python
elif command -v zypper >/dev/null; then zypper --non-interactive install python3
else exit 3
fi
";

impl Kind for AnsibleKind {
    fn name(&self) -> &'static str {
        "ansible"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }
}

impl ProvisionerKind for AnsibleKind {
    fn open(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Box<dyn Provisioner>> {
        let playbook = Playbook::from_spec(spec, machine)?;
        let mut files = vec![("playbook", Some(playbook.file.clone()))];
        for name in ["galaxy_role_file", "config_file", "inventory_path", "vault_password_file"] {
            files.push((name, playbook.text(name)));
        }
        for (name, file) in files {
            let Some(file) = file else { continue };
            // An inventory may be a list of hosts.
            let is_list = name == "inventory_path" && file.contains(',');
            if !is_list && !machine.project.join(expanded(&file)).exists() {
                return Err(playbook.wrong(format!("`{name}` does not exist on the host: {file}")));
            }
        }
        Ok(Box::new(Ansible { playbook, project: machine.project.clone() }))
    }

    fn runs_on_host(&self) -> bool {
        true
    }

    fn reaches_others(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> bool {
        Playbook::from_spec(spec, machine).is_ok_and(|playbook| playbook.limit() != machine.name)
    }
}

struct Ansible {
    playbook: Playbook,
    project: PathBuf,
}

impl Provisioner for Ansible {
    fn fingerprint(&self) -> Result<String> {
        self.playbook.fingerprint(&self.project)
    }

    fn run(&mut self, context: &Context, guest: &Guest<'_>) -> Result<Aftermath> {
        self.have_ansible(context)?;
        let written = self.write_inventory(context, guest)?;
        self.have_python(context, guest)?;
        let inventory = self.playbook.text("inventory_path").unwrap_or(written);
        // Sockets' paths must be short, and are closed before the machines are left alone.
        let sockets = tempfile::Builder::new().prefix("yado-").tempdir().doing(|| "making a directory")?;
        let mut environment = self.environment(guest);
        environment
            .push(("ANSIBLE_SSH_CONTROL_PATH_DIR".to_owned(), sockets.path().to_string_lossy().into_owned()));
        let result = self.apply(context, &environment, &inventory, guest);
        close(context, sockets.path());
        result.map(|()| Aftermath::Nothing)
    }
}

impl Ansible {
    fn apply(
        &self,
        context: &Context,
        environment: &[(String, String)],
        inventory: &str,
        guest: &Guest<'_>,
    ) -> Result<()> {
        if let Some(galaxy) = &self.playbook.galaxy {
            context.detail("Running ansible-galaxy...");
            let argv = ["sh", "-c", &galaxy.line].map(str::to_owned);
            self.run_here(context, environment, &argv)?;
        }
        context.detail("Running ansible-playbook...");
        let mut lead = vec!["--connection=ssh".to_owned(), "--timeout=30".to_owned()];
        if !self.playbook.flag("force_remote_user", true) {
            lead.push(format!("--user={}", guest.user));
        }
        for (name, option) in
            [("ask_become_pass", "--ask-become-pass"), ("ask_vault_pass", "--ask-vault-pass")]
        {
            if self.playbook.flag(name, false) {
                lead.push(option.to_owned());
            }
        }
        let argv = self.playbook.command(inventory, &lead);
        if self.playbook.verbosity().is_some() {
            let words: Vec<_> = argv.iter().map(|word| quoted(word)).collect();
            context.detail(words.join(" "));
        }
        self.run_here(context, environment, &argv)
    }

    /// Runs one of Ansible's programs in the project's directory. One that asks for passwords gets our terminal.
    fn run_here(&self, context: &Context, environment: &[(String, String)], argv: &[String]) -> Result<()> {
        let assignments = environment.iter().map(|(name, value)| format!("{name}={value}"));
        let argv = ["env".to_owned()].into_iter().chain(assignments).chain(argv.iter().cloned());
        let program = Program { directory: Some(self.project.clone()), ..Program::new(argv) };
        let asks = ["ask_become_pass", "ask_vault_pass"].iter().any(|name| self.playbook.flag(name, false));
        let status = if asks {
            context.host.attach(&context.cancel, &program)?
        } else {
            let mut lines = Lines::new(context, true, Vec::new());
            let status = context
                .host
                .watch(&context.cancel, &program, &mut |stream, piece| lines.take(stream, piece))?;
            lines.flush();
            status
        };
        if status.success() { Ok(()) } else { Err(self.playbook.failed(status.code().unwrap_or(-1))) }
    }

    fn have_ansible(&self, context: &Context) -> Result<()> {
        let program = self.playbook.text("playbook_command").unwrap_or_else(|| "ansible-playbook".to_owned());
        let is_path = program.contains('/');
        if !is_path && context.host.which(&program).is_none() {
            return Err(Error::new(
                ErrorKind::Other,
                "The Ansible software could not be found! Please verify that Ansible is correctly installed on your \
                 host system.",
            )
            .at(self.playbook.origin.clone())
            .hinted("On Debian and Ubuntu it is the package 'ansible'. `ansible_local` needs none on this computer."));
        }
        if self.playbook.text("version").is_some() {
            let argv = [program.as_str(), "--version"];
            let said = context.host.run_in(&context.cancel, &self.project, argv, ASKING)?;
            self.playbook.check_version(&String::from_utf8_lossy(&said.stdout))?;
        }
        Ok(())
    }

    /// Ansible's modules are Python programs, which few small boxes have.
    fn have_python(&self, context: &Context, guest: &Guest<'_>) -> Result<()> {
        if !ask(context, guest, false, HAS_PYTHON)?.0.success() {
            context.detail("Installing Python, which Ansible needs in the machine...");
            if !install(context, guest, PYTHON)?.success() {
                context.warn(
                    "Python could not be installed in the machine; see above. Ansible is run all the same.",
                );
            }
        }
        if self.playbook.limit() == guest.spec.name {
            return Ok(());
        }
        let config = self.project.join(FOLDER).join("ssh_config");
        let script = format!("{HAS_PYTHON} || sudo sh -c {}", quoted(PYTHON));
        for machine in guest.neighbours.iter().filter(|machine| machine.name != guest.spec.name) {
            let argv =
                ["ssh".as_ref(), "-F".as_ref(), config.as_os_str(), machine.name.as_ref(), script.as_ref()];
            // One that does not run, or has no way to Python, is Ansible's to tell of.
            let said = context.host.run(&context.cancel, argv, INSTALLING)?;
            tracing::debug!(machine = machine.name, status = ?said.status, "python");
        }
        Ok(())
    }

    fn environment(&self, guest: &Guest<'_>) -> Vec<(String, String)> {
        let colour = std::io::IsTerminal::is_terminal(&std::io::stdout());
        let mut variables = self.playbook.environment(colour);
        let mut options = vec!["-o ControlMaster=auto".to_owned(), "-o ControlPersist=60s".to_owned()];
        if guest.spec.ssh.settings.get("forward_agent") == Some(&serde_json::Value::Bool(true)) {
            options.push("-o ForwardAgent=yes".to_owned());
        }
        // The first value counts in ssh, and so the user's own stand before ours.
        let mut raw: Vec<String> = self.playbook.words("raw_ssh_args");
        raw.extend(options);
        variables.push(("ANSIBLE_SSH_ARGS".to_owned(), raw.join(" ")));
        variables
    }

    /// Writes the inventory of the machines that run, with the way into each, and returns its directory.
    fn write_inventory(&self, context: &Context, guest: &Guest<'_>) -> Result<String> {
        let folder = self.project.join(FOLDER);
        let directory = folder.join("inventory");
        std::fs::create_dir_all(&directory).doing(|| format!("creating '{}'", directory.display()))?;
        let config = folder.join("ssh_config");
        let (mut entries, mut ways) = (Vec::new(), String::new());
        for machine in guest.neighbours {
            let way = match self.way_into(context, machine) {
                Ok(way) => way,
                Err(problem) if machine.name == guest.spec.name => return Err(problem),
                // It does not run, and so cannot be configured.
                Err(_) => continue,
            };
            let mut variables = vec![format!("ansible_host={}", machine.name)];
            if self.playbook.flag("force_remote_user", true)
                && let Some(user) = setting(&way, "User")
            {
                variables.push(format!("ansible_user='{user}'"));
            }
            if let Some(key) = setting(&way, "IdentityFile") {
                variables.push(format!("ansible_ssh_private_key_file='{}'", key.trim_matches('"')));
            }
            let options = format!("-F {}", quoted(&config.to_string_lossy()));
            variables.push(format!("ansible_ssh_common_args=\"{options}\""));
            entries.push(Entry { name: machine.name.clone(), variables });
            ways.push_str(&way);
        }
        let write = |path: &Path, text: &str| {
            // Two machines of one environment may write at once: what is there is always whole.
            let fresh = path.with_extension(format!("{}.new", guest.spec.name));
            std::fs::write(&fresh, text)
                .and_then(|()| std::fs::rename(&fresh, path))
                .doing(|| format!("writing '{}'", path.display()))
        };
        write(&config, &ways)?;
        write(&directory.join("vagrant_ansible_inventory"), &inventory::text(&self.playbook, &entries))?;
        Ok(format!("{FOLDER}/inventory"))
    }

    /// A machine's entry of an OpenSSH configuration: this program says it, as it says it to users.
    fn way_into(&self, context: &Context, machine: &Neighbour) -> Result<String> {
        let program = std::env::current_exe().doing(|| "finding this program")?;
        let home = context.host.home();
        let mut variable = std::ffi::OsString::from("YADO_HOME=");
        variable.push(home);
        let argv = [
            "env".as_ref(),
            variable.as_os_str(),
            program.as_os_str(),
            // Nothing but the machine's record is asked.
            "-C".as_ref(),
            home.as_os_str(),
            "ssh-config".as_ref(),
            "--host".as_ref(),
            machine.name.as_ref(),
            machine.id.as_ref(),
        ];
        let said = context.host.run(&context.cancel, argv, ASKING)?;
        if said.status.success() {
            return Ok(String::from_utf8_lossy(&said.stdout).into_owned());
        }
        let problem = String::from_utf8_lossy(&said.stderr).trim().to_owned();
        Err(Error::new(ErrorKind::Other, format!("'{}' cannot be entered by SSH: {problem}", machine.name)))
    }
}

/// A setting of an OpenSSH configuration's entry.
fn setting<'a>(way: &'a str, name: &str) -> Option<&'a str> {
    way.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(' '))
}

/// A path with the user's home in the place of `~`.
fn expanded(file: &str) -> PathBuf {
    match (file.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(file),
    }
}

/// Ends the connections that ssh keeps for later use; there is no later.
fn close(context: &Context, sockets: &Path) {
    let Ok(entries) = std::fs::read_dir(sockets) else { return };
    for entry in entries.flatten() {
        let path = format!("ControlPath={}", entry.path().display());
        let argv = ["ssh", "-F", "/dev/null", "-o", &path, "-O", "exit", "yado"];
        // The wish to stop must not keep it from being closed.
        drop(context.host.run(&yado_core::Cancel::new(), argv, Duration::from_secs(5)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_in_an_entry() {
        let way = "Host web\n  HostName 127.0.0.1\n  User vagrant\n  UserKnownHostsFile /x\n  IdentityFile \"/a b\"\n";
        assert_eq!(setting(way, "User"), Some("vagrant"));
        assert_eq!(setting(way, "IdentityFile"), Some("\"/a b\""));
        assert_eq!(setting(way, "Port"), None);
    }
}
