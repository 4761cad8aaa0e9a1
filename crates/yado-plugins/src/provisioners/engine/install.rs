//! Having an engine in the machine: its package, its service, and the user's right to talk to it.

use yado_core::{Aftermath, Context, Guest, Result};

use super::EngineWork;
use crate::provisioners::guest_command::{ask, install, quoted, run};

/// Installs Docker from the guest's own packages; 3 when it knows none.
const DOCKER: &str = r"
if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io iptables
    # Newer releases have the command in a package of its own.
    command -v docker >/dev/null || apt-get install -y -qq --no-install-recommends docker-cli
elif command -v dnf >/dev/null; then dnf install -y moby-engine || dnf install -y docker
elif command -v yum >/dev/null; then yum install -y docker
elif command -v apk >/dev/null; then apk add --no-cache docker
elif command -v pacman >/dev/null; then pacman -Sy --noconfirm docker
elif command -v zypper >/dev/null; then zypper --non-interactive install docker
else exit 3
fi
";

/// Installs Podman the same way.
const PODMAN: &str = r"
if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq podman
elif command -v dnf >/dev/null; then dnf install -y podman
elif command -v yum >/dev/null; then yum install -y podman
elif command -v apk >/dev/null; then apk add --no-cache podman
elif command -v pacman >/dev/null; then pacman -Sy --noconfirm podman
elif command -v zypper >/dev/null; then zypper --non-interactive install podman
else exit 3
fi
";

/// What helps where an engine cannot work.
const NO_RIGHT: &str = "Machines of the provider 'container' have no right to make networks and containers of their own. \
                        Use a virtual machine, or the provider 'docker' with `privileged = true`.";

/// Starts Docker's daemon by whatever starts services, and waits until it answers.
const START: &str = r"
answers() { docker info >/dev/null 2>&1; }
answers && exit 0
if [ -d /run/systemd/system ]; then systemctl enable --now docker
elif command -v rc-service >/dev/null; then rc-update add docker default; rc-service docker start
elif [ -x /etc/init.d/docker ]; then /etc/init.d/docker start
else setsid dockerd >/var/log/docker.log 2>&1 </dev/null &
fi
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    answers && exit 0
    # A daemon that ended will not answer any more.
    [ $try -gt 2 ] && command -v pidof >/dev/null && ! pidof dockerd >/dev/null && break
    sleep 1
done
tail -n 5 /var/log/docker.log 2>/dev/null || journalctl -n 5 -u docker 2>/dev/null
exit 4
";

impl EngineWork {
    /// The engine, ready to be used. Whoever becomes a member of its group has to come in anew.
    pub(super) fn have_engine(&self, context: &Context, guest: &Guest<'_>) -> Result<Aftermath> {
        let is_there = format!("command -v {}", self.program);
        if !ask(context, guest, true, &is_there)?.0.success() {
            let (name, script) =
                if self.program == "docker" { ("Docker", DOCKER) } else { ("Podman", PODMAN) };
            context.detail(format!("Installing {name} onto machine..."));
            let status = install(context, guest, script)?;
            match status.code() {
                0 => {}
                3 => {
                    return Err(self
                        .failed(format!("yado does not know how to install {name} on this guest system."))
                        .hinted("Install it with a `shell` provisioner before this one."));
                }
                code => {
                    return Err(self.failed(format!(
                        "Installing {name} in the machine failed (exit status {code}); see above."
                    )));
                }
            }
        }
        if self.program != "docker" {
            return Ok(Aftermath::Nothing);
        }
        if !install(context, guest, START)?.success() {
            return Err(self
                .failed("Docker's daemon does not come up in the machine; see above.".to_owned())
                .hinted(NO_RIGHT));
        }
        self.admit_user(context, guest)
    }

    /// Makes sure that Podman, which has no daemon that would say so, can do anything at all.
    pub(super) fn try_podman(&self, context: &Context, guest: &Guest<'_>) -> Result<()> {
        if self.program == "docker" || run(context, guest, true, "podman info >/dev/null")?.success() {
            return Ok(());
        }
        Err(self.failed("Podman cannot work in the machine; see above.".to_owned()).hinted(NO_RIGHT))
    }

    fn admit_user(&self, context: &Context, guest: &Guest<'_>) -> Result<Aftermath> {
        if guest.user == "root" {
            return Ok(Aftermath::Nothing);
        }
        let user = quoted(guest.user);
        let line = format!(
            "grep -q '^docker:' /etc/group || exit 5; id -nG {user} | tr ' ' '\\n' | grep -qx docker && exit 5; \
             usermod -aG docker {user} || adduser {user} docker"
        );
        let (status, _) = ask(context, guest, true, &line)?;
        match status.code() {
            0 => Ok(Aftermath::Reconnect),
            // There is nothing to be done.
            5 => Ok(Aftermath::Nothing),
            _ => {
                Err(self
                    .failed(format!("'{}' could not be made a member of the group 'docker'.", guest.user)))
            }
        }
    }
}
