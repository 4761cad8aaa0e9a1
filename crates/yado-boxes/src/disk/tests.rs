//! Disks against the programs whose formats they are: what `mke2fs` makes is read back the same, what we make is
//! clean to `e2fsck` and `qemu-img check`.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::XattrFlags;
use yado_core::Cancel;

use super::*;
use crate::layer::measure;
use crate::testing::context;
use crate::unpack::{Digests, Limits, Tree};

/// Whether the peers are there; in CI they must be.
fn peers() -> bool {
    let there = ["qemu-img", "mke2fs", "e2fsck", "sfdisk"]
        .iter()
        .all(|program| context().host.which(program).is_some());
    assert!(there || std::env::var_os("CI").is_none(), "in CI qemu-utils and e2fsprogs must be there");
    there
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
    text
}

/// A tree with everything that a file system has: large, sparse and empty files, many names, links of both kinds,
/// owners, capabilities.
fn sample(root: &Path) {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    let write = |name: &str, content: &[u8]| std::fs::write(root.join(name), content).unwrap();
    std::fs::create_dir_all(root.join("usr/bin/deep/er")).unwrap();
    std::fs::create_dir(root.join("many")).unwrap();
    for number in 0..600 {
        write(&format!("many/a-rather-long-name-of-a-file-{number}"), format!("{number}").as_bytes());
    }
    let large: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    write("usr/bin/large", &large);
    write("usr/bin/empty", b"");
    let sparse = std::fs::File::create(root.join("usr/sparse")).unwrap();
    sparse.write_all_at(b"end", 40 << 20).unwrap();
    std::fs::hard_link(root.join("usr/bin/large"), root.join("usr/again")).unwrap();
    symlink("bin/large", root.join("usr/short")).unwrap();
    symlink("x".repeat(200), root.join("usr/long")).unwrap();
    std::fs::set_permissions(root.join("usr/bin/large"), std::fs::Permissions::from_mode(0o4755)).unwrap();
    chown(root.join("usr/bin/empty"), Some(70_000), Some(99)).unwrap();
    let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    rustix::fs::setxattr(root.join("usr/bin/deep"), "user.x", b"y", XattrFlags::empty()).unwrap();
    write("usr/bin/ping", b"ping");
    rustix::fs::setxattr(root.join("usr/bin/ping"), "security.capability", &capability, XattrFlags::empty())
        .unwrap();
}

fn digest(root: &Path) -> String {
    measure(root, &Digests::default(), &Cancel::new()).unwrap().digest
}

fn read_back(disk: &dyn ReadAt, target: &Path) {
    std::fs::create_dir_all(target).unwrap();
    let mut tree = Tree::open(target).unwrap();
    read_root(disk, &mut tree, Limits::default(), &Cancel::new()).unwrap();
}

struct Place {
    folder: tempfile::TempDir,
    root: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    Place { folder, root }
}

#[test]
fn a_root_file_system_becomes_a_clean_disk_of_every_format_and_comes_back_the_same() {
    if !peers() {
        println!("skipped: qemu-utils or e2fsprogs is missing");
        return;
    }
    let Place { folder, root } = place();
    sample(&root);
    let expected = digest(&root);
    for format in [DiskFormat::Qcow2, DiskFormat::Vmdk, DiskFormat::Vdi, DiskFormat::Raw] {
        let path = folder.path().join(format!("disk.{}", format.name()));
        std::fs::File::create(&path).unwrap();
        make(&context(), &root, 0, &path, format).unwrap();
        assert_eq!(DiskFormat::of_file(&path).unwrap(), Some(format));
        if matches!(format, DiskFormat::Qcow2 | DiskFormat::Vdi) {
            run("qemu-img", &["check", "-f", format.name(), path.to_str().unwrap()]);
        }
        let (disk, scratch) = open(&context(), &path, folder.path()).unwrap();
        let raw = scratch.as_ref().map_or(path.as_path(), |scratch| scratch.path());
        run("e2fsck", &["-fn", raw.to_str().unwrap()]);
        let back = folder.path().join(format.name());
        read_back(&disk, &back);
        assert_eq!(digest(&back), expected, "{format:?}");
    }
}

#[test]
fn older_file_systems_and_partitions_are_read_too() {
    if !peers() {
        println!("skipped: qemu-utils or e2fsprogs is missing");
        return;
    }
    let Place { folder, root } = place();
    sample(&root);
    let expected = digest(&root);
    for (kind, block, table) in [("ext2", "1024", "dos"), ("ext3", "4096", "gpt"), ("ext4", "2048", "gpt")] {
        let disk = folder.path().join("disk.raw");
        let part = folder.path().join("part");
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        std::fs::File::create(&part).unwrap().set_len(160 << 20).unwrap();
        run("mke2fs", &["-q", "-F", "-t", kind, "-b", block, "-d", &path(&root), &path(&part)]);
        let whole = std::fs::File::create(&disk).unwrap();
        whole.set_len(200 << 20).unwrap();
        let script = folder.path().join("table");
        std::fs::write(&script, format!("label: {table}\nstart=2048, size=8192\nstart=16384, size=327680\n"))
            .unwrap();
        run("sh", &["-c", &format!("sfdisk -q {} < {}", path(&disk), path(&script))]);
        whole.write_all_at(&std::fs::read(&part).unwrap(), 16384 * 512).unwrap();
        let back = folder.path().join(kind);
        read_back(&std::fs::File::open(&disk).unwrap(), &back);
        assert_eq!(digest(&back), expected, "{kind}");
    }
}

