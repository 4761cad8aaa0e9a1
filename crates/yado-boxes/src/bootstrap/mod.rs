//! Making a Debian or Ubuntu system from its distribution's packages, as debootstrap does: verify the mirror, choose and
//! fetch packages, unpack enough of them to run the package manager, let it install the rest from within.

mod apt;
mod configure;
mod deb;
mod deb822;
pub(crate) mod distribution;
mod kernel;
mod keyring;
mod packages;
mod pool;
mod relation;
mod release;
mod signature;
mod stage;
#[cfg(test)]
mod tests;
pub(crate) mod well_known;

use std::path::Path;

use yado_core::error::Doing;
use yado_core::spec::DownloadSpec;
use yado_core::{Context, Error, ErrorKind, Result};

pub(crate) use self::kernel::add_kernel;
pub(crate) use self::relation::compare as compare_versions;

use self::apt::Configuration;
use self::distribution::Distribution;
use self::packages::{Index, Package};
use self::release::Release;
use self::stage::Stage;
use crate::chroot::Chroot;
use crate::fetch::{Client, Failure, Network};
use crate::platform;
use crate::unpack::{Attributes, Tree, decompress};

/// What a Vagrant user expects besides the required packages.
const WANTED: &[&str] = &[
    "apt",
    "ca-certificates",
    "curl",
    "dbus",
    "iproute2",
    "iputils-ping",
    "less",
    "netbase",
    "openssh-server",
    "procps",
    "rsync",
    "sudo",
    "systemd",
    "systemd-sysv",
];

/// Alternatives that are settled beforehand: the system is laid out with a merged `/usr` from the start.
const PREFERRED: &[&str] = &["usr-is-merged"];

/// What is to be made, and with what.
pub(crate) struct Plan<'a> {
    pub(crate) distribution: &'static Distribution,
    pub(crate) suite: &'a str,
    pub(crate) cache: &'a Path,
    /// The root directory of the host whose apt configuration names the mirror.
    pub(crate) host: &'a Path,
    pub(crate) chroot: Option<&'a dyn Chroot>,
    /// Whether the network may be used at all, and how.
    pub(crate) network: &'a Network,
}

impl<'a> Plan<'a> {
    fn chroot(&self) -> Result<&'a dyn Chroot> {
        self.chroot.ok_or_else(|| {
            Error::new(ErrorKind::Other, "Making a system from packages needs the container engine.")
        })
    }
}

/// Makes the system in the empty directory `root` and returns its version.
pub(crate) fn bootstrap(cx: &Context, plan: &Plan<'_>, root: &Path) -> Result<String> {
    let chroot = plan.chroot()?;
    let mut configuration = Configuration::read(plan.host, plan.distribution);
    let client = Client::new(&configuration.proxies, &DownloadSpec::default(), plan.network)?;
    let time = cx.time("read the package indexes");
    keyring::complete(cx, plan, &mut configuration)?;
    let (index, releases) = read_indexes(cx, plan, &configuration, &client)?;
    drop(time);
    let system = index.system(WANTED, PREFERRED)?;
    let core = index.core(PREFERRED)?;
    let debs = plan.cache.join("debs");
    let time = cx.time("download and unpack packages");
    lay_out(root)?;
    let is_core = |package: &Package| core.iter().any(|needed| needed.name == package.name);
    Stage { root, packages: &system, debs: &debs, is_core: &is_core }.fill(cx, &client)?;
    drop(time);
    let _time = cx.time("install packages");
    cx.detail(format!("Installing {} packages...", system.len()));
    let newest = releases.iter().map(|(_, _, release)| release.date).max().unwrap_or(0);
    configure::configure(cx, chroot, root, newest)?;
    write_sources(root, &releases, plan.distribution.components)?;
    let main = &releases[0].2;
    let version = if main.version.is_empty() { "0" } else { &main.version };
    Ok(format!("{version}.{}", release::day(newest)))
}

/// Mirror, suite and description of everything that packages come from; the main suite is first.
type Releases = Vec<(String, String, Release)>;

