//! A real system from real packages. The mirror is a server on the loopback interface; apt, which knows the way
//! to the real one, brings what it serves: signed descriptions as they are, lists and packages.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use yado_core::event::Silent;
use yado_core::{Cancel, Context, ErrorKind, Host, Result};

use super::*;
use yado_core::spec::BoxSpec;

use crate::{AddOptions, BoxStore, Source};

/// The host's own mirror.
fn archive() -> Option<String> {
    apt::Configuration::read(Path::new("/"), &distribution::DEBIAN).mirror
}

fn context() -> Context {
    Context {
        machine: None,
        host: Arc::new(Host::new("/nowhere")),
        events: Arc::new(Silent),
        cancel: Cancel::new(),
    }
}

/// Enters a root directory with the programs that every Debian has.
struct Programs;

impl Chroot for Programs {
    fn run(
        &self,
        _cx: &Context,
        root: &Path,
        argv: &[&str],
        env: &[(&str, &str)],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<i32> {
        const ENTER: &str = "set -e; root=$1; shift
            mount -t proc proc $root/proc
            mount -t tmpfs none $root/dev
            for node in null zero full random urandom tty; do touch $root/dev/$node; mount --bind /dev/$node $root/dev/$node; done
            exec chroot $root \"$@\"";
        let done = Command::new("unshare")
            .args(["--mount", "--pid", "--ipc", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"])
            .arg(root)
            .args(argv)
            .env_clear()
            .envs(env.iter().copied())
            .stdin(std::process::Stdio::null())
            .output()
            .doing(|| "entering the new system")?;
        output(&done.stdout);
        output(&done.stderr);
        Ok(done.status.code().unwrap_or(-1))
    }
}

/// What apt fetched, in a directory: `lists/` and `debs/`.
struct Mirror(PathBuf);

impl Mirror {
    fn apt(&self, arguments: &[&str]) -> bool {
        let folder = self.0.display();
        Command::new("apt-get")
            .args([
                "-q",
                "-o",
                "Acquire::Languages=none",
                "-o",
                "APT::Sandbox::User=root",
                "-o",
                "Acquire::GzipIndexes=false",
            ])
            .args([
                "-o",
                "Dir::Etc::sourceparts=/dev/null",
                "-o",
                &format!("Dir::Etc::sourcelist={folder}/sources.list"),
            ])
            .args(["-o", &format!("Dir::State::lists={folder}/lists"), "-o", "Dir::Cache::pkgcache="])
            .args(["-o", &format!("Dir::Cache::srcpkgcache={folder}/srcpkgcache.bin")])
            .args(arguments)
            .current_dir(self.0.join("debs"))
            .stdout(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Has apt bring everything that bootstrapping `suite` needs; `None` when it cannot.
    fn fill(folder: &Path, suite: &str) -> Option<Self> {
        for name in ["lists/partial", "debs"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let option = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
        let archive = archive()?;
        let sources = format!(
            "deb {option} {archive} {suite} main\ndeb {option} {archive} {suite}-updates main\n\
             deb {option} {archive}-security {suite}-security main\n"
        );
        std::fs::write(folder.join("sources.list"), sources).unwrap();
        let mirror = Self(folder.to_owned());
        if !mirror.apt(&["update"]) {
            return None;
        }
        let mut index = Index::default();
        for name in mirror.names("lists") {
            if name.ends_with("_Packages") {
                let file = std::fs::File::open(folder.join("lists").join(&name)).unwrap();
                index.read(BufReader::new(file), "").unwrap();
            }
        }
        let wanted = index.system(WANTED, PREFERRED).unwrap();
        let present = mirror.names("debs");
        let file = |package: &Package| package.filename.rsplit('/').next().unwrap().to_owned();
        let missing: Vec<String> = wanted
            .iter()
            .filter(|package| !present.contains(&file(package)))
            .map(|package| format!("{}={}", package.name, package.version))
            .collect();
        let mut arguments = vec!["download"];
        arguments.extend(missing.iter().map(String::as_str));
        (missing.is_empty() || mirror.apt(&arguments)).then_some(())?;
        // apt writes an epoch's colon into file names; the archive leaves the epoch out.
        for name in mirror.names("debs") {
            if let Some((package, rest)) = name.split_once('_')
                && let Some((_, version)) = rest.split_once("%3a")
            {
                std::fs::rename(
                    folder.join("debs").join(&name),
                    folder.join("debs").join(format!("{package}_{version}")),
                )
                .unwrap();
            }
        }
        Some(mirror)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The file behind a path of the archive.
    fn file(&self, path: &str) -> PathBuf {
        match path.rsplit_once('/') {
            Some((_, name)) if Path::new(path).extension().is_some_and(|extension| extension == "deb") => {
                self.0.join("debs").join(name.replace("%3a", ":"))
            }
            _ => {
                let archive = archive().unwrap();
                let host = archive.split('/').nth(2).unwrap();
                self.0.join("lists").join(format!("{host}{}", path.replace('/', "_")))
            }
        }
    }

    /// Serves it, as long as the flag says so; returns the address.
    fn serve(self, up: Arc<AtomicBool>) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mirror = Arc::new(self);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if !up.load(Ordering::SeqCst) {
                    continue;
                }
                let mirror = Arc::clone(&mirror);
                std::thread::spawn(move || drop(mirror.answer(connection)));
            }
        });
        address
    }

    fn answer(&self, mut connection: std::net::TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(connection.try_clone()?);
        loop {
            let mut request = String::new();
            if reader.read_line(&mut request)? == 0 {
                return Ok(());
            }
            let mut line = String::new();
            while reader.read_line(&mut line)? > 2 {
                line.clear();
            }
            let path = request.split(' ').nth(1).unwrap_or("/");
            let (status, content) = match std::fs::read(self.file(path)) {
                Ok(content) => ("200 OK", content),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            connection.write_all(
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", content.len()).as_bytes(),
            )?;
            connection.write_all(&content)?;
        }
    }
}

/// A host whose apt uses that mirror.
fn host(address: &str) -> tempfile::TempDir {
    let host = tempfile::tempdir().unwrap();
    let apt = host.path().join("etc/apt");
    std::fs::create_dir_all(&apt).unwrap();
    let option = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
    let sources = format!(
        "deb {option} {address}/debian stable main\ndeb {address}/debian-security stable-security main\n"
    );
    std::fs::write(apt.join("sources.list"), sources).unwrap();
    std::fs::write(
        apt.join("apt.conf"),
        "Acquire { http::Proxy \"DIRECT\"; Check-Valid-Until \"false\"; };\n",
    )
    .unwrap();
    host
}

/// The suite to make; `YADO_E2E_MIRROR` names a directory where what apt fetched is kept for the next run.
#[test]
fn a_debian_system_is_made_from_packages() {
    if std::env::var("YADO_E2E").is_err() || !rustix::process::geteuid().is_root() {
        println!("skipped: needs root, apt with a mirror that answers, and YADO_E2E=1");
        return;
    }
    let suite = std::env::var("YADO_E2E_SUITE").unwrap_or_else(|_| "bookworm".into());
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var("YADO_E2E_MIRROR").map_or_else(|_| temporary.path().to_owned(), PathBuf::from);
    let Some(mirror) = Mirror::fill(&folder, &suite) else {
        println!("skipped: apt cannot fetch the suite '{suite}'");
        return;
    };
    let up = Arc::new(AtomicBool::new(true));
    let host = host(&mirror.serve(Arc::clone(&up)));
    let home = tempfile::tempdir().unwrap();
    let store = BoxStore::open(home.path()).unwrap().with_chroot(Arc::new(Programs)).with_host(host.path());
    let cx = context();
    let timed = |what: &str, name: &str| {
        let begin = std::time::Instant::now();
        let spec = BoxSpec { name: Some(name.into()), version: Some(">= 99".into()), ..BoxSpec::default() };
        let image = store.resolve(&cx, &spec, host.path(), "container").unwrap();
        println!("{what}: {name} {} in {:.2} s", image.version, begin.elapsed().as_secs_f32());
        image
    };
    let image = timed("cold", &format!("debian/{suite}64"));
    assert!(image.version.split('.').next().unwrap().parse::<u32>().is_ok(), "{}", image.version);
    assert_eq!(image.user, "vagrant");
    check_system(&image.layers[0]);
    assert_eq!(timed("installed", &format!("debian/{suite}64")).digest, image.digest);
    assert_eq!(timed("twin", &format!("debian/{suite}")).layers, image.layers);
    // Made again from the cache, without the mirror: the same, bit by bit.
    up.store(false, Ordering::SeqCst);
    let source = Source::Bootstrap { distribution: "debian".into(), suite: suite.clone() };
    let again = AddOptions { name: Some(format!("debian/{suite}64")), force: true, ..AddOptions::default() };
    let begin = std::time::Instant::now();
    let warm = store.add(&cx, &source, &again).unwrap();
    println!("warm and offline: {:.2} s, {} MB", begin.elapsed().as_secs_f32(), warm.size / 1_000_000);
    assert_eq!(warm.digest, image.digest, "made twice, and different");
}

/// What is expected of every system made from packages.
fn check_system(root: &Path) {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let status = read("var/lib/dpkg/status");
    let odd: Vec<&str> = status
        .lines()
        .filter(|line| line.starts_with("Status: ") && *line != "Status: install ok installed")
        .collect();
    assert_eq!(odd, [""; 0]);
    for name in ["Package: sudo\n", "Package: curl\n", "Package: apt\n", "Package: iproute2\n"] {
        assert!(status.contains(name), "{name}");
    }
    assert!(read("etc/passwd").contains("vagrant:x:1000:1000:"));
    assert!(read("etc/apt/sources.list").contains("-security main"));
    assert!(read("etc/ssl/certs/ca-certificates.crt").len() > 100_000);
    assert_eq!(read("etc/machine-id"), "");
    for gone in ["usr/sbin/policy-rc.d", "var/log/dpkg.log", "etc/resolv.conf"] {
        assert!(!root.join(gone).exists(), "{gone}");
    }
    assert!(
        !std::fs::read_dir(root.join("var/cache/apt/archives"))
            .unwrap()
            .flatten()
            .any(|entry| { entry.file_name().as_encoded_bytes().ends_with(b".deb") })
    );
    // It works: as the user, with a shell, becoming root.
    let output = Command::new("chroot")
        .args([
            "--userspec=vagrant",
            root.to_str().unwrap(),
            "/bin/bash",
            "-c",
            "id -un; dpkg --audit; apt-get --version | head -1; ls -l /usr/bin/sudo",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("vagrant\napt 2") || text.starts_with("vagrant\napt 3"), "{text}");
    assert!(text.contains("-rwsr-xr-x"), "{text}");
}

/// What comes of making bookworm on a host with these apt sources.
fn failure(host: &Path) -> Error {
    let cache = tempfile::tempdir().unwrap();
    std::fs::create_dir(cache.path().join("indexes")).unwrap();
    let plan = Plan {
        distribution: &distribution::DEBIAN,
        suite: "bookworm",
        cache: cache.path(),
        host,
        chroot: Some(&Programs),
        network: &crate::fetch::Network::default(),
    };
    bootstrap(&context(), &plan, cache.path()).unwrap_err()
}

#[test]
fn a_mirror_that_does_not_answer_is_named_with_what_works_without() {
    // A port that nobody listens on: bound, then closed.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = failure(host(&format!("http://127.0.0.1:{port}")).path());
    assert_eq!(error.kind(), ErrorKind::BoxImport);
    assert!(error.message().contains("does not answer"), "{error}");
    assert!(error.hints().iter().any(|hint| hint.contains("'host'")));
}

#[test]
fn an_unsigned_mirror_is_refused() {
    if Host::new("/").which("gpgv").is_none() {
        println!("skipped: gpgv is not installed");
        return;
    }
    let mirror = tempfile::tempdir().unwrap();
    let suite = mirror.path().join("debian/dists/bookworm");
    std::fs::create_dir_all(&suite).unwrap();
    std::fs::write(suite.join("InRelease"), "Date: Sat, 06 Sep 2025 10:22:12 UTC\nSHA256:\n").unwrap();
    let host = host(&format!("file://{}", mirror.path().display()));
    let sources = host.path().join("etc/apt/sources.list");
    let keyring = mirror.path().join("keyring.gpg");
    std::fs::write(&keyring, "").unwrap();
    let text = std::fs::read_to_string(&sources).unwrap();
    std::fs::write(
        &sources,
        text.replace("/usr/share/keyrings/debian-archive-keyring.gpg", keyring.to_str().unwrap()),
    )
    .unwrap();
    let error = failure(host.path());
    assert!(error.message().contains("not signed by a key"), "{error}");
    std::fs::remove_file(keyring).unwrap();
    let error = failure(host.path());
    assert!(error.message().contains("keyring is not installed"), "{error}");
}
