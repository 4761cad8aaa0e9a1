//! Real containers, made as root on this machine. Without root every test is skipped, and says so.
//!
//! This is a program of its own rather than the usual harness, because it is run again as other programs: as one that is
//! killed while it makes a container, and as one that sits at a terminal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program, but made of tests"
)]

#[path = "e2e/commands.rs"]
mod commands;
#[path = "e2e/ground.rs"]
mod ground;
#[path = "e2e/life.rs"]
mod life;
#[path = "e2e/limits.rs"]
mod limits;
#[path = "e2e/neighbours.rs"]
mod neighbours;
#[path = "e2e/networks.rs"]
mod networks;
#[path = "support/skipped.rs"]
mod skipped;
#[path = "e2e/speed.rs"]
mod speed;
#[path = "e2e/trees.rs"]
mod trees;

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Instant;

/// As programs have it that make many containers at once.
#[global_allocator]
static ALLOCATOR: yado_container::Allocator = yado_container::Allocator;

/// A test's name and body.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    if let Some(code) = commands::run_attacher_if_asked() {
        return code;
    }
    if let Some(code) = life::run_victim_if_asked() {
        return code;
    }
    let filters: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let tests: Vec<Test> =
        [commands::TESTS, life::TESTS, limits::TESTS, trees::TESTS, networks::TESTS, neighbours::TESTS]
            .concat();
    if std::env::args().any(|word| word == "--list") {
        for (name, _) in &tests {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    if !rustix::process::geteuid().is_root() {
        skipped::for_want_of_a_peer("all container tests", "they need root");
        return ExitCode::SUCCESS;
    }
    if filters.iter().any(|word| word == "speed") {
        speed::report();
        return ExitCode::SUCCESS;
    }
    let mut failed = Vec::new();
    for (name, body) in tests {
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
            continue;
        }
        let started = Instant::now();
        let good = catch_unwind(body).is_ok();
        let word = if good { "ok" } else { "FAILED" };
        println!("test {name} ... {word} ({:.1} ms)", started.elapsed().as_secs_f64() * 1e3);
        if !good {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("failed: {}", failed.join(", "));
    ExitCode::FAILURE
}