fn read_indexes(
    cx: &Context,
    plan: &Plan<'_>,
    configuration: &Configuration,
    client: &Client,
) -> Result<(Index, Releases)> {
    let indexes = plan.cache.join("indexes");
    crate::scratch::collect(&indexes);
    let suite = plan.suite;
    let Some(main) = &configuration.mirror else {
        return Err(Error::new(
            ErrorKind::BoxNotFound,
            format!(
                "Nothing says where {0}'s packages are: this host's apt has no source with {0}'s suites.",
                plan.distribution.title
            ),
        )
        .hinted(format!(
            "Name a mirror that you trust, for example in the environment: {}=http://…/{}",
            plan.distribution.mirror_variable, plan.distribution.name
        )));
    };
    let sources = [
        (Some(main), suite.to_owned()),
        (Some(main), format!("{suite}-updates")),
        (configuration.security.as_ref(), format!("{suite}-security")),
    ];
    let mut releases = Releases::new();
    for (mirror, name) in sources {
        let Some(mirror) = mirror else { continue };
        match release::fetch(cx, client, configuration, mirror, &name, &indexes)? {
            Some(release) => releases.push((mirror.clone(), name, release)),
            None if releases.is_empty() => {
                return Err(Error::new(
                    ErrorKind::BoxNotFound,
                    format!("The mirror '{mirror}' has no suite '{name}'."),
                ));
            }
            // Unstable has no updates and no security archive.
            None => tracing::debug!(mirror, name, "no such suite"),
        }
    }
    let mut index = Index::default();
    for (mirror, name, release) in &releases {
        let file = fetch_index(cx, client, mirror, name, release, &indexes)?;
        let source = std::fs::File::open(&file).doing(|| format!("opening '{}'", file.display()))?;
        let text = std::io::BufReader::with_capacity(256 << 10, decompress(source, 4 << 30, &cx.cancel)?);
        index.read(text, mirror).doing(|| format!("reading the packages of '{name}'"))?;
    }
    tracing::debug!(packages = index.len(), "read");
    Ok((index, releases))
}

/// Fetches the list of packages of a suite, in the first compression that the mirror has.
fn fetch_index(
    cx: &Context,
    client: &Client,
    mirror: &str,
    suite: &str,
    release: &Release,
    indexes: &Path,
) -> Result<std::path::PathBuf> {
    let directory = format!("main/binary-{}", platform::architecture());
    const NAMES: [&str; 3] = ["Packages.xz", "Packages.gz", "Packages"];
    // Any of them will do if it is here already, most of all without a network.
    for name in NAMES {
        if let Some((_, digest)) = release.file(&format!("{directory}/{name}"))
            && indexes.join(digest).exists()
        {
            return Ok(indexes.join(digest));
        }
    }
    let mut last = None;
    for name in NAMES {
        let path = format!("{directory}/{name}");
        let Some((_, digest)) = release.file(&path) else { continue };
        let target = indexes.join(digest);
        let dists = format!("{mirror}/dists/{suite}");
        let by_hash = release.by_hash.then(|| format!("{dists}/{directory}/by-hash/SHA256/{digest}"));
        for url in by_hash.into_iter().chain([format!("{dists}/{path}")]) {
            match crate::bootstrap::pool::fetch(client, &url, &target, digest, &cx.cancel, &mut |_, _| ()) {
                Ok(()) => return Ok(target),
                Err(Failure::Missing(why)) => last = Some(Failure::Missing(why)),
                Err(failure) => return Err(failure.into_error(&format!("The list of packages of '{suite}'"))),
            }
        }
    }
    let what = format!("The list of packages of '{suite}' for {}", platform::architecture());
    Err(match last {
        Some(failure) => failure.into_error(&what),
        None => Error::new(ErrorKind::BoxImport, format!("{what} does not exist on '{mirror}'.")),
    })
}

/// The directories that must be there before the first package is unpacked.
fn lay_out(root: &Path) -> Result<()> {
    let mut tree = open(root)?;
    let doing = || "laying out the new system";
    for name in ["dev", "etc", "proc", "sys", "usr", "usr/bin", "usr/lib", "usr/sbin", "var", "var/lib"] {
        tree.directory(&name.into(), &Attributes::root(0o755), true).doing(doing)?;
    }
    let mut merged = vec![("bin", "usr/bin"), ("lib", "usr/lib"), ("sbin", "usr/sbin")];
    if matches!(platform::architecture(), "amd64" | "ppc64el" | "s390x") {
        tree.directory(&"usr/lib64".into(), &Attributes::root(0o755), true).doing(doing)?;
        merged.push(("lib64", "usr/lib64"));
    }
    for (name, target) in merged {
        tree.symlink(&name.into(), target.as_bytes(), &Attributes::root(0o777)).doing(doing)?;
    }
    Ok(())
}

/// The mirror that the host uses, as far as a machine can reach it.
fn write_sources(root: &Path, releases: &Releases, components: &str) -> Result<()> {
    let mut lines = String::new();
    for (mirror, suite, _) in releases {
        let is_reachable = mirror.starts_with("http")
            && !["://localhost", "://127.", "://[::1]"].iter().any(|local| mirror.contains(local));
        let comment = if is_reachable { "" } else { "# Out of reach from inside: " };
        lines.push_str(&format!("{comment}deb {mirror} {suite} {components}\n"));
    }
    open(root)?
        .write(&"etc/apt/sources.list".into(), 0o644, lines)
        .doing(|| "writing '/etc/apt/sources.list'")
}

fn open(root: &Path) -> Result<Tree> {
    Tree::open(root).doing(|| format!("opening '{}'", root.display()))
}
