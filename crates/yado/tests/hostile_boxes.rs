//! Boxes made to do harm, as a user would meet them: each is refused in words, within a bounded memory, and nothing of it
//! is left, neither in the store nor outside.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use support::{Answer, Sandbox, can_make_machines, has_programs};

/// What a command may take at its peak, in KiB.
const MEMORY: u64 = 128 << 10;

/// Runs the program and watches its memory.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> Answer {
    let mut child = sandbox.start(arguments);
    let status = format!("/proc/{}/status", child.id());
    let limit = Instant::now() + Duration::from_secs(120);
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < limit, "yado {arguments:?} does not end");
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let found = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = found.and_then(|number| number.parse().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    eprintln!("{arguments:?}: {} MiB", peak >> 10);
    assert!(peak < MEMORY, "yado {arguments:?} took {peak} KiB");
    Answer::of(child.wait_with_output().unwrap(), arguments)
}

/// Nothing is in the store but what any store has.
fn is_clean(sandbox: &Sandbox) {
    let names = |folder: &str| -> Vec<String> {
        let entries = std::fs::read_dir(sandbox.home().join(folder)).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names("layers"), Vec::<String>::new(), "layers");
    assert!(names("boxes").iter().all(|name| name.starts_with('.')), "{:?}", names("boxes"));
    let downloads = names("cache/downloads");
    assert!(
        downloads.iter().all(|name| Path::new(name).extension().is_some_and(|ending| ending == "lock")),
        "{downloads:?}"
    );
    assert_eq!(names("cache/chains"), Vec::<String>::new());
}

/// An entry of a tar archive, its header as it is told.
fn entry(kind: u8, name: &str, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[108..124].copy_from_slice(b"0000000\x000000000\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].fill(b' ');
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut whole = [&header, content].concat();
    whole.resize(whole.len().next_multiple_of(512), 0);
    whole
}

fn file(name: &str, content: &str) -> Vec<u8> {
    entry(b'0', name, "", content.as_bytes())
}

/// An extended header for the entry after it.
fn extended(records: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = (1..6).find(|digits| (rest + digits).to_string().len() == *digits).unwrap() + rest;
        text.push_str(&format!("{length} {key}={value}\n"));
    }
    entry(b'x', "pax", "", text.as_bytes())
}

fn digest(content: &[u8]) -> String {
    let digits = Sha256::digest(content).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("sha256:{digits}")
}

/// An image of Docker's kind with these layers.
fn image(layers: &[Vec<u8>]) -> Vec<u8> {
    let digests: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    let configuration = serde_json::json!({"rootfs": {"type": "layers", "diff_ids": digests}}).to_string();
    let names: Vec<String> = (0..layers.len()).map(|number| format!("{number}.tar")).collect();
    let list = serde_json::json!([{"Config": "c.json", "RepoTags": null, "Layers": names}]).to_string();
    let mut archive = [file("manifest.json", &list), file("c.json", &configuration)].concat();
    for (name, layer) in names.iter().zip(layers) {
        archive.extend(entry(b'0', name, "", layer));
    }
    archive
}

