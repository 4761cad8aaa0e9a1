//! What commands ask the ground for, and its answers: a line of JSON each.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use serde::{Deserialize, Serialize};

use crate::network::Forward;

/// What a command asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Live as long as this process.
    KeepFor(i32),
    /// Lead ports of the host to machines of a network, and no others.
    Forward { network: String, forwards: Vec<Forward> },
    /// Connect the network namespace with the world.
    WayOut,
}

/// What comes of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Done,
    /// It cannot be done, and why.
    Refused(String),
    /// The program that is the way out.
    WayOut(Option<String>),
}

/// Writes one line.
pub(super) fn send(stream: &mut UnixStream, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line)
}
