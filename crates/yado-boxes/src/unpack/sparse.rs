//! Sparse files in the PAX format 1.0, which GNU tar and bsdtar write: the entry's data begins with a list of
//! the pieces that are not zero.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// What PAX records said about a sparse entry.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct SparseRecords {
    /// `GNU.sparse.major`
    pub(crate) major: Option<u64>,
    /// `GNU.sparse.name`: the name that counts.
    pub(crate) name: Option<Vec<u8>>,
    /// `GNU.sparse.realsize`
    pub(crate) size: Option<u64>,
}

impl SparseRecords {
    /// Takes one PAX record if it is about sparseness.
    pub(crate) fn take(&mut self, key: &[u8], value: &[u8]) {
        let number = || std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        match key {
            b"GNU.sparse.major" => self.major = number(),
            b"GNU.sparse.name" => self.name = Some(value.to_vec()),
            b"GNU.sparse.realsize" => self.size = number(),
            _ => {}
        }
    }

    /// Whether the entry's data begins with the list of pieces.
    pub(crate) fn is_sparse(&self) -> bool {
        self.major == Some(1)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Writes the pieces of a sparse entry to their places in `file` and returns the file's size.
pub(crate) fn write(content: &mut dyn Read, size: u64, limit: u64, file: &mut File) -> io::Result<u64> {
    if size > limit {
        return Err(invalid("a sparse file is larger than it may be"));
    }
    let mut read_so_far = 0_u64;
    let mut number = |content: &mut dyn Read| -> io::Result<u64> {
        let mut value = 0_u64;
        let mut byte = [0_u8];
        for digits in 0..21 {
            content.read_exact(&mut byte)?;
            read_so_far += 1;
            match byte[0] {
                b'\n' if digits > 0 => return Ok(value),
                digit @ b'0'..=b'9' => {
                    value = value
                        .checked_mul(10)
                        .and_then(|value| value.checked_add(u64::from(digit - b'0')))
                        .ok_or_else(|| invalid("a number in a sparse map is too large"))?;
                }
                _ => return Err(invalid("a sparse map is damaged")),
            }
        }
        Err(invalid("a sparse map is damaged"))
    };
    let count = number(content)?;
    if count > 1_000_000 {
        return Err(invalid("a sparse map has too many pieces"));
    }
    let mut pieces = Vec::new();
    for _ in 0..count {
        let (offset, length) = (number(content)?, number(content)?);
        if offset.checked_add(length).is_none_or(|end| end > size) {
            return Err(invalid("a sparse map leads past the end of its file"));
        }
        pieces.push((offset, length));
    }
    let padding = read_so_far.next_multiple_of(512) - read_so_far;
    io::copy(&mut content.take(padding), &mut io::sink())?;
    for (offset, length) in pieces {
        file.seek(SeekFrom::Start(offset))?;
        if io::copy(&mut content.take(length), file)? != length {
            return Err(invalid("a sparse file ends early"));
        }
    }
    file.set_len(size)?;
    file.flush()?;
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_land_at_their_offsets_and_the_rest_is_zero() {
        let mut data = b"2\n3\n2\n8\n1\n".to_vec();
        data.resize(512, 0);
        data.extend_from_slice(b"abc");
        let mut file = tempfile::tempfile().unwrap();
        write(&mut &data[..], 12, 100, &mut file).unwrap();
        let mut content = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"\0\0\0ab\0\0\0c\0\0\0");
    }

    #[test]
    fn a_map_that_lies_is_refused() {
        let mut file = tempfile::tempfile().unwrap();
        for map in ["1\n10\n5\n", "1\nx\n", "99999999\n", "1\n18446744073709551615\n9\n"] {
            let mut data = map.as_bytes().to_vec();
            data.resize(1024, 0);
            assert!(write(&mut &data[..], 12, 100, &mut file).is_err(), "{map}");
        }
        assert!(write(&mut &b"0\n"[..], 1 << 40, 100, &mut file).is_err());
    }
}
