//! Links everything into the program, the C library too, where that is found. Finding, mapping and relocating libraries
//! takes longer than the shortest commands work, container managers start this program several times for each
//! container, and a program that needs nothing of its host's runs on every one of them.
//!
//! It has fixed addresses, too (ARCHITECTURE.md, "The program itself", says what is given away with that and what is not):
//! one that may lie anywhere writes 25,000 of its own addresses into 111 pages when it starts, each of which the kernel
//! copies for it, shows to every process that it makes, and takes back; that was a sixth of `yado runtime run`.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["CC", "CARGO_PROFILE_RELEASE_STRIP", "RUSTC_LINKER"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    if of("CARGO_CFG_TARGET_ENV") != "gnu" || of("TARGET") != of("HOST") {
        return;
    }
    let compiler = Some(of("CC")).filter(|name| !name.is_empty()).unwrap_or_else(|| "cc".to_owned());
    let out = PathBuf::from(of("OUT_DIR"));
    let Some(unwinder) = find(&compiler, "libgcc_eh.a") else { return };
    // In a folder of its own: beside it lies the shared one.
    let folder = out.join("unwinder");
    write(&folder, "libgcc_eh.a", &[&unwinder]);
    println!("cargo::rustc-link-search=native={}", folder.display());
    println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    let names = ["libgcc.a", "libc.a", "libm.a", "crt1.o"];
    if let [Some(gcc), Some(c), Some(m), Some(_)] = names.map(|name| find(&compiler, name)) {
        // rustc names the C library as a shared one, except for a target of its own that no build script can have
        // macros for. So these names lead to texts for the linker that name the archives instead.
        let folder = out.join("static");
        write(&folder, "libgcc_s.so", &[&unwinder, &gcc]);
        write(&folder, "libc.so", &[&c]);
        write(&folder, "libm.so", &[&m]);
        println!("cargo::rustc-link-arg-bins=-L{}", folder.display());
        for word in ["-static", "-no-pie"] {
            println!("cargo::rustc-link-arg-bins={word}");
        }
        if of("PROFILE") == "release" && of("CARGO_PROFILE_RELEASE_STRIP") != "none" {
            // The profile asks for it; what reaches the linker leaves 2.6 MB of names in.
            println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
        }
        if of("PROFILE") == "release" && of("CARGO_CFG_TARGET_ARCH") == "x86_64" && linked_as_usual() {
            // Functions that run when a container is started, side by side: they are some 300 pages instead of as many
            // as there are functions, and `yado_start` asks for all of them at once. bench/start_order.py makes the list.
            let list = PathBuf::from(of("CARGO_MANIFEST_DIR")).join("start_order.ld");
            println!("cargo::rerun-if-changed={}", list.display());
            println!("cargo::rustc-link-arg-bins=-T{}", list.display());
        }
        if of("CARGO_CFG_TARGET_ARCH") == "x86_64" {
            // crates/yado-container/src/sys/entry.rs
            println!("cargo::rustc-link-arg-bins=-Wl,-e,yado_start");
        }
    }
}

/// Whether nobody asked for another linker than Rust's own: not each of them takes a list of sections.
fn linked_as_usual() -> bool {
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    std::env::var_os("RUSTC_LINKER").is_none() && !flags.contains("linker") && !flags.contains("fuse-ld")
}

/// The path of a file of the compiler's or the C library's; one that it does not have is answered by its bare name.
fn find(compiler: &str, name: &str) -> Option<PathBuf> {
    let answer = Command::new(compiler).arg(format!("-print-file-name={name}")).output().ok()?;
    let path = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
    path.is_absolute().then_some(path)
}

/// A library that is a text for the linker, which takes these archives in its place.
fn write(folder: &Path, name: &str, archives: &[&Path]) {
    let archives: Vec<String> = archives.iter().map(|path| path.display().to_string()).collect();
    let text = format!("INPUT({})\n", archives.join(" "));
    if let Err(error) = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(folder.join(name), text))
    {
        println!("cargo::error=cannot write '{name}' in '{}': {error}", folder.display());
    }
}
