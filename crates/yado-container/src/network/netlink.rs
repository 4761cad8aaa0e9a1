//! Netlink messages: built attribute by attribute, sent many at a time, answered one by one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys::netlink;

/// `NLM_F_REQUEST`.
const REQUEST: u16 = 0x1;
/// `NLM_F_ACK`.
const ACK: u16 = 0x4;
/// `NLM_F_DUMP`.
const DUMP: u16 = 0x300;
/// `NLM_F_CREATE`.
pub(super) const CREATE: u16 = 0x400;
/// `NLM_F_EXCL`.
pub(super) const EXCLUSIVE: u16 = 0x200;
/// `NLM_F_APPEND`.
pub(super) const APPEND: u16 = 0x800;
/// The bit that marks an attribute as holding others.
const NESTED: u16 = 0x8000;

const ERROR: u16 = 2;
const DONE: u16 = 3;

/// One message being built.
#[derive(Clone, Debug, Hash)]
pub(super) struct Message {
    kind: u16,
    flags: u16,
    body: Vec<u8>,
}

impl Message {
    /// A request of this kind whose fixed part is `header`.
    pub(super) fn new(kind: u16, flags: u16, header: &[u8]) -> Self {
        Self { kind, flags: flags | REQUEST, body: header.to_vec() }
    }

    /// Adds an attribute.
    pub(super) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        push_attribute(&mut self.body, kind, value);
        self
    }

    /// Adds a text with its closing zero.
    pub(super) fn text(self, kind: u16, value: &str) -> Self {
        let bytes = [value.as_bytes(), &[0]].concat();
        self.attribute(kind, &bytes)
    }

    /// Adds attributes within an attribute.
    pub(super) fn nest(self, kind: u16, inner: &Attributes) -> Self {
        self.attribute(kind | NESTED, &inner.0)
    }

    fn write(&self, sequence: u32, more_flags: u16, into: &mut Vec<u8>) {
        let length = 16 + self.body.len() as u32;
        into.extend(length.to_ne_bytes());
        into.extend(self.kind.to_ne_bytes());
        into.extend((self.flags | more_flags).to_ne_bytes());
        into.extend(sequence.to_ne_bytes());
        into.extend([0; 4]);
        into.extend(&self.body);
        pad(into);
    }
}

/// Attributes on their own, to be put into others.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes(Vec<u8>);

impl Attributes {
    /// Starts with a fixed part.
    pub(super) fn with_header(header: &[u8]) -> Self {
        Self(header.to_vec())
    }

    /// Adds an attribute.
    pub(super) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        push_attribute(&mut self.0, kind, value);
        self
    }

    /// Adds a text with its closing zero.
    pub(super) fn text(self, kind: u16, value: &str) -> Self {
        let bytes = [value.as_bytes(), &[0]].concat();
        self.attribute(kind, &bytes)
    }

    /// Adds a number in network byte order, as nftables wants all of its own.
    pub(super) fn number(self, kind: u16, value: u32) -> Self {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// Adds attributes within an attribute.
    pub(super) fn nest(self, kind: u16, inner: &Attributes) -> Self {
        self.attribute(kind | NESTED, &inner.0)
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

fn push_attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.extend((4 + value.len() as u16).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    pad(bytes);
}

/// The attributes in some bytes.
pub(super) fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while let [l0, l1, k0, k1, ..] = *bytes {
        let length = u16::from_ne_bytes([l0, l1]) as usize;
        if length < 4 || length > bytes.len() {
            break;
        }
        found.push((u16::from_ne_bytes([k0, k1]) & !NESTED, &bytes[4..length]));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    found
}

/// The value of one attribute.
pub(super) fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).into_iter().find(|(known, _)| *known == kind).map(|(_, value)| value)
}

