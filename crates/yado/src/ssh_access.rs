//! The way of SSH programs into machines that are entered directly: `ssh-config` names a command to connect by
//! (`ssh-proxy`), which runs the machine's own sshd for this one connection. Nothing listens anywhere. The keys are the
//! machine's own, lie in its directory, and go with it.

use yado_core::ssh::Keys;
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

/// What the script reads.
fn script_input(keys: &Keys) -> Result<Vec<u8>> {
    Ok(format!("{}\n{}", keys.authorized()?, keys.host_key()?.private).into_bytes())
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
    prepare.input = Some(script_input(keys)?);
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
