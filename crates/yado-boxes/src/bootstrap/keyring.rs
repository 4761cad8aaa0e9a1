//! Keys of a distribution that the host does not have: Debian's archive has a package with those of others. It is
//! verified as every package of Debian's is, so whoever trusts Debian's keys has a way to these.

use std::path::PathBuf;

use yado_core::error::Doing;
use yado_core::spec::DownloadSpec;
use yado_core::{Context, Result};

use super::apt::Configuration;
use super::distribution::DEBIAN;
use super::stage::Stage;
use super::{Plan, read_indexes};
use crate::fetch::Client;
use crate::scratch::Scratch;

/// The suite of Debian whose package is taken: older ones did not have it.
const SUITE: &str = "stable";

/// Finds the distribution's keys where the host has none.
pub(super) fn complete(cx: &Context, plan: &Plan<'_>, configuration: &mut Configuration) -> Result<()> {
    if !configuration.keyrings.is_empty() || plan.distribution.name == DEBIAN.name {
        return Ok(());
    }
    let debian = Configuration::read(plan.host, &DEBIAN);
    if debian.keyrings.is_empty() || debian.mirror.is_none() {
        // What is said about the missing keys is said where they are needed.
        return Ok(());
    }
    configuration.keyrings = fetch(cx, plan, &debian)?;
    Ok(())
}

/// Takes the keys out of Debian's package, which stays in the cache.
fn fetch(cx: &Context, plan: &Plan<'_>, debian: &Configuration) -> Result<Vec<PathBuf>> {
    let package = plan.distribution.keyring_package;
    cx.detail(format!("Fetching {}'s keys, from Debian's package '{package}'...", plan.distribution.title));
    let client = Client::new(&debian.proxies, &DownloadSpec::default(), plan.network)?;
    let of_debian = Plan { distribution: &DEBIAN, suite: SUITE, ..*plan };
    let (index, _) = read_indexes(cx, &of_debian, debian, &client)?;
    let package = index.package(package)?;
    let target = plan.cache.join("keyrings").join(&package.sha256);
    if !target.is_dir() {
        let keyrings = plan.cache.join("keyrings");
        std::fs::create_dir_all(&keyrings).doing(|| format!("creating '{}'", keyrings.display()))?;
        crate::scratch::collect(&keyrings);
        let scratch = Scratch::directory(&keyrings)?;
        let root = scratch.path().to_owned();
        let debs = plan.cache.join("debs");
        Stage { root: &root, packages: std::slice::from_ref(package), debs: &debs, is_core: &|_| true }
            .fill(cx, &client)?;
        scratch.keep(&root, &target)?;
    }
    let found = plan.distribution.keyrings.iter().map(|name| target.join(name));
    Ok(found.filter(|path| path.is_file()).collect())
}
