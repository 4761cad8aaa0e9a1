//! `InRelease` files: what a suite consists of, signed.

use std::path::Path;

use yado_core::{Context, Error, ErrorKind, Result};

use super::apt::Configuration;
use super::{deb822, signature};
use crate::fetch::{Client, Failure};
use crate::scratch::Scratch;

/// A signed description of a suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Release {
    /// The point release, such as `12.12`; empty for suites that have none.
    pub(crate) version: String,
    /// The suite's own name, such as `bookworm`.
    pub(crate) codename: String,
    /// When it was made, in seconds since 1970.
    pub(crate) date: i64,
    /// When it ceases to be true, in seconds since 1970.
    valid_until: Option<i64>,
    /// Whether files can be had by their digest.
    pub(crate) by_hash: bool,
    /// Path, size and SHA-256 of its files.
    files: Vec<(String, u64, String)>,
}

impl Release {
    /// Size and digest of one of its files.
    pub(crate) fn file(&self, path: &str) -> Option<(u64, &str)> {
        let (_, size, digest) = self.files.iter().find(|(name, ..)| name == path)?;
        Some((*size, digest))
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let paragraph = deb822::parse(text).into_iter().next()?;
        let files = paragraph.get("SHA256")?.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let (digest, size, path) = (words.next()?, words.next()?, words.next()?);
            let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_digest.then(|| Some((path.to_owned(), size.parse().ok()?, digest.to_ascii_lowercase())))?
        });
        Some(Self {
            version: paragraph.get("Version").unwrap_or("").to_owned(),
            codename: paragraph.get("Codename").unwrap_or("").to_owned(),
            date: paragraph.get("Date").and_then(seconds)?,
            valid_until: paragraph.get("Valid-Until").and_then(seconds),
            by_hash: paragraph.get("Acquire-By-Hash") == Some("yes"),
            files: files.collect(),
        })
    }
}

/// Fetches and verifies the `InRelease` of `suite`; `None` when the mirror has no such suite. Without a network,
/// the one fetched last is used: it is verified all the same.
pub(crate) fn fetch(
    cx: &Context,
    client: &Client,
    configuration: &Configuration,
    mirror: &str,
    suite: &str,
    indexes: &Path,
) -> Result<Option<Release>> {
    let url = format!("{mirror}/dists/{suite}/InRelease");
    let kept =
        indexes.join(format!("InRelease-{}", crate::layer::combine([url.as_str()]).replacen(':', "-", 1)));
    let scratch = Scratch::file(indexes)?;
    // With one at hand, waiting for a network that is not there would be a waste of time.
    let outcome = if kept.exists() {
        client.download_once(&url, scratch.path(), &cx.cancel, &mut |_, _| ())
    } else {
        client.download(&url, scratch.path(), &cx.cancel, &mut |_, _| ())
    };
    match outcome {
        Ok(()) => {
            let release = verify(cx, scratch.path(), configuration, &url)?;
            scratch.replace(&kept)?;
            Ok(Some(release))
        }
        Err(Failure::Missing(_)) => Ok(None),
        Err(Failure::Offline(why)) if kept.exists() => {
            tracing::debug!(why, "using what was fetched before");
            Ok(Some(verify(cx, &kept, configuration, &url)?))
        }
        Err(Failure::Temporary(why)) if kept.exists() => {
            cx.warn(format!("The mirror does not answer ({why}); using what was fetched from it before."));
            Ok(Some(verify(cx, &kept, configuration, &url)?))
        }
        Err(Failure::Temporary(why)) => {
            let title = configuration.distribution.title;
            Err(Error::new(ErrorKind::BoxImport, format!("{title}'s package mirror does not answer: {why}."))
                .hinted("Check the network connection and apt's or the environment's proxy settings.")
                .hinted("The box 'host' needs no download."))
        }
        Err(failure) => Err(failure.into_error(&format!("The description of the suite '{suite}'"))),
    }
}

/// Reads what was signed, and only that.
fn verify(cx: &Context, path: &Path, configuration: &Configuration, url: &str) -> Result<Release> {
    let refuse = |why: &str| Error::new(ErrorKind::BoxImport, format!("'{url}' {why}."));
    let text = signature::signed_text(cx, path, configuration, url)?;
    let release = Release::parse(&text).ok_or_else(|| refuse("cannot be understood"))?;
    let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |passed| passed.as_secs() as i64);
    if configuration.refuse_expired && release.valid_until.is_some_and(|end| end < now) {
        return Err(refuse(
            "has expired: the mirror is not kept up to date, or an old state is passed off as new",
        )
        .hinted("If the mirror is one of the past, say so to apt: 'Acquire::Check-Valid-Until \"false\";'.")
        .hinted("Check this machine's clock."));
    }
    Ok(release)
}

/// `Sat, 06 Sep 2025 10:22:12 UTC` in seconds since 1970.
fn seconds(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(',')?.1.split_whitespace();
    let day: i64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as i64 + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    // Days since 1970 in the proleptic Gregorian calendar, with years that begin in March.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let era = year.div_euclid(400);
    let in_era = year.rem_euclid(400);
    let days =
        era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Seconds since 1970 as `20250906`.
pub(crate) fn day(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (year_of_era + era * 400, if month < 10 { month + 3 } else { month - 9 });
    format!("{:04}{month:02}{day:02}", if month <= 2 { year + 1 } else { year })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_names_its_files_and_its_date() {
        let digest = "ab".repeat(32);
        let text = format!(
            "Suite: oldstable\nVersion: 12.12\nCodename: bookworm\nDate: Sat, 06 Sep 2025 10:22:12 UTC\n\
             Acquire-By-Hash: yes\nMD5Sum:\n 00 1 main/x\nSHA256:\n {digest}  123 main/binary-amd64/Packages.xz\n bad 1 y\n"
        );
        let release = Release::parse(text.as_bytes()).unwrap();
        assert_eq!(release.file("main/binary-amd64/Packages.xz"), Some((123, digest.as_str())));
        assert_eq!((release.file("main/x"), release.file("y")), (None, None));
        assert_eq!((release.date, day(release.date)), (1_757_154_132, "20250906".into()));
        assert!(release.by_hash);
    }

    #[test]
    fn days_survive_leap_years_and_year_ends() {
        for (text, expected) in [
            ("Thu, 29 Feb 2024 23:59:59 UTC", "20240229"),
            ("Fri, 01 Mar 2024 00:00:00 UTC", "20240301"),
            ("Thu, 31 Dec 2026 00:00:00 UTC", "20261231"),
            ("Fri, 01 Jan 2027 00:00:00 UTC", "20270101"),
        ] {
            assert_eq!(day(seconds(text).unwrap()), expected);
        }
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 UTC"), Some(0));
        assert_eq!(seconds("yesterday"), None);
    }
}
