//! The program: parse, run, turn an error into an exit code.

mod agreement;
mod cli;
mod commands;
mod foreign_plugins;
mod ground;
mod interrupt;
mod neighbourhood;
mod render;
mod session;
mod settings;
mod ssh_access;
mod targets;
mod ui;
mod wiring;
mod without_effect;

use std::process::ExitCode;

/// Machines that are brought up side by side are made without copying what the others are described by.
#[global_allocator]
static ALLOCATOR: yado_container::Allocator = yado_container::Allocator;

fn main() -> ExitCode {
    // For ordinary users the engine starts this very program again, to keep their namespaces. That must happen while
    // there is a single thread, so it comes before everything else.
    if let Some(code) = yado_container::run_hidden_command_if_asked() {
        return code;
    }
    // Container managers start this many times a second: it waits for nothing that only Vagrantfiles need.
    if let Some(code) = commands::runtime::run_if_asked() {
        return code;
    }
    yado_container::look_up_names_alone();
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let settings = settings::Settings::read();
    ground::enter(&cli, &settings);
    // Vagrantfiles may recurse deeply.
    yado_vagrantfile::on_big_stack(|| cli::run(cli, settings))
}
