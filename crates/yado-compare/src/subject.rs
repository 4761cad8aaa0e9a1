//! [`Subject`]: what is measured: the bare machine, or a machine of a provider that is made for it.

use std::time::Duration;

use yado_core::error::Doing;
use yado_core::lifecycle::Workshop;
use yado_core::{Context, Error, ErrorKind, Exec, Result};

use crate::made::{Made, as_root};
use crate::sysbench::Sysbench;
use crate::wanted::Wanted;

/// The longest that one script may take.
const LIMIT: Duration = Duration::from_secs(180);

/// Something that scripts run on.
pub(crate) enum Subject {
    Bare { room: tempfile::TempDir },
    Machine(Box<Made>),
}

impl Subject {
    pub(crate) fn bare(context: &Context) -> Result<Self> {
        // On the file system that machines of yado's own are on.
        let home = context.host.home();
        std::fs::create_dir_all(home).doing(|| format!("creating '{}'", home.display()))?;
        Ok(Self::Bare { room: tempfile::tempdir_in(home).doing(|| "making a directory to measure in")? })
    }

    pub(crate) fn machine(
        context: &Context,
        workshop: &Workshop,
        wanted: &Wanted,
        image: &str,
    ) -> Result<Self> {
        Ok(Self::Machine(Box::new(Made::new(context, workshop, wanted, image)?)))
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Bare { .. } => "bare",
            Self::Machine(made) => &made.wanted.name,
        }
    }

    /// Runs a script as root inside, or as the user on the bare machine; what it printed. `$ROOM` is a directory of the
    /// subject's own file system, and `sysbench` the same program everywhere, when one is handed over.
    pub(crate) fn run(
        &mut self,
        context: &Context,
        sysbench: Option<&Sysbench>,
        script: &str,
    ) -> Result<String> {
        let (status, said) = match self {
            Self::Bare { room } => {
                let line = format!("ROOM='{}'; {script}", room.path().display());
                let output = context.host.run(&context.cancel, ["sh", "-c", &line], LIMIT)?;
                let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
                (output.status.code().unwrap_or(255), said)
            }
            Self::Machine(made) => {
                made.must_run(context)?;
                made.fresh = false;
                let lead = match (sysbench, &made.sysbench) {
                    (None, _) => String::new(),
                    (Some(_), Some(lead)) => lead.clone(),
                    (Some(sysbench), None) => {
                        let lead = sysbench.bring(context, &made.wanted.name, made.inside()?)?;
                        made.sysbench = Some(lead.clone());
                        lead
                    }
                };
                ask(context, made, &as_root(&format!("ROOM=/var/tmp; {lead}{script}")))?
            }
        };
        if status == 0 {
            return Ok(said);
        }
        let said = said.trim();
        Err(Error::new(ErrorKind::Other, format!("A measure's program ended with {status}: {}", tail(said))))
    }

    /// How long a machine takes from nothing until it answers, in milliseconds; the bare machine is always there.
    pub(crate) fn start_time(&mut self, context: &Context) -> Result<Option<f64>> {
        let Self::Machine(made) = self else { return Ok(None) };
        made.remove(context)?;
        made.must_run(context)
    }

    /// How long a machine that runs takes to switch off; a new one takes its place.
    pub(crate) fn stop_time(&mut self, context: &Context) -> Result<Option<f64>> {
        let Self::Machine(made) = self else { return Ok(None) };
        made.must_run(context)?;
        let took = made.stop(context)?;
        made.remove(context)?;
        Ok(took)
    }

    pub(crate) fn remove(self, context: &Context) -> Result<()> {
        match self {
            Self::Bare { .. } => Ok(()),
            Self::Machine(mut made) => made.remove(context),
        }
    }
}

/// Runs a command in a machine; its exit code and what it printed.
pub(crate) fn ask(context: &Context, made: &Made, command: &Exec) -> Result<(i32, String)> {
    let mut said = Vec::new();
    let status = made.inside()?.exec(context, command, &mut |_, piece| said.extend_from_slice(piece))?;
    Ok((status.code(), String::from_utf8_lossy(&said).into_owned()))
}

/// The end of a long text, where programs say what went wrong.
fn tail(text: &str) -> &str {
    let lines: Vec<&str> = text.lines().rev().take(4).collect();
    match lines.last() {
        // Both point into the same text.
        Some(first) => text.find(*first).map_or(text, |_| {
            let length: usize = lines.iter().map(|line| line.len() + 1).sum::<usize>() - 1;
            text.get(text.len().saturating_sub(length)..).unwrap_or(text)
        }),
        None => text,
    }
}
