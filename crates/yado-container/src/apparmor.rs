//! Confinement by AppArmor: the profile that a process gets when it runs its program.

use std::ffi::CString;

use crate::error::{Error, Result};
use crate::spec::Process;

/// The name by which callers say that there is to be no profile.
const UNCONFINED: &str = "unconfined";

/// Whether the kernel has AppArmor and it is switched on.
fn is_there() -> bool {
    std::fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with('Y'))
}

/// What the kernel is told before exec, when the process is to have a profile.
///
/// A profile that cannot be given is an error: somebody relies on what it forbids.
pub(crate) fn word(process: &Process) -> Result<Option<CString>> {
    word_where(process, is_there)
}

fn word_where(process: &Process, is_there: impl FnOnce() -> bool) -> Result<Option<CString>> {
    let Some(profile) = process.apparmor_profile.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let is_there = is_there();
    if !is_there && profile == UNCONFINED {
        return Ok(None);
    }
    if !is_there {
        return Err(Error::invalid(
            "process.apparmorProfile",
            "this kernel has no AppArmor, or it is switched off; leave the profile out",
        ));
    }
    CString::new(format!("exec {profile}"))
        .map(Some)
        .map_err(|_| Error::invalid("process.apparmorProfile", "it is not the name of a profile"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_given_where_it_can_be_and_refused_where_not() {
        let process = |name: &str| Process { apparmor_profile: Some(name.to_owned()), ..Process::default() };
        let told = |name: &str| word_where(&process(name), || true).unwrap();
        assert_eq!(told("docker-default"), Some(c"exec docker-default".to_owned()));
        assert_eq!(told("unconfined"), Some(c"exec unconfined".to_owned()));
        assert_eq!(told(""), None);
        assert_eq!(word_where(&process("unconfined"), || false).unwrap(), None);
        assert!(word_where(&process("x"), || false).unwrap_err().to_string().contains("no AppArmor"));
        assert!(word_where(&process("x\0y"), || true).is_err());
    }
}