#[test]
fn a_disk_that_leads_to_other_files_is_refused() {
    if !peers() {
        println!("skipped: qemu-utils or e2fsprogs is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    run("qemu-img", &["create", "-q", "-f", "raw", &path("secret"), "1M"]);
    run("qemu-img", &["create", "-q", "-f", "qcow2", "-b", &path("secret"), "-F", "raw", &path("overlay")]);
    let data = format!("data_file={},data_file_raw=on", path("data"));
    run("qemu-img", &["create", "-q", "-f", "qcow2", "-o", &data, &path("external"), "1M"]);
    for name in ["overlay", "external"] {
        let error = open(&context(), Path::new(&path(name)), folder.path()).unwrap_err();
        assert!(error.message().contains("leads to another file"), "{error}");
    }
    // A text that names files is what VMware's format allows; it is no disk to us.
    std::fs::write(path("text.vmdk"), "# Disk DescriptorFile\nRW 2048 FLAT \"/etc/shadow\" 0\n").unwrap();
    assert!(open(&context(), Path::new(&path("text.vmdk")), folder.path()).is_err());
}

/// Found by a fuzzer: a forged header of VMware's format keeps `qemu-img` busy for as long as it says.
#[test]
fn a_disk_that_says_it_is_absurdly_large_is_refused_at_once() {
    if !peers() {
        println!("skipped: qemu-utils or e2fsprogs is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.vmdk");
    run("qemu-img", &["create", "-q", "-f", "vmdk", path.to_str().unwrap(), "1M"]);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    // The capacity in sectors follows a magic number, a version and flags.
    file.write_all_at(&(16_u64 << 31).to_le_bytes(), 12).unwrap();
    let error = open(&context(), &path, folder.path()).unwrap_err();
    assert!(error.message().contains("17592186044416 bytes large"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn a_disk_without_a_root_says_so() {
    let Place { folder, root } = place();
    let mut tree = Tree::open(&root).unwrap();
    let error = read_root(&vec![0_u8; 1 << 20], &mut tree, Limits::default(), &Cancel::new()).unwrap_err();
    assert!(error.message().contains("none of its 0 partitions"), "{error}");
    drop(folder);
}

#[test]
fn damaged_file_systems_end_in_errors_and_nothing_is_written_elsewhere() {
    if !peers() {
        println!("skipped: qemu-utils or e2fsprogs is missing");
        return;
    }
    let Place { folder, root } = place();
    std::fs::create_dir(root.join("usr")).unwrap();
    std::fs::write(root.join("usr/file"), "x".repeat(100_000)).unwrap();
    let path = folder.path().join("small");
    std::fs::File::create(&path).unwrap().set_len(2 << 20).unwrap();
    run("mke2fs", &["-q", "-F", "-t", "ext4", "-d", root.to_str().unwrap(), path.to_str().unwrap()]);
    let good = std::fs::read(&path).unwrap();
    // What a fuzzer found: an owner that no file can have. The first inode of the sample that has content is taken.
    let mut bad = good.clone();
    let at = bad.windows(2).position(|pair| pair == [0xa4, 0x81]).unwrap();
    for place in [2, 0x18, 0x78, 0x7a] {
        bad[at + place..at + place + 2].fill(0xff);
    }
    let target = folder.path().join("owner");
    std::fs::create_dir(&target).unwrap();
    let outcome = read_root(&bad, &mut Tree::open(&target).unwrap(), Limits::default(), &Cancel::new());
    assert!(outcome.unwrap_err().to_string().contains("out of range"));
    let mut seed = 7_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    let neighbours = std::fs::read_dir(folder.path()).unwrap().count();
    for round in 0..300 {
        let mut bad = good.clone();
        for _ in 0..=(round % 20) {
            // Where the numbers are: superblock, descriptors, inodes, directories.
            let at = 1024 + random(300 << 10);
            bad[at] = random(256) as u8;
        }
        let target = folder.path().join("target");
        std::fs::create_dir(&target).unwrap();
        let limits = Limits { bytes: 4 << 20, entries: 1000, names: 1 << 20 };
        drop(read_root(&bad, &mut Tree::open(&target).unwrap(), limits, &Cancel::new()));
        std::fs::remove_dir_all(&target).unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), neighbours);
}