#[test]
fn archives_made_to_do_harm_are_refused_and_leave_nothing() {
    if !can_make_machines("a box") {
        return;
    }
    let sandbox = Sandbox::empty();
    let outside = sandbox.path("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    let there = outside.to_str().unwrap();
    let system = || [file("usr/bin/sh", ""), file("etc/passwd", "")].concat();
    let huge = (1_u64 << 50).to_string();
    let sparse = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "bomb"),
        ("GNU.sparse.realsize", huge.as_str()),
    ];
    let damaged = {
        let mut archive = image(&[system()]);
        let place = archive.windows(8).rposition(|bytes| bytes == b"usr/bin/").unwrap();
        archive[place] = b'x';
        archive
    };
    let attacks: &[(&str, Vec<u8>, &[&str])] = &[
        ("absolute", file("/etc/yado-evil", "x"), &["'/etc/yado-evil' is absolute"]),
        ("upward", file("usr/../../outside/evil", "x"), &["'usr/../../outside/evil' contains '..'"]),
        (
            "symlink",
            [entry(b'2', "way", there, b""), file("way/evil", "x")].concat(),
            &["unpacking 'way/evil'"],
        ),
        (
            "hardlink",
            entry(b'1', "stolen", "../outside/secret", b""),
            &["'stolen' is a hard link", "contains '..'"],
        ),
        (
            "hardlink-by-symlink",
            [entry(b'2', "way", there, b""), entry(b'1', "stolen", "way/secret", b"")].concat(),
            &["unpacking 'stolen'"],
        ),
        (
            "pax-path",
            [extended(&[("path", "../outside/evil")]), file("good", "x")].concat(),
            &["contains '..'"],
        ),
        ("pax-owner", [extended(&[("uid", "4294967295")]), file("good", "x")].concat(), &["owner's number"]),
        ("sparse", [extended(&sparse), entry(b'0', "x", "", b"0\n")].concat(), &["larger than it may be"]),
        ("truncated", file("usr/bin/sh", &"x".repeat(4000))[..2000].to_vec(), &["cannot be read"]),
        ("empty", vec![0; 1024], &["no root file system"]),
        ("whiteout", image(&[system(), file("../.wh.secret", "")]), &["'../.wh.secret' of a layer"]),
        ("whiteout-of-all", image(&[system(), file(".wh..", "")]), &["takes away nothing that can be"]),
        ("digest", damaged, &["has the digest"]),
        ("layers", image(&vec![Vec::new(); 300]), &["too many layers"]),
    ];
    for (name, archive, words) in attacks {
        let file = format!("{name}.tar");
        std::fs::write(sandbox.path(&file), [&archive[..], &[0; 1024]].concat()).unwrap();
        if *name == "truncated" {
            std::fs::write(sandbox.path(&file), archive).unwrap();
        }
        run(&sandbox, &["box", "add", &file, "--name", name]).refused(words);
        is_clean(&sandbox);
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1, "{name}");
        assert_eq!(std::fs::read_to_string(outside.join("secret")).unwrap(), "secret", "{name}");
    }
    assert!(!Path::new("/etc/yado-evil").exists());
    // What belongs to a running system is left out, and of two entries of one name the last one counts.
    let odd = [
        system(),
        entry(b'3', "dev/mem", "", b""),
        entry(b'6', "pipe", "", b""),
        file("etc/x", "1"),
        file("etc/x", "2"),
    ];
    std::fs::write(sandbox.path("odd.tar"), [odd.concat(), vec![0; 1024]].concat()).unwrap();
    sandbox.ok(&["box", "add", "odd.tar", "--name", "odd"]);
    let layer = std::fs::read_dir(sandbox.home().join("layers")).unwrap().next().unwrap().unwrap().path();
    assert!(!layer.join("dev/mem").exists() && !layer.join("pipe").exists());
    assert_eq!(std::fs::read_to_string(layer.join("etc/x")).unwrap(), "2");
}

