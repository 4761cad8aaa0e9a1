//! Small root file systems as boxes, that tests can make in a moment: busybox and nothing else.

use std::path::Path;
use std::process::Command;

/// A root file system in `folder` whose `/etc/greeting` says `word`, with `megabytes` of noise.
pub fn make(folder: &Path, word: &str, megabytes: usize) {
    for name in ["bin", "etc", "proc", "sys", "dev", "tmp", "root", "usr/bin", "home"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    std::fs::copy("/usr/bin/busybox", folder.join("bin/busybox")).unwrap();
    for name in [
        "sh", "sleep", "cat", "id", "echo", "true", "env", "pwd", "ls", "mkdir", "chmod", "chown", "su", "rm",
    ] {
        drop(std::os::unix::fs::symlink("busybox", folder.join("bin").join(name)));
    }
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder.join("tmp"), std::fs::Permissions::from_mode(0o1777)).unwrap();
    std::fs::write(folder.join("etc/greeting"), word).unwrap();
    let noise: Vec<u8> = (0..(megabytes << 18) as u32)
        .flat_map(|number| number.wrapping_mul(2_654_435_761).rotate_left(number % 31).to_le_bytes())
        .collect();
    std::fs::write(folder.join("usr/noise"), noise).unwrap();
}

/// The same, packed as a `.box` for `provider` by the tar program, and compressed with `compression` (`gzip`, …).
pub fn make_box(target: &Path, provider: &str, word: &str, megabytes: usize, compression: &str) {
    make_box_with(target, provider, word, megabytes, compression, &[]);
}

/// The same with more files in the box beside the root file system: (path, content).
pub fn make_box_with(
    target: &Path,
    provider: &str,
    word: &str,
    megabytes: usize,
    compression: &str,
    files: &[(&str, &str)],
) {
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root");
    make(&root, word, megabytes);
    std::fs::write(work.path().join("metadata.json"), format!("{{\"provider\": \"{provider}\"}}")).unwrap();
    for (path, content) in files {
        let path = work.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let names: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    let names = names.join(" ");
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    let script = format!(
        "tar -C root --owner=0 --group=0 --numeric-owner -cf rootfs.tar . && \
         tar -cf - metadata.json {names} rootfs.tar | {compression} > {}",
        target.display()
    );
    let made = Command::new("sh").args(["-ec", &script]).current_dir(work.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// The digest of a file as `sha256sum` tells it.
pub fn checksum(program: &str, file: &Path) -> String {
    let output = Command::new(program).arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}
