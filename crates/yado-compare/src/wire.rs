//! The way between a machine and this computer: how much goes through it, and how long one byte takes there and back.
//!
//! This computer holds one end itself; the other end is bash, which opens connections without further programs, and
//! `dd` and `cat`. So nothing has to be installed, both sides of the comparison use the same, and all times are taken
//! by one clock, the one out here.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use yado_core::error::Doing;
use yado_core::{Cancel, Context, Error, ErrorKind, Result};

use crate::statistics::median;
use crate::subject::Subject;

/// How long one value is measured.
const SLICE: Duration = Duration::from_millis(500);

/// How long the other end may take until it has connected.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the machine to this computer, in MiB/s.
    Out,
    /// From this computer to the machine, in MiB/s.
    In,
    /// One byte there and back, in microseconds.
    Back,
}

impl Way {
    /// What the other end does with its connection, descriptor 3.
    fn script(self) -> &'static str {
        match self {
            // It ends by itself should this end be gone.
            Self::Out => "timeout 30 dd if=/dev/zero bs=64k >&3 2>/dev/null",
            Self::In => "timeout 30 dd of=/dev/null bs=64k <&3 2>/dev/null",
            Self::Back => "timeout 30 cat <&3 >&3",
        }
    }

    fn measure(self, mut wire: &TcpStream) -> std::io::Result<f64> {
        let mut buffer = vec![0_u8; 64 << 10];
        let begin = Instant::now();
        let mut bytes = 0_usize;
        match self {
            Self::Out => {
                while begin.elapsed() < SLICE {
                    bytes += wire.read(&mut buffer)?;
                }
            }
            Self::In => {
                while begin.elapsed() < SLICE {
                    bytes += wire.write(&buffer)?;
                }
            }
            Self::Back => {
                let mut times = Vec::new();
                while begin.elapsed() < SLICE || times.len() < 10 {
                    let sent = Instant::now();
                    wire.write_all(&buffer[..1])?;
                    wire.read_exact(&mut buffer[..1])?;
                    times.push(sent.elapsed().as_secs_f64() * 1e6);
                }
                return Ok(median(&times));
            }
        }
        Ok(bytes as f64 / f64::from(1 << 20) / begin.elapsed().as_secs_f64())
    }
}

/// Measures once. On the bare machine both ends are here.
pub(crate) fn measure(context: &Context, subject: &mut Subject, way: Way) -> Result<f64> {
    let host = address(context, subject)?;
    // Behind some ways out, this computer's own loopback answers at the gateway's address.
    let listener = TcpListener::bind((host, 0))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .doing(|| "opening a port to measure the network with")?;
    let port = listener.local_addr().doing(|| "asking for the port")?.port();
    let word = format!("yado-{:x}", std::process::id() ^ u32::from(port));
    let script = format!(
        "exec bash -c 'exec 3<>/dev/tcp/{host}/{port} || exit 9; echo {word} >&3; {}; exit 0'",
        way.script()
    );
    let over = Cancel::new();
    std::thread::scope(|scope| {
        let (cancel, over) = (context.cancel.clone(), over.clone());
        let end = over.clone();
        let here = scope.spawn(move || serve(&listener, &word, way, &cancel, &over));
        let there = subject.run(context, None, &script);
        // Whatever became of the other end, this one need not wait for it any more.
        end.cancel();
        let value = here.join().unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Other, "The thread that measures the network ended by a fault."))
        });
        match (there, value) {
            // Why nobody came is the better answer.
            (Err(problem), Err(_)) => Err(problem.hinted(format!(
                "The machine could not reach this computer at {host}; a firewall may be in the way, or there is no bash."
            ))),
            (_, value) => value,
        }
    })
}

/// Waits for the other end, which knows the word, and measures.
fn serve(listener: &TcpListener, word: &str, way: Way, cancel: &Cancel, over: &Cancel) -> Result<f64> {
    let doing = || "measuring the network";
    listener.set_nonblocking(true).doing(doing)?;
    let limit = Instant::now() + PATIENCE;
    let wire = loop {
        match listener.accept() {
            Ok((mut wire, _)) => {
                wire.set_nonblocking(false).doing(doing)?;
                wire.set_read_timeout(Some(PATIENCE)).doing(doing)?;
                wire.set_write_timeout(Some(PATIENCE)).doing(doing)?;
                wire.set_nodelay(true).doing(doing)?;
                let mut said = vec![0_u8; word.len() + 1];
                // Somebody else's connection is none of ours.
                if wire.read_exact(&mut said).is_ok() && said.strip_suffix(b"\n") == Some(word.as_bytes()) {
                    break wire;
                }
            }
            Err(problem) if problem.kind() == std::io::ErrorKind::WouldBlock => {
                cancel.check()?;
                if over.is_cancelled() || Instant::now() > limit {
                    return Err(Error::new(
                        ErrorKind::Other,
                        "The machine did not connect to this computer.",
                    ));
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(problem) => return Err(problem).doing(doing),
        }
    };
    let value = way.measure(&wire).doing(doing)?;
    // The other end sees that it is over; it may have gone already.
    drop(wire.shutdown(Shutdown::Both));
    Ok(value)
}

/// Where a machine finds this computer: at its gateway.
fn address(context: &Context, subject: &mut Subject) -> Result<Ipv4Addr> {
    if matches!(subject, Subject::Bare { .. }) {
        return Ok(Ipv4Addr::LOCALHOST);
    }
    let routes = subject.run(context, None, "cat /proc/net/route")?;
    gateway(&routes).ok_or_else(|| {
        Error::new(ErrorKind::Other, "The machine has no gateway, so it has no network to measure.")
    })
}

/// The gateway of the first default route.
fn gateway(routes: &str) -> Option<Ipv4Addr> {
    routes.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |text: &str| u32::from_str_radix(text, 16).ok();
        let (target, gateway) = (number(fields.get(1)?)?, number(fields.get(2)?)?);
        // In the byte order of the machine, which is this computer's.
        (target == 0 && gateway != 0).then(|| Ipv4Addr::from(u32::to_be(gateway)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_that_of_the_default_route() {
        let routes = "Iface\tDestination\tGateway \tFlags\n\
                      eth0\t0001800A\t00000000\t0001\n\
                      eth0\t00000000\t0101800A\t0003\n";
        assert_eq!(gateway(routes), Some(Ipv4Addr::new(10, 128, 1, 1)));
        assert_eq!(gateway("Iface\tDestination\tGateway\n"), None);
    }

    #[test]
    fn nobody_is_waited_for_once_the_other_end_has_failed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let over = Cancel::new();
        over.cancel();
        let answer = serve(&listener, "word", Way::Out, &Cancel::new(), &over);
        assert!(answer.unwrap_err().message().contains("did not connect"));
    }
}
