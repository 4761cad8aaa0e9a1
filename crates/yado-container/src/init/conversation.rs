//! What the engine and a container's first process say to each other over their socket: the configuration
//! with its descriptors one way, then single words.

use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use serde::{Deserialize, Serialize};

use super::{Config, Descriptors};
use crate::error::{Context, Error, Result};
use crate::sys::fds;

/// A word on the socket.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// From the init: everything is set up.
    Ready,
    /// From the init: it was not possible, and why.
    Failed(String),
    /// From the engine: the container is on record; go on.
    Continue,
}

/// Larger texts are a mistake or an attack.
const LARGEST: usize = 64 << 20;

fn stream(socket: BorrowedFd<'_>) -> Result<UnixStream> {
    Ok(UnixStream::from(socket.try_clone_to_owned().doing("use the init's socket")?))
}

/// Sends the configuration and its descriptors.
pub(crate) fn send_config(socket: BorrowedFd<'_>, config: &Config, descriptors: &Descriptors) -> Result<()> {
    let text =
        serde_json::to_vec(config).map_err(std::io::Error::from).doing("write the init's configuration")?;
    let mut passed =
        vec![descriptors.root.as_raw_fd(), descriptors.start.as_raw_fd(), descriptors.answer.as_raw_fd()];
    passed.extend(descriptors.console.iter().map(AsRawFd::as_raw_fd));
    passed.extend(descriptors.listener.iter().map(AsRawFd::as_raw_fd));
    passed.extend(descriptors.sources.iter().map(AsRawFd::as_raw_fd));
    let head = (text.len() as u32).to_ne_bytes();
    fds::send(socket, &head, &passed).doing("send the init its descriptors")?;
    stream(socket)?.write_all(&text).doing("send the init its configuration")
}

/// Receives the configuration and its descriptors.
pub(crate) fn receive_config(socket: BorrowedFd<'_>) -> Result<(Config, Descriptors)> {
    let mut head = [0; 4];
    let (count, passed) = fds::receive(socket, &mut head).doing("receive the descriptors")?;
    let length = u32::from_ne_bytes(head) as usize;
    if count != 4 || length > LARGEST {
        return Err(Error::invalid("container", "the engine went away"));
    }
    let mut text = vec![0; length];
    stream(socket)?.read_exact(&mut text).doing("receive the configuration")?;
    let config: Config =
        serde_json::from_slice(&text).map_err(std::io::Error::from).doing("read the configuration")?;
    let mut passed = passed.into_iter();
    let (Some(root), Some(start), Some(answer)) = (passed.next(), passed.next(), passed.next()) else {
        return Err(Error::invalid("container", "descriptors are missing"));
    };
    let console = if config.has_console { passed.next() } else { None };
    let listener = if config.has_listener { passed.next() } else { None };
    let sources = passed.collect();
    Ok((config, Descriptors { root, start, answer, console, listener, sources }))
}

/// Sends a word.
pub(crate) fn send_message(socket: BorrowedFd<'_>, message: &Message) -> Result<()> {
    let text = serde_json::to_vec(message).map_err(std::io::Error::from).doing("write a message")?;
    let mut bytes = (text.len() as u32).to_ne_bytes().to_vec();
    bytes.extend(text);
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
    let mut text = vec![0; (u32::from_ne_bytes(head) as usize).min(LARGEST)];
    if stream.read_exact(&mut text).is_err() {
        return Ok(None);
    }
    serde_json::from_slice(&text).map(Some).map_err(std::io::Error::from).doing("understand the other side")
}

/// Both ends of a conversation.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair().doing("make a socket for the init")?;
    Ok((ours.into(), theirs.into()))
}

/// Lets the first process go on to run its program, once its id mappings are written.
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
        send_message(left.as_fd(), &Message::Failed("no".to_owned())).unwrap();
        send_message(left.as_fd(), &Message::Ready).unwrap();
        drop(left);
        assert_eq!(receive_message(right.as_fd()).unwrap(), Some(Message::Failed("no".to_owned())));
        assert_eq!(receive_message(right.as_fd()).unwrap(), Some(Message::Ready));
        assert_eq!(receive_message(right.as_fd()).unwrap(), None);
    }
}
