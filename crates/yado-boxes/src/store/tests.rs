//! The store, end to end: real archives, real disks that are full, real processes that are killed.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use yado_core::event::Silent;
use yado_core::spec::BoxSpec;
use yado_core::{Cancel, Context, ErrorKind, Host};

use super::*;
use crate::Source;

fn context() -> Context {
    Context {
        machine: None,
        host: Arc::new(Host::new("/nowhere")),
        events: Arc::new(Silent),
        cancel: Cancel::new(),
    }
}

fn store() -> (tempfile::TempDir, BoxStore) {
    let home = tempfile::tempdir().unwrap();
    let store = BoxStore::open(home.path()).unwrap();
    (home, store)
}

fn named(name: &str) -> AddOptions {
    AddOptions { name: Some(name.into()), ..AddOptions::default() }
}

fn spec(name: &str) -> BoxSpec {
    BoxSpec { name: Some(name.into()), ..BoxSpec::default() }
}

fn append(builder: &mut tar::Builder<impl Write>, path: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(content.len() as u64);
    builder.append_data(&mut header, path, content).unwrap();
}

/// A small root file system as tar, below `prefix`.
fn root_file_system(prefix: &str, filling: usize) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    append(&mut builder, &format!("{prefix}etc/passwd"), b"root:x:0:0:root:/root:/bin/sh\n");
    append(&mut builder, &format!("{prefix}usr/bin/tool"), b"tool");
    append(&mut builder, &format!("{prefix}usr/bin/large"), &vec![7; filling]);
    builder.into_inner().unwrap()
}

