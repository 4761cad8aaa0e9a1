//! Decompressing ahead of whoever unpacks, so that one processor decompresses while another one writes.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use yado_core::{Cancel, Error, Result};

use super::decompress;

/// How much is decompressed at once, and how many such pieces may wait: two megabytes in all.
const PIECE: usize = 128 << 10;
const WAITING: usize = 16;

/// Calls `consume`, on a thread of its own, with what `source` holds, decompressed, up to `limit` bytes, until the
/// user interrupts.
pub(crate) fn read_ahead<T: Send>(
    source: impl Read,
    limit: u64,
    cancel: &Cancel,
    consume: impl FnOnce(&mut dyn Read) -> Result<T> + Send,
) -> Result<T> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING);
        let (empty, spare) = channel();
        // The receiver goes with the consumer; whoever still sends is then told that nobody listens.
        let consumer =
            scope.spawn(move || consume(&mut Ahead { receiver, piece: Vec::new(), end: 0, at: 0, empty }));
        let begun = decompress(source, limit, cancel).map(|mut source| send(&mut *source, &sender, &spare));
        drop(sender);
        let outcome = consumer.join().unwrap_or_else(|_| {
            Err(Error::new(
                yado_core::ErrorKind::Other,
                "The unpacking thread failed; the message above says why.",
            ))
        });
        // Without a beginning, the consumer found nothing to read, and this knows better why.
        begun.and(outcome)
    })
}

/// A piece, and how much of it counts.
type Piece = (Vec<u8>, usize);

fn send(source: &mut dyn Read, sender: &SyncSender<io::Result<Piece>>, spare: &Receiver<Vec<u8>>) {
    loop {
        let mut piece = spare.try_recv().unwrap_or_else(|_| vec![0; PIECE]);
        let message = match source.read(&mut piece) {
            Ok(0) => return,
            Ok(read) => Ok((piece, read)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = message.is_err();
        if sender.send(message).is_err() || is_last {
            return;
        }
    }
}

/// The receiving end.
struct Ahead {
    receiver: Receiver<io::Result<Piece>>,
    piece: Vec<u8>,
    end: usize,
    at: usize,
    /// Takes pieces back that were read.
    empty: Sender<Vec<u8>>,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.end {
            let (piece, end) = match self.receiver.recv() {
                Ok(piece) => piece?,
                Err(_) => return Ok(0),
            };
            let read = std::mem::replace(&mut self.piece, piece);
            if !read.is_empty() {
                // Whoever sends may have ended.
                drop(self.empty.send(read));
            }
            (self.end, self.at) = (end, 0);
        }
        let length = buffer.len().min(self.end - self.at);
        buffer[..length].copy_from_slice(&self.piece[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_in_order_and_errors_arrive_too() {
        let content: Vec<u8> = (0..3_000_000_u32).flat_map(|number| number.to_le_bytes()).collect();
        let packed = zstd::stream::encode_all(&content[..], 1).unwrap();
        let read_all = |limit: u64| {
            read_ahead(&packed[..], limit, &Cancel::new(), |source| {
                let mut all = Vec::new();
                source.read_to_end(&mut all).map_err(|error| Error::system("reading", error))?;
                Ok(all)
            })
        };
        assert!(read_all(1 << 30).unwrap() == content);
        assert!(read_all(1 << 20).unwrap_err().to_string().contains("larger than it may be"));
        let refused = read_ahead(&b"BZh91AY"[..], 1, &Cancel::new(), |_| Ok(()));
        assert!(refused.unwrap_err().message().contains("bzip2"));
    }

    #[test]
    fn whoever_stops_listening_stops_the_thread() {
        let endless = std::io::repeat(1);
        read_ahead(endless, u64::MAX, &Cancel::new(), |source| {
            source.read_exact(&mut [0; 10]).map_err(|error| Error::system("reading", error))
        })
        .unwrap();
    }
}
