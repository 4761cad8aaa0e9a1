//! What the engine and a container's first process say to each other over their socket: single words, and once the
//! descriptors of what is mounted inside.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use crate::error::{Context, Error, Result};
use crate::sys::fds;

/// A word on the socket: its length, a letter, and perhaps text. The program that a first process becomes says and
/// hears the words without text, too.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// From the init: everything is set up.
    Ready,
    /// From the init: it was not possible, and why.
    Failed(String),
    /// From the engine: the container is on record; go on.
    Continue,
    /// From the engine: all cgroups are joined.
    Attached,
}

/// Larger texts are a mistake or an attack.
const LARGEST: usize = 1 << 20;

/// Reads exactly so much; whether that was to be had.
fn read_exact(socket: BorrowedFd<'_>, mut bytes: &mut [u8]) -> bool {
    while !bytes.is_empty() {
        match rustix::io::retry_on_intr(|| rustix::io::read(socket, &mut *bytes)) {
            Ok(0) | Err(_) => return false,
            Ok(count) => bytes = &mut bytes[count..],
        }
    }
    true
}

/// What comes for the first process once its namespaces exist.
pub(crate) struct Arrival {
    /// The process's own id on the host.
    pub(crate) pid: i32,
    /// The root file system, mounted nowhere.
    pub(crate) root: OwnedFd,
    /// A source for each mount that shows a host path.
    pub(crate) sources: Vec<OwnedFd>,
}

/// Sends the process's id and the descriptors of the root and the sources.
pub(crate) fn send_arrival(socket: BorrowedFd<'_>, arrival: &Arrival) -> Result<()> {
    let passed: Vec<_> =
        std::iter::once(&arrival.root).chain(&arrival.sources).map(AsRawFd::as_raw_fd).collect();
    fds::send(socket, &arrival.pid.to_ne_bytes(), &passed).doing("send the init its descriptors")?;
    Ok(())
}

/// Receives them.
pub(crate) fn receive_arrival(socket: BorrowedFd<'_>) -> Result<Arrival> {
    let mut head = [0; 4];
    let (count, passed) = fds::receive(socket, &mut head).doing("receive the descriptors")?;
    let mut passed = passed.into_iter();
    match passed.next() {
        Some(root) if count == head.len() => {
            Ok(Arrival { pid: i32::from_ne_bytes(head), root, sources: passed.collect() })
        }
        _ => Err(Error::invalid("container", "the engine went away")),
    }
}

/// Sends a word.
pub(crate) fn send_message(socket: BorrowedFd<'_>, message: &Message) -> Result<()> {
    let (letter, text) = match message {
        Message::Ready => (b'R', ""),
        Message::Failed(text) => (b'F', text.as_str()),
        Message::Continue => (b'C', ""),
        Message::Attached => (b'A', ""),
    };
    let mut bytes = (1 + text.len() as u32).to_ne_bytes().to_vec();
    bytes.push(letter);
    bytes.extend(text.as_bytes());
    fds::send(socket, &bytes, &[]).doing("talk over the init's socket")?;
    Ok(())
}

/// Receives a word; `None` when the other side is gone.
pub(crate) fn receive_message(socket: BorrowedFd<'_>) -> Result<Option<Message>> {
    let mut head = [0; 5];
    if !read_exact(socket, &mut head) {
        return Ok(None);
    }
    let [length @ .., letter] = head;
    let length = (u32::from_ne_bytes(length) as usize).min(LARGEST);
    let mut text = vec![0; length.saturating_sub(1)];
    if !read_exact(socket, &mut text) {
        return Ok(None);
    }
    Ok(match (letter, text.as_slice()) {
        (b'R', []) => Some(Message::Ready),
        (b'F', text) => Some(Message::Failed(String::from_utf8_lossy(text).into_owned())),
        (b'C', []) => Some(Message::Continue),
        (b'A', []) => Some(Message::Attached),
        _ => return Err(Error::invalid("container", "its first process speaks another language")),
    })
}

/// Everything that is still said, until the other side closes: a failure in words, without their frame, or in numbers.
pub(crate) fn receive_rest(socket: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let mut said = Vec::new();
    let mut part = [0; 512];
    loop {
        match rustix::io::retry_on_intr(|| rustix::io::read(socket, &mut part[..])) {
            // It had not read its last word when it ended.
            Ok(0) | Err(rustix::io::Errno::CONNRESET) => break,
            Ok(count) => said.extend(&part[..count]),
            Err(error) => return Err(error).doing("learn whether the program runs"),
        }
    }
    Ok(match said.as_slice() {
        [_, _, _, _, b'F', text @ ..] => text.to_vec(),
        _ => said,
    })
}

/// Both ends of a conversation.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair().doing("make a socket for the init")?;
    Ok((ours.into(), theirs.into()))
}

/// Lets the first process go on, once its id mappings are written.
pub(crate) fn release(socket: &OwnedFd) -> Result<()> {
    fds::send(socket.as_fd(), &[1], &[]).doing("wake the init")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_arrive_and_a_closed_socket_is_silence() {
        let (left, right) = pair().unwrap();
        let words = [Message::Failed("no".to_owned()), Message::Ready, Message::Attached, Message::Continue];
        for word in &words {
            send_message(left.as_fd(), word).unwrap();
        }
        drop(left);
        for word in words {
            assert_eq!(receive_message(right.as_fd()).unwrap(), Some(word));
        }
        assert_eq!(receive_message(right.as_fd()).unwrap(), None);
    }

    #[test]
    fn descriptors_arrive_in_order() {
        let (left, right) = pair().unwrap();
        let open = |path: &str| OwnedFd::from(std::fs::File::open(path).unwrap());
        let arrival = Arrival { pid: 7, root: open("/"), sources: vec![open("/dev/null"), open("/proc")] };
        send_arrival(left.as_fd(), &arrival).unwrap();
        let arrived = receive_arrival(right.as_fd()).unwrap();
        let inode = |fd: &OwnedFd| rustix::fs::fstat(fd).unwrap().st_ino;
        assert_eq!(arrived.pid, 7);
        assert_eq!(inode(&arrived.root), inode(&arrival.root));
        assert_eq!(
            arrived.sources.iter().map(inode).collect::<Vec<_>>(),
            arrival.sources.iter().map(inode).collect::<Vec<_>>()
        );
    }
}
