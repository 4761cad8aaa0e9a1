//! QEMU's start: it is left to itself, and has opened everything when it answers.

use std::path::Path;
use std::time::{Duration, Instant};

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Program, Result};

use super::process;
use super::qmp::Qmp;

/// How long QEMU may take to come up; the machine's own start is not part of it.
const LAUNCH: Duration = Duration::from_secs(120);
/// Between two looks at it.
const GLANCE: Duration = Duration::from_millis(5);

/// Starts QEMU in a machine's directory; it goes on by itself when this returns. The way to command it is answered with.
pub(super) fn launch(context: &Context, folder: &Path, argv: Vec<String>) -> Result<Qmp> {
    let log = folder.join(process::LOG);
    std::fs::write(&log, "").doing(|| format!("writing '{}'", log.display()))?;
    let program = Program { directory: Some(folder.to_owned()), ..Program::new(argv) };
    let mut child = context.host.leave(&program, &log)?;
    let end = Instant::now() + LAUNCH;
    loop {
        if let Some(qmp) = Qmp::open(folder)? {
            // Whoever of us lives longer, no dead process stays behind.
            std::thread::spawn(move || drop(child.wait()));
            return Ok(qmp);
        }
        let ended = child.try_wait().doing(|| "waiting for QEMU")?;
        if ended.is_some() || Instant::now() > end {
            return Err(did_not_start(&log));
        }
        context.cancel.check()?;
        std::thread::sleep(GLANCE);
    }
}

fn did_not_start(log: &Path) -> Error {
    let said = std::fs::read_to_string(log).unwrap_or_default();
    let said: Vec<&str> = said.lines().map(|line| line.trim_start_matches("qemu-system-x86_64: ")).collect();
    let said = if said.is_empty() { "it did not say why".to_owned() } else { said.join("\n") };
    Error::new(ErrorKind::System, format!("QEMU did not start: {said}"))
}