fn write(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn layer_names(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home.join("layers")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_host_box_is_made_in_a_moment_and_is_the_same_each_time() {
    let (home, store) = store();
    let project = tempfile::tempdir().unwrap();
    let image = store.resolve(&context(), &spec("host"), project.path(), "container").unwrap();
    let begin = std::time::Instant::now();
    let again = store.resolve(&context(), &spec("host"), project.path(), "container").unwrap();
    println!("again: {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
    assert_eq!(image.digest, again.digest);
    assert_eq!(image.host_mounts, [(PathBuf::from("/usr"), PathBuf::from("/usr"))]);
    assert_eq!(layer_names(home.path()).len(), 1);
    let root = &image.layers[0];
    assert_eq!(root.join("bin").read_link().unwrap(), std::fs::read_link("/bin").unwrap());
    assert_eq!(root.join("tmp").metadata().unwrap().mode() & 0o7777, 0o1777);
    assert_eq!(root.join("home/vagrant").metadata().unwrap().uid(), 1000);
    assert_eq!(root.join("etc/sudoers.d/vagrant").metadata().unwrap().mode() & 0o7777, 0o440);
    assert!(!root.join("etc/ssh").exists() && !root.join("etc/apt").exists());
    assert_eq!(home.path().join("layers").metadata().unwrap().mode() & 0o777, 0o700);
}

#[test]
fn a_host_that_changes_gets_another_box() {
    let (_home, store) = store();
    let host = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(host.path().join("etc/pam.d")).unwrap();
    write(&host, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n");
    let store = store.with_host(host.path());
    let image = || store.resolve(&context(), &spec("host"), host.path(), "container").unwrap();
    let first = image();
    assert_eq!(image().digest, first.digest);
    write(&host, "etc/pam.d/su", b"changed\n");
    let second = image();
    assert_ne!(second.digest, first.digest);
    write(&host, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\ngames:x:5:60:games:/:/bin/sh\n");
    assert_ne!(image().digest, second.digest);
    assert!(first.layers[0].exists(), "a machine may still use it");
}

#[test]
fn an_archive_becomes_a_box_with_the_user_and_is_found_again() {
    let (_home, store) = store();
    let project = tempfile::tempdir().unwrap();
    write(&project, "rootfs.tar.zst", &zstd::stream::encode_all(&root_file_system("./", 10)[..], 1).unwrap());
    let image = store.resolve(&context(), &spec("rootfs.tar.zst"), project.path(), "container").unwrap();
    assert_eq!(std::fs::read(image.layers[0].join("usr/bin/tool")).unwrap(), b"tool");
    let passwd = std::fs::read_to_string(image.layers[0].join("etc/passwd")).unwrap();
    assert!(passwd.ends_with("vagrant:x:1000:1000::/home/vagrant:/bin/sh\n"), "{passwd}");
    // The same file: the same box. A changed file: a new one.
    let again = store.resolve(&context(), &spec("rootfs.tar.zst"), project.path(), "container").unwrap();
    assert_eq!(image.digest, again.digest);
    write(&project, "rootfs.tar.zst", &root_file_system("./", 11));
    let changed = store.resolve(&context(), &spec("rootfs.tar.zst"), project.path(), "container").unwrap();
    assert_ne!(image.digest, changed.digest);
    assert!(image.layers[0].exists(), "a machine may still use the old one");
}

#[test]
fn a_box_file_of_the_provider_lxc_is_unpacked_from_within() {
    let (_home, store) = store();
    let project = tempfile::tempdir().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&root_file_system("rootfs/", 10)).unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    append(&mut builder, "./lxc-config", b"lxc.arch = amd64\n");
    append(&mut builder, "./Vagrantfile", b"# mine\n");
    append(&mut builder, "./rootfs.tar.gz", &gzip.finish().unwrap());
    append(&mut builder, "./metadata.json", br#"{"provider": "lxc", "version": "1.0.0"}"#);
    let path = write(&project, "lxc.box", &builder.into_inner().unwrap());
    let installed = store.add(&context(), &Source::Archive(path), &named("my/lxc")).unwrap();
    let image = store.image(&installed);
    assert!(image.layers[0].join("usr/bin/tool").is_file());
    assert!(!image.layers[0].join("lxc-config").exists());
    assert_eq!(std::fs::read_to_string(image.vagrantfile.unwrap()).unwrap(), "# mine\n");
}

#[test]
fn boxes_that_cannot_become_a_container_say_why() {
    let (home, store) = store();
    let project = tempfile::tempdir().unwrap();
    let cases: [(&str, &[u8], &str); 4] = [
        ("box-disk001.vmdk", b"disk", "none of the formats"),
        ("metadata.json", br#"{"provider":"docker"}"#, "docker"),
        ("metadata.json", br#"{"provider":"virtualbox"}"#, "neither a disk nor a root"),
        ("some/file", b"x", "no root file system"),
    ];
    for (name, content, expected) in cases {
        let mut builder = tar::Builder::new(Vec::new());
        append(&mut builder, name, content);
        let path = write(&project, "x.box", &builder.into_inner().unwrap());
        let error = store.add(&context(), &Source::Archive(path), &named("x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BoxImport);
        assert!(error.message().contains(expected) && !error.hints().is_empty(), "{error}");
    }
    assert_eq!(layer_names(home.path()), [""; 0]);
}

#[test]
fn adding_twice_needs_force_and_removing_collects_what_no_machine_uses() {
    let (home, store) = store();
    let project = tempfile::tempdir().unwrap();
    let source = Source::Archive(write(&project, "a.tar", &root_file_system("", 5)));
    let cx = context();
    let first = store.add(&cx, &source, &named("a")).unwrap();
    let error = store.add(&cx, &source, &named("a")).unwrap_err();
    assert!(error.message().contains("already exists"), "{error}");
    store.add(&cx, &source, &AddOptions { force: true, ..named("a") }).unwrap();
    store.add(&cx, &source, &AddOptions { version: Some("1.2".into()), ..named("a") }).unwrap();
    assert_eq!(layer_names(home.path()).len(), 1, "equal content is kept once");
    assert_eq!(store.find("a", None, "container").unwrap().unwrap().version, "1.2");
    assert_eq!(store.find("a", Some("< 1"), "container").unwrap().unwrap(), first);
    assert!(store.find("a", Some("> 2"), "container").unwrap().is_none());
    let versions: Vec<_> = store.list().unwrap().into_iter().map(|installed| installed.version).collect();
    assert_eq!(versions, ["0", "1.2"]);
    // A machine was made from it: the layer stays until the machine is gone.
    let in_use = [first.digest.clone()];
    assert_eq!(store.remove("a", None, None, &in_use).unwrap().len(), 2);
    assert!(store.list().unwrap().is_empty());
    assert_eq!(layer_names(home.path()).len(), 1);
    assert_eq!(store.remove("a", None, None, &[]).unwrap_err().kind(), ErrorKind::BoxNotFound);
    assert_eq!(store.prune(&[]).unwrap(), 1);
    assert_eq!(layer_names(home.path()), [""; 0]);
}

#[test]
fn a_directory_is_copied_with_the_ids_on_disk() {
    let (_home, store) = store();
    let project = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(project.path().join("root/usr/bin")).unwrap();
    let path = write(&project, "root/usr/bin/tool", b"x");
    std::os::unix::fs::chown(&path, Some(33), Some(44)).unwrap();
    let image = store.resolve(&context(), &spec("./root"), project.path(), "container").unwrap();
    let copied = image.layers[0].join("usr/bin/tool").metadata().unwrap();
    assert_eq!((copied.uid(), copied.gid()), (33, 44));
}

#[test]
fn a_box_that_is_nowhere_names_what_was_tried_and_what_is_near() {
    let (_home, store) = store();
    let project = tempfile::tempdir().unwrap();
    let cx = context();
    let error = store.resolve(&cx, &spec("debian/bokworm64"), project.path(), "container").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BoxNotFound);
    assert!(error.message().contains("installed boxes"), "{error}");
    assert_eq!(error.hints()[0], "Did you mean 'debian/bookworm64'?");
    let urls = BoxSpec { urls: vec!["a.box".into(), "b.box".into()], ..spec("mine") };
    let error = store.resolve(&cx, &urls, project.path(), "container").unwrap_err();
    assert!(error.message().contains("'a.box'") && error.message().contains("'b.box'"), "{error}");
    assert_eq!(
        store.resolve(&cx, &BoxSpec::default(), project.path(), "container").unwrap_err().kind(),
        ErrorKind::ConfigInvalid
    );
}

#[test]
fn a_box_url_is_downloaded_and_its_checksum_counts() {
    let (home, store) = store();
    let project = tempfile::tempdir().unwrap();
    let content = root_file_system("", 300_000);
    let sum = crate::checksum::calculate("sha256", &mut &content[..], &Cancel::new()).unwrap().unwrap();
    let url = serve(content);
    let with = |sum: &str| BoxSpec {
        urls: vec![format!("{url}/my.box")],
        checksum: Some((sum.into(), "sha256".into())),
        ..spec("my")
    };
    let cx = context();
    let error = store.resolve(&cx, &with(&"0".repeat(64)), project.path(), "container").unwrap_err();
    assert!(error.message().contains("checksum"), "{error}");
    assert!(store.list().unwrap().is_empty());
    let image = store.resolve(&cx, &with(&sum), project.path(), "container").unwrap();
    assert!(image.layers[0].join("usr/bin/large").is_file());
    let is_lock = |name: &std::ffi::OsStr| name.as_encoded_bytes().ends_with(b".lock");
    let left = std::fs::read_dir(home.path().join("cache/downloads")).unwrap();
    assert_eq!(left.filter(|entry| !is_lock(&entry.as_ref().unwrap().file_name())).count(), 0);
    let gone = BoxSpec { urls: vec![format!("{url}/missing")], ..spec("gone") };
    let error = store.resolve(&cx, &gone, project.path(), "container").unwrap_err();
    assert!(error.message().contains("does not exist there"), "{error}");
}

/// A server on the loopback interface that answers every path but `/missing` with `content`, cut short once.
fn serve(content: Vec<u8>) -> String {
    use std::io::{BufRead, BufReader};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (number, connection) in listener.incoming().enumerate() {
            let mut connection = connection.unwrap();
            let mut reader = BufReader::new(connection.try_clone().unwrap());
            let mut request = String::new();
            reader.read_line(&mut request).unwrap();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let status = if request.contains("/missing") { "404 Not Found" } else { "200 OK" };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                content.len()
            );
            let end = if number == 0 { 1000 } else { content.len() };
            // The client may have gone away.
            drop(connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&content[..end])));
        }
    });
    url
}

#[test]
fn adding_at_once_does_the_work_once() {
    let (home, store) = store();
    let project = tempfile::tempdir().unwrap();
    let source = Source::Archive(write(&project, "a.tar", &root_file_system("", 3 << 20)));
    let begin = std::sync::Barrier::new(6);
    let made: Vec<_> = std::thread::scope(|scope| {
        let (begin, store, source) = (&begin, &store, &source);
        let threads: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(move || {
                    begin.wait();
                    store.add(&context(), source, &named("a"))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let digests: Vec<_> = made.iter().flatten().map(|installed| &installed.digest).collect();
    assert!(!digests.is_empty() && digests.iter().all(|digest| *digest == digests[0]));
    // Whoever came after the first had finished is told that it exists; nobody fails otherwise.
    for error in made.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(error.message().contains("already exists"), "{error}");
    }
    assert_eq!(layer_names(home.path()).len(), 1);
}

#[test]
fn an_interruption_leaves_nothing_half_made() {
    let (home, store) = store();
    let project = tempfile::tempdir().unwrap();
    let source = Source::Archive(write(&project, "a.tar", &root_file_system("", 80 << 20)));
    let cx = context();
    let cancel = cx.cancel.clone();
    let outcome = std::thread::scope(|scope| {
        let adding = scope.spawn(|| store.add(&cx, &source, &named("a")));
        while layer_names(home.path()).is_empty() && !adding.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        cancel.cancel();
        adding.join().unwrap()
    });
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error:?}");
    assert_eq!(layer_names(home.path()), [""; 0]);
    assert!(store.list().unwrap().is_empty());
}

/// Not a test of its own: what the killed process in the next test does.
#[test]
fn helper_that_is_killed() {
    let Ok(home) = std::env::var("YADO_TEST_ADD_TO") else { return };
    let store = BoxStore::open(Path::new(&home)).unwrap();
    let archive = Path::new(&home).join("a.tar");
    store.add(&context(), &Source::Archive(archive), &named("a")).unwrap();
}

#[test]
fn what_a_killed_process_leaves_is_collected_by_the_next() {
    let (home, store) = store();
    let source = Source::Archive(write(&home, "a.tar", &root_file_system("", 80 << 20)));
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::helper_that_is_killed"])
        .env("YADO_TEST_ADD_TO", home.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while layer_names(home.path()).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = layer_names(home.path());
    assert!(left.len() == 1 && left[0].starts_with(".scratch-"), "{left:?}");
    assert!(store.list().unwrap().is_empty());
    let installed = store.add(&context(), &source, &named("a")).unwrap();
    assert_eq!(layer_names(home.path()), [installed.layers[0].replace(':', "-")]);
}

/// A small file system of its own, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "none"])
            .arg(folder.path())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg(self.0.path()).status());
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_is_left_on_it() {
    for options in ["size=4m", "size=40m,nr_inodes=30"] {
        let Some(disk) = SmallDisk::new(options) else {
            println!("skipped: mounting needs root");
            return;
        };
        let store = BoxStore::open(disk.0.path()).unwrap();
        let project = tempfile::tempdir().unwrap();
        let mut builder = tar::Builder::new(Vec::new());
        for number in 0..40 {
            append(&mut builder, &format!("usr/file{number}"), &vec![1; 200_000]);
        }
        let source = Source::Archive(write(&project, "a.tar", &builder.into_inner().unwrap()));
        let error = store.add(&context(), &source, &named("a")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BoxImport);
        assert!(error.message().contains("not enough space"), "{error}");
        assert_eq!(layer_names(disk.0.path()), [""; 0]);
        assert!(store.list().unwrap().is_empty());
    }
}
