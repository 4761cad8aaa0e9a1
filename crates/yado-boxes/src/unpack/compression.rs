//! Which compression a stream has, told by its first bytes, and reading through it with a bound.

use std::io::{self, BufRead, BufReader, Read};

use yado_core::{Cancel, Error, ErrorKind, Result};

/// A compression that is recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// `1f 8b`
    Gzip,
    /// `fd 37 7a 58 5a 00`
    Xz,
    /// `28 b5 2f fd`
    Zstd,
    /// `BZh`: recognized in order to be refused with a reason.
    Bzip2,
    /// `PK`: the same.
    Zip,
    /// None of these.
    Plain,
}

impl Compression {
    /// The compression of a stream that begins with `start`.
    pub(crate) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            _ => Self::Plain,
        }
    }
}

/// Whether a stream that begins with `start` is not compressed.
pub(crate) fn is_plain(start: &[u8]) -> bool {
    Compression::of(start) == Compression::Plain
}

/// The largest zstd window that is read, as a power of two: 64 MiB. Only `--ultra` and `--long` ask for more.
const WINDOW: u32 = 26;

/// The most memory that reading xz may take: enough for `xz -9`.
const XZ_MEMORY: u64 = 80 << 20;

/// What is read of a source at once. Whoever asks for more, as for the content of large files, gets it directly.
const CHUNK: usize = 32 << 10;

/// Reads `source` decompressed, up to `limit` bytes, until the user interrupts.
pub(crate) fn decompress<'a>(
    source: impl Read + 'a,
    limit: u64,
    cancel: &Cancel,
) -> Result<Box<dyn Read + 'a>> {
    let mut source = BufReader::with_capacity(CHUNK, source);
    let start = source.fill_buf().map_err(|error| match cancel.check() {
        Err(interrupted) => interrupted,
        Ok(()) => Error::system("reading the archive", error),
    })?;
    let inner: Box<dyn Read + 'a> = match Compression::of(start) {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source)
                .map_err(|error| Error::system("starting to decompress", error))?;
            decoder.window_log_max(WINDOW).map_err(|error| Error::system("starting to decompress", error))?;
            Box::new(decoder)
        }
        Compression::Xz => {
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, flags)
                .map_err(|error| Error::system("starting to decompress", error))?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(source, stream))
        }
        Compression::Plain => Box::new(source),
        refused @ (Compression::Bzip2 | Compression::Zip) => {
            let name = if refused == Compression::Zip { "a zip archive" } else { "compressed with bzip2" };
            return Err(Error::new(
                ErrorKind::BoxImport,
                format!("The archive is {name}, which yado does not read."),
            )
            .hinted("Pack it as tar, plain or compressed with gzip, xz or zstd."));
        }
    };
    Ok(Box::new(Bounded { inner, left: limit, cancel: cancel.clone() }))
}

/// Ends a stream with an error when it grows too long or the user interrupts.
struct Bounded<R> {
    inner: R,
    left: u64,
    cancel: Cancel,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.cancel.check().map_err(io::Error::other)?;
        let read = self.inner.read(buffer).map_err(explain)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other("it is larger than it may be when unpacked, as if made to fill the disk")
        })?;
        Ok(read)
    }
}

/// Says what the two decoders mean that an archive asks them for too much memory.
fn explain(error: io::Error) -> io::Error {
    let text = error.to_string();
    if text.contains("too much memory") || text.contains("memlimit") || text.contains("memory limit") {
        return io::Error::other(
            "decompressing it takes more than 64 MiB of memory; pack it without '--long' or '--ultra'",
        );
    }
    error
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_compression_is_told_by_its_first_bytes_and_read() {
        let text = b"some text ".repeat(1000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let mut xz = Vec::new();
        liblzma::read::XzEncoder::new(&text[..], 1).read_to_end(&mut xz).unwrap();
        let packed =
            [gzip.finish().unwrap(), xz, zstd::stream::encode_all(&text[..], 1).unwrap(), text.clone()];
        for packed in packed {
            let mut unpacked = Vec::new();
            decompress(&packed[..], 1 << 20, &Cancel::new()).unwrap().read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, text);
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit_and_bzip2_is_refused() {
        let bomb = zstd::stream::encode_all(std::io::repeat(0).take(8 << 20), 1).unwrap();
        let error =
            decompress(&bomb[..], 1 << 20, &Cancel::new()).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("larger than it may be"), "{error}");
        assert!(decompress(&b"BZh91AY"[..], 1, &Cancel::new()).is_err());
    }

    #[test]
    fn archives_that_ask_for_much_memory_are_refused() {
        let mut zstd = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        zstd.window_log(27).unwrap();
        zstd.write_all(&[7; 100]).unwrap();
        // Without a content size in the frame, the window is what the decoder must keep.
        let options = liblzma::stream::LzmaOptions::new_preset(1).unwrap();
        let mut options = options;
        options.dict_size(512 << 20);
        let mut filters = liblzma::stream::Filters::new();
        filters.lzma2(&options);
        let stream =
            liblzma::stream::Stream::new_stream_encoder(&filters, liblzma::stream::Check::Crc32).unwrap();
        let mut xz = Vec::new();
        liblzma::read::XzEncoder::new_stream(&[7; 100][..], stream).read_to_end(&mut xz).unwrap();
        for packed in [zstd.finish().unwrap(), xz] {
            let mut reader = decompress(&packed[..], 1 << 20, &Cancel::new()).unwrap();
            let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
            assert!(error.to_string().contains("64 MiB of memory"), "{error}");
        }
    }

    #[test]
    fn an_interrupted_read_ends() {
        let cancel = Cancel::new();
        let mut reader = decompress(std::io::repeat(7), u64::MAX, &cancel).unwrap();
        reader.read_exact(&mut [0; 10]).unwrap();
        cancel.cancel();
        assert!(reader.read(&mut [0; 10]).is_err());
    }
}
