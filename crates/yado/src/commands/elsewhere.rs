//! Commands that Vagrant has and yado does not: whoever types one is told why, and what to do instead.

use yado_core::{Error, ErrorKind};

/// The commands, what each is for, and what takes its place.
const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "cloud",
        "manages boxes in the public catalogue",
        "Boxes from there are used as they are (`config.vm.box`, `yado box add`). What `yado package` makes can be \
         published by Vagrant, or from any web server.",
    ),
    ("connect", SHARE, SHARE_INSTEAD),
    (
        "login",
        "signs in to the public catalogue of boxes",
        "Put the token into the variable `VAGRANT_CLOUD_TOKEN`.",
    ),
    ("powershell", WINDOWS, WINDOWS_INSTEAD),
    ("rdp", WINDOWS, WINDOWS_INSTEAD),
    (
        "serve",
        "was a trial of Vagrant 2.3 that later versions do not have",
        "Nothing is needed in its place.",
    ),
    ("share", SHARE, SHARE_INSTEAD),
    ("winrm", WINDOWS, WINDOWS_INSTEAD),
    ("winrm-config", WINDOWS, WINDOWS_INSTEAD),
];

const WINDOWS: &str = "enters machines that run Windows, which yado does not build";
const WINDOWS_INSTEAD: &str = "`yado ssh` enters the machines that it builds.";
const SHARE: &str = "leads to a machine through a service on the internet";
const SHARE_INSTEAD: &str = "A forwarded_port with `host_ip: \"0.0.0.0\"` is open for others; `yado ssh-config` is for tunnels by SSH.";

/// The command of this name, if it is one of these.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    COMMANDS.iter().map(|(known, ..)| *known).find(|known| *known == name)
}

/// Why there is no command of this name.
pub(crate) fn refusal(name: &str) -> Error {
    let found = COMMANDS.iter().find(|(known, ..)| *known == name);
    let (_, purpose, instead) = found.copied().unwrap_or((name, "is not known", ""));
    let text = format!("yado has no command '{name}': with Vagrant, it {purpose}.");
    Error::new(ErrorKind::Usage, text).hinted(instead)
}