/// Packs what `write` writes with a program, so that it is never on the disk as it is.
fn packed(target: &Path, program: &[&str], write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
    let out = std::fs::File::create(target).unwrap();
    let mut packer = Command::new(program[0]);
    let mut child = packer.args(&program[1..]).stdin(Stdio::piped()).stdout(out).spawn().unwrap();
    write(&mut child.stdin.take().unwrap()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn archives_made_to_fill_memory_are_refused() {
    if !can_make_machines("a box") || !has_programs("bombs", &["zstd"]) {
        return;
    }
    let sandbox = Sandbox::empty();
    // Ten million entries in a few hundred kilobytes; none of them would be made.
    packed(&sandbox.path("many.tar.zst"), &["zstd", "-q", "-1", "-c"], |out| {
        let piece = entry(b'3', "dev/null", "", b"").repeat(2000);
        (0..5000).try_for_each(|_| out.write_all(&piece))
    });
    run(&sandbox, &["box", "add", "many.tar.zst", "--name", "many"]).refused(&["too many entries"]);
    // Reading it takes a window of 128 MiB.
    packed(&sandbox.path("wide.tar.zst"), &["zstd", "-q", "-1", "--long=27", "-c"], |out| {
        (0..300).try_for_each(|_| out.write_all(&vec![7; 1 << 20]))
    });
    run(&sandbox, &["box", "add", "wide.tar.zst", "--name", "wide"]).refused(&["64 MiB of memory"]);
    // A header of eight gigabytes.
    packed(&sandbox.path("header.tar.zst"), &["zstd", "-q", "-1", "-c"], |out| {
        let mut header = entry(b'x', "pax", "", b"");
        header[124..136].copy_from_slice(b"77777777777\0");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.write_all(&header)?;
        (0..300).try_for_each(|_| out.write_all(&vec![b'a'; 1 << 20]))
    });
    run(&sandbox, &["box", "add", "header.tar.zst", "--name", "header"])
        .refused(&["larger than they may be"]);
    is_clean(&sandbox);
}

#[test]
fn catalogues_made_to_fill_memory_are_refused() {
    if !can_make_machines("a box") {
        return;
    }
    let sandbox = Sandbox::empty();
    let list = |item: &str, bytes: usize| vec![item; bytes / (item.len() + 1)].join(",");
    let whole = |versions: &str| format!(r#"{{"name":"a/b","versions":[{versions}]}}"#);
    let offers = list(r#"{"name":"","url":""}"#, 126);
    for (name, text, words) in [
        ("versions", whole(&list(r#"{"version":"1"}"#, 7 << 20)), "more than 50000 entries"),
        (
            "offers",
            whole(&format!(
                r#"{{"version":"1","providers":[{}]}}"#,
                list(r#"{"name":"","url":""}"#, 7 << 20)
            )),
            "more than 1000 entries",
        ),
        // As much as may be, and it is of no use.
        (
            "both",
            whole(&list(&format!(r#"{{"version":"1","providers":[{offers}]}}"#), 7 << 20)),
            "has nothing for the provider",
        ),
    ] {
        let file = format!("{name}.json");
        std::fs::write(sandbox.path(&file), text).unwrap();
        run(&sandbox, &["box", "add", &file]).refused(&[words]);
    }
    is_clean(&sandbox);
}

/// A registry that answers each path with what it is told: a status line's rest with headers, and a body; some bodies never
/// end.
fn registry(answers: impl Fn(&str) -> Option<(String, Vec<u8>, bool)> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers = std::sync::Arc::new(answers);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = std::sync::Arc::clone(&answers);
            // A client that hangs up is no failure.
            std::thread::spawn(move || drop(serve(stream, &*answers)));
        }
    });
    port
}

fn serve(
    mut stream: TcpStream,
    answers: &dyn Fn(&str) -> Option<(String, Vec<u8>, bool)>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    lines.read_line(&mut first)?;
    let mut line = String::new();
    while lines.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let Some((headers, body, is_endless)) = answers(path) else {
        return write!(stream, "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    write!(stream, "HTTP/1.1 {headers}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(&body)?;
    if !is_endless {
        return Ok(());
    }
    let more = vec![0; 1 << 16];
    loop {
        stream.write_all(&more)?;
    }
}

#[test]
fn registries_that_lie_are_not_believed() {
    if !can_make_machines("a box") {
        return;
    }
    let layer = [file("usr/bin/sh", ""), vec![0; 1024]].concat();
    let blob = digest(&layer);
    let size = layer.len();
    let manifest = |digest: &str, size: usize| {
        serde_json::json!({"schemaVersion": 2, "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": digest, "size": size}]})
        .to_string()
    };
    let other = digest(b"something else");
    let manifests = [
        ("good", manifest(&blob, size)),
        ("small", manifest(&blob, 10)),
        ("large", manifest(&blob, 1 << 40)),
        ("endless", manifest(&other, size)),
        ("changed", manifest(&digest(b"changed"), size)),
        ("ranges", manifest(&digest(b"ranges"), size)),
        ("many", format!("{{\"layers\": [{}]}}", vec![manifest(&blob, 1); 300].join(","))),
        ("huge", " ".repeat(5 << 20)),
    ];
    let port = registry(move |path| {
        if let Some(name) = path.strip_prefix("/v2/team/image/manifests/") {
            let (_, text) = manifests.iter().find(|(known, _)| *known == name)?;
            return Some((
                format!("200 OK\r\nContent-Length: {}", text.len()),
                text.clone().into_bytes(),
                false,
            ));
        }
        let name = path.strip_prefix("/v2/team/image/blobs/")?;
        Some(match name {
            name if name == blob => (format!("200 OK\r\nContent-Length: {size}"), layer.clone(), false),
            // The right length, and another content.
            name if name == digest(b"changed") => {
                (format!("200 OK\r\nContent-Length: {size}"), vec![1; size], false)
            }
            // Says that it is a part of something that no disk holds.
            name if name == digest(b"ranges") => (
                format!(
                    "206 Part\r\nContent-Range: bytes 0-{}/{}\r\nContent-Length: {size}",
                    size - 1,
                    1_u64 << 60
                ),
                layer.clone(),
                false,
            ),
            _ => ("200 OK".to_owned(), Vec::new(), true),
        })
    });
    let sandbox = Sandbox::empty();
    let add = |tag: &str| {
        run(&sandbox, &["box", "add", &format!("oci:127.0.0.1:{port}/team/image:{tag}"), "--name", tag])
    };
    add("small").refused(&["has 1536 bytes, and 10 were announced"]);
    add("large").refused(&["has 1536 bytes, and 1099511627776 were announced"]);
    add("endless").refused(&["has more than 1536 bytes"]);
    add("changed").refused(&["has the digest"]);
    add("ranges").refused(&["were announced"]);
    add("many").refused(&["The image is refused"]);
    add("huge").refused(&["is larger than the"]);
    is_clean(&sandbox);
    assert_eq!(add("good").code, 0);
}
