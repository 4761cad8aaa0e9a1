//! The way of SSH programs into machines that are entered directly: `ssh-config` names a command to connect by
//! (`ssh-proxy`), which runs the machine's own sshd for this one connection. Nothing listens anywhere. The keys are the
//! machine's own, lie in its directory, and go with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use yado_core::error::Doing;
use yado_core::{Communicator, Context, Error, ErrorKind, Exec, Result};

/// Puts the keys where sshd finds them; they come as one line of the client's and the rest of the host's.
const SCRIPT: &str = r#"
[ -x /usr/sbin/sshd ] || exit 127
umask 022
mkdir -p /run/sshd /run/yado-ssh
cd /run/yado-ssh
IFS= read -r line
printf '%s\n' "$line" > authorized_keys.$$
mv authorized_keys.$$ authorized_keys
umask 077
cat > host_key.$$
mv host_key.$$ host_key
"#;

/// A machine's keys on this host.
pub(crate) struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// Those in a machine's directory, made when they are not there yet.
    pub(crate) fn of(context: &Context, machine: &Path, name: &str) -> Result<Self> {
        let keys = Self { folder: machine.join("ssh") };
        let known = keys.folder.join("known_hosts");
        if known.exists() {
            return Ok(keys);
        }
        use std::os::unix::fs::DirBuilderExt;
        let doing = || format!("making keys for '{name}'");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&keys.folder).doing(doing)?;
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

    /// The private key that clients come with.
    pub(crate) fn identity(&self) -> PathBuf {
        self.folder.join("private_key")
    }

    /// The file by which clients know the machine.
    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.folder.join("known_hosts")
    }

    /// The name by which clients know it: one that no other machine has, whatever it is called.
    pub(crate) fn alias(&self) -> Result<String> {
        let id = self.folder.parent().and_then(Path::file_name).map(|name| name.to_string_lossy());
        id.map(|id| format!("yado-{id}"))
            .ok_or_else(|| Error::new(ErrorKind::Other, "The machine has no directory."))
    }

    fn host(&self) -> PathBuf {
        self.folder.join("host_key")
    }

    /// What the script reads.
    fn text(&self) -> Result<Vec<u8>> {
        let read = |path: PathBuf| std::fs::read(&path).doing(|| format!("reading '{}'", path.display()));
        let mut text = read(self.identity().with_extension("pub"))?;
        text.extend(read(self.host())?);
        Ok(text)
    }
}

/// Runs the machine's sshd on our standard input and output, to the connection's end.
pub(crate) fn serve(context: &Context, inside: &dyn Communicator, keys: &Keys) -> Result<u8> {
    let root = |argv: Vec<String>| Exec {
        argv,
        user: Some("root".to_owned()),
        directory: Some("/".to_owned()),
        ..Exec::default()
    };
    let mut prepare = root(["sh", "-c", SCRIPT].map(str::to_owned).to_vec());
    prepare.input = Some(keys.text()?);
    let mut said = Vec::new();
    let status = inside.exec(context, &prepare, &mut |_, piece| said.extend_from_slice(piece))?;
    match status.code() {
        0 => {}
        127 => {
            return Err(Error::new(ErrorKind::Other, "The machine has no SSH server ('/usr/sbin/sshd').")
                .hinted(
                    "Install one in it ('openssh-server'), or enter it with `yado ssh`, which needs none.",
                ));
        }
        _ => {
            let said = String::from_utf8_lossy(&said).trim().to_owned();
            return Err(Error::new(
                ErrorKind::GuestCommandFailed,
                format!("Preparing the SSH server failed: {said}"),
            ));
        }
    }
    let settings = [
        "HostKey=/run/yado-ssh/host_key",
        "AuthorizedKeysFile=/run/yado-ssh/authorized_keys",
        "PasswordAuthentication=no",
        "KbdInteractiveAuthentication=no",
        "PermitRootLogin=prohibit-password",
        "UsePAM=yes",
        "PrintMotd=no",
        "PidFile=none",
        "AcceptEnv=LANG LC_*",
        "Subsystem=sftp internal-sftp",
    ];
    let mut argv = ["/usr/sbin/sshd", "-i", "-f", "/dev/null"].map(str::to_owned).to_vec();
    argv.extend(settings.iter().flat_map(|setting| ["-o".to_owned(), (*setting).to_owned()]));
    let status = inside.interact(context, &root(argv), false)?;
    Ok(u8::try_from(status.code()).unwrap_or(255))
}