/// A text attribute's value without its closing zero.
pub(super) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// A socket to one part of the kernel.
#[derive(Debug)]
pub(super) struct Connection {
    socket: OwnedFd,
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Connection {
    /// Opens one in the calling thread's network namespace, where it stays.
    pub(super) fn open(family: i32) -> io::Result<Self> {
        Ok(Self { socket: netlink::open(family)? })
    }

    /// Opens one for links, addresses and routes.
    pub(super) fn route() -> io::Result<Self> {
        Self::open(libc::NETLINK_ROUTE)
    }

    /// Sends messages in one go and waits for the answer to each; the first refusal is the result.
    pub(super) fn send(&self, messages: &[Message]) -> io::Result<()> {
        self.send_between(None, messages, None)
    }

    /// As [`Connection::send`], between two messages that are not answered.
    pub(super) fn send_between(
        &self,
        first: Option<&Message>,
        messages: &[Message],
        last: Option<&Message>,
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        if let Some(first) = first {
            first.write(0, 0, &mut bytes);
        }
        for (index, message) in messages.iter().enumerate() {
            message.write(index as u32 + 1, ACK, &mut bytes);
        }
        if let Some(last) = last {
            last.write(messages.len() as u32 + 1, 0, &mut bytes);
        }
        netlink::send(&self.socket, &bytes)?;
        self.wait_for_answers(messages.len())
    }

    fn wait_for_answers(&self, count: usize) -> io::Result<()> {
        let mut first: Option<io::Error> = None;
        let mut answered = 0;
        // Room that is not used costs nothing.
        let mut buffer = Vec::with_capacity(64 << 10);
        while answered < count {
            let length = netlink::receive(&self.socket, &mut buffer)?;
            for (kind, sequence, body) in parse(&buffer[..length]) {
                if kind != ERROR {
                    continue;
                }
                answered += 1;
                if let Some(error) = error_of(body) {
                    // A whole batch can be refused with one answer to its frame, and then nothing follows.
                    let whole = sequence == 0 || sequence as usize > count;
                    if first.is_none() {
                        first = Some(error);
                    }
                    if whole {
                        answered = count;
                    }
                }
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Asks for one thing and returns the answer's body.
    pub(super) fn ask(&self, message: &Message) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        message.write(1, 0, &mut bytes);
        netlink::send(&self.socket, &bytes)?;
        // Room that is not used costs nothing.
        let mut buffer = Vec::with_capacity(64 << 10);
        let length = netlink::receive(&self.socket, &mut buffer)?;
        match parse(&buffer[..length]).into_iter().next() {
            Some((ERROR, _, body)) => Err(error_of(body).unwrap_or_else(|| io::ErrorKind::NotFound.into())),
            Some((_, _, body)) => Ok(body.to_vec()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Asks for everything of a kind. An answer during which something came or went may lack what was there all the time,
    /// and is asked for again.
    pub(super) fn dump(&self, message: &Message) -> io::Result<Vec<Vec<u8>>> {
        const ATTEMPTS: u32 = 50;
        for _ in 0..ATTEMPTS {
            if let Some(found) = self.dump_once(message)? {
                return Ok(found);
            }
        }
        Err(io::ErrorKind::Interrupted.into())
    }

    /// The same once; `None` when the answer is not of one moment.
    fn dump_once(&self, message: &Message) -> io::Result<Option<Vec<Vec<u8>>>> {
        let mut bytes = Vec::new();
        message.write(1, DUMP, &mut bytes);
        netlink::send(&self.socket, &bytes)?;
        let mut found = Vec::new();
        let mut interrupted = false;
        // Room that is not used costs nothing.
        let mut buffer = Vec::with_capacity(64 << 10);
        loop {
            let length = netlink::receive(&self.socket, &mut buffer)?;
            interrupted |= was_interrupted(&buffer[..length]);
            for (kind, _, body) in parse(&buffer[..length]) {
                match kind {
                    DONE => return Ok((!interrupted).then_some(found)),
                    ERROR => return error_of(body).map_or(Ok((!interrupted).then_some(found)), Err),
                    _ => found.push(body.to_vec()),
                }
            }
        }
    }
}

/// Whether a message says that what is dumped has changed meanwhile (`NLM_F_DUMP_INTR`).
fn was_interrupted(mut bytes: &[u8]) -> bool {
    const INTERRUPTED: u16 = 0x10;
    while bytes.len() >= 16 {
        let length = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        if u16::from_ne_bytes([bytes[6], bytes[7]]) & INTERRUPTED != 0 {
            return true;
        }
        if length < 16 {
            break;
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    false
}

/// Kind, sequence number and body of each message.
fn parse(mut bytes: &[u8]) -> Vec<(u16, u32, &[u8])> {
    let mut found = Vec::new();
    while bytes.len() >= 16 {
        let number = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let length = number(0) as usize;
        if length < 16 || length > bytes.len() {
            break;
        }
        let kind = u16::from_ne_bytes([bytes[4], bytes[5]]);
        found.push((kind, number(8), &bytes[16..length]));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    found
}

/// The error in an answer; `None` for a plain confirmation.
fn error_of(body: &[u8]) -> Option<io::Error> {
    let code = i32::from_ne_bytes(body.get(..4)?.try_into().ok()?);
    (code != 0).then(|| io::Error::from_raw_os_error(-code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_laid_out_as_the_kernel_reads_them() {
        let inner = Attributes::default().text(1, "veth");
        let message = Message::new(16, CREATE, &[0; 4]).text(3, "abc").nest(18, &inner);
        let mut bytes = Vec::new();
        message.write(7, ACK, &mut bytes);
        let messages = parse(&bytes);
        assert_eq!((messages.len(), messages[0].0, messages[0].1), (1, 16, 7));
        assert_eq!(bytes[6..8], (CREATE | REQUEST | ACK).to_ne_bytes());
        let body = &messages[0].2[4..];
        assert_eq!(find(body, 3).map(text).as_deref(), Some("abc"));
        assert_eq!(find(find(body, 18).unwrap(), 1).map(text).as_deref(), Some("veth"));
    }

    #[test]
    fn broken_lengths_end_the_reading() {
        assert!(attributes(&[1, 0, 0, 0]).is_empty());
        assert!(attributes(&[200, 0, 1, 0]).is_empty());
        assert!(parse(&[9; 16]).is_empty());
    }

    #[test]
    fn the_loopback_device_is_found_by_asking() {
        let connection = Connection::route().unwrap();
        let header = [0u8; 16];
        let answer = connection.ask(&Message::new(18, 0, &header).text(3, "lo")).unwrap();
        assert_eq!(find(&answer[16..], 3).map(text).as_deref(), Some("lo"));
        let error = connection.ask(&Message::new(18, 0, &header).text(3, "no-such-device")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    }
}
