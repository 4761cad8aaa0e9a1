//! Kernels for systems that were made to run without one: the distribution's own, with what a machine needs around it.

use std::collections::HashMap;
use std::path::Path;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use super::apt::Configuration;
use super::deb822::Paragraphs;
use super::stage::Stage;
use super::{PREFERRED, Plan, configure, keyring, open, read_indexes, relation};
use crate::fetch::Client;
use yado_core::spec::DownloadSpec;

/// What a machine needs besides its kernel: a way in, a first process, devices, and busybox for the first steps.
const WANTED: &[&str] =
    &["busybox-static", "dbus", "openssh-server", "rsync", "sudo", "systemd-sysv", "udev"];

/// Installs the kernel in the system at `root`.
pub(crate) fn add_kernel(cx: &Context, plan: &Plan<'_>, root: &Path) -> Result<()> {
    let chroot = plan.chroot()?;
    let mut configuration = Configuration::read(plan.host, plan.distribution);
    keyring::complete(cx, plan, &mut configuration)?;
    let client = Client::new(&configuration.proxies, &DownloadSpec::default(), plan.network)?;
    let (index, releases) = read_indexes(cx, plan, &configuration, &client)?;
    let wanted: Vec<&str> = WANTED.iter().copied().chain([plan.distribution.kernel_package()]).collect();
    let mut packages = index.system(&wanted, PREFERRED)?;
    let installed = installed(root)?;
    packages.retain(|package| {
        installed
            .get(&package.name)
            .is_none_or(|version| relation::compare(version, &package.version).is_lt())
    });
    let debs = plan.cache.join("debs");
    Stage { root, packages: &packages, debs: &debs, is_core: &|_| false }.fill(cx, &client)?;
    cx.detail(format!("Installing a kernel ({} packages)...", packages.len()));
    let newest = releases.iter().map(|(_, _, release)| release.date).max().unwrap_or(0);
    configure::configure(cx, chroot, root, newest)
}

/// What is installed in a system: names and versions.
fn installed(root: &Path) -> Result<HashMap<String, String>> {
    let doing = || "reading which packages the box has";
    let Some(status) = open(root)?.open_file(&"var/lib/dpkg/status".into()).doing(doing)? else {
        return Err(Error::new(
            ErrorKind::BoxImport,
            "The box has no record of its packages; a kernel cannot be installed in it.",
        ));
    };
    let mut paragraphs = Paragraphs::new(std::io::BufReader::new(status), &["Package", "Version", "Status"]);
    let mut found = HashMap::new();
    while let Some(paragraph) = paragraphs.next().doing(doing)? {
        if paragraph.get("Status").is_some_and(|status| status.ends_with(" installed"))
            && let (Some(name), Some(version)) = (paragraph.get("Package"), paragraph.get("Version"))
        {
            found.insert(name.to_owned(), version.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_not_installed() {
        let root = tempfile::tempdir().unwrap();
        assert!(installed(root.path()).unwrap_err().message().contains("no record"));
        std::fs::create_dir_all(root.path().join("var/lib/dpkg")).unwrap();
        std::fs::write(
            root.path().join("var/lib/dpkg/status"),
            "Package: a\nStatus: install ok installed\nVersion: 1\n\n\
             Package: b\nStatus: deinstall ok config-files\nVersion: 2\n",
        )
        .unwrap();
        let found = installed(root.path()).unwrap();
        assert_eq!((found.len(), found["a"].as_str()), (1, "1"));
    }
}
