//! Downloads against a server that does what servers do on bad days.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use yado_core::{Context, Host, event::Silent};

use super::*;

/// How the server behaves.
#[derive(Default)]
struct Behaviour {
    /// It knows ranges.
    ranges: bool,
    /// So many more answers are cut in the middle.
    cuts: AtomicU64,
    /// The tag of the file.
    tag: Mutex<String>,
    content: Mutex<Vec<u8>>,
    /// Bytes of bodies that were sent.
    sent: AtomicU64,
    /// Answers with 503 from now on.
    is_down: AtomicBool,
    /// Header lines of the last request.
    seen: Mutex<HashMap<String, String>>,
}

struct Server {
    address: SocketAddr,
    behaviour: Arc<Behaviour>,
}

impl Server {
    fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let behaviour = Arc::new(behaviour);
        let shared = Arc::clone(&behaviour);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that hangs up is no failure.
                std::thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Self { address, behaviour }
    }

    fn url(&self) -> String {
        format!("http://{}/file", self.address)
    }
}

fn serve(stream: TcpStream, behaviour: &Behaviour) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            lines.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        behaviour.seen.lock().unwrap().clone_from(&headers);
        if let Some(target) = path.strip_prefix("/to/") {
            write!(out, "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", decode(target))?;
            continue;
        }
        if behaviour.is_down.load(Ordering::Relaxed) {
            write!(out, "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n")?;
            continue;
        }
        let content = behaviour.content.lock().unwrap().clone();
        let tag = behaviour.tag.lock().unwrap().clone();
        let is_same = headers.get("if-range").is_none_or(|wanted| *wanted == tag);
        let range = headers.get("range").filter(|_| behaviour.ranges && is_same).and_then(|range| {
            let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
            let start: usize = start.parse().ok()?;
            Some((start, end.parse::<usize>().map_or(content.len(), |end| end + 1).min(content.len())))
        });
        let body = match range {
            Some((start, end)) => {
                let total = content.len();
                write!(out, "HTTP/1.1 206 Partial\r\nContent-Range: bytes {start}-{}/{total}\r\n", end - 1)?;
                &content[start..end]
            }
            None => {
                write!(out, "HTTP/1.1 200 OK\r\n")?;
                &content[..]
            }
        };
        if !tag.is_empty() {
            write!(out, "ETag: {tag}\r\n")?;
        }
        write!(out, "Content-Length: {}\r\n\r\n", body.len())?;
        let is_cut = behaviour
            .cuts
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok();
        let body = if is_cut { &body[..body.len() / 2] } else { body };
        out.write_all(body)?;
        behaviour.sent.fetch_add(body.len() as u64, Ordering::Relaxed);
        if is_cut {
            return out.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn context() -> Context {
    Context {
        machine: None,
        host: Arc::new(Host::new("/nonexistent")),
        events: Arc::new(Silent),
        cancel: Cancel::new(),
    }
}

fn client() -> Client {
    let download =
        DownloadSpec { options: vec![("noproxy".into(), Some("*".into()))], ..DownloadSpec::default() };
    Client::new(&Proxies::default(), &download, &Network::default()).unwrap()
}

/// Twenty megabytes, of which no two pieces are alike.
fn content() -> Vec<u8> {
    (0..5_000_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn fetch(server: &Server, folder: &Path) -> Result<Vec<u8>, Failure> {
    let url = server.url();
    let wanted = ranged::Wanted { url: &url, headers: &[], is_verified: false, clean: false, size: None };
    let fetched = ranged::fetch(&context(), &client(), &wanted, folder)?;
    let found = std::fs::read(fetched.path()).unwrap();
    fetched.discard();
    Ok(found)
}

#[test]
fn broken_connections_are_gone_on_with() {
    for ranges in [true, false] {
        let server = Server::start(Behaviour {
            ranges,
            cuts: AtomicU64::new(2),
            tag: Mutex::new("\"one\"".into()),
            content: Mutex::new(content()),
            ..Behaviour::default()
        });
        let folder = tempfile::tempdir().unwrap();
        assert!(fetch(&server, folder.path()).unwrap() == content());
        if ranges {
            // What came before a break counts; what was in flight may be sent again.
            let sent = server.behaviour.sent.load(Ordering::Relaxed);
            assert!(sent <= content().len() as u64 + (4 << 20), "{sent}");
        }
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 1, "only the lock: {left:?}");
    }
}

/// The state that a killed process leaves: four of five pieces, one of them damaged on disk since.
#[test]
fn a_part_on_disk_is_checked_and_a_changed_file_is_begun_anew() {
    let server = Server::start(Behaviour {
        ranges: true,
        tag: Mutex::new("\"one\"".into()),
        content: Mutex::new(content()),
        ..Behaviour::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let url = server.url();
    let wanted = ranged::Wanted { url: &url, headers: &[], is_verified: false, clean: false, size: None };
    let leave = || {
        let fetched = ranged::fetch(&context(), &client(), &wanted, folder.path()).unwrap();
        let path = fetched.path().to_owned();
        drop(fetched);
        path
    };
    let part = leave();
    let pieces = part.with_extension("pieces");
    // What a kill leaves: the last piece is not in the list, whose end is torn.
    let text = std::fs::read_to_string(&pieces).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("piece 4 ")).collect();
    std::fs::write(&pieces, format!("{}\npiece 4 0", kept.join("\n"))).unwrap();
    let mut damaged = std::fs::read(&part).unwrap();
    damaged[1000] ^= 1;
    std::fs::write(&part, &damaged[..16 << 20]).unwrap();
    server.behaviour.sent.store(0, Ordering::Relaxed);
    assert!(std::fs::read(leave()).unwrap() == content());
    // The damaged first piece and the missing last one, and not the three that are whole.
    assert_eq!(server.behaviour.sent.load(Ordering::Relaxed), content().len() as u64 - (12 << 20));

    let newer: Vec<u8> = content().iter().map(|byte| !byte).collect();
    *server.behaviour.content.lock().unwrap() = newer.clone();
    *server.behaviour.tag.lock().unwrap() = "\"two\"".into();
    std::fs::write(&pieces, format!("{}\n", kept.join("\n"))).unwrap();
    assert!(std::fs::read(leave()).unwrap() == newer);
}

#[test]
fn what_is_longer_than_was_announced_is_not_fetched() {
    for ranges in [true, false] {
        let server =
            Server::start(Behaviour { ranges, content: Mutex::new(content()), ..Behaviour::default() });
        let folder = tempfile::tempdir().unwrap();
        let url = server.url();
        for size in [1000, content().len() as u64 + 1] {
            let wanted =
                ranged::Wanted { url: &url, headers: &[], is_verified: true, clean: false, size: Some(size) };
            let error = ranged::fetch(&context(), &client(), &wanted, folder.path()).unwrap_err();
            assert!(error.to_string().contains("were announced"), "{error}");
        }
        let parts = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let kept = parts.filter(|path| path.extension().is_some_and(|kind| kind == "part"));
        assert_eq!(kept.map(|path| path.metadata().unwrap().len()).sum::<u64>(), 0);
    }
}

#[test]
fn a_server_that_is_down_is_given_up_and_offline_asks_nobody() {
    let server = Server::start(Behaviour { is_down: AtomicBool::new(true), ..Behaviour::default() });
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&server, folder.path()).unwrap_err().into_error("The box");
    assert!(error.message().contains("status 503"), "{error}");
    let network = Network { offline: true, ..Network::default() };
    let offline = Client::new(&Proxies::default(), &DownloadSpec::default(), &network).unwrap();
    let error = offline.get(&server.url()).err().unwrap();
    assert!(matches!(&error, Failure::Offline(why) if why.contains("YADO_OFFLINE")), "{error}");
}

#[test]
fn credentials_stay_with_their_host_unless_trusted_elsewhere() {
    let target = Server::start(Behaviour { content: Mutex::new(b"x".to_vec()), ..Behaviour::default() });
    let first = Server::start(Behaviour::default());
    let url = format!("http://u:p@{}/to/{}", first.address, target.url());
    let option = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
    for trusted in [false, true] {
        let download = DownloadSpec {
            location_trusted: trusted,
            options: vec![option("header", Some("Authorization: Bearer t")), option("noproxy", Some("*"))],
            ..DownloadSpec::default()
        };
        let client = Client::new(&Proxies::default(), &download, &Network::default()).unwrap();
        assert_eq!(client.get(&url).unwrap().status, 200);
        let seen = target.behaviour.seen.lock().unwrap();
        assert_eq!(seen.contains_key("authorization"), trusted);
        assert!(first.behaviour.seen.lock().unwrap().contains_key("authorization"));
    }
}
