//! Comparing files with the checksums that people publish.

use std::io::Read;
use std::path::Path;

use sha2::Digest;
use yado_core::error::Doing;
use yado_core::{Cancel, Error, ErrorKind, Result};

use crate::layer::hex;

/// A checksum being calculated.
enum Hasher {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    fn new(kind: &str) -> Option<Self> {
        Some(match kind.to_ascii_lowercase().as_str() {
            "md5" => Self::Md5(md5::Md5::new()),
            "sha1" => Self::Sha1(sha1::Sha1::new()),
            "sha256" => Self::Sha256(sha2::Sha256::new()),
            "sha384" => Self::Sha384(sha2::Sha384::new()),
            "sha512" => Self::Sha512(sha2::Sha512::new()),
            _ => return None,
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hash) => hash.update(bytes),
            Self::Sha1(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha384(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Md5(hash) => hex(&hash.finalize()),
            Self::Sha1(hash) => hex(&hash.finalize()),
            Self::Sha256(hash) => hex(&hash.finalize()),
            Self::Sha384(hash) => hex(&hash.finalize()),
            Self::Sha512(hash) => hex(&hash.finalize()),
        }
    }
}

/// The checksum of what can be read from `source`; `None` for a kind that is not known.
pub(crate) fn calculate(kind: &str, source: &mut dyn Read, cancel: &Cancel) -> Result<Option<String>> {
    let Some(mut hasher) = Hasher::new(kind) else { return Ok(None) };
    let mut buffer = vec![0; 256 << 10];
    loop {
        cancel.check()?;
        match source.read(&mut buffer).doing(|| "calculating a checksum")? {
            0 => return Ok(Some(hasher.finish())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Fails unless the file has this checksum.
pub(crate) fn verify(path: &Path, expected: &str, kind: &str, cancel: &Cancel) -> Result<()> {
    let mut file = std::fs::File::open(path).doing(|| format!("opening '{}'", path.display()))?;
    let Some(found) = calculate(kind, &mut file, cancel)? else {
        return Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!("'{kind}' is not a known kind of checksum."),
        )
        .hinted("Known are md5, sha1, sha256, sha384 and sha512."));
    };
    if !found.eq_ignore_ascii_case(expected.trim()) {
        return Err(Error::new(
            ErrorKind::BoxImport,
            format!("The checksum of the downloaded box did not match the expected value.\n\nExpected: {expected}\nReceived: {found}"),
        )
        .hinted("The file is damaged, was replaced, or the expected value is outdated."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums_match_and_others_do_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        let cases = [
            ("md5", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha1", "A9993E364706816ABA3E25717850C26C9CD0D89D"),
            ("SHA256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ];
        for (kind, sum) in cases {
            verify(file.path(), sum, kind, &Cancel::new()).unwrap();
            assert_eq!(
                verify(file.path(), "00", kind, &Cancel::new()).unwrap_err().kind(),
                ErrorKind::BoxImport
            );
        }
        assert_eq!(
            verify(file.path(), "00", "crc", &Cancel::new()).unwrap_err().kind(),
            ErrorKind::ConfigInvalid
        );
    }
}
