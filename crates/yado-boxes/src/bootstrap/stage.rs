//! Bringing packages into the new system as they arrive: one is unpacked while the next ones are being fetched.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};

use yado_core::error::Doing;
use yado_core::{Context, Error, Result};

use super::packages::Package;
use super::{deb, open, pool};
use crate::fetch::Client;
use crate::unpack::{Attributes, EntryPath, finish};

/// Where the packages lie inside, until they are installed.
pub(super) const ARCHIVES: &str = "var/cache/apt/archives";

/// What is to be brought where.
pub(super) struct Stage<'a> {
    /// The new system.
    pub(super) root: &'a Path,
    /// The packages, all of which are put into [`ARCHIVES`].
    pub(super) packages: &'a [Package],
    /// The cache.
    pub(super) debs: &'a Path,
    /// Which of them are unpacked besides.
    pub(super) is_core: &'a (dyn Fn(&Package) -> bool + Sync),
}

impl Stage<'_> {
    /// Fetches what the cache does not have, and brings everything in.
    pub(super) fn fill(&self, cx: &Context, client: &Client) -> Result<()> {
        let doing = || "bringing packages into the new system";
        open(self.root)?
            .directory(&EntryPath::from(ARCHIVES), &Attributes::root(0o755), true)
            .doing(doing)?;
        let (sender, receiver) = channel();
        let receiver = Mutex::new(receiver);
        // Decompressing is what takes time: a few processors do it at once.
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..threads).map(|_| scope.spawn(|| self.bring_in(cx, &receiver))).collect();
            // The senders go with this call, and then the workers come to their end.
            let fetched = pool::fetch_packages(cx, client, self.packages, self.debs, sender);
            let brought: Vec<Result<()>> = workers
                .into_iter()
                .map(|worker| {
                    worker.join().unwrap_or_else(|_| {
                        Err(Error::new(
                            yado_core::ErrorKind::Other,
                            "A thread that unpacks packages failed; the message above says why.",
                        ))
                    })
                })
                .collect();
            fetched?;
            brought.into_iter().collect()
        })
    }

    /// Brings in packages until no more arrive.
    fn bring_in(&self, cx: &Context, arrived: &Mutex<Receiver<&Package>>) -> Result<()> {
        let mut tree = open(self.root)?;
        loop {
            // The lock is not held while a package is worked on.
            let next = arrived.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(package) = next else { return Ok(()) };
            let doing = || format!("bringing in the package '{}'", package.name);
            let place = EntryPath::from(ARCHIVES).join(format!("{}.deb", package.name).as_ref());
            let mut plain = tree.create(&place).doing(doing)?;
            let core = (self.is_core)(package).then_some(&mut tree);
            deb::expand(&pool::cached(self.debs, package), &mut plain, core, &cx.cancel)?;
            finish(&plain, &Attributes::root(0o644)).doing(doing)?;
        }
    }
}
