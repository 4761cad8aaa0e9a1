//! A home with a Debian box in it that all tests which need one share: the box is built once from the packages of the
//! mirror that the host's apt uses, and stays for the next run.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{Sandbox, can_make_machines};

/// The box that the tests share.
pub const BOX: &str = "debian/bookworm64";

/// The shared home with [`BOX`] in it; nothing, after saying why, where it cannot be had. In CI it must be.
pub fn home(test: &str) -> Option<&'static Path> {
    static READY: OnceLock<Result<(), String>> = OnceLock::new();
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    if !can_make_machines(test) {
        return None;
    }
    let home = HOME.get_or_init(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("debian-ssh-home"));
    match READY.get_or_init(|| build(home)) {
        Ok(()) => Some(home),
        Err(why) => {
            super::skipped::for_want_of_a_peer(
                test,
                &format!("it needs a box built from Debian's packages: {why}"),
            );
            None
        }
    }
}

/// Builds the box. Only a missing mirror is a reason to do without it; every other failure is one of the program.
fn build(home: &Path) -> Result<(), String> {
    let sandbox = Sandbox::empty().with_home(home);
    if has_box(&sandbox, BOX) {
        return Ok(());
    }
    let answer = sandbox.run(&["box", "add", BOX]);
    if answer.code == 0 || answer.err.contains("is already installed") {
        return Ok(());
    }
    let no_mirror = ["mirror does not answer", "Nothing says where Debian's packages are"];
    assert!(no_mirror.iter().any(|words| answer.err.contains(words)), "{}{}", answer.out, answer.err);
    Err(answer.err)
}

fn has_box(sandbox: &Sandbox, name: &str) -> bool {
    sandbox.ok(&["box", "list"]).lines().any(|line| line.split_whitespace().next() == Some(name))
}

/// Gives the Debian box another name too, as a user does who brings a root file system for a name that yado cannot
/// get: the directory of the box's only layer is added under it.
pub fn add_as(home: &Path, name: &str, version: Option<&str>) {
    let sandbox = Sandbox::empty().with_home(home);
    if has_box(&sandbox, name) {
        return;
    }
    let root = std::fs::read_dir(home.join("layers"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.join("var/lib/dpkg/status").exists())
        .expect("the layer of the Debian box");
    let mut arguments = vec!["box", "add", root.to_str().unwrap(), "--name", name];
    arguments.extend(version.into_iter().flat_map(|version| ["--box-version", version]));
    sandbox.ok(&arguments);
}
