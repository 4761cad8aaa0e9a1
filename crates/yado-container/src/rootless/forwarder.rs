//! One forwarded port: listens on the host, connects in the user's network namespace. A socket stays in the namespace
//! that it was made in, so a thread makes one here, moves, and makes the others there.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Context, Result};
use crate::network::{Forward, Protocol};
use crate::sys::clone;

/// Threads that only copy need little.
const STACK: usize = 128 << 10;
/// How long a machine may take to accept.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long a port that was free may be in use after all.
const BUSY: Duration = Duration::from_secs(1);
/// After so long without an answer a sender of datagrams is forgotten.
const SILENCE: Duration = Duration::from_secs(60);
/// How soon a stopped forwarder of datagrams notices.
const LOOK: Duration = Duration::from_millis(200);

/// A port that is being led. Dropping it closes the port and its connections.
#[derive(Debug)]
pub(super) struct Forwarder {
    listener: Option<TcpListener>,
    stopped: Arc<AtomicBool>,
    connections: Connections,
}

impl Forwarder {
    /// Opens the port.
    pub(super) fn start(forward: Forward, network: Arc<OwnedFd>) -> Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        let connections = Connections::default();
        let from = SocketAddr::from((forward.host_ip, forward.host_port));
        let to = SocketAddr::from((forward.guest_ip, forward.guest_port));
        let doing = || format!("open the forwarded port {from}");
        let listener = match forward.protocol {
            Protocol::Tcp => {
                let listener = open(|| TcpListener::bind(from)).doing(doing())?;
                let ours = listener.try_clone().doing(doing())?;
                let (stopped, connections) = (Arc::clone(&stopped), connections.clone());
                spawn(move || {
                    if clone::enter(network.as_fd(), libc::CLONE_NEWNET).is_ok() {
                        accept(&listener, to, &stopped, &connections);
                    }
                })
                .doing(doing())?;
                Some(ours)
            }
            Protocol::Udp => {
                let socket = open(|| UdpSocket::bind(from)).doing(doing())?;
                let stopped = Arc::clone(&stopped);
                spawn(move || {
                    if clone::enter(network.as_fd(), libc::CLONE_NEWNET).is_ok() {
                        pass_datagrams(&Arc::new(socket), to, &stopped);
                    }
                })
                .doing(doing())?;
                None
            }
        };
        Ok(Self { listener, stopped, connections })
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(listener) = &self.listener {
            // Wakes the thread that waits in accept.
            let _closed = rustix::net::shutdown(listener, rustix::net::Shutdown::Both);
        }
        self.connections.close();
    }
}

/// Opens a port, patiently: a command that looks whether it is free has it for a moment, and a ground that was killed
/// until its last thread is gone.
fn open<T>(bind: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let limit = Instant::now() + BUSY;
    loop {
        match bind() {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < limit => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().stack_size(STACK).spawn(work).map(drop)
}

/// Both sides of the connections that are open.
#[derive(Clone, Debug, Default)]
struct Connections(Arc<Mutex<HashMap<u64, [TcpStream; 2]>>>);

impl Connections {
    fn add(&self, sides: [&TcpStream; 2]) -> io::Result<u64> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let sides = [sides[0].try_clone()?, sides[1].try_clone()?];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number, sides);
        Ok(number)
    }

    fn remove(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    fn close(&self) {
        for side in self.0.lock().unwrap_or_else(PoisonError::into_inner).values().flatten() {
            // One that has ended by itself is closed already.
            drop(side.shutdown(Shutdown::Both));
        }
    }
}

fn accept(listener: &TcpListener, to: SocketAddr, stopped: &AtomicBool, connections: &Connections) {
    while !stopped.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((outer, _)) => {
                let connections = connections.clone();
                // Without a thread for it the connection is closed, which its peer can understand.
                drop(spawn(move || drop(join(&outer, to, &connections))));
            }
            // Out of descriptors, most likely: others may close some.
            Err(_) => std::thread::sleep(LOOK / 4),
        }
    }
}

/// Copies both ways until both sides have ended.
fn join(outer: &TcpStream, to: SocketAddr, connections: &Connections) -> io::Result<()> {
    let inner = TcpStream::connect_timeout(&to, CONNECTING)?;
    outer.set_nodelay(true)?;
    inner.set_nodelay(true)?;
    let number = connections.add([outer, &inner])?;
    std::thread::scope(|scope| {
        let back = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || copy(&inner, outer));
        if back.is_ok() {
            copy(outer, &inner);
        }
    });
    connections.remove(number);
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    // Whichever side failed, the other must learn that nothing more comes.
    if io::copy(&mut from, &mut to).is_err() {
        drop(from.shutdown(Shutdown::Read));
    }
    drop(to.shutdown(Shutdown::Write));
}

type Senders = Arc<Mutex<HashMap<SocketAddr, Arc<UdpSocket>>>>;

fn pass_datagrams(outer: &Arc<UdpSocket>, to: SocketAddr, stopped: &Arc<AtomicBool>) {
    let senders = Senders::default();
    let mut buffer = vec![0; 64 << 10];
    if outer.set_read_timeout(Some(LOOK)).is_err() {
        return;
    }
    while !stopped.load(Ordering::Relaxed) {
        let Ok((length, sender)) = outer.recv_from(&mut buffer) else { continue };
        let known = senders.lock().unwrap_or_else(PoisonError::into_inner).get(&sender).cloned();
        let Some(inner) = known.or_else(|| answer_to(sender, outer, to, &senders, stopped).ok()) else {
            continue;
        };
        // A datagram may be lost anywhere.
        drop(inner.send(&buffer[..length]));
    }
}

/// A socket inside for one sender outside, whose answers are passed back.
fn answer_to(
    sender: SocketAddr,
    outer: &Arc<UdpSocket>,
    to: SocketAddr,
    senders: &Senders,
    stopped: &Arc<AtomicBool>,
) -> io::Result<Arc<UdpSocket>> {
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0; 16], 0).into() };
    let inner = Arc::new(UdpSocket::bind(any)?);
    inner.connect(to)?;
    inner.set_read_timeout(Some(LOOK))?;
    let (ours, outer, theirs, stopped) =
        (Arc::clone(&inner), Arc::clone(outer), Arc::clone(senders), Arc::clone(stopped));
    spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        let mut silent = Duration::ZERO;
        while silent < SILENCE && !stopped.load(Ordering::Relaxed) {
            match ours.recv(&mut buffer) {
                Ok(length) => {
                    silent = Duration::ZERO;
                    drop(outer.send_to(&buffer[..length], sender));
                }
                Err(_) => silent += LOOK,
            }
        }
        theirs.lock().unwrap_or_else(PoisonError::into_inner).remove(&sender);
    })?;
    senders.lock().unwrap_or_else(PoisonError::into_inner).insert(sender, Arc::clone(&inner));
    Ok(inner)
}
