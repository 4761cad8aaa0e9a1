//! Files named by their digest: fetched once, verified always, shared by all suites.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};

use yado_core::{Cancel, Context, Error, ErrorKind, Result};

use super::packages::Package;
use crate::checksum;
use crate::fetch::{Client, Failure, KEPT_CONNECTIONS};
use crate::progress::Progress;
use crate::scratch::{self, Scratch};

/// Connections at once. Packages are small, so that most of the time of each goes by until the mirror answers.
const CONNECTIONS: usize = KEPT_CONNECTIONS;

/// Fetches `url` to `target` unless it is there; its SHA-256 must be `digest`.
pub(crate) fn fetch(
    client: &Client,
    url: &str,
    target: &Path,
    digest: &str,
    cancel: &Cancel,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), Failure> {
    if target.exists() {
        return Ok(());
    }
    let folder = target.parent().unwrap_or(target);
    let mut wrong = String::new();
    // A second attempt helps against proxies that mix up or cut files.
    for _ in 0..2 {
        let scratch = Scratch::file(folder).map_err(Failure::Local)?;
        client.download(url, scratch.path(), cancel, progress)?;
        match checksum::verify(scratch.path(), digest, "sha256", cancel) {
            Ok(()) => return scratch.replace(target).map_err(Failure::Local),
            Err(error) if error.kind() == ErrorKind::BoxImport => wrong = error.message().replace('\n', " "),
            Err(error) => return Err(Failure::Local(error)),
        }
    }
    Err(Failure::Final(format!("'{url}': {wrong}")))
}

/// Where a package lies in the cache.
pub(crate) fn cached(debs: &Path, package: &Package) -> PathBuf {
    debs.join(format!("{}.deb", package.sha256))
}

/// Fetches all `packages` that the cache does not have, and tells of each one when it is there.
pub(crate) fn fetch_packages<'p>(
    cx: &Context,
    client: &Client,
    packages: &'p [Package],
    debs: &Path,
    arrived: Sender<&'p Package>,
) -> Result<()> {
    scratch::collect(debs);
    let (present, mut missing): (Vec<&Package>, Vec<&Package>) =
        packages.iter().partition(|package| cached(debs, package).exists());
    for package in present {
        // Whoever stopped listening has a reason of their own to give.
        let _ = arrived.send(package);
    }
    // The largest one must not be left for the end, when nothing else is being fetched beside it.
    missing.sort_by_key(|package| std::cmp::Reverse(package.size));
    if missing.is_empty() {
        return Ok(());
    }
    let total = missing.iter().map(|package| package.size).sum();
    cx.detail(format!("Downloading {} packages ({} MB)...", missing.len(), total / 1_000_000));
    let progress = Mutex::new(Progress::new(cx, "Downloading packages", Some(total)));
    let next = AtomicUsize::new(0);
    let failure: Mutex<Option<Error>> = Mutex::new(None);
    let failed = |error: Error| {
        // The first failure counts, and a poisoned lock still has it.
        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        next.store(usize::MAX / 2, Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS.min(missing.len()) {
            let arrived = arrived.clone();
            let (missing, next, progress, failed) = (&missing, &next, &progress, &failed);
            scope.spawn(move || {
                while let Some(&package) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let url = format!("{}/{}", package.mirror, package.filename);
                    let mut told = |read: u64, _: Option<u64>| {
                        progress.lock().unwrap_or_else(PoisonError::into_inner).add(read);
                    };
                    let target = cached(debs, package);
                    let fetched = fetch(client, &url, &target, &package.sha256, &cx.cancel, &mut told);
                    match fetched.map_err(|why| why.into_error(&format!("The package '{}'", package.name))) {
                        Ok(()) if arrived.send(package).is_ok() => {}
                        // Nobody wants more.
                        Ok(()) => return,
                        Err(error) => failed(error),
                    }
                }
            });
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
