//! Compiles the small program that a container's first process becomes (`src/sys/first_program.rs`): static, without a
//! library, for the target of the crate.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const SOURCE: &str = "src/sys/first_program.rs";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| env::var_os(name).unwrap_or_default();
    let mut command = Command::new(variable("RUSTC"));
    command
        .arg(SOURCE)
        .args(["--edition=2024", "--crate-name=first_program", "--crate-type=bin"])
        .arg("--target")
        .arg(variable("TARGET"))
        .arg("-o")
        .arg(PathBuf::from(variable("OUT_DIR")).join("first_program"))
        .args(["-Copt-level=z", "-Cpanic=abort", "-Cstrip=symbols", "-Cdebuginfo=0"])
        .args(["-Crelocation-model=static", "-Ctarget-feature=+crt-static", "-Cdefault-linker-libraries=no"])
        .args(
            [
                "-nostartfiles",
                "-nostdlib",
                "-static",
                "-Wl,--build-id=none",
                "-Wl,-z,noseparate-code",
                "-Wl,-z,norelro",
            ]
            .map(|word| format!("-Clink-arg={word}")),
        );
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        command.arg(format!("-Clinker={}", linker.display()));
    }
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => {
            println!("cargo::error=compiling {SOURCE} ended with {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("cargo::error=cannot run the compiler for {SOURCE}: {error}");
            ExitCode::FAILURE
        }
    }
}
