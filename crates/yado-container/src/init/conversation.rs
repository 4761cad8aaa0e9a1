//! What the engine and a container's first process say to each other over their socket: single words, and once the
//! descriptors of what is mounted inside.

use std::io::Read;
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

fn stream(socket: BorrowedFd<'_>) -> Result<UnixStream> {
    Ok(UnixStream::from(socket.try_clone_to_owned().doing("use the init's socket")?))
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
    let mut stream = stream(socket)?;
    let mut head = [0; 4];
    if stream.read_exact(&mut head).is_err() {
        return Ok(None);
    }
    let mut word = vec![0; (u32::from_ne_bytes(head) as usize).min(LARGEST)];
    if stream.read_exact(&mut word).is_err() {
        return Ok(None);
    }
    Ok(match word.as_slice() {
        [b'R'] => Some(Message::Ready),
        [b'F', text @ ..] => Some(Message::Failed(String::from_utf8_lossy(text).into_owned())),
        [b'C'] => Some(Message::Continue),
        [b'A'] => Some(Message::Attached),
        _ => return Err(Error::invalid("container", "its first process speaks another language")),
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
